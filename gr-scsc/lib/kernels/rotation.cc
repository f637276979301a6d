// SPDX-License-Identifier: GPL-3.0-or-later
#include "rotation_kernels.h"

#include "sample_groups.h"
#include "simd_float_circle.h"
#include "simd_float_layout.h"

namespace scsc::SCSC_ISA_NS {
namespace {

inline void turn_group(float* y, const float* turns)
{
    for (int i = 0; i < kGroup; i += Lanes::kCount) {
        const CirclePoint point = circle_point(Lanes::load(turns + i));
        Lanes re, im;
        load_complex(y + 2 * i, re, im);
        store_complex(y + 2 * i,
                      re * point.cosine - im * point.sine,
                      fma(re, point.sine, im * point.cosine));
    }
}

} // namespace

void rotate(const Rotation& job)
{
    for (int64_t at = 0; at < job.n; at += kGroup) {
        float turns[kGroup] = {};
        std::copy_n(job.turns + at, std::min<int64_t>(kGroup, job.n - at), turns);
        for (int r = 0; r < job.n_rows; ++r)
            in_group(job.y + 2 * r * job.n, job.n, at, [&](float* y) {
                turn_group(y, turns);
            });
    }
}

} // namespace scsc::SCSC_ISA_NS
