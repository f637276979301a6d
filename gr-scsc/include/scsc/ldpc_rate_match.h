// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Circular buffer, redundancy versions and bit interleaver of one NR LDPC code block.
/// The caller keeps arguments in their ranges. Source: TS 38.212 section 5.4.2.
#pragma once

#include <scsc/ldpc_graph.h>

#include <cstdint>
#include <vector>

namespace scsc {

/// Contiguous part of the circular buffer d (codeword without its first 2 Z bits).
struct LdpcRun {
    int start;
    int length;
};

/// Bits selected from d in order (TS 38.212 section 5.4.2.1), fillers left out, as few
/// runs as possible.
///
/// used_bits: K' (information bits without fillers); sent_bits: E; redundancy_version:
/// 0..3; buffer_limit: Nref, 0 for none. Repetition is the buffer read again from its
/// start.
std::vector<LdpcRun> ldpc_rate_match_runs(const LdpcGraph& graph,
                                          int used_bits,
                                          int sent_bits,
                                          int redundancy_version,
                                          int buffer_limit);

/// Selected bits of d, interleaved for `bits_per_symbol`: sent[i + j qm] = e[i E/qm + j].
/// selected: scratch of E bytes.
void ldpc_rate_match(const std::vector<LdpcRun>& runs,
                     const uint8_t* codeword,
                     int bits_per_symbol,
                     uint8_t* selected,
                     uint8_t* sent);

/// Adds received LLRs (deinterleaved, in the order of the runs) to the soft buffer,
/// clipped to
/// +-127.
void ldpc_soft_combine(const std::vector<LdpcRun>& runs,
                       const int8_t* selected,
                       int8_t* soft);

/// The same into a wide soft buffer, clipped to +-32767: exact for 258 combinings
/// of any LLRs.
void ldpc_soft_combine(const std::vector<LdpcRun>& runs,
                       const int8_t* selected,
                       int16_t* soft);

} // namespace scsc
