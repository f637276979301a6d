// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Samples between samples, by a filter whose weights are polynomials in the fraction.
/// Source: Farrow 1988.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kMaxInterpolationWidth = 64;

/// y_r[i] = sum_k x_r[s_i + k] sum_p c[p, k] f_i^(degree - p)
///
/// Sums are formed in float32 in the order of k.
struct Interpolation {
    const float* x; ///< [n_rows, n_x] complex
    int n_rows;
    int64_t n_x;
    const int64_t* starts;  ///< [n] s, 0..n_x - width
    const float* fractions; ///< [n] f
    int64_t n;
    const float* polynomials; ///< [degree + 1, width] c, highest power first
    int degree;               ///< >= 0
    int width;                ///< 1..kMaxInterpolationWidth
    float* y;                 ///< out [n_rows, n] complex
};
void interpolate(const Interpolation& job);

} // namespace scsc
