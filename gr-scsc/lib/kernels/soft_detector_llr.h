// SPDX-License-Identifier: GPL-3.0-or-later
// LLRs of all bits of an index i from its metrics q_i (base 2), one channel use per lane.
#pragma once

#include "simd_float.h"
#include "simd_float_layout.h"
#include "simd_float_math.h"

namespace scsc::SCSC_ISA_NS {

constexpr float kLn2 = 0.69314718055994531f;
constexpr float kLog2e = 1.44269504088896341f;
/// Metrics are kept above this, so that differences of them stay finite.
constexpr float kLowestMetric = -1e30f;
/// Below this, terms of a sum may have met the floor of exp2 (2^-120): it is done again
/// on its own.
constexpr float kSafeSum = 0x1p-80f;

/// LSE_{bit 0} - LSE_{bit 1} when one of the two is far below the other: each with its
/// own maximum. The stride is the bit's weight in the index.
inline Lanes far_llr(const Lanes* q, int n_points, int stride)
{
    Lanes top0 = Lanes::all(2 * kLowestMetric), top1 = top0;
    for (int i = 0; i < n_points; ++i)
        if (!(i & stride)) {
            top0 = max(top0, q[i]);
            top1 = max(top1, q[i + stride]);
        }
    Lanes sum0 = Lanes::all(0.0f), sum1 = sum0;
    for (int i = 0; i < n_points; ++i)
        if (!(i & stride)) {
            sum0 = sum0 + exp2(q[i] - top0);
            sum1 = sum1 + exp2(q[i + stride] - top1);
        }
    return (top0 - top1) + log2(sum0 / sum1);
}

/// out[k], k = 0 the MSB, in natural units. e holds n_points working values.
template <int kFixed>
inline void
exact_llrs(const Lanes* q, Lanes top, int runtime_points, Lanes* e, Lanes* out)
{
    const int n_points = kFixed ? kFixed : runtime_points;
    for (int i = 0; i < n_points; ++i)
        e[i] = exp2(q[i] - top);
    int k = 0;
    while (1 << (k + 1) < n_points)
        ++k;
    for (int size = n_points, stride = 1; size > 1; size /= 2, stride *= 2, --k) {
        Lanes sum0 = e[0], sum1 = e[1];
        e[0] = sum0 + sum1;
        for (int j = 1; j < size / 2; ++j) {
            const Lanes a = e[2 * j], b = e[2 * j + 1];
            sum0 = sum0 + a;
            sum1 = sum1 + b;
            e[j] = a + b;
        }
        Lanes llr = log2(sum0 / sum1);
        const Mask far = less(min(sum0, sum1), Lanes::all(kSafeSum));
        if (any(far))
            llr = select(llr, far_llr(q, n_points, stride), far);
        out[k] = llr * Lanes::all(kLn2);
    }
}

template <int kFixed>
inline void maxlog_llrs(const Lanes* q, int runtime_points, Lanes* e, Lanes* out)
{
    const int n_points = kFixed ? kFixed : runtime_points;
    int k = 0;
    while (1 << (k + 1) < n_points)
        ++k;
    const Lanes* from = q;
    for (int size = n_points; size > 1; size /= 2, --k, from = e) {
        Lanes top0 = from[0], top1 = from[1];
        e[0] = max(top0, top1);
        for (int j = 1; j < size / 2; ++j) {
            const Lanes a = from[2 * j], b = from[2 * j + 1];
            top0 = max(top0, a);
            top1 = max(top1, b);
            e[j] = max(a, b);
        }
        out[k] = (top0 - top1) * Lanes::all(kLn2);
    }
}

/// Rows of kCount uses: out [count, n_bits] from n_bits vectors of one lane per use.
inline void store_llrs(const Lanes* llr, int n_bits, int count, float* out)
{
    alignas(64) float lanes[Lanes::kCount];
    if (count == Lanes::kCount && n_bits % 4 == 0) {
        for (int k = 0; k < n_bits; k += 4) {
            alignas(64) float rows[4][Lanes::kCount];
            for (int j = 0; j < 4; ++j)
                llr[k + j].store(rows[j]);
            for (int t = 0; t < count; t += 4) {
                const float* const row[4] = {
                    rows[0] + t, rows[1] + t, rows[2] + t, rows[3] + t};
                transpose4(row, out + static_cast<int64_t>(t) * n_bits + k, n_bits);
            }
        }
        return;
    }
    for (int k = 0; k < n_bits; ++k) {
        llr[k].store(lanes);
        for (int t = 0; t < count; ++t)
            out[static_cast<int64_t>(t) * n_bits + k] = lanes[t];
    }
}

} // namespace scsc::SCSC_ISA_NS
