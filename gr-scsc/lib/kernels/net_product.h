// SPDX-License-Identifier: GPL-3.0-or-later
// Products of a tile of pixels with packed weights: all that the networks compute comes down
// to these.
#pragma once

#include "net_kernels.h"
#include "simd_float.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace scsc::SCSC_ISA_NS {

/// Inputs of a tile that lie one after the other: those of pixel p start at
/// values + p * step. Null stands for zeros.
struct Run {
    const float* values;
    int64_t step;
    int length;
};

/// Sums of P pixels and V registers of columns.
template <int P, int V>
using Sums = Lanes[P][V];

/// Adds the products of a run with a panel's rows.
template <int P, int V>
inline void
add_run(Sums<P, V>& sums, const float* a, int64_t step, int length, const float* weights)
{
    constexpr int L = Lanes::kCount;
    for (int k = length; k > 0; --k, ++a, weights += V * L) {
        Lanes w[V];
        for (int v = 0; v < V; ++v)
            w[v] = Lanes::load(weights + v * L);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) {
            const Lanes x = Lanes::all(a[p * step]);
            for (int v = 0; v < V; ++v)
                sums[p][v] = fma(x, w[v], sums[p][v]);
        }
    }
}

/// The same for a run of three pixels that starts one pixel after the run before: an input
/// is loaded once for three sums. With one register of columns loads are the bottleneck.
template <int P>
inline void
add_overlapping(Sums<P, 1>& sums, const float* a, int64_t step, const float* weights)
{
    const int64_t next = step * Lanes::kCount;
    for (int64_t c = step; c > 0; --c, ++a, weights += Lanes::kCount) {
        const Lanes left = Lanes::load(weights), middle = Lanes::load(weights + next),
                    right = Lanes::load(weights + 2 * next);
#pragma GCC unroll 16
        for (int p = 0; p < P + 2; ++p) {
            const Lanes x = Lanes::all(a[p * step]);
            if (p < P)
                sums[p][0] = fma(x, left, sums[p][0]);
            if (p > 0 && p <= P)
                sums[p - 1][0] = fma(x, middle, sums[p - 1][0]);
            if (p > 1)
                sums[p - 2][0] = fma(x, right, sums[p - 2][0]);
        }
    }
}

/// One panel of V registers of columns for P pixels from `pixel` on. All sums stay in
/// registers.
template <int P, int V>
inline void multiply_panel(const Run* runs,
                           int n_runs,
                           int pixel,
                           const float* weights,
                           const float* bias,
                           bool relu,
                           float* out,
                           int64_t step)
{
    constexpr int L = Lanes::kCount;
    Sums<P, V> sums;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
        for (int v = 0; v < V; ++v)
            sums[p][v] = Lanes::load(bias + v * L);
    for (int r = 0; r < n_runs; ++r) {
        const Run& run = runs[r];
        if (run.values) {
            const float* a = run.values + pixel * run.step;
            if constexpr (V == 1) {
                if (run.length == 3 * run.step)
                    add_overlapping<P>(sums, a, run.step, weights);
                else
                    add_run<P, V>(sums, a, run.step, run.length, weights);
            } else
                add_run<P, V>(sums, a, run.step, run.length, weights);
        }
        weights += static_cast<int64_t>(run.length) * V * L;
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
        for (int v = 0; v < V; ++v) {
            const Lanes y = sums[p][v];
            (relu ? max(y, Lanes::all(0.0f)) : y)
                .store(out + (pixel + p) * step + v * L);
        }
}

/// b + x M of a tile: out[p * step + j], with columns that fill a register up.
inline void product(
    const Run* runs, int n_runs, const PackedView& m, bool relu, float* out, int64_t step)
{
    constexpr int L = Lanes::kCount;
    // 10 sums, 2 of the weights and 1 input fit into 16 registers; AVX-512 has 32.
    constexpr int kPixels = L == 16 ? kNetTile : kNetTile / 2;
    for (int j = 0; j < m.columns; j += 2 * L) {
        const float* weights = m.values + static_cast<size_t>(j) * m.rows;
        if (m.columns - j <= L)
            multiply_panel<kNetTile, 1>(
                runs, n_runs, 0, weights, m.bias + j, relu, out + j, step);
        else
            for (int p = 0; p < kNetTile; p += kPixels)
                multiply_panel<kPixels, 2>(
                    runs, n_runs, p, weights, m.bias + j, relu, out + j, step);
    }
}

/// Where a tile's results go if they cannot go to their place: there is no room beyond the
/// last column or the last pixel, or the pixels lie apart.
class Aside
{
public:
    explicit Aside(const PackedView& m)
        : d_columns(m.columns),
          d_step(m.stride),
          d_values(static_cast<size_t>(kNetTile) * d_step)
    {
    }

    bool needed(int valid) const { return valid < kNetTile || d_step != d_columns; }
    float* values() { return d_values.data(); }
    int64_t step() const { return d_step; }

    void copy(int pixel, float* out) const
    {
        std::copy_n(d_values.data() + pixel * d_step, d_columns, out);
    }

private:
    int d_columns;
    int64_t d_step;
    std::vector<float> d_values;
};

} // namespace scsc::SCSC_ISA_NS
