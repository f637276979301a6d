// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/frame_bits.h>

#include <scsc/soft_detector.h>

#include <algorithm>
#include <vector>

namespace scsc {
namespace {

/// Table rows as carrier d receives them, [n_points, n_rx] complex.
void centroids_of(const FrameBits& job, int d, float* centroids)
{
    const double* h = job.h + 2 * kFrameTransmit * job.n_rx * static_cast<int64_t>(d);
    const double* z = job.tables;
    if (job.n_tables > 1)
        z += 2 * kFrameTransmit * job.n_points * static_cast<int64_t>(d);
    for (int i = 0; i < job.n_points; ++i, z += 2 * kFrameTransmit)
        for (int r = 0; r < job.n_rx; ++r, centroids += 2) {
            const double* g = h + 2 * kFrameTransmit * r;
            double re = 0, im = 0;
            for (int a = 0; a < 2 * kFrameTransmit; a += 2) {
                re += g[a] * z[a] - g[a + 1] * z[a + 1];
                im += g[a] * z[a + 1] + g[a + 1] * z[a];
            }
            centroids[0] = static_cast<float>(re);
            centroids[1] = static_cast<float>(im);
        }
}

} // namespace

void frame_bits(const FrameBits& job)
{
    int n_bits = 0;
    while (1 << n_bits < job.n_points)
        ++n_bits;
    const float inv_n0 = static_cast<float>(1 / job.noise_var);
    std::vector<float> centroids(2 * static_cast<size_t>(job.n_points) * job.n_rx);
    std::vector<float> llr(static_cast<size_t>(job.n_symbols) * n_bits);
    const std::vector<int32_t> block(job.n_symbols, 0);
    JointDetection carrier = {};
    carrier.uses = {nullptr, job.n_rx, job.n_symbols, block.data()};
    carrier.centroids = centroids.data();
    carrier.n_centroids = job.n_points;
    carrier.inv_n0 = &inv_n0;
    carrier.exact = job.exact;
    carrier.llr = llr.data();
    for (int d = 0; d < job.n_carriers; ++d) {
        carrier.uses.y = job.y + 2 * static_cast<int64_t>(d) * job.n_rx * job.n_symbols;
        centroids_of(job, d, centroids.data());
        soft_ml(carrier);
        for (int t = 0; t < job.n_symbols; ++t)
            std::copy_n(
                llr.data() + static_cast<int64_t>(t) * n_bits,
                n_bits,
                job.llr + (static_cast<int64_t>(t) * job.n_carriers + d) * n_bits);
    }
}

} // namespace scsc
