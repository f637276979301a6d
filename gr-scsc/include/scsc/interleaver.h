// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Bit interleaver between channel coding and modulation. Source: ours (link.md section 4.1).
#pragma once

#include <cstdint>

namespace scsc {

/// Permutation of the bit interleaver inside one code block: out[i] = in[perm[i]].
///
/// Fisher-Yates: for i = n-1 .. 1 swap(perm[i], perm[j]), j = ((u >> 32) (i+1)) >> 32,
/// with u the next SplitMix64 value of a generator seeded with n. Both ends need nothing
/// but the block's length.
///
/// Nothing is checked; O(n), no allocation.
///
/// @param n     bits of the block, 0 <= n < 2^31
/// @param perm  n values, written
void shuffle_permutation(std::int64_t n, std::int32_t* perm);

} // namespace scsc
