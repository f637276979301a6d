// SPDX-License-Identifier: GPL-3.0-or-later
// Works on blocks of positions that stay in the first cache, real and imaginary parts in
// arrays of their own. Arrays end in slack, so that whole registers may be read past the
// last value.
#include "training_detector_kernels.h"

#include "simd_float.h"
#include "simd_float_layout.h"

#include <algorithm>

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kBlock = 1024;
constexpr int kHalf = kTrainingPeriod / 2;
constexpr int kProducts = kTrainingRepeats - 1;
constexpr int kFiltered = kTrainingSpan - (kTrainingPeriod - 1) - 1; // beyond a block's
constexpr int kCorrelated = kFiltered - kTrainingPeriod;
constexpr int kLength = kBlock + kTrainingSpan + 2 * 16;
constexpr int kField = kTrainingPeriod * kTrainingRepeats;

struct Complex {
    float re[kLength], im[kLength];
};

struct Work {
    Complex y, filtered, correlated, paired;
    float energy[kLength];
    double sum[kLength + 1];
};

/// Separates `count` samples and fills the rest with zeros.
void load(const float* samples, int64_t count, Complex& y)
{
    const int n = static_cast<int>(std::min<int64_t>(count, kBlock + kTrainingSpan - 1));
    int i = 0;
    for (; i + Lanes::kCount <= n; i += Lanes::kCount) {
        Lanes re, im;
        load_complex(samples + 2 * i, re, im);
        re.store(y.re + i);
        im.store(y.im + i);
    }
    for (; i < n; ++i) {
        y.re[i] = samples[2 * i];
        y.im[i] = samples[2 * i + 1];
    }
    std::fill(y.re + n, y.re + kLength, 0.0f);
    std::fill(y.im + n, y.im + kLength, 0.0f);
}

/// m[n] = sum_i conj(p_i) y[n+i]; adds |m|^2 to the energy.
void filter(const Complex& y, const float* period, Complex& m, float* energy)
{
    for (int n = 0; n < kBlock + kFiltered; n += Lanes::kCount) {
        Lanes re = Lanes::all(0.0f), im = re;
        for (int i = 0; i < kTrainingPeriod; ++i) {
            const Lanes a = Lanes::load(y.re + n + i), b = Lanes::load(y.im + n + i);
            const Lanes p = Lanes::all(period[2 * i]), q = Lanes::all(period[2 * i + 1]);
            re = fma(p, a, fma(q, b, re));
            im = fma(p, b, im) - q * a;
        }
        re.store(m.re + n);
        im.store(m.im + n);
        fma(re, re, fma(im, im, Lanes::load(energy + n))).store(energy + n);
    }
}

/// c[n] += m[n+16] conj(m[n]).
void correlate(const Complex& m, Complex& c)
{
    for (int n = 0; n < kBlock + kCorrelated; n += Lanes::kCount) {
        const Lanes a = Lanes::load(m.re + n), b = Lanes::load(m.im + n);
        const Lanes late_a = Lanes::load(m.re + n + kTrainingPeriod);
        const Lanes late_b = Lanes::load(m.im + n + kTrainingPeriod);
        fma(late_a, a, fma(late_b, b, Lanes::load(c.re + n))).store(c.re + n);
        (fma(late_b, a, Lanes::load(c.im + n)) - late_a * b).store(c.im + n);
    }
}

/// d[n] = c[n] + c[n+1] + c[n+8] + c[n+9].
void pair(const float* c, float* d)
{
    for (int n = 0; n < kBlock + kTrainingPeriod * (kProducts - 1); n += Lanes::kCount) {
        const Lanes early = Lanes::load(c + n) + Lanes::load(c + n + 1);
        const Lanes late = Lanes::load(c + n + kHalf) + Lanes::load(c + n + kHalf + 1);
        (early + late).store(d + n);
    }
}

void add_up(Work& w)
{
    double sum = 0;
    w.sum[0] = 0;
    for (int n = 0; n < kBlock + kField; ++n)
        w.sum[n + 1] = sum += w.energy[n];
}

/// P and M of the block's first `count` positions.
void decide(const Work& w, const float* products, int count, float* p, float* metric)
{
    float p_re[kBlock + 16], p_im[kBlock + 16];
    for (int n = 0; n < count; n += Lanes::kCount) {
        Lanes re = Lanes::all(0.0f), im = re;
        for (int k = 0; k < kProducts; ++k) {
            const Lanes b = Lanes::all(products[k]);
            re = fma(b, Lanes::load(w.paired.re + n + kTrainingPeriod * k), re);
            im = fma(b, Lanes::load(w.paired.im + n + kTrainingPeriod * k), im);
        }
        re.store(p_re + n);
        im.store(p_im + n);
    }
    for (int n = 0; n < count; ++n) {
        const double first = w.sum[n + kField / 2] - w.sum[n];
        const double second = w.sum[n + kField] - w.sum[n + kField / 2];
        const double whole = std::max(first + second, 2 * std::max(first, second));
        const float inverse = static_cast<float>(1 / std::max(whole, 1e-30));
        const float a = p_re[n] * inverse, b = p_im[n] * inverse;
        p[2 * n] = p_re[n];
        p[2 * n + 1] = p_im[n];
        metric[n] = a * a + b * b;
    }
}

} // namespace

void detect_training(const TrainingDetection& job)
{
    const int64_t positions = training_positions(job.n_samples);
    Work w;
    for (int64_t start = 0; start < positions; start += kBlock) {
        std::fill(w.energy, w.energy + kLength, 0.0f);
        std::fill(w.correlated.re, w.correlated.re + kLength, 0.0f);
        std::fill(w.correlated.im, w.correlated.im + kLength, 0.0f);
        for (int r = 0; r < job.n_rx; ++r) {
            load(job.samples + 2 * (r * job.n_samples + start),
                 job.n_samples - start,
                 w.y);
            filter(w.y, job.period, w.filtered, w.energy);
            correlate(w.filtered, w.correlated);
        }
        pair(w.correlated.re, w.paired.re);
        pair(w.correlated.im, w.paired.im);
        add_up(w);
        const int count = static_cast<int>(std::min<int64_t>(kBlock, positions - start));
        decide(w, job.products, count, job.p + 2 * start, job.metric + start);
    }
}

} // namespace scsc::SCSC_ISA_NS
