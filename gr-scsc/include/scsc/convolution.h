// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Convolutions 3x3 of feature maps, for networks at run time. Source: networks.md
/// section 2.
#pragma once

#include <scsc/packed_matrix.h>

#include <vector>

namespace scsc {

/// A feature map with its channels last.
struct FeatureMap {
    const float* values; ///< [height, width, channels]
    int height, width, channels;
};

/// F(p) = b + sum_n w_n t(s p + p_n), p_n = (ky - 1, kx - 1), zeros outside; ReLU if wanted.
///
/// t is one map, or two of the same size that count as one with the channels of both; it
/// may be scaled by channel. Any number of threads may call at once.
class Convolution3x3
{
public:
    struct Shape {
        int outputs;      ///< >= 1
        int inputs;       ///< channels of all maps, >= 1
        int first_inputs; ///< channels of the first map, 1..inputs
        int stride;       ///< s, 1 or 2
        bool relu;
    };

    /// `weight` [outputs, inputs, 3, 3] and `bias` [outputs].
    Convolution3x3(const float* weight, const float* bias, const Shape& shape);

    const Shape& shape() const { return d_shape; }
    int out_side(int side) const { return (side - 1) / d_shape.stride + 1; }

    /// `second` [height, width, inputs - first_inputs] or null where there is no second
    /// map; `scale` [inputs] or null; `out` [out_side(height), out_side(width), outputs].
    void run(const FeatureMap& first,
             const float* second,
             const float* scale,
             float* out,
             int threads) const;

    /// The sum of w_n t(p + p_n + dp_n), t bilinear, for one map and stride 1.
    ///
    /// `offset` [height, width, 18]: dp_n = channels (2 n, 2 n + 1) = (dy, dx), n = 3 ky +
    /// kx; a sample whose offset is no number is zero.
    void run_deformed(const FeatureMap& map,
                      const float* offset,
                      float* out,
                      int threads) const;

private:
    PackedMatrix scaled(const float* scale) const;

    Shape d_shape;
    PackedMatrix d_weights; ///< rows: map, ky, kx, channel
};

/// Twice the size: transposed convolution 3x3, stride 2, padding and output padding 1.
class TransposedConvolution3x3
{
public:
    /// `weight` [inputs, outputs, 3, 3] and `bias` [outputs].
    TransposedConvolution3x3(
        const float* weight, const float* bias, int inputs, int outputs, bool relu);

    int inputs() const { return d_inputs; }
    int outputs() const { return d_outputs; }

    /// `out` [2 height, 2 width, outputs].
    void run(const FeatureMap& map, float* out, int threads) const;

private:
    int d_inputs, d_outputs;
    bool d_relu;
    /// Of the outputs at (2 y + i, 2 x + j) for phase 2 i + j; rows: y, x, channel.
    std::vector<PackedMatrix> d_phases;
};

} // namespace scsc
