// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Soft MIMO detection over many channel uses: joint maximum likelihood, linear filters
/// with scalar demapping, and a plain product. Sizes and block indices are the caller's
/// to keep in range; soft_ml throws std::bad_alloc when it has no working memory. Source:
/// Han et al., section II-C; link.md section 7.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kMaxReceive = 16;     ///< receive dimensions of one channel use
constexpr int kMaxCentroids = 4096; ///< rows of a transmit table
constexpr int kMaxStreams = 16;

/// Received vectors and the fading block that each of them belongs to.
struct ReceivedUses {
    const float* y; ///< [n_rx, n_uses] complex, re and im interleaved
    int n_rx;       ///< 1..kMaxReceive
    int64_t n_uses; ///< >= 0
    const int32_t*
        block_of_use; ///< [n_uses], any order; runs of one block are the fast case
};

/// Joint detection of all bits of a channel use.
///
/// q_i = -inv_n0 |y - S_i|^2;  LLR_k = LSE_{b_k(i) = 0} q_i - LSE_{b_k(i) = 1} q_i;
/// positive means bit 0; b_0 is the MSB of i. `exact` false takes the maximum for LSE.
/// Error against float64: below 1e-4 relative or absolute. A use with a non-finite sample
/// gets LLR 0 (an erasure), and every LLR is finite.
struct JointDetection {
    ReceivedUses uses;
    const float* centroids; ///< [blocks, n_centroids, n_rx] complex
    int n_centroids;        ///< K, a power of two, 2..kMaxCentroids
    const float* inv_n0;    ///< [blocks] >= 0, 1/N0; 0 gives LLR 0
    bool exact;
    float* llr; ///< out [n_uses, log2 K]
};
void soft_ml(const JointDetection& job);

/// Linear filter to one unbiased estimate per stream, then scalar demapping of Gray QAM.
///
/// x_s = (filters y)_s;  LLRs of TS 38.211 QAM in complex Gaussian noise of variance
/// 1/inv_noise_s. Non-finite samples and inv_noise 0 give LLR 0.
struct LinearDetection {
    ReceivedUses uses;
    const float* filters;   ///< [blocks, n_streams, n_rx] complex
    const float* inv_noise; ///< [blocks, n_streams] >= 0
    int n_streams;          ///< 1..kMaxStreams
    int bits_per_symbol;    ///< 1, 2, 4, 6 or 8
    bool exact;
    float* llr; ///< out [n_uses, n_streams * bits_per_symbol]
};
void soft_linear(const LinearDetection& job);

/// x = M_b y for every channel use, b its block.
struct BlockProduct {
    ReceivedUses uses;
    const float* matrices; ///< [blocks, n_out, n_rx] complex
    int n_out;             ///< 1..kMaxReceive
    float* out;            ///< out [n_out, n_uses] complex
};
void block_product(const BlockProduct& job);

} // namespace scsc
