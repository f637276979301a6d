// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/soft_detector.h>

#include "kernels/soft_ml.h"
#include <scsc/cpu.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace scsc {

namespace {

constexpr int L = kSoftMlLanes;
using Kernel = void (*)(const SoftMlGroup&);

Kernel kernel()
{
    switch (selected_isa()) {
#ifdef SCSC_X86
    case Isa::sse4:
        return sse4::soft_ml_group;
    case Isa::avx2:
        return avx2::soft_ml_group;
    case Isa::avx512:
        return avx512::soft_ml_group;
#endif
    default:
        return generic::soft_ml_group;
    }
}

/// Floats that start on a 64-byte boundary, as the widest vectors like them.
class AlignedFloats
{
public:
    explicit AlignedFloats(std::size_t size) : d_storage(size + kAlign) {}
    float* data()
    {
        const auto address = reinterpret_cast<std::uintptr_t>(d_storage.data());
        return d_storage.data() + (kAlign - address / sizeof(float) % kAlign) % kAlign;
    }

private:
    static constexpr std::size_t kAlign = 16;
    std::vector<float> d_storage;
};

/// Runs through the uses of one call in groups of lanes.
class Detector
{
public:
    Detector(const SoftMlInput& input, float* llr)
        : d_in(input),
          d_llr(llr),
          d_rows(1 << input.n_bits),
          d_dims(2 * input.n_rx),
          // Short blocks share a group, each lane with coefficients of its own.
          d_per_lane(input.n_blocks * kShortBlock > input.n_uses),
          d_kernel(kernel()),
          d_x(static_cast<std::size_t>(d_dims + input.n_bits) * L),
          d_q(2 * static_cast<std::size_t>(d_rows) * kWidest),
          d_slope(static_cast<std::size_t>(d_rows) * d_dims * (d_per_lane ? L : 1)),
          d_offset(static_cast<std::size_t>(d_rows) * (d_per_lane ? L : 1))
    {
    }

    void run()
    {
        if (d_per_lane)
            run_per_lane();
        else
            run_per_block();
    }

private:
    static constexpr int kShortBlock = 16;
    static constexpr int kWidest = 16; // floats in the widest vector

    /// slope and offset of block b, entry e written at [e * stride]
    void coefficients(std::int64_t b, float* slope, float* offset, int stride) const
    {
        const std::complex<float>* s = d_in.centroids + b * d_rows * d_in.n_rx;
        const double inv_n0 = d_in.inv_n0[b];
        for (int i = 0; i < d_rows; ++i) {
            double energy = 0;
            for (int r = 0; r < d_in.n_rx; ++r) {
                const double re = s[i * d_in.n_rx + r].real(), im = s[i * d_in.n_rx + r].imag();
                energy += re * re + im * im;
                slope[(i * d_dims + 2 * r) * stride] = static_cast<float>(2 * inv_n0 * re);
                slope[(i * d_dims + 2 * r + 1) * stride] = static_cast<float>(2 * inv_n0 * im);
            }
            offset[i * stride] = static_cast<float>(-inv_n0 * energy);
        }
    }

    void group(std::int64_t start, std::int64_t count)
    {
        d_kernel({ reinterpret_cast<const float*>(d_in.y + start),
                   2 * d_in.n_uses,
                   d_slope.data(),
                   d_offset.data(),
                   d_x.data(),
                   d_q.data(),
                   d_llr + start * d_in.n_bits,
                   static_cast<int>(count),
                   d_in.n_rx,
                   d_in.n_bits,
                   d_per_lane,
                   d_in.exact });
    }

    void run_per_block()
    {
        std::int64_t start = 0;
        for (std::int64_t b = 0; b < d_in.n_blocks; ++b) {
            coefficients(b, d_slope.data(), d_offset.data(), 1);
            const std::int64_t end = start + d_in.block_uses[b];
            for (; start < end; start += L)
                group(start, std::min<std::int64_t>(L, end - start));
            start = end;
        }
    }

    void run_per_lane()
    {
        std::int64_t b = 0, left = d_in.n_blocks ? d_in.block_uses[0] : 0;
        for (std::int64_t start = 0; start < d_in.n_uses; start += L) {
            const std::int64_t count = std::min<std::int64_t>(L, d_in.n_uses - start);
            for (std::int64_t l = 0; l < count; ++l) {
                while (left == 0)
                    left = d_in.block_uses[++b];
                coefficients(b, d_slope.data() + l, d_offset.data() + l, L);
                --left;
            }
            group(start, count);
        }
    }

    const SoftMlInput& d_in;
    float* d_llr;
    int d_rows, d_dims;
    bool d_per_lane;
    Kernel d_kernel;
    AlignedFloats d_x, d_q, d_slope, d_offset;
};

} // namespace

void soft_ml(const SoftMlInput& input, float* llr)
{
    if (input.n_bits < 1 || input.n_bits > kSoftMlMaxBits)
        throw std::invalid_argument("rows of a table must be 2 .. 4096, a power of two");
    if (input.n_rx < 1 || input.n_rx > kSoftMlMaxRx)
        throw std::invalid_argument("n_rx must be 1 .. 8");
    Detector(input, llr).run();
}

} // namespace scsc
