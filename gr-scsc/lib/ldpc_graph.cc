// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/ldpc_graph.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace scsc {

namespace {

struct Entry {
    int row, column, shift[8];
};

const Entry kBaseGraph1[] = {
#include "scsc/nr_ldpc_bg1.inc"
};
const Entry kBaseGraph2[] = {
#include "scsc/nr_ldpc_bg2.inc"
};

constexpr int kSetBase[8] = {2, 3, 5, 7, 9, 11, 13, 15};

/// Index of the lifting set a 2^j that holds the lifting size.
int set_index(int lifting_size)
{
    int a = lifting_size;
    while (a % 2 == 0 && a > 2)
        a /= 2;
    return static_cast<int>(std::find(kSetBase, kSetBase + 8, a) - kSetBase);
}

std::array<int, 51> list_lifting_sizes()
{
    std::array<int, 51> sizes{};
    size_t n = 0;
    for (int a : kSetBase)
        for (int z = a; z <= kLdpcMaxLifting; z *= 2)
            sizes[n++] = z;
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

} // namespace

const std::array<int, 51>& ldpc_lifting_sizes()
{
    static const std::array<int, 51> sizes = list_lifting_sizes();
    return sizes;
}

std::vector<LdpcEdge> LdpcGraph::row(int index) const
{
    std::vector<LdpcEdge> found;
    for (const LdpcEdge& edge : edges)
        if (edge.row == index)
            found.push_back(edge);
    return found;
}

LdpcGraph make_ldpc_graph(int base_graph, int lifting_size)
{
    if (base_graph != 1 && base_graph != 2)
        throw std::invalid_argument("base graph must be 1 or 2, got " +
                                    std::to_string(base_graph));
    const auto& sizes = ldpc_lifting_sizes();
    if (!std::binary_search(sizes.begin(), sizes.end(), lifting_size))
        throw std::invalid_argument(
            "lifting size must be one of the 51 sizes a * 2^j <= 384 with a in "
            "2, 3, 5, 7, 9, 11, 13, 15, got " +
            std::to_string(lifting_size));
    const bool first = base_graph == 1;
    LdpcGraph graph{
        base_graph, lifting_size, first ? 22 : 10, first ? 46 : 42, first ? 68 : 52, {}};
    const int set = set_index(lifting_size);
    const auto add = [&](const Entry& e) {
        graph.edges.push_back({e.row, e.column, e.shift[set] % lifting_size});
    };
    if (first)
        std::for_each(std::begin(kBaseGraph1), std::end(kBaseGraph1), add);
    else
        std::for_each(std::begin(kBaseGraph2), std::end(kBaseGraph2), add);
    return graph;
}

int ldpc_rows_for_column(const LdpcGraph& graph, int last_column)
{
    return std::clamp(last_column + 1 - graph.kb, 4, graph.n_rows);
}

} // namespace scsc
