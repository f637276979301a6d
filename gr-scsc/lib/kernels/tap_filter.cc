// SPDX-License-Identifier: GPL-3.0-or-later
// The input of a tile of outputs is spread into planes with zeros around what passes the
// taps, so that the sums have no cases. Tap for tap, every register of outputs adds the
// same products in the same order.
#include "tap_filter_kernels.h"

#include "simd_float_layout.h"

#include <algorithm>
#include <vector>

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kGroup = 2 * Lanes::kCount; // outputs whose sums grow side by side
constexpr int64_t kTile = 256;            // outputs
static_assert(kTile % kGroup == 0);

/// A tap that is not zero: h for every stream and receive antenna as (re, im, -im).
template <int kStreams>
struct Tap {
    int64_t delay;
    float h[kStreams][kFilterAntennas][3];
};

/// The streams are the antennas and, where taps change, the antennas times the ramp.
template <int kStreams>
class Filter
{
public:
    explicit Filter(const TapFilter& job)
        : d_job(job), d_width(kTile + job.n_taps - 1),
          d_planes(2 * kStreams * static_cast<size_t>(d_width))
    {
        for (int64_t l = 0; l < job.n_taps; ++l)
            add_tap(l);
    }

    void run()
    {
        const int64_t reach = d_job.n_taps - 1;
        const int64_t begin = std::max<int64_t>(0, d_job.first - d_job.lag);
        const int64_t end = std::min(d_job.n_y, d_job.last - d_job.lag + reach);
        for (int64_t tile = begin; tile < end; tile += kTile) {
            const int64_t count = std::min(kTile, end - tile);
            load(tile + d_job.lag - reach, count + reach);
            for (int64_t i = 0; i < count; i += kGroup)
                add_group(i, tile + i, std::min<int64_t>(kGroup, count - i));
        }
    }

private:
    void add_tap(int64_t l)
    {
        Tap<kStreams> tap = {l, {}};
        bool used = false;
        for (int s = 0; s < kStreams; ++s)
            for (int r = 0; r < kFilterAntennas; ++r) {
                const float* set = s < kFilterAntennas ? d_job.taps : d_job.change;
                const int64_t row = kFilterAntennas * l + r;
                const float* h = set + 2 * (kFilterAntennas * row + s % kFilterAntennas);
                tap.h[s][r][0] = h[0];
                tap.h[s][r][1] = h[1];
                tap.h[s][r][2] = -h[1];
                used = used || h[0] != 0 || h[1] != 0;
            }
        if (used)
            d_taps.push_back(tap);
    }

    float* plane(int stream, int part)
    {
        return d_planes.data() + (2 * stream + part) * d_width;
    }

    /// `count` samples from sample `start` on.
    void load(int64_t start, int64_t count)
    {
        const int64_t a = std::clamp<int64_t>(d_job.first - start, 0, count);
        const int64_t b = std::clamp<int64_t>(d_job.last - start, a, count);
        for (int s = 0; s < kStreams; ++s)
            for (int part = 0; part < 2; ++part) {
                float* to = plane(s, part);
                std::fill(to, to + a, 0.0f);
                std::fill(to + b, to + d_width, 0.0f);
                if (s < kFilterAntennas) {
                    const float* from = d_job.x + 2 * s * d_job.n_x + part;
                    for (int64_t i = a; i < b; ++i)
                        to[i] = from[2 * (start + i)];
                } else {
                    const float* from = plane(s - kFilterAntennas, part);
                    const int64_t age = start - d_job.ramp_start;
                    for (int64_t i = a; i < b; ++i)
                        to[i] = static_cast<float>(age + i) * d_job.ramp_step * from[i];
                }
            }
    }

    /// Outputs from `i` of the tile, which are `at` of y.
    void add_group(int64_t i, int64_t at, int64_t count)
    {
        Lanes sum[2][kFilterAntennas][2];
        for (auto& half : sum)
            for (auto& antenna : half)
                antenna[0] = antenna[1] = Lanes::all(0.0f);
        const int64_t last = i + d_job.n_taps - 1;
        for (const Tap<kStreams>& tap : d_taps)
            for (int s = 0; s < kStreams; ++s) {
                const float* re = plane(s, 0) + last - tap.delay;
                const float* im = plane(s, 1) + last - tap.delay;
                for (int v = 0; v < 2; ++v) {
                    const Lanes x = Lanes::load(re + v * Lanes::kCount);
                    const Lanes y = Lanes::load(im + v * Lanes::kCount);
                    for (int r = 0; r < kFilterAntennas; ++r) {
                        const float* h = tap.h[s][r];
                        sum[v][r][0] = fma(Lanes::all(h[0]), x, sum[v][r][0]);
                        sum[v][r][1] = fma(Lanes::all(h[0]), y, sum[v][r][1]);
                        sum[v][r][0] = fma(Lanes::all(h[2]), y, sum[v][r][0]);
                        sum[v][r][1] = fma(Lanes::all(h[1]), x, sum[v][r][1]);
                    }
                }
            }
        for (int r = 0; r < kFilterAntennas; ++r) {
            float* out = d_job.y + 2 * (r * d_job.n_y + at);
            float values[2 * kGroup];
            for (int v = 0; v < 2; ++v)
                store_complex(
                    values + 2 * v * Lanes::kCount, sum[v][r][0], sum[v][r][1]);
            for (int64_t j = 0; j < 2 * count; ++j)
                out[j] += values[j];
        }
    }

    const TapFilter& d_job;
    const int64_t d_width;
    std::vector<float> d_planes;
    std::vector<Tap<kStreams>> d_taps;
};

} // namespace

void filter_taps(const TapFilter& job)
{
    if (job.change == nullptr)
        Filter<kFilterAntennas>(job).run();
    else
        Filter<2 * kFilterAntennas>(job).run();
}

} // namespace scsc::SCSC_ISA_NS
