// SPDX-License-Identifier: GPL-3.0-or-later
// Samples in groups of a fixed size: a group that is not full is filled up, so that every
// sample sees the same instructions, and any chunking gives the same roundings.
#pragma once

#include "simd_float.h"

#include <algorithm>
#include <cstdint>

namespace scsc::SCSC_ISA_NS {

constexpr int kGroup = 16; ///< samples
static_assert(kGroup % Lanes::kCount == 0);

/// `function(y)` with the group from sample `at` on of a row [n] complex; the last one is
/// a copy that reaches beyond the end.
template <class Function>
inline void in_group(float* row, int64_t n, int64_t at, Function function)
{
    if (at + kGroup <= n) {
        function(row + 2 * at);
        return;
    }
    float rest[2 * kGroup] = {};
    std::copy(row + 2 * at, row + 2 * n, rest);
    function(rest);
    std::copy(rest, rest + 2 * (n - at), row + 2 * at);
}

} // namespace scsc::SCSC_ISA_NS
