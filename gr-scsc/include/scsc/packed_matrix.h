// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Weights in the order in which the kernels of the networks read them. Source: ours.
#pragma once

#include <memory>

namespace scsc {

/// What a kernel sees of a PackedMatrix.
struct PackedView {
    const float* values; ///< panels, aligned to 64 bytes
    const float* bias;   ///< [stride]
    int rows, columns;
    int stride; ///< columns rounded up to registers
};

/// A matrix [rows, columns] with a bias for each column: y = b + x M.
///
/// Panels of two registers of columns, the last one of one where that is enough; within a
/// panel row after row. Columns that fill a register up are zero. The registers are those
/// of selected_isa(). Copies share the values.
class PackedMatrix
{
public:
    PackedMatrix() = default;

    /// `values` [rows, columns] and `bias` [columns]; both sizes >= 1.
    PackedMatrix(const float* values, const float* bias, int rows, int columns);

    /// Row i times factors[i]; the same bias.
    PackedMatrix scaled(const float* factors) const;

    PackedView view() const;
    int rows() const { return d_rows; }

private:
    std::shared_ptr<float> d_values, d_bias;
    int d_rows = 0, d_columns = 0, d_stride = 0;
};

} // namespace scsc
