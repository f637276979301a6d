// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace scsc {

/// Channel uses that one call of the kernel takes: a multiple of every vector width.
constexpr int kSoftMlLanes = 32;

/// One group of up to kSoftMlLanes uses, as the kernel wants it.
///
/// q_i(l) = sum_d slope[i][d] x[d][l] + offset[i], d over real and imaginary parts of the antennas.
/// With one channel per use, slopes and offsets have a lane index of their own, the fastest.
struct SoftMlGroup {
    const float* x;      ///< [2 n_rx][lanes]
    const float* slope;  ///< [n_rows][2 n_rx] or [n_rows][2 n_rx][lanes]
    const float* offset; ///< [n_rows] or [n_rows][lanes]
    float* q;            ///< [n_rows][lanes], scratch
    float* llr;          ///< [n_bits][lanes], written
    int n_dims;          ///< 2 n_rx
    int n_bits;
    bool per_lane;
    bool exact;
};

#define SCSC_DECLARE_SOFT_ML(isa)                  \
    namespace isa {                                \
    void soft_ml_group(const SoftMlGroup& group);  \
    }

SCSC_DECLARE_SOFT_ML(generic)
SCSC_DECLARE_SOFT_ML(sse4)
SCSC_DECLARE_SOFT_ML(avx2)
SCSC_DECLARE_SOFT_ML(avx512)

} // namespace scsc
