// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernels of the networks take: plain data. Pixels are counted row after row.
#pragma once

#include "isa_choice.h"

#include <scsc/convolution.h>

#include <cstdint>

namespace scsc {

/// Pixels that a kernel takes at a time.
constexpr int kNetTile = 10;

/// 3x3 convolution of one or two maps of the same size.
struct ConvolutionJob {
    FeatureMap maps[2];
    int n_maps;
    const float* offset; ///< [height, width, 18]: deformed, for one map and stride 1
    int stride, out_width;
    int64_t out_pixels;
    PackedView weights; ///< rows: map, ky, kx, channel
    bool relu;
    float* out;
};

struct TransposedJob {
    FeatureMap map;
    PackedView phases[4]; ///< rows: y, x, channel
    bool relu;
    float* out;
};

/// Maxima of n rows [width, channels].
struct MaximaJob {
    const float* map;
    int n, width, channels;
    float* rows;    ///< out [n, channels]
    float* columns; ///< [width, channels], starts as the maxima of other rows or -inf
    float* work;    ///< [width, channels]
};

/// The gate of strip pooling; r and c have rows of gate.stride floats.
struct GateJob {
    float* map; ///< [height, width, channels], replaced
    int width;
    int64_t pixels;
    const float *r, *c;
    PackedView gate;
};

struct PictureJob {
    const float* picture;
    int height, width;
    FeatureMap features;
    PackedView first, second;
    float* out;
};

// A range counts tiles of the output (convolve), of the input (convolve_transposed), of the
// map (gate), or rows of the picture (shape). multiply gives y = b + x M for n rows, x_i
// from in + i * step on, y_i of m.stride floats; both must have room for whole tiles.
SCSC_DECLARE_KERNELS(
    int net_lanes(); // floats in a register
    void convolve(const ConvolutionJob& job, int64_t first, int64_t last);
    void convolve_transposed(const TransposedJob& job, int64_t first, int64_t last);
    void maxima(const MaximaJob& job);
    void multiply(
        const float* in, int n, int64_t step, const PackedView& m, float* out);
    void gate(const GateJob& job, int64_t first, int64_t last);
    void shape(const PictureJob& job, int64_t first, int64_t last);)

} // namespace scsc
