// SPDX-License-Identifier: GPL-3.0-or-later
// Byte loops around the decoder: quantising, interleaving, soft combining, XOR of
// columns.
#include "ldpc_internal.h"
#include "simd_int8.h"

namespace scsc::SCSC_ISA_NS {

namespace {

using S = Int8;
using T = Int8::T;

template <int step>
bool hard_bits_step(const int8_t* lane, int n, uint8_t* bits)
{
    uint8_t zero = 0;
    for (int i = 0; i < n; ++i) {
        const int8_t l = lane[i * step];
        bits[i] = static_cast<uint8_t>(l) >> 7;
        zero |= l == 0;
    }
    return zero != 0;
}

bool hard_bits(const int8_t* lane, int step, int n, uint8_t* bits)
{
    switch (step) {
    case 1:
        return hard_bits_step<1>(lane, n, bits);
    case 2:
        return hard_bits_step<2>(lane, n, bits);
    case 4:
        return hard_bits_step<4>(lane, n, bits);
    case 8:
        return hard_bits_step<8>(lane, n, bits);
    case 16:
        return hard_bits_step<16>(lane, n, bits);
    case 32:
        return hard_bits_step<32>(lane, n, bits);
    default:
        return hard_bits_step<64>(lane, n, bits);
    }
}

void spread(const int8_t* value, int n, int step, int8_t* lane)
{
    if (step == 1) {
        std::memcpy(lane, value, n);
        return;
    }
    for (int i = 0; i < n; ++i)
        lane[i * step] = value[i];
}

void xor_columns(
    const uint8_t* base, const uint32_t* offset, int n_sources, int n, uint8_t* out)
{
    int i = 0;
    for (; i + 2 * S::W < n; i += 3 * S::W) {
        T a = S::set1(0), b = a, c = a;
        for (int e = 0; e < n_sources; ++e) {
            const uint8_t* source = base + offset[e] + i;
            a = S::bit_xor(a, S::load(source));
            b = S::bit_xor(b, S::load(source + S::W));
            c = S::bit_xor(c, S::load(source + 2 * S::W));
        }
        S::store(out + i, a);
        S::store(out + i + S::W, b);
        S::store(out + i + 2 * S::W, c);
    }
    for (; i < n; i += S::W) {
        T a = S::set1(0);
        for (int e = 0; e < n_sources; ++e)
            a = S::bit_xor(a, S::load(base + offset[e] + i));
        S::store(out + i, a);
    }
}

/// Rounds to nearest even, clips to +-127; NaN gives 0. Adding 1.5 * 2^23 leaves the
/// integer in the low mantissa bits; the clip stands between product and sum, so no
/// compiler may fuse them.
int8_t quantise_one(float x)
{
    constexpr float kRound = 12582912.0f;
    x = x == x ? x : 0.0f;
    x = x < 127.0f ? x : 127.0f;
    x = x > -127.0f ? x : -127.0f;
    x += kRound;
    int32_t word;
    std::memcpy(&word, &x, sizeof word);
    return static_cast<int8_t>(word);
}

#ifdef SCSC_ISA_X86
__m128i quantise_four(const float* in, __m128 factor)
{
    __m128 x = _mm_mul_ps(_mm_loadu_ps(in), factor);
    x = _mm_and_ps(x, _mm_cmpord_ps(x, x));
    return _mm_cvtps_epi32(
        _mm_max_ps(_mm_min_ps(x, _mm_set1_ps(127.0f)), _mm_set1_ps(-127.0f)));
}

int quantise_registers(const float* in, float scale, int n, int8_t* out)
{
    const __m128 factor = _mm_set1_ps(scale);
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m128i low = _mm_packs_epi32(quantise_four(in + i, factor),
                                            quantise_four(in + i + 4, factor));
        const __m128i high = _mm_packs_epi32(quantise_four(in + i + 8, factor),
                                             quantise_four(in + i + 12, factor));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_packs_epi16(low, high));
    }
    return i;
}
#else
int quantise_registers(const float*, float, int, int8_t*) { return 0; }
#endif

void quantise(const float* in, float scale, int n, int8_t* out)
{
    for (int i = quantise_registers(in, scale, n, out); i < n; ++i)
        out[i] = quantise_one(in[i] * scale);
}

void accumulate(const int8_t* in, int n, int8_t* soft)
{
    // adds saturates at -128; one more step through subs at the low end keeps -127.
    const T low = S::set1(1);
    int i = 0;
    for (; i + S::W <= n; i += S::W) {
        const T sum = S::adds(S::load(soft + i), S::load(in + i));
        S::store(soft + i, S::adds(S::subs(sum, low), low));
    }
    for (; i < n; ++i) {
        const int sum = soft[i] + in[i];
        soft[i] = static_cast<int8_t>(sum > 127 ? 127 : sum < -127 ? -127 : sum);
    }
}

/// Interleaver of TS 38.212 section 5.4.2.2, rows in and columns out, or its inverse.
/// Order 0: only known at run time.
template <bool inverse, int order>
void permute_order(const uint8_t* in, int columns, int run_time_order, uint8_t* out)
{
    const int qm = order ? order : run_time_order;
    for (int j = 0; j < columns; ++j)
        for (int i = 0; i < qm; ++i)
            if (inverse)
                out[i * columns + j] = in[j * qm + i];
            else
                out[j * qm + i] = in[i * columns + j];
}

template <bool inverse>
void permute(const uint8_t* in, int n, int qm, uint8_t* out)
{
    const int columns = n / qm;
    switch (qm) {
    case 1:
        std::memcpy(out, in, n);
        return;
    case 2:
        return permute_order<inverse, 2>(in, columns, qm, out);
    case 4:
        return permute_order<inverse, 4>(in, columns, qm, out);
    case 6:
        return permute_order<inverse, 6>(in, columns, qm, out);
    case 8:
        return permute_order<inverse, 8>(in, columns, qm, out);
    default:
        return permute_order<inverse, 0>(in, columns, qm, out);
    }
}

} // namespace

const LdpcKernels& ldpc_kernels()
{
    static constexpr LdpcKernels kernels{S::W,
                                         ldpc_iterate,
                                         ldpc_satisfied,
                                         hard_bits,
                                         spread,
                                         xor_columns,
                                         quantise,
                                         accumulate,
                                         permute<false>,
                                         permute<true>};
    return kernels;
}

} // namespace scsc::SCSC_ISA_NS
