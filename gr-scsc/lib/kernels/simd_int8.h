// SPDX-License-Identifier: GPL-3.0-or-later
// Registers of int8 lanes, in which both min-sum decoders are written. Sums saturate to
// -128..127, magnitudes are unsigned 0..128, and every instruction set gives the same
// bits.
#pragma once

#include "simd_isa.h"

#include <cstdint>
#include <cstring>

namespace scsc::SCSC_ISA_NS {

#if defined(SCSC_ISA_avx512)

struct Int8 {
    using T = __m512i;
    static constexpr int W = 64;
    static T load(const void* p) { return _mm512_loadu_si512(p); }
    static void store(void* p, T a) { _mm512_storeu_si512(p, a); }
    static T set1(int a) { return _mm512_set1_epi8(static_cast<char>(a)); }
    static T adds(T a, T b) { return _mm512_adds_epi8(a, b); }
    static T subs(T a, T b) { return _mm512_subs_epi8(a, b); }
    static T subu(T a, T b) { return _mm512_subs_epu8(a, b); }
    static T minu(T a, T b) { return _mm512_min_epu8(a, b); }
    static T maxu(T a, T b) { return _mm512_max_epu8(a, b); }
    static T abs(T a) { return _mm512_abs_epi8(a); }
    static T bit_xor(T a, T b) { return _mm512_xor_si512(a, b); }
    static T bit_or(T a, T b) { return _mm512_or_si512(a, b); }
    template <int n>
    static T shift_right(T a)
    {
        return _mm512_and_si512(_mm512_srli_epi16(a, n), set1(0xff >> n));
    }
    /// a == b ? x : y
    static T select_equal(T a, T b, T x, T y)
    {
        return _mm512_mask_blend_epi8(_mm512_cmpeq_epi8_mask(a, b), y, x);
    }
    /// s < 0 ? -m : m
    static T apply_sign(T m, T s)
    {
        return _mm512_mask_sub_epi8(m, _mm512_movepi8_mask(s), _mm512_setzero_si512(), m);
    }
    /// Bit i set when lane i is negative.
    static uint64_t negative(T a) { return _mm512_movepi8_mask(a); }
    /// Bit i set when lane i is 0.
    static uint64_t zero(T a) { return _mm512_testn_epi8_mask(a, a); }
    /// Lanes below n of a, the others of b.
    static T first(int n, T a, T b)
    {
        return _mm512_mask_blend_epi8((uint64_t{1} << n) - 1, b, a);
    }
};

#elif defined(SCSC_ISA_avx2)

struct Int8 {
    using T = __m256i;
    static constexpr int W = 32;
    static T load(const void* p) { return _mm256_loadu_si256(static_cast<const T*>(p)); }
    static void store(void* p, T a) { _mm256_storeu_si256(static_cast<T*>(p), a); }
    static T set1(int a) { return _mm256_set1_epi8(static_cast<char>(a)); }
    static T adds(T a, T b) { return _mm256_adds_epi8(a, b); }
    static T subs(T a, T b) { return _mm256_subs_epi8(a, b); }
    static T subu(T a, T b) { return _mm256_subs_epu8(a, b); }
    static T minu(T a, T b) { return _mm256_min_epu8(a, b); }
    static T maxu(T a, T b) { return _mm256_max_epu8(a, b); }
    static T abs(T a) { return _mm256_abs_epi8(a); }
    static T bit_xor(T a, T b) { return _mm256_xor_si256(a, b); }
    static T bit_or(T a, T b) { return _mm256_or_si256(a, b); }
    template <int n>
    static T shift_right(T a)
    {
        return _mm256_and_si256(_mm256_srli_epi16(a, n), set1(0xff >> n));
    }
    static T select_equal(T a, T b, T x, T y)
    {
        return _mm256_blendv_epi8(y, x, _mm256_cmpeq_epi8(a, b));
    }
    // psignb gives 0 where the control is 0; the forced low bit keeps the sign and
    // prevents that.
    static T apply_sign(T m, T s) { return _mm256_sign_epi8(m, bit_or(s, set1(1))); }
    static uint64_t negative(T a)
    {
        return static_cast<uint32_t>(_mm256_movemask_epi8(a));
    }
    static uint64_t zero(T a)
    {
        return negative(_mm256_cmpeq_epi8(a, _mm256_setzero_si256()));
    }
    static T first(int n, T a, T b);
};

#elif defined(SCSC_ISA_sse4)

struct Int8 {
    using T = __m128i;
    static constexpr int W = 16;
    static T load(const void* p) { return _mm_loadu_si128(static_cast<const T*>(p)); }
    static void store(void* p, T a) { _mm_storeu_si128(static_cast<T*>(p), a); }
    static T set1(int a) { return _mm_set1_epi8(static_cast<char>(a)); }
    static T adds(T a, T b) { return _mm_adds_epi8(a, b); }
    static T subs(T a, T b) { return _mm_subs_epi8(a, b); }
    static T subu(T a, T b) { return _mm_subs_epu8(a, b); }
    static T minu(T a, T b) { return _mm_min_epu8(a, b); }
    static T maxu(T a, T b) { return _mm_max_epu8(a, b); }
    static T abs(T a) { return _mm_abs_epi8(a); }
    static T bit_xor(T a, T b) { return _mm_xor_si128(a, b); }
    static T bit_or(T a, T b) { return _mm_or_si128(a, b); }
    template <int n>
    static T shift_right(T a)
    {
        return _mm_and_si128(_mm_srli_epi16(a, n), set1(0xff >> n));
    }
    static T select_equal(T a, T b, T x, T y)
    {
        return _mm_blendv_epi8(y, x, _mm_cmpeq_epi8(a, b));
    }
    static T apply_sign(T m, T s) { return _mm_sign_epi8(m, bit_or(s, set1(1))); }
    static uint64_t negative(T a) { return static_cast<uint32_t>(_mm_movemask_epi8(a)); }
    static uint64_t zero(T a) { return negative(_mm_cmpeq_epi8(a, _mm_setzero_si128())); }
    static T first(int n, T a, T b);
};

#else

// GCC vector extension: signed bytes throughout, unsigned operations through a cast.
struct Int8 {
    typedef int8_t T __attribute__((vector_size(16)));
    typedef uint8_t U __attribute__((vector_size(16)));
    static constexpr int W = 16;
    static T load(const void* p)
    {
        T a;
        std::memcpy(&a, p, W);
        return a;
    }
    static void store(void* p, T a) { std::memcpy(p, &a, W); }
    static T set1(int a) { return static_cast<int8_t>(a) - T{}; }
    static T blend(T mask, T x, T y) { return (mask & x) | (~mask & y); }
    static T sign_mask(T a) { return a < T{}; }
    // On overflow the result is 127 or -128 by the sign of a.
    static T saturate(T sum, T overflow, T a)
    {
        return blend(sign_mask(overflow), sign_mask(a) ^ set1(127), sum);
    }
    static T adds(T a, T b)
    {
        const T sum = (T)((U)a + (U)b);
        return saturate(sum, (a ^ sum) & ~(a ^ b), a);
    }
    static T subs(T a, T b)
    {
        const T sum = (T)((U)a - (U)b);
        return saturate(sum, (a ^ sum) & (a ^ b), a);
    }
    static T subu(T a, T b) { return (T)((U)maxu(a, b) - (U)b); }
    static T minu(T a, T b) { return (T)((U)a < (U)b ? (U)a : (U)b); }
    static T maxu(T a, T b) { return (T)((U)a > (U)b ? (U)a : (U)b); }
    static T abs(T a) { return apply_sign(a, a); }
    static T bit_xor(T a, T b) { return a ^ b; }
    static T bit_or(T a, T b) { return a | b; }
    template <int n>
    static T shift_right(T a)
    {
        return (T)((U)a >> n);
    }
    static T select_equal(T a, T b, T x, T y) { return blend((T)(a == b), x, y); }
    static T apply_sign(T m, T s)
    {
        const T negative = sign_mask(s);
        return (T)((U)(m ^ negative) - (U)negative);
    }
    static uint64_t negative(T a)
    {
        uint64_t mask = 0;
        for (int i = 0; i < W; ++i)
            mask |= static_cast<uint64_t>(a[i] < 0) << i;
        return mask;
    }
    static uint64_t zero(T a) { return negative((T)(a == T{})); }
    static T first(int n, T a, T b);
};

#endif

#if !defined(SCSC_ISA_avx512)
/// W times 0xff, then W times 0: an unaligned load gives the mask of the first n lanes.
struct LaneMask {
    int8_t byte[2 * Int8::W];
    constexpr LaneMask() : byte{}
    {
        for (int i = 0; i < Int8::W; ++i)
            byte[i] = -1;
    }
};
inline constexpr LaneMask kLaneMask{};

inline Int8::T Int8::first(int n, T a, T b)
{
    const T mask = load(kLaneMask.byte + W - n);
    return bit_xor(b, (T)(mask & bit_xor(a, b)));
}
#endif

} // namespace scsc::SCSC_ISA_NS
