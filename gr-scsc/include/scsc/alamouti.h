// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// QPSK symbols that two antennas send under Alamouti's map, and their soft bits.
/// Source: Alamouti 1998; waveform.md, header.
#pragma once

#include <cstdint>

namespace scsc {

/// Of two neighbouring symbols (a, b) on a carrier, (a, b) and then (-b*, a*) were sent:
/// a = sum_r h1* y0 + h2 y1*, b = sum_r h2* y0 - h1 y1*. LLRs are scale times the real
/// and the imaginary part, symbol by symbol over the carriers `rows`.
struct AlamoutiBits {
    const float* y;  ///< [n_symbols, n_used, n_rx] complex
    int n_symbols;   ///< even, >= 0
    int n_used;
    int n_rx;
    const double* h;     ///< [n_used, n_rx, 2] complex
    const int32_t* rows; ///< [n_rows], 0 .. n_used - 1
    int n_rows;
    double scale; ///< of unit-power symbols sent over sqrt 2: 2 / noise variance
    float* llr;   ///< out [n_symbols, n_rows, 2]
};
void alamouti_llr(const AlamoutiBits& job);

/// What is sent: bit pairs become ((1 - 2 b0) + j (1 - 2 b1)) / sqrt 2, symbol by symbol
/// over the carriers `rows`, and neighbouring symbols (a, b) as above, over sqrt 2; pilots
/// as they are given; nothing on other carriers.
struct AlamoutiGrid {
    const uint8_t* bits; ///< [n_symbols, n_rows, 2] of 0 and 1
    int n_symbols;       ///< even, >= 0
    int n_used;
    const int32_t* rows;       ///< [n_rows], 0 .. n_used - 1
    int n_rows;
    const double* pilots;      ///< [n_symbols, n_pilots, 2] complex
    const int32_t* pilot_rows; ///< [n_pilots], 0 .. n_used - 1
    int n_pilots;
    double* grid; ///< out [n_symbols, n_used, 2] complex
};
void alamouti_grid(const AlamoutiGrid& job);

} // namespace scsc
