// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Least-squares channel estimates from known symbols. Source: waveform.md, channel
/// estimation.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kTrainingWindows = 4; ///< long training symbols A1, A2, B1, B2

/// Two antennas that sent (+A, -B) and (+A, +B), each symbol twice, with signs s_k:
/// h_1 = s (YA - YB) / sqrt 2, h_2 = s (YA + YB) / sqrt 2, YA and YB the means of a block.
struct LongTraining {
    const float* y;      ///< [kTrainingWindows, n_used, n_rx] complex
    const double* signs; ///< [n_used]
    int n_used, n_rx;    ///< >= 1
    double* h;           ///< out [n_used, n_rx, 2] complex
};

/// Returns the noise variance of a carrier: half the mean |Y1 - Y2|^2 within the blocks.
double train_channel(const LongTraining& job);

/// h = (2 / n_symbols) sum_t y_t x_t^*, of symbols whose antennas are orthogonal over time
/// with power 1/2 each.
struct KnownSymbols {
    const float* y;       ///< [n_symbols, n_used, n_rx] complex
    const double* sent;   ///< [n_symbols, n_used, 2] complex, x
    int n_symbols;        ///< >= 1
    int n_used, n_rx;     ///< >= 1
    double* h;            ///< out [n_used, n_rx, 2] complex
};

/// Returns the sum of |y - h x|^2, of mean (n_symbols - 2) n_used n_rx noise variances.
double match_symbols(const KnownSymbols& job);

} // namespace scsc
