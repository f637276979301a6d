// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/convolution.h>

#include <scsc/thread_pool.h>

#include "kernels/net_kernels.h"

namespace scsc {
namespace {

constexpr int kTaps = 9;

int64_t tiles(int64_t pixels) { return (pixels + kNetTile - 1) / kNetTile; }

/// The channels of each map, one map after the other: body(first channel, channels).
template <class Body>
void each_map(const Convolution3x3::Shape& shape, Body body)
{
    body(0, shape.first_inputs);
    if (shape.first_inputs < shape.inputs)
        body(shape.first_inputs, shape.inputs - shape.first_inputs);
}

PackedMatrix
packed(const float* weight, const float* bias, const Convolution3x3::Shape& shape)
{
    std::vector<float> rows;
    rows.reserve(static_cast<size_t>(kTaps) * shape.inputs * shape.outputs);
    each_map(shape, [&](int first, int channels) {
        for (int n = 0; n < kTaps; ++n)
            for (int c = first; c < first + channels; ++c)
                for (int o = 0; o < shape.outputs; ++o)
                    rows.push_back(
                        weight[(static_cast<size_t>(o) * shape.inputs + c) * kTaps + n]);
    });
    return {rows.data(), bias, kTaps * shape.inputs, shape.outputs};
}

} // namespace

Convolution3x3::Convolution3x3(const float* weight, const float* bias, const Shape& shape)
    : d_shape(shape), d_weights(packed(weight, bias, shape))
{
}

PackedMatrix Convolution3x3::scaled(const float* scale) const
{
    std::vector<float> factors;
    factors.reserve(d_weights.rows());
    each_map(d_shape, [&](int first, int channels) {
        for (int n = 0; n < kTaps; ++n)
            factors.insert(factors.end(), scale + first, scale + first + channels);
    });
    return d_weights.scaled(factors.data());
}

void Convolution3x3::run(const FeatureMap& first,
                         const float* second,
                         const float* scale,
                         float* out,
                         int threads) const
{
    const PackedMatrix weights = scale ? scaled(scale) : d_weights;
    ConvolutionJob job = {};
    job.maps[0] = first;
    job.maps[1] = {
        second, first.height, first.width, d_shape.inputs - d_shape.first_inputs};
    job.n_maps = second ? 2 : 1;
    job.stride = d_shape.stride;
    job.out_width = out_side(first.width);
    job.out_pixels = static_cast<int64_t>(out_side(first.height)) * job.out_width;
    job.weights = weights.view();
    job.relu = d_shape.relu;
    job.out = out;
    parallel_ranges(tiles(job.out_pixels), threads, [&](int64_t begin, int64_t end) {
        SCSC_KERNEL(convolve)(job, begin, end);
    });
}

void Convolution3x3::run_deformed(const FeatureMap& map,
                                  const float* offset,
                                  float* out,
                                  int threads) const
{
    ConvolutionJob job = {};
    job.maps[0] = map;
    job.n_maps = 1;
    job.offset = offset;
    job.stride = 1;
    job.out_width = map.width;
    job.out_pixels = static_cast<int64_t>(map.height) * map.width;
    job.weights = d_weights.view();
    job.relu = d_shape.relu;
    job.out = out;
    parallel_ranges(tiles(job.out_pixels), threads, [&](int64_t begin, int64_t end) {
        SCSC_KERNEL(convolve)(job, begin, end);
    });
}

TransposedConvolution3x3::TransposedConvolution3x3(
    const float* weight, const float* bias, int inputs, int outputs, bool relu)
    : d_inputs(inputs), d_outputs(outputs), d_relu(relu)
{
    // Output 2 y + i takes input y by tap 1 (i = 0), or y by tap 2 and y + 1 by tap 0.
    const std::vector<int> taps_of[2] = {{1}, {2, 0}};
    for (int phase = 0; phase < 4; ++phase) {
        std::vector<float> rows;
        for (int ky : taps_of[phase / 2])
            for (int kx : taps_of[phase % 2])
                for (int c = 0; c < inputs; ++c)
                    for (int o = 0; o < outputs; ++o)
                        rows.push_back(
                            weight[(static_cast<size_t>(c) * outputs + o) * kTaps +
                                   3 * ky + kx]);
        d_phases.emplace_back(
            rows.data(), bias, static_cast<int>(rows.size()) / outputs, outputs);
    }
}

void TransposedConvolution3x3::run(const FeatureMap& map, float* out, int threads) const
{
    TransposedJob job = {};
    job.map = map;
    for (int phase = 0; phase < 4; ++phase)
        job.phases[phase] = d_phases[phase].view();
    job.relu = d_relu;
    job.out = out;
    const int64_t pixels = static_cast<int64_t>(map.height) * map.width;
    parallel_ranges(tiles(pixels), threads, [&](int64_t begin, int64_t end) {
        SCSC_KERNEL(convolve_transposed)(job, begin, end);
    });
}

} // namespace scsc
