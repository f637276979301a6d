// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/transport_block.h>

#include <scsc/thread_pool.h>

#include "kernels/ldpc_kernels.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace scsc {

namespace {

constexpr int kBlockCrcBits = 24;
constexpr int kMaxBits = 1 << 28; ///< keeps every index of a frame inside int

void require(bool condition, const std::string& message)
{
    if (!condition)
        throw std::invalid_argument(message);
}

int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// Scratch of the calling thread, grown on demand.
struct Scratch {
    std::vector<uint8_t> information, codeword, selected, columns;
    std::vector<int8_t> llr, soft;
    LdpcWorkspace workspace;
};

Scratch& scratch()
{
    thread_local Scratch memory;
    return memory;
}

template <typename T>
T* grow(std::vector<T>& memory, size_t n)
{
    if (memory.size() < n)
        memory.resize(n);
    return memory.data();
}

int choose_base_graph(int payload_bits, double rate)
{
    if (payload_bits <= 292 || (payload_bits <= 3824 && rate <= 0.67) || rate <= 0.25)
        return 2;
    return 1;
}

/// kb' of TS 38.212 section 5.2.2: information columns that decide the lifting size.
int lifting_columns(int base_graph, int bits_with_crc)
{
    if (base_graph == 1)
        return 22;
    return bits_with_crc > 640   ? 10
           : bits_with_crc > 560 ? 9
           : bits_with_crc > 192 ? 8
                                 : 6;
}

/// Where the decoder reads its LLRs: in the caller's soft buffer itself if it is int8,
/// else in zeroed scratch.
template <typename Soft>
int8_t* decoder_input(Soft* soft, size_t start, size_t n)
{
    if constexpr (std::is_same_v<Soft, int8_t>)
        if (soft != nullptr)
            return soft + start;
    int8_t* own = grow(scratch().soft, n);
    std::memset(own, 0, n);
    return own;
}

template <typename Soft>
void narrow(const Soft* wide, size_t n, int8_t* out)
{
    for (size_t i = 0; i < n; ++i)
        out[i] = static_cast<int8_t>(std::clamp<int>(wide[i], -127, 127));
}

} // namespace

TransportBlock::TransportBlock(const TransportBlockConfig& config) : d_config(config)
{
    const auto& c = d_config;
    require(c.payload_bits >= 1 && c.payload_bits <= kMaxBits,
            "A must be in 1..2^28, got " + std::to_string(c.payload_bits));
    require(c.bits_per_symbol >= 1 && c.bits_per_symbol <= 16,
            "qm must be in 1..16, got " + std::to_string(c.bits_per_symbol));
    require(c.n_layers >= 1 && c.n_layers <= 8,
            "nl must be in 1..8, got " + std::to_string(c.n_layers));
    require(c.coded_bits >= 0 && c.coded_bits <= kMaxBits &&
                c.coded_bits % (c.n_layers * c.bits_per_symbol) == 0,
            "G must be a multiple of nl * qm = " +
                std::to_string(c.n_layers * c.bits_per_symbol) + " in 0..2^28, got " +
                std::to_string(c.coded_bits));
    require(c.rate >= 0.0 && c.rate <= 1.0,
            "rate must be in (0, 1], or 0 for A / G, got " + std::to_string(c.rate));
    require(c.base_graph >= 0 && c.base_graph <= 2,
            "bg must be 1 or 2, or 0 for the rule of the standard, got " +
                std::to_string(c.base_graph));
    require(c.buffer_limit >= 0,
            "nref must be >= 0, got " + std::to_string(c.buffer_limit));
    require(c.max_iterations >= 1 && c.max_iterations <= 1000,
            "max_iter must be in 1..1000, got " + std::to_string(c.max_iterations));
    choose_sizes();
    d_encoder.emplace_back(d_graph);
    d_decoder.emplace_back(d_graph);
}

void TransportBlock::choose_sizes()
{
    const int a = d_config.payload_bits;
    const int g = d_config.coded_bits;
    const double rate = d_config.rate > 0.0 ? d_config.rate
                        : g > 0             ? static_cast<double>(a) / g
                                            : 1.0;
    const int bg =
        d_config.base_graph != 0 ? d_config.base_graph : choose_base_graph(a, rate);
    d_crc = a > 3824 ? Crc::crc24a : Crc::crc16;
    const int with_crc = a + crc_length(d_crc);
    const int largest = bg == 1 ? 8448 : 3840;
    const int n = with_crc <= largest ? 1 : ceil_div(with_crc, largest - kBlockCrcBits);
    const int total = with_crc + (n > 1 ? kBlockCrcBits * n : 0);
    require(total % n == 0,
            "A = " + std::to_string(a) + " does not divide into " + std::to_string(n) +
                " equal code blocks; A + 24 must be a multiple of " + std::to_string(n));
    d_used_bits = total / n;

    const int columns = lifting_columns(bg, with_crc);
    const auto& sizes = ldpc_lifting_sizes();
    const auto z = std::find_if(sizes.begin(), sizes.end(), [&](int size) {
        return columns * size >= d_used_bits;
    });
    d_graph = make_ldpc_graph(bg, *z);

    const int unit = d_config.n_layers * d_config.bits_per_symbol;
    const int units = g / unit;
    int start = 0;
    for (int r = 0; r < n; ++r) {
        d_sent.push_back(unit * (units / n + (r >= n - units % n ? 1 : 0)));
        d_sent_start.push_back(start);
        start += d_sent.back();
    }
    for (int rv = 0; rv < 4; ++rv) {
        const int limit = d_config.buffer_limit;
        d_runs[rv][0] =
            ldpc_rate_match_runs(d_graph, d_used_bits, d_sent.front(), rv, limit);
        d_runs[rv][1] =
            ldpc_rate_match_runs(d_graph, d_used_bits, d_sent.back(), rv, limit);
    }
}

const std::vector<LdpcRun>& TransportBlock::runs(int block, int redundancy_version) const
{
    return d_runs[redundancy_version][d_sent[block] == d_sent.front() ? 0 : 1];
}

int TransportBlock::data_bits() const
{
    return d_used_bits - (n_blocks() > 1 ? kBlockCrcBits : 0);
}

void TransportBlock::encode_block(const uint8_t* payload,
                                  const uint8_t* tail,
                                  int block,
                                  int redundancy_version,
                                  uint8_t* sent) const
{
    Scratch& memory = scratch();
    const LdpcEncoder& encoder = d_encoder.front();
    const auto& selection = runs(block, redundancy_version);
    uint8_t* information = grow(memory.information, d_graph.information_bits());
    uint8_t* codeword = grow(memory.codeword, encoder.codeword_room());
    uint8_t* selected = grow(memory.selected, d_sent[block]);

    const int n = data_bits();
    const int start = block * n;
    const int from_payload = std::min(n, d_config.payload_bits - start);
    std::memcpy(information, payload + start, from_payload);
    std::memcpy(information + from_payload, tail, n - from_payload);
    if (n_blocks() > 1)
        crc_to_bits(
            Crc::crc24b, crc_of_bits(Crc::crc24b, information, n), information + n);
    std::memset(information + d_used_bits, 0, d_graph.information_bits() - d_used_bits);

    int last = 0;
    for (const LdpcRun& run : selection)
        last = std::max(last, run.start + run.length - 1);
    const int column = last / d_graph.lifting_size + kLdpcHiddenColumns;
    encoder.encode(
        information, ldpc_rows_for_column(d_graph, column), codeword, memory.columns);
    ldpc_rate_match(selection, codeword, d_config.bits_per_symbol, selected, sent);
}

void TransportBlock::encode(const uint8_t* bits,
                            int frames,
                            int redundancy_version,
                            uint8_t* coded) const
{
    const size_t a = d_config.payload_bits;
    const size_t g = d_config.coded_bits;
    const int c = n_blocks();
    const int tail = crc_length(d_crc);
    std::vector<uint8_t> tails(static_cast<size_t>(frames) * tail);
    parallel_for(frames, [&](int f) {
        crc_to_bits(d_crc, crc_of_bits(d_crc, bits + f * a, a), tails.data() + f * tail);
    });
    parallel_for(frames * c, [&](int i) {
        const int f = i / c, r = i % c;
        encode_block(bits + f * a,
                     tails.data() + f * tail,
                     r,
                     redundancy_version,
                     coded + f * g + d_sent_start[r]);
    });
}

template <typename Soft>
void TransportBlock::combine(const float* llr,
                             int block,
                             int redundancy_version,
                             Soft* soft) const
{
    const int n = d_sent[block];
    const int qm = d_config.bits_per_symbol;
    int8_t* memory = grow(scratch().llr, 2 * static_cast<size_t>(n));
    ldpc_kernels().quantise(llr, LdpcDecoder::llr_scale(d_graph.base_graph), n, memory);
    if (qm > 1)
        ldpc_kernels().deinterleave(reinterpret_cast<uint8_t*>(memory),
                                    n,
                                    qm,
                                    reinterpret_cast<uint8_t*>(memory + n));
    ldpc_soft_combine(
        runs(block, redundancy_version), qm > 1 ? memory + n : memory, soft);
}

template <typename Soft>
void TransportBlock::combine(const int8_t* llr,
                             int block,
                             int redundancy_version,
                             Soft* soft) const
{
    const int n = d_sent[block];
    int8_t* memory = grow(scratch().llr, n);
    ldpc_kernels().deinterleave(reinterpret_cast<const uint8_t*>(llr),
                                n,
                                d_config.bits_per_symbol,
                                reinterpret_cast<uint8_t*>(memory));
    ldpc_soft_combine(runs(block, redundancy_version), memory, soft);
}

bool TransportBlock::check_frame(const uint8_t* words, uint8_t* bits) const
{
    const int c = n_blocks(), n = data_bits(), a = d_config.payload_bits;
    const int tail = crc_length(d_crc);
    std::vector<uint8_t> received(tail);
    for (int r = 0; r < c; ++r) {
        const uint8_t* word = words + static_cast<size_t>(r) * d_used_bits;
        const int from_payload = std::min(n, a - r * n);
        std::memcpy(bits + static_cast<size_t>(r) * n, word, from_payload);
        std::copy(word + from_payload, word + n, received.begin());
    }
    std::vector<uint8_t> expected(tail);
    crc_to_bits(d_crc, crc_of_bits(d_crc, bits, a), expected.data());
    return expected == received;
}

template <typename Llr, typename Soft>
void TransportBlock::decode(const Llr* llr,
                            int frames,
                            int redundancy_version,
                            Soft* soft,
                            uint8_t* bits,
                            bool* block_ok,
                            FrameStatus* status) const
{
    const LdpcDecoder& decoder = d_decoder.front();
    const int c = n_blocks();
    const int total = frames * c;
    const int pass = decoder.blocks_per_pass();
    const size_t n = d_graph.buffer_bits();
    std::vector<uint8_t> words(static_cast<size_t>(total) * d_used_bits);
    std::vector<int> iterations(total);
    const LdpcDecoding how{
        d_used_bits, d_config.max_iterations, 0, c > 1 ? Crc::crc24b : d_crc};

    parallel_for(ceil_div(total, pass), [&](int group) {
        const int first = group * pass;
        const int count = std::min(pass, total - first);
        int8_t* seen = decoder_input(soft, first * n, count * n);
        LdpcBlock blocks[64];
        for (int b = 0; b < count; ++b) {
            const int f = (first + b) / c, r = (first + b) % c;
            const Llr* received =
                llr + static_cast<size_t>(f) * d_config.coded_bits + d_sent_start[r];
            if (std::is_same_v<Soft, int8_t> || soft == nullptr) {
                combine(received, r, redundancy_version, seen + b * n);
            } else {
                Soft* kept = soft + (first + b) * n;
                combine(received, r, redundancy_version, kept);
                narrow(kept, n, seen + b * n);
            }
            blocks[b] = {seen + b * n,
                         words.data() + static_cast<size_t>(first + b) * d_used_bits,
                         false,
                         0};
        }
        decoder.decode(blocks, count, how, scratch().workspace);
        for (int b = 0; b < count; ++b) {
            block_ok[first + b] = blocks[b].ok;
            iterations[first + b] = blocks[b].iterations;
        }
    });
    parallel_for(frames, [&](int f) {
        const bool crc_ok =
            check_frame(words.data() + static_cast<size_t>(f) * c * d_used_bits,
                        bits + static_cast<size_t>(f) * d_config.payload_bits);
        const bool* mine = block_ok + static_cast<size_t>(f) * c;
        int sum = 0;
        for (int r = 0; r < c; ++r)
            sum += iterations[static_cast<size_t>(f) * c + r];
        status[f].ok = crc_ok && std::all_of(mine, mine + c, [](bool ok) { return ok; });
        status[f].iterations = static_cast<float>(sum) / static_cast<float>(c);
    });
}

template void TransportBlock::decode(
    const float*, int, int, int8_t*, uint8_t*, bool*, FrameStatus*) const;
template void TransportBlock::decode(
    const float*, int, int, int16_t*, uint8_t*, bool*, FrameStatus*) const;
template void TransportBlock::decode(
    const int8_t*, int, int, int8_t*, uint8_t*, bool*, FrameStatus*) const;
template void TransportBlock::decode(
    const int8_t*, int, int, int16_t*, uint8_t*, bool*, FrameStatus*) const;

} // namespace scsc
