// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/polar.h>

#include "kernels/isa_choice.h"
#include "kernels/polar_kernels.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace scsc {
namespace {

/// TS 38.212 table 5.3.1.2-1: rank (0 = least reliable), bit index.
constexpr uint16_t kSequence[][2] = {
#include <scsc/nr_polar_sequence.inc>
};

/// TS 38.212 table 5.4.1.1-1: sub-block interleaver pattern.
constexpr int kSubBlock[32] = {0,  1,  2,  4,  3,  5,  6,  7,  8,  16, 9,
                               17, 10, 18, 11, 19, 12, 20, 13, 21, 14, 22,
                               15, 23, 24, 25, 26, 28, 27, 29, 30, 31};

constexpr int kMaxLog2Size = 10;
constexpr int kMinLog2Size = 5;
/// Resolution 1/8, range +-255 on the channel; sums inside the decoder saturate at
/// +-4095.
constexpr float kLlrScale = 8.0f;
constexpr int kMaxChannel = 2047;

int ceil_log2(int value)
{
    int n = 0;
    while ((1 << n) < value)
        ++n;
    return n;
}

int choose_log2_size(int k, int coded)
{
    const int up = ceil_log2(coded);
    const bool just_above = 8 * coded <= 9 * (1 << (up - 1)) && 16 * k < 9 * coded;
    const int by_rate = ceil_log2(8 * k);
    const int n = std::min({just_above ? up - 1 : up, by_rate, kMaxLog2Size});
    return std::max(n, kMinLog2Size);
}

/// CRC11 (0x621) of 0/1 bytes, zero initial state.
unsigned polar_crc11(const uint8_t* bits, int count)
{
    unsigned state = 0;
    for (int i = 0; i < count; ++i) {
        const unsigned feedback = (state >> 10 ^ bits[i]) & 1;
        state = (state << 1 & 0x7ff) ^ (feedback ? 0x621u : 0u);
    }
    return state;
}

/// x = u F^(n) in place, each bit plane of the bytes by itself.
void polar_transform(uint8_t* u, int size)
{
    for (int half = 1; half < size; half *= 2)
        for (int start = 0; start < size; start += 2 * half)
            for (int i = start; i < start + half; ++i)
                u[i] ^= u[i + half];
}

/// Order of transmission of `coded` bits: written row by row into a triangle, read by
/// columns.
std::vector<uint16_t> triangular_order(int coded)
{
    int side = 1;
    while (side * (side + 1) / 2 < coded)
        ++side;
    std::vector<uint16_t> order;
    for (int column = 0; column < side; ++column) {
        int row_start = 0;
        for (int row = 0; row + column < side; ++row) {
            if (row_start + column < coded)
                order.push_back(static_cast<uint16_t>(row_start + column));
            row_start += side - row;
        }
    }
    return order;
}

} // namespace

PolarCode::PolarCode(int payload, int coded)
    : d_payload(payload), d_coded(coded), d_log2_size(0)
{
    if (payload < kMinPayload || payload > kMaxPayload)
        throw std::invalid_argument("payload must be 20..1013 bits, got " +
                                    std::to_string(payload));
    const int k = payload + kCrcBits;
    if (coded < k || coded > kMaxCoded)
        throw std::invalid_argument("coded must be " + std::to_string(k) + ".." +
                                    std::to_string(kMaxCoded) +
                                    " bits for a payload of " + std::to_string(payload) +
                                    ", got " + std::to_string(coded));
    d_log2_size = choose_log2_size(k, coded);
    const int n = size();
    std::vector<uint16_t> order(n);
    for (int i = 0; i < n; ++i)
        order[i] = static_cast<uint16_t>(kSubBlock[32 * i / n] * (n / 32) + i % (n / 32));

    std::vector<bool> frozen(n, false);
    const int missing = std::max(0, n - coded);
    int first = 0;
    if (missing > 0 && 16 * k <= 7 * coded) { // puncture
        first = missing;
        for (int i = 0; i < missing; ++i)
            frozen[order[i]] = true;
        const int extra = 4 * coded >= 3 * n ? (3 * n - 2 * coded + 3) / 4
                                             : (9 * n - 4 * coded + 15) / 16;
        std::fill(frozen.begin(), frozen.begin() + extra, true);
    } else if (missing > 0) {
        for (int i = coded; i < n; ++i)
            frozen[order[i]] = true;
        d_shortened.assign(order.begin() + coded, order.end());
    }
    choose_information(frozen);
    for (uint16_t e : triangular_order(coded))
        d_sent.push_back(order[(first + e) % n]);
    classify_nodes();
}

void PolarCode::choose_information(const std::vector<bool>& frozen)
{
    const size_t k = static_cast<size_t>(d_payload + kCrcBits);
    for (int rank = kPolarMaxSize - 1; rank >= 0 && d_information.size() < k; --rank) {
        const uint16_t index = kSequence[rank][1];
        if (index < size() && !frozen[index])
            d_information.push_back(index);
    }
    if (d_information.size() < k)
        throw std::invalid_argument("no polar code of " + std::to_string(d_payload) +
                                    " payload bits in " + std::to_string(d_coded));
    std::sort(d_information.begin(), d_information.end());
}

void PolarCode::classify_nodes()
{
    const int n = size();
    std::vector<int> count(2 * n, 0), last(2 * n, 0);
    for (uint16_t index : d_information)
        count[n + index] = last[n + index] = 1;
    for (int node = n - 1; node >= 1; --node) {
        count[node] = count[2 * node] + count[2 * node + 1];
        last[node] = last[2 * node + 1];
    }
    d_nodes.assign(2 * n, kPolarMixed);
    for (int level = 1, width = n; level <= n; level *= 2, width /= 2)
        for (int node = level; node < 2 * level; ++node) {
            const int end = (node - level + 1) * width;
            if (count[node] == 0)
                d_nodes[node] = end <= d_information.front() ? kPolarHead : kPolarFrozen;
            else if (count[node] == 1 && last[node] == 1)
                d_nodes[node] = kPolarRepetition;
            else if (count[node] == width)
                d_nodes[node] = kPolarRateOne;
        }
}

void PolarCode::encode(const uint8_t* bits, uint8_t* out) const
{
    uint8_t u[kPolarMaxSize] = {};
    const unsigned crc = polar_crc11(bits, d_payload);
    for (int i = 0; i < d_payload; ++i)
        u[d_information[i]] = bits[i];
    for (int i = 0; i < kCrcBits; ++i)
        u[d_information[d_payload + i]] = crc >> (kCrcBits - 1 - i) & 1;
    polar_transform(u, size());
    for (int i = 0; i < d_coded; ++i)
        out[i] = u[d_sent[i]];
}

PolarDecoder::PolarDecoder(const PolarCode& code, int list_size)
    : d_code(code), d_list_size(list_size), d_sum(code.size()), d_channel(code.size()),
      d_memory(kPolarWorkspace + 32), d_paths(code.size()),
      d_word(code.payload() + PolarCode::kCrcBits)
{
    if (list_size != 1 && list_size != 2 && list_size != 4 && list_size != 8)
        throw std::invalid_argument("list_size must be 1, 2, 4 or 8, got " +
                                    std::to_string(list_size));
}

int PolarDecoder::load_channel(const float* llr)
{
    constexpr float limit = kMaxChannel / kLlrScale;
    std::fill(d_sum.begin(), d_sum.end(), 0.0f);
    const auto& sent = d_code.sent();
    for (size_t i = 0; i < sent.size(); ++i)
        if (!std::isnan(llr[i]))
            d_sum[sent[i]] += std::max(-limit, std::min(limit, llr[i]));
    int observed = 0;
    for (size_t i = 0; i < d_sum.size(); ++i) {
        const float bounded = std::max(-limit, std::min(limit, d_sum[i]));
        d_channel[i] = static_cast<int16_t>(std::lrintf(bounded * kLlrScale));
        observed += d_channel[i] != 0;
    }
    for (uint16_t index : d_code.shortened())
        d_channel[index] = kMaxChannel;
    return observed;
}

bool PolarDecoder::extract(int path, uint8_t* bits)
{
    const auto& information = d_code.information();
    for (size_t i = 0; i < information.size(); ++i)
        d_word[i] = d_paths[information[i]] >> path & 1;
    std::copy_n(d_word.begin(), d_code.payload(), bits);
    return polar_crc11(d_word.data(), static_cast<int>(d_word.size())) == 0;
}

bool PolarDecoder::decode(const float* llr, uint8_t* bits)
{
    const int observed = load_channel(llr);
    // The kernel wants 64-byte alignment, which std::vector does not promise.
    const auto address = reinterpret_cast<uintptr_t>(d_memory.data());
    int16_t* workspace = reinterpret_cast<int16_t*>((address + 63) & ~uintptr_t{63});
    alignas(16) int16_t metrics[8];
    const PolarListJob job{d_code.log2_size(),
                           d_list_size,
                           d_code.nodes().data(),
                           d_channel.data(),
                           workspace,
                           d_paths.data(),
                           metrics};
    SCSC_KERNEL(polar_list_decode)(job);
    polar_transform(d_paths.data(), d_code.size()); // its own inverse
    int order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    std::stable_sort(order, order + d_list_size, [&](int a, int b) {
        return metrics[a] < metrics[b];
    });
    for (int i = 0; i < d_list_size; ++i)
        if (extract(order[i], bits))
            return observed >= static_cast<int>(d_word.size());
    extract(order[0], bits);
    return false;
}

} // namespace scsc
