// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Phases that a channel estimate does not know: what is left of the carrier offset, the
/// common phase of a symbol, the offset of the sampling clock. Source: waveform.md,
/// phase tracking; ours.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kPhaseTransmit = 2; ///< transmit antennas

/// Symbols whose carriers `rows` carry known values.
///
/// Their products p[t, i] = sum_r y[t, k_i, r] conj(sum_a h[k_i, r, a] x[t, i, a]) have
/// the unknown phase as their angle.
struct KnownCarriers {
    const float* y;       ///< [n_symbols, n_used, n_rx] complex
    int n_symbols;        ///< >= 0
    const double* sent;   ///< [n_symbols, n_rows, kPhaseTransmit] complex, x
    const int32_t* rows;  ///< [n_rows] k_i, 0 .. n_used - 1
    int n_rows;           ///< >= 0
};

struct PhaseChannel {
    const double* h; ///< [n_used, n_rx, kPhaseTransmit] complex
    int n_used, n_rx;
};

/// Frequency w that maximises Re sum_t,i p[t, i] exp(-j w time_t) over n_steps values from
/// -limit to limit, refined by a parabola inside.
struct PhaseDrift {
    KnownCarriers known;
    PhaseChannel channel;
    const double* times; ///< [n_symbols] samples
    double limit;        ///< radians per sample
    int n_steps;         ///< >= 3
    float* turned;       ///< out, as y: y exp(-j w time_t)
};
double find_drift(const PhaseDrift& job);

/// Turns the data of a frame back by the phase of each carrier and symbol.
///
/// Over header and data symbols: common_t, the angle of sum_i p[t, i] added up over
/// `common_symbols` neighbours. With the slope to be found it contains slope times
/// centre_t, the mean of time used_k over the same products, each weighted with the power
/// |sum_a h x|^2 that it was expected to have: carriers of a selective channel do not
/// balance. Slope: weighted least squares of the angles of p exp(-j common_t) added up
/// over `slope_symbols` neighbours against the mean of time_t used_k - centre_t over those
/// that were added; weights their absolute values. Neighbours end at the frame's.
/// y exp(-j (common_t + slope (time_t used_k - centre_t))) is given.
struct PhaseTracking {
    KnownCarriers header, data; ///< rows of data are its pilots
    PhaseChannel channel;
    const double* times;  ///< [header and data symbols] samples, 0 where h was taken
    const int32_t* used;  ///< [n_used] carrier numbers, ascending
    int common_symbols, slope_symbols; ///< odd
    const int32_t* out_rows; ///< [n_out] rows that are given, ascending
    int n_out;
    float scale;
    float* out; ///< out [n_out, n_rx, data symbols] complex
};

struct TrackedPhase {
    double slope; ///< radians per carrier and sample
    double omega; ///< slope of carrier 0's phase over time, radians per sample
};
TrackedPhase track_phases(const PhaseTracking& job);

} // namespace scsc
