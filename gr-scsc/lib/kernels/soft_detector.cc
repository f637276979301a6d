// SPDX-License-Identifier: GPL-3.0-or-later
// Joint maximum likelihood LLRs, vectorised over channel uses. The squared distance is
// formed from the difference y - S_i, not expanded: at high SNR |y|^2 - 2 Re(S^H y) +
// |S|^2 cancels in float32.

#include "soft_detector_kernels.h"
#include "soft_detector_llr.h"
#include "soft_detector_uses.h"

namespace scsc::SCSC_ISA_NS {
namespace {

/// q_i = scale |x - S_i|^2 of all points, scale = -log2(e)/N0; returns the largest.
template <int kPoints, int kDims, class Constants>
inline Lanes metrics(const Constants& s,
                     const Lanes* x,
                     int runtime_points,
                     int runtime_dims,
                     Lanes scale,
                     Lanes* q)
{
    const int n_points = kPoints ? kPoints : runtime_points;
    const int n_dims = kDims ? kDims : runtime_dims;
    Lanes top = Lanes::all(kLowestMetric);
    for (int i = 0; i < n_points; ++i) {
        const int64_t row = static_cast<int64_t>(i) * n_dims;
        Lanes d = x[0] - s(row);
        Lanes distance = d * d;
        for (int j = 1; j < n_dims; ++j) {
            d = x[j] - s(row + j);
            distance = fma(d, d, distance);
        }
        q[i] = max(distance * scale, Lanes::all(kLowestMetric));
        top = max(top, q[i]);
    }
    return top;
}

template <int kPoints, int kDims, class Constants>
inline void group_llrs(const JointDetection& job,
                       const Constants& s,
                       const Group& group,
                       Lanes n0,
                       float* workspace,
                       Lanes* llr)
{
    Lanes local_q[kPoints ? kPoints : 1], local_e[kPoints ? kPoints : 1];
    Lanes* q = kPoints ? local_q : reinterpret_cast<Lanes*>(workspace);
    Lanes* e = kPoints ? local_e : q + job.n_centroids;
    const Lanes scale = n0 * Lanes::all(-kLog2e);
    const Lanes top =
        metrics<kPoints, kDims>(s, group.x, job.n_centroids, 2 * job.uses.n_rx, scale, q);
    if (job.exact)
        exact_llrs<kPoints>(q, top, job.n_centroids, e, llr);
    else
        maxlog_llrs<kPoints>(q, job.n_centroids, e, llr);
}

template <int kPoints, int kDims>
void detect(const JointDetection& job, float* workspace)
{
    constexpr int kCount = Lanes::kCount;
    const int n_dims = 2 * job.uses.n_rx, size = job.n_centroids * n_dims;
    float* transposed = workspace + static_cast<int64_t>(2) * job.n_centroids * kCount;
    int n_bits = 0;
    while (1 << n_bits < job.n_centroids)
        ++n_bits;
    Group group;
    Lanes llr[12];
    for (int64_t start = 0; start < job.uses.n_uses; start += kCount) {
        group.load(job.uses, start, job.uses.n_rx);
        if (group.one_block) {
            const int64_t b = group.block[0];
            const Broadcast s = {job.centroids + b * size};
            group_llrs<kPoints, kDims>(
                job, s, group, Lanes::all(job.inv_n0[b]), workspace, llr);
        } else {
            alignas(64) float inv_n0[kCount];
            transpose_blocks(job.centroids, group.block, size, transposed);
            transpose_blocks(job.inv_n0, group.block, 1, inv_n0);
            const Transposed s = {transposed};
            group_llrs<kPoints, kDims>(
                job, s, group, Lanes::load(inv_n0), workspace, llr);
        }
        for (int k = 0; k < n_bits; ++k)
            llr[k] = select(Lanes::all(0.0f), llr[k], group.finite);
        store_llrs(llr, n_bits, group.count, job.llr + start * n_bits);
    }
}

} // namespace

void soft_ml(const JointDetection& job, float* workspace)
{
    if (job.n_centroids == 16 && job.uses.n_rx == 2)
        detect<16, 4>(job, workspace);
    else if (job.uses.n_rx == 2)
        detect<0, 4>(job, workspace);
    else
        detect<0, 0>(job, workspace);
}

} // namespace scsc::SCSC_ISA_NS
