// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/strip_pooling.h>

#include <scsc/thread_pool.h>

#include "kernels/net_kernels.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <vector>

namespace scsc {
namespace {

constexpr int kTaps = 3;

int whole_tiles(int n) { return (n + kNetTile - 1) / kNetTile * kNetTile; }

/// weight [channels, channels, taps], rows: tap, input.
PackedMatrix packed(const float* weight, const float* bias, int channels, int taps)
{
    std::vector<float> rows;
    for (int n = 0; n < taps; ++n)
        for (int c = 0; c < channels; ++c)
            for (int o = 0; o < channels; ++o)
                rows.push_back(
                    weight[(static_cast<size_t>(o) * channels + c) * taps + n]);
    return {rows.data(), bias, taps * channels, channels};
}

/// Maxima of the rows or columns of a map, with a zero before the first and room for
/// whole tiles behind the last.
class Strip
{
public:
    Strip(int length, int channels)
        : d_length(length),
          d_channels(channels),
          d_values(static_cast<size_t>(whole_tiles(length) + 2) * channels)
    {
    }

    float* at(int i) { return d_values.data() + static_cast<size_t>(i + 1) * d_channels; }

    /// Their convolution with three taps, [whole_tiles(length), weights.stride].
    std::vector<float> convolved(const PackedView& weights) const
    {
        std::vector<float> out(static_cast<size_t>(whole_tiles(d_length)) * weights.stride);
        SCSC_KERNEL(multiply)(d_values.data(), d_length, d_channels, weights, out.data());
        return out;
    }

private:
    int d_length, d_channels;
    std::vector<float> d_values;
};

} // namespace

StripPooling::StripPooling(const Weights& weights, int channels)
    : d_channels(channels),
      d_row(packed(weights.row, weights.row_bias, channels, kTaps)),
      d_column(packed(weights.column, weights.column_bias, channels, kTaps)),
      d_gate(packed(weights.gate, weights.gate_bias, channels, 1))
{
}

void StripPooling::run(float* map, int height, int width, int threads) const
{
    const int64_t length = static_cast<int64_t>(width) * d_channels;
    Strip rows(height, d_channels), columns(width, d_channels);
    std::fill_n(columns.at(0), length, -std::numeric_limits<float>::infinity());
    std::mutex mutex;
    parallel_ranges(height, threads, [&](int64_t first, int64_t last) {
        std::vector<float> work(length);
        std::vector<float> found(length, -std::numeric_limits<float>::infinity());
        SCSC_KERNEL(maxima)
        ({map + first * length,
          static_cast<int>(last - first),
          width,
          d_channels,
          rows.at(static_cast<int>(first)),
          found.data(),
          work.data()});
        const std::lock_guard<std::mutex> lock(mutex);
        for (int64_t i = 0; i < length; ++i)
            columns.at(0)[i] = std::max(columns.at(0)[i], found[i]);
    });
    const std::vector<float> r = rows.convolved(d_row.view()),
                             c = columns.convolved(d_column.view());
    const int64_t pixels = static_cast<int64_t>(height) * width;
    const GateJob job{map, width, pixels, r.data(), c.data(), d_gate.view()};
    const int64_t tiles = (pixels + kNetTile - 1) / kNetTile;
    parallel_ranges(tiles, threads, [&](int64_t first, int64_t last) {
        SCSC_KERNEL(gate)(job, first, last);
    });
}

} // namespace scsc
