// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Soft bits of an OFDM frame: joint maximum likelihood with one channel and one transmit
/// table per carrier. Source: Han et al., section II-C; link.md section 7.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kFrameTransmit = 2; ///< transmit antennas

/// y[d, :, t] = H_d z + n, z a row of table d. LLRs as of soft_ml (soft_detector.h), in the
/// order in which channel uses were sent: carrier by carrier within a symbol.
struct FrameBits {
    const float* y; ///< [n_carriers, n_rx, n_symbols] complex
    int n_carriers, n_rx, n_symbols; ///< n_rx 1..kMaxReceive
    const double* h;      ///< [n_carriers, n_rx, kFrameTransmit] complex
    const double* tables; ///< [n_tables, n_points, kFrameTransmit] complex
    int n_tables;         ///< n_carriers, or 1 for all
    int n_points;         ///< K, a power of two, 2..kMaxCentroids
    double noise_var;     ///< N0 > 0
    bool exact;
    float* llr; ///< out [n_symbols, n_carriers, log2 K]
};
/// Throws std::bad_alloc when it has no working memory.
void frame_bits(const FrameBits& job);

} // namespace scsc
