// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Encoder of NR LDPC code blocks: four core rows by back substitution, then one XOR of
/// rotated columns per extension row. Source: TS 38.212 section 5.3.2.
#pragma once

#include <scsc/ldpc_graph.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace scsc {

/// Encoder of one base graph and lifting size (TS 38.212 section 5.3.2). Immutable: one
/// object serves any number of threads, each with its own scratch memory.
class LdpcEncoder
{
public:
    explicit LdpcEncoder(const LdpcGraph& graph);

    /// Bytes that `codeword` must have room for: N and one register.
    size_t codeword_room() const;

    /// d = codeword without its first 2 Z bits, one byte per bit.
    ///
    /// information: K bits, fillers as 0. n_rows: rows to compute (4..n_rows of the
    /// graph); parity columns of later rows are left as they are. scratch: grown when too
    /// small, never shrunk.
    void encode(const uint8_t* information,
                int n_rows,
                uint8_t* codeword,
                std::vector<uint8_t>& scratch) const;

private:
    /// One XOR of rotated columns: sources are byte offsets into the scratch memory.
    using Sources = std::vector<uint32_t>;

    uint32_t column_offset(int column, int rotation) const;
    void store_twice(uint8_t* scratch, int column, const uint8_t* value) const;
    void plan_core();

    LdpcGraph d_graph;
    size_t d_stride; ///< scratch bytes per column: two copies and a register
    std::vector<Sources> d_lambda; ///< core rows over the information columns
    uint32_t d_first_parity_shift = 0;
    std::vector<std::pair<int, Sources>>
        d_core; ///< parity column and what it is the sum of
    std::vector<Sources> d_extension;
};

} // namespace scsc
