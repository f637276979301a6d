// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <complex>
#include <cstdint>

namespace scsc {

/// Joint soft detection of the bits that selected one of K centroids per channel use.
///
///     q_i = -inv_n0 |y - S_i|^2,   LLR_k = LSE_{i: bit k = 0} q_i - LSE_{i: bit k = 1} q_i
///
/// with LSE the log of the sum of exponentials (exact) or the maximum (max-log). Bit 0 is the most
/// significant of the row index; a positive LLR means bit 0. A use whose sample is not finite gives
/// LLRs of 0, and so does a block with inv_n0 = 0.
struct SoftMlInput {
    const std::complex<float>* y;         ///< [n_rx, n_uses]
    const std::complex<float>* centroids; ///< [n_blocks, n_rows, n_rx]
    const std::int64_t* block_uses;       ///< [n_blocks], sum n_uses
    const float* inv_n0;                  ///< [n_blocks], >= 0
    std::int64_t n_uses;
    std::int64_t n_blocks;
    int n_rx;
    int n_bits; ///< n_rows = 2^n_bits
    bool exact;
};

constexpr int kSoftMlMaxBits = 12;
constexpr int kSoftMlMaxRx = 8;

/// @param llr  [n_uses, n_bits], written
/// @throws std::invalid_argument for sizes out of range, std::bad_alloc
void soft_ml(const SoftMlInput& input, float* llr);

} // namespace scsc
