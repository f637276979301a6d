// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace scsc {

/// Channel uses that one call of the kernel takes at most: a multiple of every vector width.
constexpr int kSoftMlLanes = 256;

/// One group of channel uses, as the kernel wants it. Arrays with a lane index have it fastest, with
/// room for kSoftMlLanes; lanes behind `count` hold anything.
///
///     q_i(l) = sum_d slope[i][d] x[d][l] + offset[i]
///
/// d runs over real and imaginary parts of the antennas. With one channel per use (per_lane), slopes
/// and offsets have a lane index of their own.
struct SoftMlGroup {
    const float* y;        ///< real and imaginary parts in turn, antenna r from y[r * y_stride] on
    std::int64_t y_stride; ///< floats from one antenna to the next
    const float* slope;    ///< [n_rows][2 n_rx] or [n_rows][2 n_rx][lanes]
    const float* offset;   ///< [n_rows] or [n_rows][lanes]
    float* x;              ///< [2 n_rx + n_bits][lanes], scratch
    float* q;              ///< [2][n_rows][16], scratch, aligned to 64 bytes
    float* llr;            ///< [count][n_bits], written
    int count;
    int n_rx;
    int n_bits;
    bool per_lane;
    bool exact;
};

#define SCSC_DECLARE_SOFT_ML(isa)                 \
    namespace isa {                               \
    void soft_ml_group(const SoftMlGroup& group); \
    }

SCSC_DECLARE_SOFT_ML(generic)
SCSC_DECLARE_SOFT_ML(sse4)
SCSC_DECLARE_SOFT_ML(avx2)
SCSC_DECLARE_SOFT_ML(avx512)

} // namespace scsc
