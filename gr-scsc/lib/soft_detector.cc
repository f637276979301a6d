// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/soft_detector.h>

#include "kernels/isa_choice.h"
#include "kernels/soft_detector_kernels.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>

namespace scsc {
namespace {

struct Kernels {
    void (*ml)(const JointDetection&, float*);
    void (*linear)(const LinearDetection&, const PamLevels&);
    void (*product)(const BlockProduct&);
};

Kernels kernels()
{
    return {
        SCSC_KERNEL(soft_ml), SCSC_KERNEL(soft_linear), SCSC_KERNEL(block_product)};
}

struct Free {
    void operator()(float* p) const { std::free(p); }
};

/// Gray levels of one real dimension, index = bits MSB first; energy 1/2
/// (TS 38.211 5.1.3-5.1.6).
PamLevels pam_levels(int n_bits)
{
    PamLevels pam = {};
    pam.n_bits = n_bits;
    double energy = 0;
    double level[16];
    for (int i = 0; i < 1 << n_bits; ++i) {
        double a = i & 1 ? -1 : 1;
        for (int k = n_bits - 2; k >= 0; --k)
            a = (i >> (n_bits - 1 - k) & 1 ? -1 : 1) * ((1 << (n_bits - 1 - k)) - a);
        level[i] = a;
        energy += a * a / (1 << n_bits);
    }
    for (int i = 0; i < 1 << n_bits; ++i)
        pam.level[i] = static_cast<float>(level[i] / std::sqrt(2 * energy));
    return pam;
}

} // namespace

void soft_ml(const JointDetection& job)
{
    const size_t size = soft_ml_workspace(job.n_centroids, job.uses.n_rx);
    const std::unique_ptr<float, Free> work(
        static_cast<float*>(std::aligned_alloc(64, size * sizeof(float))));
    if (!work)
        throw std::bad_alloc();
    kernels().ml(job, work.get());
}

void soft_linear(const LinearDetection& job)
{
    kernels().linear(job,
                     pam_levels(job.bits_per_symbol == 1 ? 1 : job.bits_per_symbol / 2));
}

void block_product(const BlockProduct& job) { kernels().product(job); }

} // namespace scsc
