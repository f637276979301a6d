// SPDX-License-Identifier: GPL-3.0-or-later
// Radix-2 transforms of as many windows at a time as a register has lanes: no shuffles,
// and the same code for every size.
#include "ofdm_windows_kernels.h"

#include "simd_float.h"

#include <algorithm>
#include <cmath>

namespace scsc::SCSC_ISA_NS {
namespace {

struct Work {
    Lanes re[kMaxFft], im[kMaxFft];
};

/// Samples of up to kCount windows of one antenna, turned by the carrier offset, in
/// bit-reversed order; lanes past `count` repeat the last window.
void load(const OfdmWindows& job,
          const WindowTables& tables,
          int antenna,
          int64_t first,
          int count,
          Work& w)
{
    constexpr int kCount = Lanes::kCount;
    const float* row = job.samples + 2 * antenna * job.n_samples;
    const float* window[kCount];
    float cosine[kCount], sine[kCount];
    for (int t = 0; t < kCount; ++t) {
        const int64_t start = job.starts[first + std::min(t, count - 1)];
        const double phase = -job.omega * static_cast<double>(start - job.origin);
        window[t] = row + 2 * start;
        cosine[t] = static_cast<float>(std::cos(phase)) * job.scale;
        sine[t] = static_cast<float>(std::sin(phase)) * job.scale;
    }
    const Lanes a = Lanes::load(cosine), b = Lanes::load(sine);
    for (int i = 0; i < job.n_fft; ++i) {
        float real[kCount], imaginary[kCount];
        for (int t = 0; t < kCount; ++t) {
            real[t] = window[t][2 * i];
            imaginary[t] = window[t][2 * i + 1];
        }
        const Lanes c = Lanes::all(tables.turn[2 * i]);
        const Lanes d = Lanes::all(tables.turn[2 * i + 1]);
        const Lanes turn_re = a * c - b * d, turn_im = fma(a, d, b * c);
        const Lanes x = Lanes::load(real), y = Lanes::load(imaginary);
        const int place = tables.reversed[i];
        w.re[place] = x * turn_re - y * turn_im;
        w.im[place] = fma(x, turn_im, y * turn_re);
    }
}

void transform(int n, const float* twiddles, Work& w)
{
    for (int half = 1; half < n; half *= 2)
        for (int j = 0; j < half; ++j) {
            const int at = j * (n / (2 * half));
            const Lanes c = Lanes::all(twiddles[2 * at]);
            const Lanes d = Lanes::all(twiddles[2 * at + 1]);
            for (int i = j; i < n; i += 2 * half) {
                const Lanes x = w.re[i + half], y = w.im[i + half];
                const Lanes re = x * c - y * d, im = fma(x, d, y * c);
                w.re[i + half] = w.re[i] - re;
                w.im[i + half] = w.im[i] - im;
                w.re[i] = w.re[i] + re;
                w.im[i] = w.im[i] + im;
            }
        }
}

void store(const OfdmWindows& job, int antenna, int64_t first, int count, const Work& w)
{
    for (int u = 0; u < job.n_bins; ++u) {
        float re[Lanes::kCount], im[Lanes::kCount];
        w.re[job.bins[u]].store(re);
        w.im[job.bins[u]].store(im);
        for (int t = 0; t < count; ++t) {
            float* out = job.carriers +
                         2 * (((first + t) * job.n_bins + u) * job.n_rx + antenna);
            out[0] = re[t];
            out[1] = im[t];
        }
    }
}

} // namespace

void ofdm_windows(const OfdmWindows& job, const WindowTables& tables)
{
    Work w;
    for (int64_t first = 0; first < job.n_windows; first += Lanes::kCount) {
        const int64_t left = job.n_windows - first;
        const int count = static_cast<int>(std::min<int64_t>(left, Lanes::kCount));
        for (int r = 0; r < job.n_rx; ++r) {
            load(job, tables, r, first, count, w);
            transform(job.n_fft, tables.twiddles, w);
            store(job, r, first, count, w);
        }
    }
}

} // namespace scsc::SCSC_ISA_NS
