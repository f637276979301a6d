// SPDX-License-Identifier: GPL-3.0-or-later
#include "sample_noise_kernels.h"

#include "sample_groups.h"
#include "simd_float_circle.h"
#include "simd_float_layout.h"
#include "simd_float_math.h"

#include <cmath>

namespace scsc::SCSC_ISA_NS {
namespace {

struct PhiloxWords {
    uint32_t w[4][kGroup];
};

/// Philox4x32-10 of the counters first, first + 1, .. .
inline PhiloxWords philox(uint64_t key, uint64_t first)
{
    constexpr uint64_t kFactor0 = 0xD2511F53, kFactor1 = 0xCD9E8D57;
    constexpr uint32_t kStep0 = 0x9E3779B9, kStep1 = 0xBB67AE85;
    constexpr int kRounds = 10;
    PhiloxWords c;
    for (int i = 0; i < kGroup; ++i) {
        c.w[0][i] = static_cast<uint32_t>(first + i);
        c.w[1][i] = static_cast<uint32_t>((first + i) >> 32);
        c.w[2][i] = c.w[3][i] = 0;
    }
    auto key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < kRounds; ++round, key0 += kStep0, key1 += kStep1)
        for (int i = 0; i < kGroup; ++i) {
            const uint64_t a = kFactor0 * c.w[0][i], b = kFactor1 * c.w[2][i];
            c.w[0][i] = static_cast<uint32_t>(b >> 32) ^ c.w[1][i] ^ key0;
            c.w[1][i] = static_cast<uint32_t>(b);
            c.w[2][i] = static_cast<uint32_t>(a >> 32) ^ c.w[3][i] ^ key1;
            c.w[3][i] = static_cast<uint32_t>(a);
        }
    return c;
}

/// Adds deviation sqrt(-2 ln u) exp(2 pi j v) to kGroup samples.
inline void
add_normal(float* y, const uint32_t* radius, const uint32_t* angle, float deviation)
{
    float u[kGroup], v[kGroup];
    for (int i = 0; i < kGroup; ++i) {
        const auto bits = static_cast<int32_t>(radius[i] >> 1);
        u[i] = (static_cast<float>(bits) + 0.5f) * 0x1p-31f;
        v[i] = static_cast<float>(static_cast<int32_t>(angle[i])) * 0x1p-32f;
    }
    // -2 ln u = -2 ln 2 log2 u, never below 0: the largest u rounds to 1
    const Lanes factor = Lanes::all(-1.3862943611198906f * deviation * deviation);
    for (int i = 0; i < kGroup; i += Lanes::kCount)
        (log2(Lanes::load(u + i)) * factor).store(u + i);
    for (int i = 0; i < kGroup; ++i)
        u[i] = std::sqrt(u[i]);
    for (int i = 0; i < kGroup; i += Lanes::kCount) {
        const CirclePoint point = circle_point(Lanes::load(v + i));
        const Lanes length = Lanes::load(u + i);
        Lanes re, im;
        load_complex(y + 2 * i, re, im);
        store_complex(
            y + 2 * i, fma(length, point.cosine, re), fma(length, point.sine, im));
    }
}

} // namespace

void add_noise(const SampleNoise& job)
{
    for (int64_t at = 0; at < job.n; at += kGroup) {
        const PhiloxWords words = philox(job.key, job.first + at);
        for (int r = 0; r < kNoiseAntennas; ++r)
            in_group(job.y + 2 * r * job.n, job.n, at, [&](float* y) {
                add_normal(y, words.w[2 * r], words.w[2 * r + 1], job.deviation);
            });
    }
}

} // namespace scsc::SCSC_ISA_NS
