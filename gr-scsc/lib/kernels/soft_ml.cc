// SPDX-License-Identifier: GPL-3.0-or-later
// Plain loops over lanes: the compiler turns each into vector code of the instruction set that this
// file is built for.
#include "soft_ml.h"

#include <cstring>

namespace scsc {
namespace SCSC_ISA_NS {

namespace {

constexpr int L = kSoftMlLanes;

// Sums below this are taken again relative to their own largest term, so that a large LLR keeps its
// relative accuracy; e^-87 is where the exponential is cut off.
constexpr float kSmallSum = 1e-26f;
constexpr float kLowestExponent = -87.0f;

inline float bits_to_float(std::int32_t bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline std::int32_t float_to_bits(float value)
{
    std::int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float larger(float a, float b) { return a > b ? a : b; }

/// e^x for x <= 0, relative error below 2e-7; x below -87 counts as -87.
inline float exp_negative(float x)
{
    x = larger(x, kLowestExponent);
    const auto n = static_cast<std::int32_t>(x * 1.44269504f - 0.5f); // nearest, as x <= 0
    const auto whole = static_cast<float>(n);
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691e-4f;
    p = p * r + 1.3981999e-3f;
    p = p * r + 8.3334519e-3f;
    p = p * r + 4.1665796e-2f;
    p = p * r + 1.6666665e-1f;
    p = p * r + 5.0000001e-1f;
    p = p * (r * r) + r + 1.0f;
    return p * bits_to_float((n + 127) << 23);
}

/// Natural logarithm of a positive normal number, absolute error below 1e-7 plus one rounding.
inline float log_positive(float x)
{
    const std::int32_t bits = float_to_bits(x);
    // Mantissa in [sqrt(1/2), sqrt(2)): the exponent is rounded, not cut.
    const std::int32_t shifted = bits - 0x3f3504f3;
    const std::int32_t exponent = shifted >> 23;
    const float f = bits_to_float(bits - exponent * (1 << 23)) - 1.0f;
    const float z = f * f;
    float p = 7.0376836e-2f;
    p = p * f - 1.1514610e-1f;
    p = p * f + 1.1676998e-1f;
    p = p * f - 1.2420141e-1f;
    p = p * f + 1.4249323e-1f;
    p = p * f - 1.6668057e-1f;
    p = p * f + 2.0000714e-1f;
    p = p * f - 2.4999994e-1f;
    p = p * f + 3.3333331e-1f;
    p = p * f * z;
    const auto e = static_cast<float>(exponent);
    p += e * -2.12194440e-4f;
    p -= 0.5f * z;
    return (f + p) + e * 0.693359375f;
}

// Constant template arguments (0: taken from the group) let the usual sizes unroll completely.
template <int kBits, int kDims, bool kPerLane>
void exponents(const SoftMlGroup& g)
{
    const int n_rows = 1 << (kBits ? kBits : g.n_bits);
    const int n_dims = kDims ? kDims : g.n_dims;
    for (int i = 0; i < n_rows; ++i) {
        float* q = g.q + i * L;
        if (kPerLane) {
            const float* slope = g.slope + static_cast<std::int64_t>(i) * n_dims * L;
            const float* offset = g.offset + i * L;
            for (int l = 0; l < L; ++l)
                q[l] = offset[l];
            for (int d = 0; d < n_dims; ++d)
                for (int l = 0; l < L; ++l)
                    q[l] += slope[d * L + l] * g.x[d * L + l];
        } else {
            const float* slope = g.slope + static_cast<std::int64_t>(i) * n_dims;
            float sum[L];
            for (int l = 0; l < L; ++l)
                sum[l] = g.offset[i];
            for (int d = 0; d < n_dims; ++d)
                for (int l = 0; l < L; ++l)
                    sum[l] += slope[d] * g.x[d * L + l];
            for (int l = 0; l < L; ++l)
                q[l] = sum[l];
        }
    }
}

/// Largest q of the rows whose bit at `shift` is `value`.
void largest(const SoftMlGroup& g, int n_bits, int shift, int value, float* most)
{
    const int n_rows = 1 << n_bits, run = 1 << shift;
    for (int l = 0; l < L; ++l)
        most[l] = g.q[(value << shift) * L + l];
    for (int first = value << shift; first < n_rows; first += 2 * run)
        for (int i = first; i < first + run; ++i)
            for (int l = 0; l < L; ++l)
                most[l] = larger(most[l], g.q[i * L + l]);
}

template <int kBits>
void max_log(const SoftMlGroup& g)
{
    const int n_bits = kBits ? kBits : g.n_bits;
    for (int k = 0; k < n_bits; ++k) {
        float zero[L], one[L];
        largest(g, n_bits, n_bits - 1 - k, 0, zero);
        largest(g, n_bits, n_bits - 1 - k, 1, one);
        for (int l = 0; l < L; ++l)
            g.llr[k * L + l] = zero[l] - one[l];
    }
}

/// log sum exp over the rows with one value of a bit, relative to their own largest.
void log_sum(const SoftMlGroup& g, int n_bits, int shift, int value, float* result)
{
    float most[L], sum[L] = {};
    largest(g, n_bits, shift, value, most);
    const int n_rows = 1 << n_bits, run = 1 << shift;
    for (int first = value << shift; first < n_rows; first += 2 * run)
        for (int i = first; i < first + run; ++i)
            for (int l = 0; l < L; ++l)
                sum[l] += exp_negative(g.q[i * L + l] - most[l]);
    for (int l = 0; l < L; ++l)
        result[l] = most[l] + log_positive(sum[l]);
}

template <int kBits>
void exact(const SoftMlGroup& g, float* e)
{
    const int n_bits = kBits ? kBits : g.n_bits;
    const int n_rows = 1 << n_bits;
    float most[L];
    for (int l = 0; l < L; ++l)
        most[l] = g.q[l];
    for (int i = 1; i < n_rows; ++i)
        for (int l = 0; l < L; ++l)
            most[l] = larger(most[l], g.q[i * L + l]);
    for (int i = 0; i < n_rows; ++i)
        for (int l = 0; l < L; ++l)
            e[i * L + l] = exp_negative(g.q[i * L + l] - most[l]);
    for (int k = 0; k < n_bits; ++k) {
        const int shift = n_bits - 1 - k, run = 1 << shift;
        float zero[L] = {}, one[L] = {};
        for (int first = 0; first < n_rows; first += 2 * run)
            for (int i = first; i < first + run; ++i)
                for (int l = 0; l < L; ++l) {
                    zero[l] += e[i * L + l];
                    one[l] += e[(i + run) * L + l];
                }
        int small = 0;
        for (int l = 0; l < L; ++l)
            small |= (zero[l] < kSmallSum) | (one[l] < kSmallSum);
        float* llr = g.llr + k * L;
        if (small) {
            float low[L];
            log_sum(g, n_bits, shift, 0, llr);
            log_sum(g, n_bits, shift, 1, low);
            for (int l = 0; l < L; ++l)
                llr[l] -= low[l];
        } else {
            for (int l = 0; l < L; ++l)
                llr[l] = log_positive(zero[l] / one[l]);
        }
    }
}

template <int kBits, int kDims>
void detect(const SoftMlGroup& g)
{
    if (g.per_lane)
        exponents<kBits, kDims, true>(g);
    else
        exponents<kBits, kDims, false>(g);
    if (!g.exact)
        max_log<kBits>(g);
    else // the scratch holds q and, behind it, the exponentials
        exact<kBits>(g, g.q + (static_cast<std::int64_t>(L) << g.n_bits));
}

} // namespace

void soft_ml_group(const SoftMlGroup& g)
{
    if (g.n_bits == 4 && g.n_dims == 4)
        detect<4, 4>(g);
    else if (g.n_bits == 8 && g.n_dims == 4)
        detect<8, 4>(g);
    else
        detect<0, 0>(g);
}

} // namespace SCSC_ISA_NS
} // namespace scsc
