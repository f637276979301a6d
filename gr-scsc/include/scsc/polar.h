// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Polar code of short blocks and its list decoder.
/// Source: TS 38.212 sections 5.3.1 and 5.4.1; Tal and Vardy, "List decoding of polar
/// codes"; Balatsoukas-Stimming et al. for LLR path metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scsc {

/// Polar code of the NR uplink control channel (TS 38.212 clauses 5.3.1.2 and 5.4.1):
/// CRC11, no input interleaver, sub-block interleaver, puncturing, shortening or
/// repetition, triangular interleaver. One block, no segmentation, no extra parity-check
/// bits.
class PolarCode
{
public:
    static constexpr int kCrcBits = 11;
    static constexpr int kMinPayload = 20;
    static constexpr int kMaxPayload = 1013;
    static constexpr int kMaxCoded = 8192;

    /// Code of `payload` bits (20..1013) in `coded` bits (payload + 11..8192); anything
    /// else throws std::invalid_argument.
    PolarCode(int payload, int coded);

    int payload() const { return d_payload; }
    int coded() const { return d_coded; }
    int log2_size() const { return d_log2_size; }
    int size() const { return 1 << d_log2_size; }
    /// Positions of payload and CRC bits among the inputs of the transform, ascending.
    const std::vector<uint16_t>& information() const { return d_information; }
    /// Mother code bit carried by each coded bit in the order of transmission.
    const std::vector<uint16_t>& sent() const { return d_sent; }
    /// Mother code bits that are known to be 0 and never sent (shortening).
    const std::vector<uint16_t>& shortened() const { return d_shortened; }
    /// Kind of each node of the decoding tree (kernels/polar_kernels.h), numbered as in a
    /// heap.
    const std::vector<uint8_t>& nodes() const { return d_nodes; }

    /// bits [payload] of 0 or 1 -> out [coded].
    void encode(const uint8_t* bits, uint8_t* out) const;

private:
    void choose_information(const std::vector<bool>& frozen);
    void classify_nodes();

    int d_payload;
    int d_coded;
    int d_log2_size;
    std::vector<uint16_t> d_information, d_sent, d_shortened;
    std::vector<uint8_t> d_nodes;
};

/// CRC-aided successive cancellation list decoder. Holds the working memory of one
/// thread.
class PolarDecoder
{
public:
    /// `list_size` 1, 2, 4 or 8 (1 is plain successive cancellation); anything else
    /// throws std::invalid_argument. The code must outlive the decoder.
    PolarDecoder(const PolarCode& code, int list_size);

    /// llr [coded], positive means 0, NaN counts as an erasure -> bits [payload]. Returns
    /// whether the CRC holds; with fewer observed positions than information bits the
    /// answer is always false.
    bool decode(const float* llr, uint8_t* bits);

private:
    int load_channel(const float* llr);
    bool extract(int path, uint8_t* bits);

    const PolarCode& d_code;
    int d_list_size;
    std::vector<float> d_sum;
    std::vector<int16_t> d_channel, d_memory;
    std::vector<uint8_t> d_paths, d_word;
};

} // namespace scsc
