// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/ldpc_encoder.h>

#include "kernels/ldpc_kernels.h"

#include <cstring>
#include <set>
#include <stdexcept>

namespace scsc {

namespace {
constexpr int kCoreRows = 4;
constexpr size_t kRegister =
    64 * 3; ///< the XOR kernel may write up to three registers at once
} // namespace

// Scratch columns: 0..kb+3 of the codeword, then the four lambdas, then their sum.
LdpcEncoder::LdpcEncoder(const LdpcGraph& graph)
    : d_graph(graph), d_stride(2 * graph.lifting_size + kRegister), d_lambda(kCoreRows)
{
    const int kb = graph.kb;
    std::vector<int> odd(graph.lifting_size, 0);
    for (const LdpcEdge& e : graph.edges) {
        if (e.row < kCoreRows && e.column < kb)
            d_lambda[e.row].push_back(column_offset(e.column, e.shift));
        if (e.row < kCoreRows && e.column == kb)
            odd[e.shift] ^= 1;
    }
    for (int s = 0; s < graph.lifting_size; ++s)
        if (odd[s] != 0)
            d_first_parity_shift = s;
    plan_core();
    for (int r = kCoreRows; r < graph.n_rows; ++r) {
        Sources sources;
        for (const LdpcEdge& e : graph.row(r))
            if (e.column < kb + kCoreRows)
                sources.push_back(column_offset(e.column, e.shift));
        d_extension.push_back(sources);
    }
}

uint32_t LdpcEncoder::column_offset(int column, int rotation) const
{
    return static_cast<uint32_t>(column * d_stride + rotation);
}

// The sum of the core rows gave the first parity column; now each step takes a core row
// with one unknown column.
void LdpcEncoder::plan_core()
{
    const int kb = d_graph.kb;
    std::set<int> known{kb};
    while (known.size() < kCoreRows) {
        const size_t before = known.size();
        for (int r = 0; r < kCoreRows; ++r) {
            Sources sources{column_offset(kb + kCoreRows + r, 0)};
            int unknown = -1, n_unknown = 0;
            for (const LdpcEdge& e : d_graph.row(r)) {
                if (e.column < kb || e.column >= kb + kCoreRows)
                    continue;
                if (known.count(e.column) != 0) {
                    sources.push_back(column_offset(e.column, e.shift));
                } else {
                    unknown = e.column;
                    n_unknown += e.shift == 0 ? 1 : kCoreRows;
                }
            }
            if (n_unknown == 1) {
                d_core.emplace_back(unknown, sources);
                known.insert(unknown);
            }
        }
        if (known.size() == before)
            throw std::logic_error("base graph has no staircase in its core rows");
    }
}

size_t LdpcEncoder::codeword_room() const { return d_graph.buffer_bits() + kRegister; }

void LdpcEncoder::store_twice(uint8_t* scratch, int column, const uint8_t* value) const
{
    const size_t z = d_graph.lifting_size;
    uint8_t* target = scratch + column * d_stride;
    if (value != target)
        std::memcpy(target, value, z);
    std::memcpy(target + z, target, z);
}

void LdpcEncoder::encode(const uint8_t* information,
                         int n_rows,
                         uint8_t* codeword,
                         std::vector<uint8_t>& scratch) const
{
    const LdpcKernels& kernel = ldpc_kernels();
    const int z = d_graph.lifting_size;
    const int kb = d_graph.kb;
    const int total = kb + 2 * kCoreRows;
    const size_t needed = (total + 1) * d_stride;
    if (scratch.size() < needed)
        scratch.resize(needed);
    uint8_t* base = scratch.data();

    for (int c = 0; c < kb; ++c)
        store_twice(base, c, information + static_cast<size_t>(c) * z);
    const auto sum = [&](const Sources& sources, uint8_t* out) {
        kernel.xor_columns(
            base, sources.data(), static_cast<int>(sources.size()), z, out);
    };

    Sources lambdas;
    for (int r = 0; r < kCoreRows; ++r) {
        lambdas.push_back(column_offset(kb + kCoreRows + r, 0));
        sum(d_lambda[r], base + lambdas.back());
    }
    uint8_t* all = base + column_offset(total, 0);
    sum(lambdas, all);
    store_twice(base, total, all);
    store_twice(base, kb, all + (z - static_cast<int>(d_first_parity_shift)) % z);
    for (const auto& [column, sources] : d_core) {
        uint8_t* parity = base + column_offset(column, 0);
        sum(sources, parity);
        store_twice(base, column, parity);
    }

    const size_t sent_information = static_cast<size_t>(kb - kLdpcHiddenColumns) * z;
    std::memcpy(codeword,
                information + static_cast<size_t>(kLdpcHiddenColumns) * z,
                sent_information);
    for (int p = 0; p < kCoreRows; ++p)
        std::memcpy(codeword + sent_information + static_cast<size_t>(p) * z,
                    base + column_offset(kb + p, 0),
                    z);
    // Ascending rows: what a row writes behind its end is overwritten by the next one.
    for (int r = kCoreRows; r < n_rows; ++r)
        sum(d_extension[r - kCoreRows],
            codeword + sent_information + static_cast<size_t>(r) * z);
}

} // namespace scsc
