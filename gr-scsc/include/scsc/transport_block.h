// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// NR transport blocks: CRC, segmentation, LDPC, rate matching, soft combining.
/// Source: TS 38.212 sections 5.1 to 5.5 and 7.2.
#pragma once

#include <scsc/crc.h>
#include <scsc/ldpc_decoder.h>
#include <scsc/ldpc_encoder.h>
#include <scsc/ldpc_graph.h>
#include <scsc/ldpc_rate_match.h>

#include <array>
#include <cstdint>
#include <vector>

namespace scsc {

/// What defines a transport block.
struct TransportBlockConfig {
    int payload_bits;     ///< A
    int coded_bits;       ///< G, a multiple of n_layers * bits_per_symbol
    int bits_per_symbol;  ///< qm
    int n_layers = 1;     ///< nl
    double rate = 0.0;    ///< nominal code rate, chooses the base graph; 0: A / G
    int base_graph = 0;   ///< 0: by the rule of TS 38.212 section 6.2.2
    int buffer_limit = 0; ///< Nref; 0: none
    int max_iterations = 12;
};

/// Outcome of one frame.
struct FrameStatus {
    bool ok;          ///< transport block CRC and all code blocks hold
    float iterations; ///< mean over the code blocks
};

/// CRC, segmentation, LDPC, rate matching and concatenation of one transport block size
/// (TS 38.212 sections 5.1 - 5.5 as used by 7.2). Immutable and safe for concurrent
/// calls.
class TransportBlock
{
public:
    /// Throws std::invalid_argument on sizes that the standard does not allow.
    explicit TransportBlock(const TransportBlockConfig& config);

    const TransportBlockConfig& config() const { return d_config; }
    const LdpcGraph& graph() const { return d_graph; }
    int n_blocks() const { return static_cast<int>(d_sent.size()); } ///< C
    int used_bits() const { return d_used_bits; }                    ///< K'
    Crc crc() const { return d_crc; }
    const std::vector<int>& sent_bits() const { return d_sent; } ///< E_r

    /// bits [frames, A] -> coded [frames, G], one byte per bit.
    void
    encode(const uint8_t* bits, int frames, int redundancy_version, uint8_t* coded) const;

    /// llr [frames, G] -> bits [frames, A], block_ok [frames, C], status [frames].
    /// soft [frames, C, N] is updated in place; null: this transmission alone. int8_t
    /// clips every sum to +-127; int16_t keeps it and clips what the decoder sees.
    template <typename Llr, typename Soft>
    void decode(const Llr* llr,
                int frames,
                int redundancy_version,
                Soft* soft,
                uint8_t* bits,
                bool* block_ok,
                FrameStatus* status) const;

private:
    void choose_sizes();
    int data_bits() const; ///< bits of a block without its own CRC
    void encode_block(const uint8_t* payload,
                      const uint8_t* tail,
                      int block,
                      int redundancy_version,
                      uint8_t* sent) const;
    template <typename Soft>
    void combine(const float* llr, int block, int redundancy_version, Soft* soft) const;
    template <typename Soft>
    void combine(const int8_t* llr, int block, int redundancy_version, Soft* soft) const;
    bool check_frame(const uint8_t* words, uint8_t* bits) const;

    TransportBlockConfig d_config;
    LdpcGraph d_graph;
    Crc d_crc = Crc::crc16;
    int d_used_bits = 0;
    std::vector<int> d_sent;
    std::vector<int> d_sent_start;
    /// Runs by redundancy version and length: all blocks have one of at most two lengths.
    std::array<std::array<std::vector<LdpcRun>, 2>, 4> d_runs;
    std::vector<LdpcEncoder> d_encoder;
    std::vector<LdpcDecoder> d_decoder;

    const std::vector<LdpcRun>& runs(int block, int redundancy_version) const;
};

} // namespace scsc
