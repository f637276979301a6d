// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/ldpc_rate_match.h>

#include "kernels/ldpc_kernels.h"

#include <algorithm>
#include <cstring>

namespace scsc {

namespace {
// TS 38.212 table 5.4.2.1-2, numerators of k0 by base graph and redundancy version.
constexpr int kStart[2][4] = {{0, 17, 33, 56}, {0, 13, 25, 43}};
} // namespace

std::vector<LdpcRun> ldpc_rate_match_runs(const LdpcGraph& graph,
                                          int used_bits,
                                          int sent_bits,
                                          int redundancy_version,
                                          int buffer_limit)
{
    const int z = graph.lifting_size;
    const int n = graph.buffer_bits();
    const int ncb = buffer_limit > 0 ? std::min(n, buffer_limit) : n;
    const int numerator = kStart[graph.base_graph - 1][redundancy_version];
    const int filler_start = std::min(ncb, used_bits - kLdpcHiddenColumns * z);
    const int filler_end = std::min(ncb, (graph.kb - kLdpcHiddenColumns) * z);

    std::vector<LdpcRun> runs;
    int at = static_cast<int>(static_cast<int64_t>(numerator) * ncb / n) * z;
    for (int left = sent_bits; left > 0;) {
        if (at >= filler_start && at < filler_end)
            at = filler_end;
        if (at >= ncb) {
            at = 0;
            continue;
        }
        const int end = at < filler_start ? filler_start : ncb;
        const int length = std::min(left, end - at);
        runs.push_back({at, length});
        left -= length;
        at += length;
    }
    return runs;
}

void ldpc_rate_match(const std::vector<LdpcRun>& runs,
                     const uint8_t* codeword,
                     int bits_per_symbol,
                     uint8_t* selected,
                     uint8_t* sent)
{
    uint8_t* out = bits_per_symbol == 1 ? sent : selected;
    int n = 0;
    for (const LdpcRun& run : runs) {
        std::memcpy(out + n, codeword + run.start, run.length);
        n += run.length;
    }
    if (bits_per_symbol > 1)
        ldpc_kernels().interleave(selected, n, bits_per_symbol, sent);
}

void ldpc_soft_combine(const std::vector<LdpcRun>& runs,
                       const int8_t* selected,
                       int8_t* soft)
{
    for (const LdpcRun& run : runs) {
        ldpc_kernels().accumulate(selected, run.length, soft + run.start);
        selected += run.length;
    }
}

void ldpc_soft_combine(const std::vector<LdpcRun>& runs,
                       const int8_t* selected,
                       int16_t* soft)
{
    for (const LdpcRun& run : runs) {
        int16_t* target = soft + run.start;
        for (int i = 0; i < run.length; ++i)
            target[i] = static_cast<int16_t>(
                std::clamp(int{target[i]} + int{selected[i]}, -32767, 32767));
        selected += run.length;
    }
}

} // namespace scsc
