// SPDX-License-Identifier: GPL-3.0-or-later
// Linear filters over channel uses, and scalar demapping of their outputs: Gray QAM is
// two independent PAMs, so every dimension has at most 16 points.

#include "soft_detector_kernels.h"
#include "soft_detector_llr.h"
#include "soft_detector_uses.h"

namespace scsc::SCSC_ISA_NS {
namespace {

/// (re, im) of row `row` of M x; M(i) gives the i-th real of the interleaved matrix.
template <class Constants>
inline void
product_row(const Constants& m, int row, const Lanes* x, int n_rx, Lanes& re, Lanes& im)
{
    re = im = Lanes::all(0.0f);
    for (int r = 0; r < n_rx; ++r) {
        const int64_t i = 2 * (static_cast<int64_t>(row) * n_rx + r);
        const Lanes m_re = m(i), m_im = m(i + 1);
        re = fma(m_re, x[2 * r], re) - m_im * x[2 * r + 1];
        im = fma(m_re, x[2 * r + 1], fma(m_im, x[2 * r], im));
    }
}

/// LLRs of one PAM in real noise of variance 1/(2 inv_noise).
inline void
pam_llrs(Lanes x, Lanes inv_noise, const PamLevels& pam, bool exact, Lanes* llr)
{
    if (pam.n_bits == 1) {
        llr[0] = x * inv_noise * Lanes::all(4 * pam.level[0]);
        return;
    }
    const int n_points = 1 << pam.n_bits;
    Lanes q[16], e[16], top = Lanes::all(kLowestMetric);
    const Lanes scale = inv_noise * Lanes::all(-kLog2e);
    for (int i = 0; i < n_points; ++i) {
        const Lanes d = x - Lanes::all(pam.level[i]);
        q[i] = max(d * d * scale, Lanes::all(kLowestMetric));
        top = max(top, q[i]);
    }
    if (exact)
        exact_llrs<0>(q, top, n_points, e, llr);
    else
        maxlog_llrs<0>(q, n_points, e, llr);
}

/// All LLRs of one stream, even bits from the real part, odd bits from the imaginary one.
inline void stream_llrs(Lanes re,
                        Lanes im,
                        Lanes inv_noise,
                        const LinearDetection& job,
                        const PamLevels& pam,
                        Lanes* out)
{
    if (job.bits_per_symbol == 1) { // both parts carry the bit: add them
        pam_llrs(re + im, inv_noise, pam, job.exact, out);
        return;
    }
    Lanes llr[4];
    pam_llrs(re, inv_noise, pam, job.exact, llr);
    for (int j = 0; j < pam.n_bits; ++j)
        out[2 * j] = llr[j];
    pam_llrs(im, inv_noise, pam, job.exact, llr);
    for (int j = 0; j < pam.n_bits; ++j)
        out[2 * j + 1] = llr[j];
}

template <class Constants>
inline void group_llrs(const LinearDetection& job,
                       const PamLevels& pam,
                       const Group& group,
                       const Constants& filters,
                       const Constants& inv_noise,
                       Lanes* llr)
{
    const Lanes largest = Lanes::all(1e18f); // squares of it stay finite
    for (int s = 0; s < job.n_streams; ++s) {
        Lanes re, im;
        product_row(filters, s, group.x, job.uses.n_rx, re, im);
        re = min(max(re, Lanes::all(-1e18f)), largest);
        im = min(max(im, Lanes::all(-1e18f)), largest);
        stream_llrs(re, im, inv_noise(s), job, pam, llr + s * job.bits_per_symbol);
    }
}

} // namespace

void soft_linear(const LinearDetection& job, const PamLevels& pam)
{
    constexpr int kCount = Lanes::kCount;
    const int n_bits = job.n_streams * job.bits_per_symbol;
    const int size = 2 * job.n_streams * job.uses.n_rx;
    Group group;
    Lanes llr[8 * kMaxStreams];
    alignas(64) float filters[2 * kMaxStreams * kMaxReceive * kCount];
    alignas(64) float inv_noise[kMaxStreams * kCount];
    for (int64_t start = 0; start < job.uses.n_uses; start += kCount) {
        group.load(job.uses, start, job.uses.n_rx);
        if (group.one_block) {
            const int64_t b = group.block[0];
            group_llrs(job,
                       pam,
                       group,
                       Broadcast{job.filters + b * size},
                       Broadcast{job.inv_noise + b * job.n_streams},
                       llr);
        } else {
            transpose_blocks(job.filters, group.block, size, filters);
            transpose_blocks(job.inv_noise, group.block, job.n_streams, inv_noise);
            group_llrs(job, pam, group, Transposed{filters}, Transposed{inv_noise}, llr);
        }
        const Lanes bound = Lanes::all(-kLowestMetric);
        for (int k = 0; k < n_bits; ++k) {
            const Lanes bounded = max(min(llr[k], bound), Lanes::all(kLowestMetric));
            llr[k] = select(Lanes::all(0.0f), bounded, group.finite);
        }
        store_llrs(llr, n_bits, group.count, job.llr + start * n_bits);
    }
}

void block_product(const BlockProduct& job)
{
    constexpr int kCount = Lanes::kCount;
    const int n_rx = job.uses.n_rx, size = 2 * job.n_out * n_rx;
    Group group;
    alignas(64) float transposed[2 * kMaxReceive * kMaxReceive * kCount];
    for (int64_t start = 0; start < job.uses.n_uses; start += kCount) {
        group.load(job.uses, start, n_rx);
        if (!group.one_block)
            transpose_blocks(job.matrices, group.block, size, transposed);
        const Broadcast same = {job.matrices +
                                static_cast<int64_t>(group.block[0]) * size};
        const Transposed each = {transposed};
        for (int row = 0; row < job.n_out; ++row) {
            Lanes re, im;
            if (group.one_block)
                product_row(same, row, group.x, n_rx, re, im);
            else
                product_row(each, row, group.x, n_rx, re, im);
            const Lanes bad =
                Lanes::all(__builtin_nanf("")); // a bad sample stays recognisable
            re = select(bad, re, group.finite);
            im = select(bad, im, group.finite);
            float* out = job.out + 2 * (row * job.uses.n_uses + start);
            float padded[2 * kCount];
            store_complex(group.count == kCount ? out : padded, re, im);
            if (group.count < kCount)
                std::memcpy(
                    out, padded, 2 * sizeof(float) * static_cast<size_t>(group.count));
        }
    }
}

} // namespace scsc::SCSC_ISA_NS
