// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Base graphs and lifting sizes of the NR LDPC codes.
/// Source: TS 38.212 tables 5.3.2-1 to 5.3.2-3.
#pragma once

#include <array>
#include <vector>

namespace scsc {

/// One circulant: check i of `row` contains bit (i + shift) mod Z of `column`.
struct LdpcEdge {
    int row;
    int column;
    int shift;
};

/// A base graph of TS 38.212 section 5.3.2 with its shifts for one lifting size.
struct LdpcGraph {
    int base_graph;              ///< 1 or 2
    int lifting_size;            ///< Z
    int kb;                      ///< information columns: 22 or 10
    int n_rows;                  ///< 46 or 42
    int n_columns;               ///< 68 or 52
    std::vector<LdpcEdge> edges; ///< by row, then by column

    int information_bits() const { return kb * lifting_size; }         ///< K
    int buffer_bits() const { return (n_columns - 2) * lifting_size; } ///< N
    std::vector<LdpcEdge> row(int index) const;
};

constexpr int kLdpcMaxLifting = 384;
/// Columns at the front of the codeword that are never sent.
constexpr int kLdpcHiddenColumns = 2;

/// The 51 lifting sizes in rising order.
const std::array<int, 51>& ldpc_lifting_sizes();

/// Throws std::invalid_argument unless base_graph is 1 or 2 and lifting_size is one of
/// the 51.
LdpcGraph make_ldpc_graph(int base_graph, int lifting_size);

/// Rows needed when the codeword is known up to column `last_column`: at least the four
/// core rows.
int ldpc_rows_for_column(const LdpcGraph& graph, int last_column);

} // namespace scsc
