// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Timing and carrier offset of a frame whose short training field was detected. Source:
/// waveform.md, timing; ours.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kTimingWindows = 4; ///< long training symbols A1, A2, B1, B2

/// Where a frame may begin and what is known of its preamble.
///
/// For each candidate omega, v_r[t] = y_r[t] exp(-j omega t) is correlated with the long
/// symbol x at the four windows: c_i,r[s] = sum_m conj(x_m) v_r[s + w_i + m];
/// S[s] = sum_r |c_1 + c_2|^2 + |c_3 + c_4|^2; E[s]: energy of v in the four windows;
/// q = S / (2 N E) at the largest S. The start is the first s of the `look_back` before
/// that with S > first_path S_max. The candidate with the largest q wins.
///
/// Fine offset: starts within `reach_before` .. `reach_after` (exclusive) of that one with
/// S >= path_share S_max, strongest first, at most `max_paths`, are paths. Per path and
/// receive antenna, T_a(w) = sum_i known_a,i v_i steer_i(w) over the correlations v_i with
/// the segments of the preamble (short ones, then the four long ones); the grid value with
/// the largest sum of |T_1|^2 + |T_2|^2, refined by a parabola, is added to omega.
///
/// Phases are formed in double, correlations and powers in float32: q is right to 1e-5,
/// the fine offset to 1e-4 of a grid step.
struct FrameTiming {
    const float* samples; ///< [n_rx, n_samples] complex
    int n_rx;             ///< >= 1
    int64_t n_samples;    ///< >= timing_samples
    const double* omegas; ///< [n_omegas] radians per sample
    int n_omegas;         ///< >= 1
    int n_starts;         ///< >= 1, starts s = 0 .. n_starts - 1

    const float* symbol;    ///< [n_symbol] complex, x
    int n_symbol;           ///< N >= 1
    const int32_t* windows; ///< [kTimingWindows] w_i >= 0
    double first_path;
    int look_back; ///< >= 0

    const float* period;     ///< [n_period] complex, what a short segment is correlated with
    int n_period;            ///< >= 1
    const int32_t* segments; ///< [n_segments] first samples of short segments, >= 0
    int n_segments;
    const float* known; ///< [2, n_segments + kTimingWindows]
    const float* steer; ///< [n_segments + kTimingWindows, n_steps] complex
    int n_steps;        ///< >= 3
    double grid_first, grid_step; ///< radians per sample
    double path_share;
    int reach_before, reach_after, max_paths; ///< >= 0
};

struct FrameTime {
    int start;
    double omega; ///< candidate and fine offset
    double q;
};

/// Samples that the job's windows and segments look at.
int64_t timing_samples(const FrameTiming& job);

FrameTime time_frame(const FrameTiming& job);

} // namespace scsc
