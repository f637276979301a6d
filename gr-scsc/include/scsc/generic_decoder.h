// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Decoder of any sparse parity-check code, for comparisons with codes outside NR.
///
/// Source: layered min-sum with normalisation 7/8 and offset 1/4 in LLR units; the rule
/// and its constants are those of channel_coding.md section 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scsc {

/// Layered int8 min-sum decoder of any binary code given by a sparse parity-check matrix.
/// Several code words are decoded side by side, one per SIMD lane; each result is
/// independent of its neighbours.
class GenericDecoder
{
public:
    static constexpr int kMaxColumns = 1 << 20;
    static constexpr int kMaxEdges = 1 << 23;

    /// Rows of the matrix in compressed form: row i has its ones in
    /// `column_index[row_start[i] .. row_start[i + 1])`, strictly ascending, 2..256 of
    /// them. Anything else throws std::invalid_argument that names the offender.
    GenericDecoder(int columns,
                   std::vector<int32_t> row_start,
                   std::vector<int32_t> column_index);

    int columns() const { return d_columns; }
    int rows() const { return static_cast<int>(d_row_start.size()) - 1; }

    /// llr [n, columns] as round(4 LLR), positive means 0 -> bits [n, columns], ok [n]
    /// (all checks hold and no bit is undecided), iterations [n]. max_iterations outside
    /// 1..1000 throws std::invalid_argument.
    void decode(const int8_t* llr,
                size_t n,
                int max_iterations,
                uint8_t* bits,
                bool* ok,
                int32_t* iterations) const;

    /// round(4 LLR) clipped to +-127; NaN gives 0, an erasure.
    static void quantise(const float* llr, size_t count, int8_t* out);

private:
    int d_columns;
    std::vector<int32_t> d_row_start, d_column_index;
};

} // namespace scsc
