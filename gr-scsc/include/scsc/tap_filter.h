// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Filter between two antennas and two antennas whose taps may change linearly in time.
/// Source: waveform.md, radio channel simulation.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kFilterAntennas = 2; ///< at each end

/// y_r[i] += sum_l sum_t (h_rt[l] + (m - ramp_start) ramp_step c_rt[l]) x_t[m] over the
/// m = i + lag - l with first <= m < last.
///
/// Sums are formed in float32, tap after tap: y[i] does not depend on where x and y begin
/// and end.
struct TapFilter {
    const float* x; ///< [2, n_x] complex
    int64_t n_x;
    int64_t first, last; ///< samples of x that pass these taps, 0 <= first <= last <= n_x
    int64_t lag;         ///< sample of x that tap 0 leads to y[0]
    const float* taps;   ///< [n_taps, 2, 2] complex h, receive antennas before transmit
    const float* change; ///< [n_taps, 2, 2] complex c; null where taps are constant
    int64_t n_taps;
    int64_t ramp_start; ///< sample of x
    float ramp_step;
    float* y; ///< in and out [2, n_y] complex
    int64_t n_y;
};
void filter_taps(const TapFilter& job);

} // namespace scsc
