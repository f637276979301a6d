// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Decoder of NR LDPC code blocks.
///
/// Layered min-sum on int8: R_e = s_e f(min over e' != e of |L_e' - R_e'|), f a
/// normalisation and an offset by base graph, messages clipped to 31, posteriors to the
/// int8 range. Sizes are the caller's to keep: nothing is checked here.
/// Source: TS 38.212 section 5.3.2; channel_coding.md section 6.
#pragma once

#include <scsc/crc.h>
#include <scsc/ldpc_graph.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace scsc {

/// Memory of one decoding thread; grown on demand and reused between calls.
struct LdpcWorkspace {
    std::vector<int8_t> posterior;
    std::vector<int8_t> message;
};

/// One code block: what it reads and what it reports.
struct LdpcBlock {
    const int8_t*
        llr; ///< N values, d order (without the 2 Z never-sent bits), positive = bit 0
    uint8_t* bits; ///< used_bits hard decisions
    bool ok;
    int iterations;
};

/// How a group of blocks is decoded.
struct LdpcDecoding {
    int used_bits; ///< K'; bits from here to K are known zeros
    int max_iterations;
    int n_rows = 0; ///< rows of the base graph in use; 0: up to the last non-zero LLR
    std::optional<Crc>
        crc; ///< over the used bits; without one all rows in use must be satisfied
};

/// Layered int8 min-sum decoder of one base graph and lifting size. Immutable; results do
/// not depend on the instruction set nor on which blocks are decoded together.
class LdpcDecoder
{
public:
    explicit LdpcDecoder(const LdpcGraph& graph);
    ~LdpcDecoder();
    LdpcDecoder(LdpcDecoder&&) noexcept;

    /// Blocks that fill the lanes of one pass.
    int blocks_per_pass() const;

    /// Decodes 1..blocks_per_pass() blocks.
    void decode(LdpcBlock* blocks,
                int count,
                const LdpcDecoding& how,
                LdpcWorkspace& workspace) const;

    /// Float LLRs are multiplied by this before rounding: 4 for base graph 1, 5 for base
    /// graph 2.
    static float llr_scale(int base_graph) { return base_graph == 1 ? 4.0f : 5.0f; }

private:
    struct Plan;
    void load(const LdpcBlock* blocks,
              int count,
              const LdpcDecoding& how,
              int8_t* posterior) const;
    bool finish(LdpcBlock& block,
                int lane,
                const LdpcDecoding& how,
                const int8_t* posterior) const;

    std::unique_ptr<const Plan> d_plan;
};

} // namespace scsc
