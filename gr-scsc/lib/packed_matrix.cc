// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/packed_matrix.h>

#include "kernels/net_kernels.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace scsc {

namespace {

int rounded_up(int columns)
{
    const int lanes = SCSC_KERNEL(net_lanes)();
    return (columns + lanes - 1) / lanes * lanes;
}

std::shared_ptr<float> zeros(size_t n)
{
    constexpr size_t kAlignment = 64;
    const size_t bytes = (n * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
    auto* memory = static_cast<float*>(std::aligned_alloc(kAlignment, bytes));
    if (memory == nullptr)
        throw std::bad_alloc();
    std::fill_n(memory, n, 0.0f);
    return {memory, [](float* p) { std::free(p); }};
}

/// body(first column, width) of each panel.
template <class Body>
void each_panel(int stride, Body body)
{
    const int whole = 2 * SCSC_KERNEL(net_lanes)();
    for (int first = 0; first < stride; first += whole)
        body(first, std::min(whole, stride - first));
}

} // namespace

PackedMatrix::PackedMatrix(const float* values, const float* bias, int rows, int columns)
    : d_rows(rows), d_columns(columns), d_stride(rounded_up(columns))
{
    d_values = zeros(static_cast<size_t>(rows) * d_stride);
    d_bias = zeros(d_stride);
    std::copy_n(bias, columns, d_bias.get());
    float* out = d_values.get();
    each_panel(d_stride, [&](int first, int width) {
        for (int i = 0; i < rows; ++i, out += width)
            std::copy_n(values + static_cast<size_t>(i) * columns + first,
                        std::min(width, columns - first),
                        out);
    });
}

PackedMatrix PackedMatrix::scaled(const float* factors) const
{
    PackedMatrix result = *this;
    result.d_values = zeros(static_cast<size_t>(d_rows) * d_stride);
    const float* in = d_values.get();
    float* out = result.d_values.get();
    each_panel(d_stride, [&](int, int width) {
        for (int i = 0; i < d_rows; ++i)
            for (int j = 0; j < width; ++j)
                *out++ = factors[i] * *in++;
    });
    return result;
}

PackedView PackedMatrix::view() const
{
    return {d_values.get(), d_bias.get(), d_rows, d_columns, d_stride};
}

} // namespace scsc
