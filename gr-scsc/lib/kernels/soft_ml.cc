// SPDX-License-Identifier: GPL-3.0-or-later
// Vector code through the compiler's vector types: one source for every instruction set.
#include "soft_ml.h"

#include <cstring>

namespace scsc {
namespace SCSC_ISA_NS {

namespace {

#if defined(SCSC_ISA_avx512)
constexpr int W = 16;
#elif defined(SCSC_ISA_avx2)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif
constexpr int L = kSoftMlLanes;

typedef float F32 __attribute__((vector_size(4 * W), may_alias));
typedef std::int32_t I32 __attribute__((vector_size(4 * W), may_alias));

// Sums below this are taken again relative to their own largest term, so that a large LLR keeps its
// relative accuracy; e^-87 is where the exponential is cut off.
constexpr float kSmallSum = 1e-26f;
constexpr float kLowestExponent = -87.0f;

inline F32 load(const float* from)
{
    F32 value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

inline void store(float* to, F32 value) { std::memcpy(to, &value, sizeof value); }

inline F32 larger(F32 a, F32 b) { return a > b ? a : b; }

inline bool any(I32 mask)
{
    std::int64_t halves[W / 2], together = 0;
    std::memcpy(halves, &mask, sizeof mask);
    for (int l = 0; l < W / 2; ++l)
        together |= halves[l];
    return together != 0;
}

/// e^x for x <= 0, relative error below 2e-7; x below -87 counts as -87.
inline F32 exp_negative(F32 x)
{
    x = larger(x, F32{} + kLowestExponent);
    const I32 n = __builtin_convertvector(x * 1.44269504f - 0.5f, I32); // nearest, as x <= 0
    const F32 whole = __builtin_convertvector(n, F32);
    const F32 r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    F32 p = r * 1.9875691e-4f + 1.3981999e-3f;
    p = p * r + 8.3334519e-3f;
    p = p * r + 4.1665796e-2f;
    p = p * r + 1.6666665e-1f;
    p = p * r + 5.0000001e-1f;
    p = p * (r * r) + r + 1.0f;
    return p * (F32)((n + 127) << 23);
}

/// Natural logarithm of a positive normal number, absolute error below 1e-7 plus one rounding.
inline F32 log_positive(F32 x)
{
    const I32 bits = (I32)x;
    // Mantissa in [sqrt(1/2), sqrt(2)): the exponent is rounded, not cut.
    const I32 exponent = (bits - 0x3f3504f3) >> 23;
    const F32 f = (F32)(bits - exponent * (1 << 23)) - 1.0f;
    const F32 z = f * f;
    F32 p = f * 7.0376836e-2f - 1.1514610e-1f;
    p = p * f + 1.1676998e-1f;
    p = p * f - 1.2420141e-1f;
    p = p * f + 1.4249323e-1f;
    p = p * f - 1.6668057e-1f;
    p = p * f + 2.0000714e-1f;
    p = p * f - 2.4999994e-1f;
    p = p * f + 3.3333331e-1f;
    p = p * f * z;
    const F32 e = __builtin_convertvector(exponent, F32);
    p += e * -2.12194440e-4f;
    p -= z * 0.5f;
    return (f + p) + e * 0.693359375f;
}

/// Splits the samples into real dimensions x [2 n_rx][L]; a use with a sample that is not finite gets
/// x = 0 and finite[l] = 0, else finite[l] = -1.
void split(const SoftMlGroup& g, std::int32_t* finite)
{
    const int count = g.count;
    for (int l = 0; l < count; ++l)
        finite[l] = -1;
    for (int r = 0; r < g.n_rx; ++r) {
        const float* y = g.y + r * g.y_stride;
        float* re = g.x + 2 * r * L;
        float* im = re + L;
        for (int l = 0; l < count; ++l) {
            re[l] = y[2 * l];
            im[l] = y[2 * l + 1];
        }
        for (int l = 0; l < count; ++l) {
            std::int32_t a, b;
            std::memcpy(&a, re + l, 4);
            std::memcpy(&b, im + l, 4);
            finite[l] &= -static_cast<std::int32_t>((a & 0x7f800000) != 0x7f800000) &
                         -static_cast<std::int32_t>((b & 0x7f800000) != 0x7f800000);
        }
    }
    for (int d = 0; d < 2 * g.n_rx; ++d) {
        float* x = g.x + d * L;
        for (int l = 0; l < count; ++l) {
            std::int32_t bits;
            std::memcpy(&bits, x + l, 4);
            bits &= finite[l];
            std::memcpy(x + l, &bits, 4);
        }
    }
}

/// LLRs [n_bits][L] to [count][n_bits]; erased uses get 0.
template <int kBits>
void join(const SoftMlGroup& g, const float* llr, const std::int32_t* finite)
{
    const int n_bits = kBits ? kBits : g.n_bits;
    for (int l = 0; l < g.count; ++l)
        for (int k = 0; k < n_bits; ++k) {
            std::int32_t bits;
            std::memcpy(&bits, llr + k * L + l, 4);
            bits &= finite[l];
            std::memcpy(g.llr + l * n_bits + k, &bits, 4);
        }
}

// Constant template arguments (0: taken from the group) let the usual sizes unroll completely.
template <int kBits, int kDims, bool kPerLane>
inline void exponents(const SoftMlGroup& g, int first, F32* q)
{
    const int n_rows = 1 << (kBits ? kBits : g.n_bits);
    const int n_dims = kDims ? kDims : 2 * g.n_rx;
    for (int i = 0; i < n_rows; ++i) {
        F32 sum = kPerLane ? load(g.offset + i * L + first) : F32{} + g.offset[i];
        const float* slope = g.slope + static_cast<std::int64_t>(i) * n_dims * (kPerLane ? L : 1);
        for (int d = 0; d < n_dims; ++d) {
            const F32 x = load(g.x + d * L + first);
            sum += (kPerLane ? load(slope + d * L + first) : F32{} + slope[d]) * x;
        }
        q[i] = sum;
    }
}

/// Largest q of the rows whose bit at `shift` is `value`.
inline F32 largest(const F32* q, int n_rows, int shift, int value)
{
    const int run = 1 << shift;
    F32 most = q[value << shift];
    for (int first = value << shift; first < n_rows; first += 2 * run)
        for (int i = first; i < first + run; ++i)
            most = larger(most, q[i]);
    return most;
}

/// log sum exp over the rows with one value of a bit, relative to their own largest.
F32 log_sum(const F32* q, int n_rows, int shift, int value)
{
    const int run = 1 << shift;
    const F32 most = largest(q, n_rows, shift, value);
    F32 sum{};
    for (int first = value << shift; first < n_rows; first += 2 * run)
        for (int i = first; i < first + run; ++i)
            sum += exp_negative(q[i] - most);
    return most + log_positive(sum);
}

template <int kBits>
inline void max_log(const SoftMlGroup& g, const F32* q, float* llr)
{
    const int n_bits = kBits ? kBits : g.n_bits, n_rows = 1 << n_bits;
    for (int k = 0; k < n_bits; ++k)
        store(llr + k * L,
              largest(q, n_rows, n_bits - 1 - k, 0) - largest(q, n_rows, n_bits - 1 - k, 1));
}

template <int kBits>
inline void exact(const SoftMlGroup& g, const F32* q, F32* e, float* llr)
{
    const int n_bits = kBits ? kBits : g.n_bits, n_rows = 1 << n_bits;
    F32 most = q[0];
    for (int i = 1; i < n_rows; ++i)
        most = larger(most, q[i]);
    for (int i = 0; i < n_rows; ++i)
        e[i] = exp_negative(q[i] - most);
    I32 small{};
    for (int k = 0; k < n_bits; ++k) {
        const int run = n_rows >> (k + 1);
        F32 zero{}, one{};
        for (int first = 0; first < n_rows; first += 2 * run)
            for (int i = first; i < first + run; ++i) {
                zero += e[i];
                one += e[i + run];
            }
        small |= (zero < kSmallSum) | (one < kSmallSum);
        store(llr + k * L, log_positive(zero / one));
    }
    if (any(small))
        for (int k = 0; k < n_bits; ++k) {
            const int shift = n_bits - 1 - k;
            store(llr + k * L, log_sum(q, n_rows, shift, 0) - log_sum(q, n_rows, shift, 1));
        }
}

template <int kBits, int kDims>
void detect(const SoftMlGroup& g)
{
    std::int32_t finite[L];
    split(g, finite);
    float* llr = g.x + 2 * g.n_rx * L;
    F32* q = reinterpret_cast<F32*>(g.q);
    F32* e = q + (std::int64_t{ 1 } << g.n_bits);
    for (int first = 0; first < g.count; first += W) {
        if (g.per_lane)
            exponents<kBits, kDims, true>(g, first, q);
        else
            exponents<kBits, kDims, false>(g, first, q);
        if (g.exact)
            exact<kBits>(g, q, e, llr + first);
        else
            max_log<kBits>(g, q, llr + first);
    }
    join<kBits>(g, llr, finite);
}

} // namespace

void soft_ml_group(const SoftMlGroup& g)
{
    if (g.n_bits == 4 && g.n_rx == 2)
        detect<4, 4>(g);
    else
        detect<0, 0>(g);
}

} // namespace SCSC_ISA_NS
} // namespace scsc
