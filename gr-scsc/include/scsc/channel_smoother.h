// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Channel estimate with a short impulse response whose tap powers are learned from the
/// same data. Source: sparse Bayesian learning (Tipping 2001) with a profile common to all
/// antenna pairs; waveform.md, channel estimation.
#pragma once

namespace scsc {

constexpr int kMaxSmootherTaps = 128;

/// h = F g + e, g_l ~ CN(0, D_l) for every link (antenna pair), e ~ CN(0, s).
///
/// C = (G / s + D^-1)^-1 with G = F^H F, which must be real (carriers symmetric about 0);
/// g = C F^H h / s. With u = s / n_used, D starts from
/// max(mean |F^H h / n_used|^2 - u, first_floor u) and is renewed `steps` times as
/// max(mean |g_l|^2 + C_ll, last_floor u); means over links. All in double.
struct ChannelSmoothing {
    const double* h; ///< [n_used, n_links] complex
    int n_used;      ///< >= 1
    int n_links;     ///< >= 1
    const double* transform; ///< [n_used, n_taps] complex, F
    const double* gram;      ///< [n_taps, n_taps] G, symmetric positive semi-definite
    int n_taps;              ///< 1..kMaxSmootherTaps
    double error_var; ///< s; anything but a finite number > 0 gives NaN
    int steps;               ///< >= 0
    double first_floor, last_floor; ///< > 0
    double* smoothed;               ///< out [n_used, n_links] complex, F g
};

/// Returns tr(G C) / n_used, the error variance of a carrier of the result.
double smooth_channel(const ChannelSmoothing& job);

} // namespace scsc
