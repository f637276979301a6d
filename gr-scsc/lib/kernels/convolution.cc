// SPDX-License-Identifier: GPL-3.0-or-later
// A window of a map with its channels last is three runs of neighbouring floats, one for each
// row, and the window of the next pixel starts `stride` pixels later: interior tiles are
// multiplied where they lie. At the left and right edge windows are copied with their zeros.
#include "convolution_tiles.h"

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kTaps = 3;

class Convolution
{
public:
    explicit Convolution(const ConvolutionJob& job)
        : d_job(job),
          d_aside(job.weights),
          d_windows(static_cast<size_t>(kNetTile) * job.weights.rows),
          d_zeros(job.offset ? static_cast<size_t>(job.maps[0].channels) : 0)
    {
    }

    void tile(int64_t at)
    {
        const int valid =
            static_cast<int>(std::min<int64_t>(kNetTile, d_job.out_pixels - at));
        const int y = static_cast<int>(at / d_job.out_width);
        const int x = static_cast<int>(at - static_cast<int64_t>(y) * d_job.out_width);
        if (d_job.offset)
            sample(at, y, x, valid);
        else if (!direct(y, x, valid))
            gather(y, x, valid);
        const int columns = d_job.weights.columns;
        float* out = d_job.out + at * columns;
        if (!d_aside.needed(valid)) {
            product(d_runs, d_n_runs, d_job.weights, d_job.relu, out, columns);
            return;
        }
        product(d_runs, d_n_runs, d_job.weights, d_job.relu, d_aside.values(), d_aside.step());
        for (int p = 0; p < valid; ++p)
            d_aside.copy(p, out + static_cast<int64_t>(p) * columns);
    }

private:
    /// Runs in the maps themselves, if no window of the tile crosses the left or right edge.
    bool direct(int y, int x, int valid)
    {
        const int s = d_job.stride, last = (x + kNetTile - 1) * s + 1;
        if (valid < kNetTile || x == 0 || x + kNetTile > d_job.out_width ||
            last >= d_job.maps[0].width)
            return false;
        d_n_runs = 0;
        for (int i = 0; i < d_job.n_maps; ++i) {
            const FeatureMap& map = d_job.maps[i];
            for (int row = y * s - 1; row < y * s - 1 + kTaps; ++row)
                d_runs[d_n_runs++] =
                    {row < 0 || row >= map.height ? nullptr : pixel(map, row, x * s - 1),
                     static_cast<int64_t>(s) * map.channels,
                     kTaps * map.channels};
        }
        return true;
    }

    /// One run for each map, of windows that are copied.
    void gather(int y, int x, int valid)
    {
        const int s = d_job.stride;
        float* windows = d_windows.data();
        for (int i = 0; i < d_job.n_maps; ++i) {
            const FeatureMap& map = d_job.maps[i];
            const int length = kTaps * kTaps * map.channels;
            d_runs[i] = {windows, length, length};
            Position at{y, x};
            for (int p = 0; p < valid; ++p, at.advance(d_job.out_width))
                copy_window(
                    map, at.y * s - 1, at.x * s - 1, kTaps, windows + p * int64_t(length));
            windows += kNetTile * static_cast<int64_t>(length);
        }
        d_n_runs = d_job.n_maps;
    }

    /// One run of bilinear samples.
    void sample(int64_t first, int y, int x, int valid)
    {
        const FeatureMap& map = d_job.maps[0];
        float* out = d_windows.data();
        const float* offset = d_job.offset + first * 2 * kTaps * kTaps;
        Position at{y, x};
        for (int p = 0; p < valid; ++p, at.advance(d_job.out_width))
            for (int n = 0; n < kTaps * kTaps; ++n, offset += 2, out += map.channels)
                sample_bilinear(map,
                                d_zeros.data(),
                                static_cast<float>(at.y + n / kTaps - 1) + offset[0],
                                static_cast<float>(at.x + n % kTaps - 1) + offset[1],
                                out);
        d_runs[0] = {d_windows.data(), d_job.weights.rows, d_job.weights.rows};
        d_n_runs = 1;
    }

    const ConvolutionJob& d_job;
    Aside d_aside;
    std::vector<float> d_windows, d_zeros;
    Run d_runs[2 * kTaps];
    int d_n_runs = 0;
};

/// Each input gives 2 x 2 outputs, from itself and the inputs to the right and below.
class Transposed
{
public:
    explicit Transposed(const TransposedJob& job)
        : d_job(job),
          d_aside(job.phases[0]),
          d_windows(static_cast<size_t>(4 * kNetTile) * job.map.channels)
    {
    }

    void tile(int64_t at)
    {
        const FeatureMap& map = d_job.map;
        const int64_t pixels = static_cast<int64_t>(map.height) * map.width;
        const int valid = static_cast<int>(std::min<int64_t>(kNetTile, pixels - at));
        const Position start{static_cast<int>(at / map.width),
                             static_cast<int>(at % map.width)};
        find_rows(start, valid);
        const int columns = d_job.phases[0].columns;
        const bool apart = start.x + valid > map.width || d_aside.needed(valid);
        for (int phase = 0; phase < 4; ++phase) {
            const int below = phase / 2, right = phase % 2;
            Run runs[2] = {d_rows[0], d_rows[1]};
            runs[0].length = runs[1].length = (1 + right) * map.channels;
            if (!apart) {
                product(runs,
                        1 + below,
                        d_job.phases[phase],
                        d_job.relu,
                        place(start, below, right),
                        2 * columns);
                continue;
            }
            product(runs,
                    1 + below,
                    d_job.phases[phase],
                    d_job.relu,
                    d_aside.values(),
                    d_aside.step());
            Position to = start;
            for (int p = 0; p < valid; ++p, to.advance(map.width))
                d_aside.copy(p, place(to, below, right));
        }
    }

private:
    /// The inputs and those below, where they lie or, at the right edge, copied.
    void find_rows(Position at, int valid)
    {
        const FeatureMap& map = d_job.map;
        const int64_t pitch = map.channels;
        if (valid == kNetTile && at.x + kNetTile < map.width) {
            d_rows[0] = {pixel(map, at.y, at.x), pitch, 0};
            d_rows[1] = {
                at.y + 1 < map.height ? pixel(map, at.y + 1, at.x) : nullptr, pitch, 0};
            return;
        }
        float* windows = d_windows.data();
        d_rows[0] = {windows, 4 * pitch, 0};
        d_rows[1] = {windows + 2 * pitch, 4 * pitch, 0};
        for (int p = 0; p < valid; ++p, at.advance(map.width))
            copy_window(map, at.y, at.x, 2, windows + p * 4 * pitch);
    }

    float* place(Position at, int below, int right) const
    {
        const int64_t row = 2 * static_cast<int64_t>(at.y) + below;
        const int64_t column = 2 * static_cast<int64_t>(at.x) + right;
        return d_job.out +
               (row * 2 * d_job.map.width + column) * d_job.phases[0].columns;
    }

    const TransposedJob& d_job;
    Aside d_aside;
    std::vector<float> d_windows;
    Run d_rows[2];
};

} // namespace

void convolve(const ConvolutionJob& job, int64_t first, int64_t last)
{
    Convolution convolution(job);
    for (int64_t t = first; t < last; ++t)
        convolution.tile(t * kNetTile);
}

void convolve_transposed(const TransposedJob& job, int64_t first, int64_t last)
{
    Transposed convolution(job);
    for (int64_t t = first; t < last; ++t)
        convolution.tile(t * kNetTile);
}

} // namespace scsc::SCSC_ISA_NS
