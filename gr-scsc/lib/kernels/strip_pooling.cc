// SPDX-License-Identifier: GPL-3.0-or-later
#include "net_product.h"
#include "simd_float_math.h"

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr float kLog2E = 1.44269504f;

inline Lanes sigmoid(Lanes z)
{
    const Lanes zero = Lanes::all(0.0f), one = Lanes::all(1.0f);
    const Lanes small = exp2(Lanes::all(kLog2E) * min(z, zero - z));
    return select(one, small, less(z, zero)) / (one + small);
}

/// out_i = max(a_i, b_i); out may be a.
void maximum(const float* a, const float* b, int64_t n, float* out)
{
    int64_t i = 0;
    for (; i + Lanes::kCount <= n; i += Lanes::kCount)
        max(Lanes::load(a + i), Lanes::load(b + i)).store(out + i);
    for (; i < n; ++i)
        out[i] = std::max(a[i], b[i]);
}

/// x_i = x_i sigmoid(z_i); z has room for a register beyond the last.
void gate_row(const float* z, int64_t n, float* x)
{
    constexpr int L = Lanes::kCount;
    int64_t i = 0;
    for (; i + L <= n; i += L)
        (Lanes::load(x + i) * sigmoid(Lanes::load(z + i))).store(x + i);
    if (i == n)
        return;
    float rest[L];
    sigmoid(Lanes::load(z + i)).store(rest);
    for (int k = 0; i + k < n; ++k)
        x[i + k] *= rest[k];
}

} // namespace

int net_lanes() { return Lanes::kCount; }

void maxima(const MaximaJob& job)
{
    const int64_t c = job.channels, length = job.width * c;
    for (int y = 0; y < job.n; ++y) {
        const float* row = job.map + y * length;
        maximum(job.columns, row, length, job.columns);
        // The row is folded onto itself: all registers are full for any number of channels.
        for (int left = job.width; left > 1; row = job.work) {
            const int half = (left + 1) / 2;
            maximum(row, row + (left - half) * c, half * c, job.work);
            left = half;
        }
        std::copy_n(row, c, job.rows + y * c);
    }
}

void multiply(const float* in, int n, int64_t step, const PackedView& m, float* out)
{
    for (int i = 0; i < n; i += kNetTile) {
        const Run run{in + i * step, step, m.rows};
        product(&run, 1, m, false, out + static_cast<int64_t>(i) * m.stride, m.stride);
    }
}

void gate(const GateJob& job, int64_t first, int64_t last)
{
    const int channels = job.gate.rows, stride = job.gate.stride;
    std::vector<float> sums(static_cast<size_t>(kNetTile) * stride), z(sums.size());
    const Run run{sums.data(), stride, channels};
    const Lanes zero = Lanes::all(0.0f);
    for (int64_t at = first * kNetTile; at < std::min(last * kNetTile, job.pixels);
         at += kNetTile) {
        const int valid = static_cast<int>(std::min<int64_t>(kNetTile, job.pixels - at));
        int64_t y = at / job.width, x = at % job.width;
        for (int p = 0; p < valid; ++p) {
            const float *r = job.r + y * stride, *c = job.c + x * stride;
            for (int i = 0; i < stride; i += Lanes::kCount)
                max(Lanes::load(r + i) + Lanes::load(c + i), zero)
                    .store(sums.data() + p * stride + i);
            if (++x == job.width) {
                x = 0;
                ++y;
            }
        }
        product(&run, 1, job.gate, false, z.data(), stride);
        float* map = job.map + at * channels;
        if (stride == channels)
            gate_row(z.data(), static_cast<int64_t>(valid) * channels, map);
        else
            for (int p = 0; p < valid; ++p)
                gate_row(z.data() + p * stride, channels, map + p * channels);
    }
}

} // namespace scsc::SCSC_ISA_NS
