// SPDX-License-Identifier: GPL-3.0-or-later
// Access to one group of channel uses (one per lane) and to the constants of their
// blocks.
#pragma once

#include "simd_float.h"
#include "simd_float_layout.h"

#include <scsc/soft_detector.h>

namespace scsc::SCSC_ISA_NS {

/// Up to kCount consecutive channel uses, real dimensions in the order re y_0, im y_0, re
/// y_1, ...
struct Group {
    Lanes x[2 * kMaxReceive];
    int32_t block[Lanes::kCount]; ///< lanes past count repeat the last use
    int64_t first;
    int count;
    bool one_block;
    Mask finite;

    /// A non-finite dimension becomes 0 and clears `finite`.
    void load(const ReceivedUses& uses, int64_t start, int n_rx)
    {
        constexpr int kCount = Lanes::kCount;
        first = start;
        count =
            uses.n_uses - start < kCount ? static_cast<int>(uses.n_uses - start) : kCount;
        int32_t differ = 0;
        for (int t = 0; t < kCount; ++t) {
            block[t] = uses.block_of_use[start + (t < count ? t : count - 1)];
            differ |= block[t] ^ block[0];
        }
        one_block = differ == 0;
        const Lanes zero = Lanes::all(0.0f);
        Lanes check = zero;
        for (int r = 0; r < n_rx; ++r) {
            const float* row = uses.y + 2 * (r * uses.n_uses + start);
            float padded[2 * kCount];
            if (count < kCount) {
                for (int j = 0; j < 2 * kCount; ++j)
                    padded[j] = j < 2 * count ? row[j] : 0.0f;
                row = padded;
            }
            load_complex(row, x[2 * r], x[2 * r + 1]);
            check = check + x[2 * r] * zero + x[2 * r + 1] * zero;
        }
        finite = equal(check, zero);
        if (any(equal(select(Lanes::all(1.0f), zero, finite), Lanes::all(1.0f))))
            for (int d = 0; d < 2 * n_rx; ++d)
                x[d] = select(zero, x[d], finite);
    }
};

/// Block constants that are the same in every lane.
struct Broadcast {
    const float* base;
    Lanes operator()(int64_t i) const { return Lanes::all(base[i]); }
};

/// Block constants that differ between lanes, transposed beforehand.
struct Transposed {
    const float* base;
    Lanes operator()(int64_t i) const { return Lanes::load(base + i * Lanes::kCount); }
};

/// out[i * kCount + lane] = constants[block[lane] * size + i].
inline void
transpose_blocks(const float* constants, const int32_t* block, int size, float* out)
{
    constexpr int kCount = Lanes::kCount;
    for (int t = 0; t < kCount; t += 4) {
        const float* row[4];
        for (int j = 0; j < 4; ++j)
            row[j] = constants + static_cast<int64_t>(block[t + j]) * size;
        int i = 0;
        for (; i + 4 <= size; i += 4) {
            const float* const part[4] = {row[0] + i, row[1] + i, row[2] + i, row[3] + i};
            transpose4(part, out + static_cast<int64_t>(i) * kCount + t, kCount);
        }
        for (; i < size; ++i)
            for (int j = 0; j < 4; ++j)
                out[static_cast<int64_t>(i) * kCount + t + j] = row[j][i];
    }
}

} // namespace scsc::SCSC_ISA_NS
