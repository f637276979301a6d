// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/soft_detector.h>

#include "kernels/soft_ml.h"
#include <scsc/cpu.h>

#include <algorithm>
#include <cmath>
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

/// Runs through the uses of one call in groups of lanes.
class Detector
{
public:
    Detector(const SoftMlInput& input, float* llr)
        : d_in(input),
          d_llr(llr),
          d_rows(1 << input.n_bits),
          d_dims(2 * input.n_rx),
          d_kernel(kernel()),
          d_x(d_dims * L),
          d_q(2 * static_cast<std::size_t>(d_rows) * L),
          d_out(input.n_bits * L),
          d_slope(static_cast<std::size_t>(d_rows) * d_dims),
          d_offset(d_rows)
    {
    }

    void run()
    {
        // Short blocks share a group, each lane with coefficients of its own.
        if (d_in.n_blocks * (L / 2) > d_in.n_uses)
            run_per_lane();
        else
            run_per_block();
    }

private:
    /// slope and offset of block b, entry e written at [e * stride]
    void coefficients(std::int64_t b, float* slope, float* offset, int stride) const
    {
        const std::complex<float>* s = d_in.centroids + b * d_rows * d_in.n_rx;
        const double inv_n0 = d_in.inv_n0[b];
        for (int i = 0; i < d_rows; ++i) {
            double energy = 0;
            for (int r = 0; r < d_in.n_rx; ++r) {
                const std::complex<float> c = s[i * d_in.n_rx + r];
                const double re = c.real(), im = c.imag();
                energy += re * re + im * im;
                slope[(i * d_dims + 2 * r) * stride] = static_cast<float>(2 * inv_n0 * re);
                slope[(i * d_dims + 2 * r + 1) * stride] = static_cast<float>(2 * inv_n0 * im);
            }
            offset[i * stride] = static_cast<float>(-inv_n0 * energy);
        }
    }

    void load(std::int64_t start, int count)
    {
        for (int l = 0; l < L; ++l)
            d_erased[l] = 0;
        for (int r = 0; r < d_in.n_rx; ++r) {
            const std::complex<float>* y = d_in.y + r * d_in.n_uses + start;
            float* re = d_x.data() + 2 * r * L;
            float* im = re + L;
            for (int l = 0; l < count; ++l) {
                re[l] = y[l].real();
                im[l] = y[l].imag();
                d_erased[l] |= !(std::isfinite(re[l]) && std::isfinite(im[l]));
            }
        }
        for (int d = 0; d < d_dims; ++d)
            for (int l = 0; l < L; ++l)
                if (l >= count || d_erased[l])
                    d_x[d * L + l] = 0;
    }

    void store(std::int64_t start, int count)
    {
        float* out = d_llr + start * d_in.n_bits;
        for (int l = 0; l < count; ++l)
            for (int k = 0; k < d_in.n_bits; ++k)
                out[l * d_in.n_bits + k] = d_erased[l] ? 0.0f : d_out[k * L + l];
    }

    void group(std::int64_t start, int count, bool per_lane)
    {
        load(start, count);
        const SoftMlGroup g{ d_x.data(),   d_slope.data(), d_offset.data(), d_q.data(), d_out.data(),
                             d_dims,       d_in.n_bits,    per_lane,        d_in.exact };
        d_kernel(g);
        store(start, count);
    }

    void run_per_block()
    {
        std::int64_t start = 0;
        for (std::int64_t b = 0; b < d_in.n_blocks; ++b) {
            coefficients(b, d_slope.data(), d_offset.data(), 1);
            const std::int64_t end = start + d_in.block_uses[b];
            for (; start < end; start += L)
                group(start, static_cast<int>(std::min<std::int64_t>(L, end - start)), false);
            start = end;
        }
    }

    void run_per_lane()
    {
        d_slope.assign(static_cast<std::size_t>(d_rows) * d_dims * L, 0.0f);
        d_offset.assign(static_cast<std::size_t>(d_rows) * L, 0.0f);
        std::int64_t b = 0, left = d_in.n_blocks ? d_in.block_uses[0] : 0;
        for (std::int64_t start = 0; start < d_in.n_uses; start += L) {
            const auto count = static_cast<int>(std::min<std::int64_t>(L, d_in.n_uses - start));
            for (int l = 0; l < count; ++l) {
                while (left == 0)
                    left = d_in.block_uses[++b];
                coefficients(b, d_slope.data() + l, d_offset.data() + l, L);
                --left;
            }
            group(start, count, true);
        }
    }

    const SoftMlInput& d_in;
    float* d_llr;
    int d_rows, d_dims;
    Kernel d_kernel;
    std::vector<float> d_x, d_q, d_out, d_slope, d_offset;
    int d_erased[L];
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
