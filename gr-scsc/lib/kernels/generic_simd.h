// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// One register of int8 lanes, one lane per code word, for the decoder of any parity-check
// matrix. Additions and subtractions saturate to -128..127; magnitudes are unsigned
// 0..128.

#include <cstdint>

#if defined(SCSC_ISA_sse4) || defined(SCSC_ISA_avx2) || defined(SCSC_ISA_avx512)
#include <immintrin.h>
#endif

namespace scsc::SCSC_ISA_NS {

#if defined(SCSC_ISA_avx512)

struct Words8 {
    static constexpr int kLanes = 64;
    __m512i r;
    static Words8 load(const int8_t* p) { return {_mm512_load_si512(p)}; }
    void store(int8_t* p) const { _mm512_store_si512(p, r); }
    static Words8 all(int v) { return {_mm512_set1_epi8(static_cast<char>(v))}; }
};
inline Words8 operator^(Words8 a, Words8 b) { return {_mm512_xor_si512(a.r, b.r)}; }
inline Words8 operator|(Words8 a, Words8 b) { return {_mm512_or_si512(a.r, b.r)}; }
inline Words8 adds(Words8 a, Words8 b) { return {_mm512_adds_epi8(a.r, b.r)}; }
inline Words8 subs(Words8 a, Words8 b) { return {_mm512_subs_epi8(a.r, b.r)}; }
inline Words8 subu(Words8 a, Words8 b) { return {_mm512_subs_epu8(a.r, b.r)}; }
inline Words8 minu(Words8 a, Words8 b) { return {_mm512_min_epu8(a.r, b.r)}; }
inline Words8 maxu(Words8 a, Words8 b) { return {_mm512_max_epu8(a.r, b.r)}; }
inline Words8 magnitude(Words8 a) { return {_mm512_abs_epi8(a.r)}; }
/// a / 8 of unsigned values.
inline Words8 eighth(Words8 a)
{
    return {_mm512_and_si512(_mm512_srli_epi16(a.r, 3), _mm512_set1_epi8(31))};
}
/// b where x == y, else a.
inline Words8 where_equal(Words8 x, Words8 y, Words8 b, Words8 a)
{
    return {_mm512_mask_blend_epi8(_mm512_cmpeq_epi8_mask(x.r, y.r), a.r, b.r)};
}
/// m, negated where s is negative.
inline Words8 with_sign(Words8 m, Words8 s)
{
    const __m512i zero = _mm512_setzero_si512();
    return {_mm512_mask_sub_epi8(m.r, _mm512_movepi8_mask(s.r), zero, m.r)};
}
/// Bit i set when lane i is negative.
inline uint64_t negative(Words8 a) { return _mm512_movepi8_mask(a.r); }
inline uint64_t zero_lanes(Words8 a) { return _mm512_testn_epi8_mask(a.r, a.r); }

#elif defined(SCSC_ISA_avx2)

struct Words8 {
    static constexpr int kLanes = 32;
    __m256i r;
    static Words8 load(const int8_t* p)
    {
        return {_mm256_load_si256(reinterpret_cast<const __m256i*>(p))};
    }
    void store(int8_t* p) const { _mm256_store_si256(reinterpret_cast<__m256i*>(p), r); }
    static Words8 all(int v) { return {_mm256_set1_epi8(static_cast<char>(v))}; }
};
inline Words8 operator^(Words8 a, Words8 b) { return {_mm256_xor_si256(a.r, b.r)}; }
inline Words8 operator|(Words8 a, Words8 b) { return {_mm256_or_si256(a.r, b.r)}; }
inline Words8 adds(Words8 a, Words8 b) { return {_mm256_adds_epi8(a.r, b.r)}; }
inline Words8 subs(Words8 a, Words8 b) { return {_mm256_subs_epi8(a.r, b.r)}; }
inline Words8 subu(Words8 a, Words8 b) { return {_mm256_subs_epu8(a.r, b.r)}; }
inline Words8 minu(Words8 a, Words8 b) { return {_mm256_min_epu8(a.r, b.r)}; }
inline Words8 maxu(Words8 a, Words8 b) { return {_mm256_max_epu8(a.r, b.r)}; }
inline Words8 magnitude(Words8 a) { return {_mm256_abs_epi8(a.r)}; }
inline Words8 eighth(Words8 a)
{
    return {_mm256_and_si256(_mm256_srli_epi16(a.r, 3), _mm256_set1_epi8(31))};
}
inline Words8 where_equal(Words8 x, Words8 y, Words8 b, Words8 a)
{
    return {_mm256_blendv_epi8(a.r, b.r, _mm256_cmpeq_epi8(x.r, y.r))};
}
inline Words8 with_sign(Words8 m, Words8 s)
{
    const __m256i negate = _mm256_cmpgt_epi8(_mm256_setzero_si256(), s.r);
    return {_mm256_sub_epi8(_mm256_xor_si256(m.r, negate), negate)};
}
inline uint64_t negative(Words8 a)
{
    return static_cast<uint32_t>(_mm256_movemask_epi8(a.r));
}
inline uint64_t zero_lanes(Words8 a)
{
    return static_cast<uint32_t>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(a.r, _mm256_setzero_si256())));
}

#elif defined(SCSC_ISA_sse4)

struct Words8 {
    static constexpr int kLanes = 16;
    __m128i r;
    static Words8 load(const int8_t* p)
    {
        return {_mm_load_si128(reinterpret_cast<const __m128i*>(p))};
    }
    void store(int8_t* p) const { _mm_store_si128(reinterpret_cast<__m128i*>(p), r); }
    static Words8 all(int v) { return {_mm_set1_epi8(static_cast<char>(v))}; }
};
inline Words8 operator^(Words8 a, Words8 b) { return {_mm_xor_si128(a.r, b.r)}; }
inline Words8 operator|(Words8 a, Words8 b) { return {_mm_or_si128(a.r, b.r)}; }
inline Words8 adds(Words8 a, Words8 b) { return {_mm_adds_epi8(a.r, b.r)}; }
inline Words8 subs(Words8 a, Words8 b) { return {_mm_subs_epi8(a.r, b.r)}; }
inline Words8 subu(Words8 a, Words8 b) { return {_mm_subs_epu8(a.r, b.r)}; }
inline Words8 minu(Words8 a, Words8 b) { return {_mm_min_epu8(a.r, b.r)}; }
inline Words8 maxu(Words8 a, Words8 b) { return {_mm_max_epu8(a.r, b.r)}; }
inline Words8 magnitude(Words8 a) { return {_mm_abs_epi8(a.r)}; }
inline Words8 eighth(Words8 a)
{
    return {_mm_and_si128(_mm_srli_epi16(a.r, 3), _mm_set1_epi8(31))};
}
inline Words8 where_equal(Words8 x, Words8 y, Words8 b, Words8 a)
{
    return {_mm_blendv_epi8(a.r, b.r, _mm_cmpeq_epi8(x.r, y.r))};
}
inline Words8 with_sign(Words8 m, Words8 s)
{
    const __m128i negate = _mm_cmplt_epi8(s.r, _mm_setzero_si128());
    return {_mm_sub_epi8(_mm_xor_si128(m.r, negate), negate)};
}
inline uint64_t negative(Words8 a)
{
    return static_cast<uint32_t>(_mm_movemask_epi8(a.r));
}
inline uint64_t zero_lanes(Words8 a)
{
    return static_cast<uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(a.r, _mm_setzero_si128())));
}

#else

struct Words8 {
    static constexpr int kLanes = 16;
    typedef int8_t Signed __attribute__((vector_size(16)));
    typedef uint8_t Unsigned __attribute__((vector_size(16)));
    Signed r;
    static Words8 load(const int8_t* p) { return {*reinterpret_cast<const Signed*>(p)}; }
    void store(int8_t* p) const { *reinterpret_cast<Signed*>(p) = r; }
    static Words8 all(int v) { return {Signed{} + static_cast<int8_t>(v)}; }
};
inline Words8 select8(Words8::Signed mask, Words8::Signed b, Words8::Signed a)
{
    return {(a & ~mask) | (b & mask)};
}
inline Words8 operator^(Words8 a, Words8 b) { return {a.r ^ b.r}; }
inline Words8 operator|(Words8 a, Words8 b) { return {a.r | b.r}; }
inline Words8 wrap_sub(Words8 a, Words8 b)
{
    return {(Words8::Signed)((Words8::Unsigned)a.r - (Words8::Unsigned)b.r)};
}
inline Words8 adds(Words8 a, Words8 b)
{
    const auto sum = (Words8::Signed)((Words8::Unsigned)a.r + (Words8::Unsigned)b.r);
    return select8(((a.r ^ sum) & (b.r ^ sum)) < 0, (a.r < 0) ^ 127, sum);
}
inline Words8 subs(Words8 a, Words8 b)
{
    const auto difference = wrap_sub(a, b).r;
    return select8(((a.r ^ b.r) & (a.r ^ difference)) < 0, (a.r < 0) ^ 127, difference);
}
inline Words8 minu(Words8 a, Words8 b)
{
    return select8((Words8::Unsigned)a.r < (Words8::Unsigned)b.r, a.r, b.r);
}
inline Words8 maxu(Words8 a, Words8 b)
{
    return select8((Words8::Unsigned)a.r < (Words8::Unsigned)b.r, b.r, a.r);
}
inline Words8 subu(Words8 a, Words8 b) { return wrap_sub(maxu(a, b), b); }
inline Words8 magnitude(Words8 a)
{
    return select8(a.r < 0, wrap_sub(Words8::all(0), a).r, a.r);
}
inline Words8 eighth(Words8 a) { return {(Words8::Signed)((Words8::Unsigned)a.r >> 3)}; }
inline Words8 where_equal(Words8 x, Words8 y, Words8 b, Words8 a)
{
    return select8(x.r == y.r, b.r, a.r);
}
inline Words8 with_sign(Words8 m, Words8 s)
{
    return select8(s.r < 0, wrap_sub(Words8::all(0), m).r, m.r);
}
inline uint64_t negative(Words8 a)
{
    uint64_t bits = 0;
    for (int i = 0; i < Words8::kLanes; ++i)
        bits |= static_cast<uint64_t>(a.r[i] < 0) << i;
    return bits;
}
inline uint64_t zero_lanes(Words8 a)
{
    uint64_t bits = 0;
    for (int i = 0; i < Words8::kLanes; ++i)
        bits |= static_cast<uint64_t>(a.r[i] == 0) << i;
    return bits;
}

#endif

} // namespace scsc::SCSC_ISA_NS
