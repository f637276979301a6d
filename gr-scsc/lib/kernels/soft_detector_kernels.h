// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels of the soft detector: plain data, working memory from the caller.
#pragma once

#include <scsc/soft_detector.h>

#include <cstddef>

namespace scsc {

/// Levels of one real dimension of a QAM alphabet, index = its bits, MSB first.
struct PamLevels {
    int n_bits; ///< 1..4
    float level[16];
};

constexpr int kSoftMaxLanes = 16;
/// Floats that soft_ml needs: metrics and their folded sums, and one transposed set of
/// centroids.
constexpr size_t soft_ml_workspace(int n_centroids, int n_rx)
{
    return static_cast<size_t>(n_centroids) * kSoftMaxLanes * (2 + 2 * n_rx);
}

#define SCSC_DECLARE_SOFT(isa)                                                           \
    namespace isa {                                                                      \
    void soft_ml(const JointDetection& job, float* workspace);                           \
    void soft_linear(const LinearDetection& job, const PamLevels& pam);                  \
    void block_product(const BlockProduct& job);                                         \
    }
SCSC_DECLARE_SOFT(generic)
SCSC_DECLARE_SOFT(sse4)
SCSC_DECLARE_SOFT(avx2)
SCSC_DECLARE_SOFT(avx512)
#undef SCSC_DECLARE_SOFT

} // namespace scsc
