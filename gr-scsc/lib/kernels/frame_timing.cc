// SPDX-License-Identifier: GPL-3.0-or-later
// Three registers of neighbouring values at a time: sums depend on themselves only, and
// each constant is broadcast once for all three.
#include "frame_timing_kernels.h"

#include "simd_float.h"

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kRegisters = 3;
constexpr int kStep = kRegisters * Lanes::kCount;
static_assert(kTimingGroup % kStep == 0, "groups hold whole steps");

struct Sum {
    Lanes re[kRegisters], im[kRegisters];

    Sum()
    {
        for (int k = 0; k < kRegisters; ++k)
            re[k] = im[k] = Lanes::all(0.0f);
    }

    /// Adds (c + j d) y.
    void add(float c, float d, const float* y_re, const float* y_im)
    {
        const Lanes cosine = Lanes::all(c), sine = Lanes::all(d), minus = Lanes::all(-d);
        for (int k = 0; k < kRegisters; ++k) {
            const Lanes a = Lanes::load(y_re + k * Lanes::kCount);
            const Lanes b = Lanes::load(y_im + k * Lanes::kCount);
            re[k] = fma(cosine, a, fma(minus, b, re[k]));
            im[k] = fma(cosine, b, fma(sine, a, im[k]));
        }
    }
};

} // namespace

void correlate_row(
    const SplitRow& y, const float* x, int length, int count, const SplitOut& out)
{
    for (int s = 0; s < count; s += kStep) {
        Sum sum;
        for (int m = 0; m < length; ++m)
            sum.add(x[2 * m], -x[2 * m + 1], y.re + s + m, y.im + s + m);
        for (int k = 0; k < kRegisters; ++k) {
            sum.re[k].store(out.re + s + k * Lanes::kCount);
            sum.im[k].store(out.im + s + k * Lanes::kCount);
        }
    }
}

void add_power(const float* v,
               const int32_t* used,
               int n_used,
               const SplitRow& steer,
               int n_steps,
               float* power)
{
    const int stride = timing_padded(n_steps);
    for (int w = 0; w < n_steps; w += kStep) {
        Sum sum;
        for (int i = 0; i < n_used; ++i) {
            const int at = used[i] * stride + w;
            sum.add(v[2 * i], v[2 * i + 1], steer.re + at, steer.im + at);
        }
        for (int k = 0; k < kRegisters; ++k) {
            float* p = power + w + k * Lanes::kCount;
            const Lanes re = sum.re[k], im = sum.im[k];
            fma(re, re, fma(im, im, Lanes::load(p))).store(p);
        }
    }
}

} // namespace scsc::SCSC_ISA_NS
