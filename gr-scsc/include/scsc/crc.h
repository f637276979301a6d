// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Remainders of words of one byte per bit; any length, no allocation.
/// Source: TS 38.212 section 5.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace scsc {

/// Cyclic redundancy checks of TS 38.212 section 5.1: zero initial state, first bit =
/// highest power, no final inversion.
enum class Crc { crc24a, crc24b, crc16, crc11 };

/// Number of check bits.
int crc_length(Crc kind);

/// "24a", "24b", "16" or "11"; anything else throws std::invalid_argument.
Crc crc_by_name(const std::string& name);

/// Remainder of n bits (one byte per bit, 0 or 1), check bits in the low bits of the
/// result. A word followed by its own check bits has the remainder 0.
uint32_t crc_of_bits(Crc kind, const uint8_t* bits, size_t n);

/// The crc_length(kind) check bits of `remainder`, first bit first.
void crc_to_bits(Crc kind, uint32_t remainder, uint8_t* bits);

} // namespace scsc
