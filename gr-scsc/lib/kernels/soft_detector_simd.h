// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// Float vectors of the soft detector, one type per instruction set, with base-2
// exponential and logarithm. The operations are the same in every set up to the fusing of
// multiply and add.

#include <cstdint>
#include <cstring>

#if defined(SCSC_ISA_sse4) || defined(SCSC_ISA_avx2) || defined(SCSC_ISA_avx512)
#define SCSC_SOFT_X86 1
#include <immintrin.h>
#endif

namespace scsc::SCSC_ISA_NS {

#if defined(SCSC_ISA_avx512)

// GCC 12 warns about the deliberately undefined sources inside its own AVX-512 header
// (bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

struct Lanes {
    static constexpr int kCount = 16;
    __m512 r;
    static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
    static Lanes all(float v) { return {_mm512_set1_ps(v)}; }
    void store(float* p) const { _mm512_storeu_ps(p, r); }
};
struct Words {
    __m512i r;
    static Words all(int32_t v) { return {_mm512_set1_epi32(v)}; }
};
struct Mask {
    __mmask16 r;
};
inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.r, b.r)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.r, b.r)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.r, b.r)}; }
inline Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.r, b.r)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.r, b.r, c.r)}; }
inline Lanes min(Lanes a, Lanes b) { return {_mm512_min_ps(a.r, b.r)}; }
/// b where a is NaN.
inline Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.r, b.r)}; }
inline Mask less(Lanes a, Lanes b) { return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_LT_OQ)}; }
inline Mask equal(Lanes a, Lanes b) { return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_EQ_OQ)}; }
inline Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.r & b.r)}; }
inline bool any(Mask m) { return m.r != 0; }
/// b where the mask is set, a elsewhere.
inline Lanes select(Lanes a, Lanes b, Mask m)
{
    return {_mm512_mask_blend_ps(m.r, a.r, b.r)};
}
inline Words bits(Lanes a) { return {_mm512_castps_si512(a.r)}; }
inline Lanes as_float(Words a) { return {_mm512_castsi512_ps(a.r)}; }
inline Lanes to_float(Words a) { return {_mm512_cvtepi32_ps(a.r)}; }
inline Words operator+(Words a, Words b) { return {_mm512_add_epi32(a.r, b.r)}; }
inline Words operator-(Words a, Words b) { return {_mm512_sub_epi32(a.r, b.r)}; }
inline Words shift_left_23(Words a) { return {_mm512_slli_epi32(a.r, 23)}; }
inline Words shift_right_23(Words a) { return {_mm512_srai_epi32(a.r, 23)}; }
/// kCount complex numbers (re, im interleaved) to two vectors, and back.
inline void load_complex(const float* p, Lanes& re, Lanes& im)
{
    const __m512 a = _mm512_loadu_ps(p), b = _mm512_loadu_ps(p + 16);
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    re.r = _mm512_permutex2var_ps(a, even, b);
    im.r = _mm512_permutex2var_ps(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b);
}
inline void store_complex(float* p, Lanes re, Lanes im)
{
    const __m512i low =
        _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    _mm512_storeu_ps(p, _mm512_permutex2var_ps(re.r, low, im.r));
    _mm512_storeu_ps(
        p + 16,
        _mm512_permutex2var_ps(re.r, _mm512_add_epi32(low, _mm512_set1_epi32(8)), im.r));
}

#elif defined(SCSC_ISA_avx2)

struct Lanes {
    static constexpr int kCount = 8;
    __m256 r;
    static Lanes load(const float* p) { return {_mm256_loadu_ps(p)}; }
    static Lanes all(float v) { return {_mm256_set1_ps(v)}; }
    void store(float* p) const { _mm256_storeu_ps(p, r); }
};
struct Words {
    __m256i r;
    static Words all(int32_t v) { return {_mm256_set1_epi32(v)}; }
};
struct Mask {
    __m256 r;
};
inline Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_ps(a.r, b.r)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm256_sub_ps(a.r, b.r)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_ps(a.r, b.r)}; }
inline Lanes operator/(Lanes a, Lanes b) { return {_mm256_div_ps(a.r, b.r)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm256_fmadd_ps(a.r, b.r, c.r)}; }
inline Lanes min(Lanes a, Lanes b) { return {_mm256_min_ps(a.r, b.r)}; }
inline Lanes max(Lanes a, Lanes b) { return {_mm256_max_ps(a.r, b.r)}; }
inline Mask less(Lanes a, Lanes b) { return {_mm256_cmp_ps(a.r, b.r, _CMP_LT_OQ)}; }
inline Mask equal(Lanes a, Lanes b) { return {_mm256_cmp_ps(a.r, b.r, _CMP_EQ_OQ)}; }
inline Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.r, b.r)}; }
inline bool any(Mask m) { return _mm256_movemask_ps(m.r) != 0; }
inline Lanes select(Lanes a, Lanes b, Mask m)
{
    return {_mm256_blendv_ps(a.r, b.r, m.r)};
}
inline Words bits(Lanes a) { return {_mm256_castps_si256(a.r)}; }
inline Lanes as_float(Words a) { return {_mm256_castsi256_ps(a.r)}; }
inline Lanes to_float(Words a) { return {_mm256_cvtepi32_ps(a.r)}; }
inline Words operator+(Words a, Words b) { return {_mm256_add_epi32(a.r, b.r)}; }
inline Words operator-(Words a, Words b) { return {_mm256_sub_epi32(a.r, b.r)}; }
inline Words shift_left_23(Words a) { return {_mm256_slli_epi32(a.r, 23)}; }
inline Words shift_right_23(Words a) { return {_mm256_srai_epi32(a.r, 23)}; }
inline void load_complex(const float* p, Lanes& re, Lanes& im)
{
    const __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
    const __m256 low = _mm256_permute2f128_ps(a, b, 0x20),
                 high = _mm256_permute2f128_ps(a, b, 0x31);
    re.r = _mm256_shuffle_ps(low, high, 0x88);
    im.r = _mm256_shuffle_ps(low, high, 0xdd);
}
inline void store_complex(float* p, Lanes re, Lanes im)
{
    const __m256 a = _mm256_unpacklo_ps(re.r, im.r), b = _mm256_unpackhi_ps(re.r, im.r);
    _mm256_storeu_ps(p, _mm256_permute2f128_ps(a, b, 0x20));
    _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(a, b, 0x31));
}

#elif defined(SCSC_ISA_sse4)

struct Lanes {
    static constexpr int kCount = 4;
    __m128 r;
    static Lanes load(const float* p) { return {_mm_loadu_ps(p)}; }
    static Lanes all(float v) { return {_mm_set1_ps(v)}; }
    void store(float* p) const { _mm_storeu_ps(p, r); }
};
struct Words {
    __m128i r;
    static Words all(int32_t v) { return {_mm_set1_epi32(v)}; }
};
struct Mask {
    __m128 r;
};
inline Lanes operator+(Lanes a, Lanes b) { return {_mm_add_ps(a.r, b.r)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm_sub_ps(a.r, b.r)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm_mul_ps(a.r, b.r)}; }
inline Lanes operator/(Lanes a, Lanes b) { return {_mm_div_ps(a.r, b.r)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return a * b + c; }
inline Lanes min(Lanes a, Lanes b) { return {_mm_min_ps(a.r, b.r)}; }
inline Lanes max(Lanes a, Lanes b) { return {_mm_max_ps(a.r, b.r)}; }
inline Mask less(Lanes a, Lanes b) { return {_mm_cmplt_ps(a.r, b.r)}; }
inline Mask equal(Lanes a, Lanes b) { return {_mm_cmpeq_ps(a.r, b.r)}; }
inline Mask operator&(Mask a, Mask b) { return {_mm_and_ps(a.r, b.r)}; }
inline bool any(Mask m) { return _mm_movemask_ps(m.r) != 0; }
inline Lanes select(Lanes a, Lanes b, Mask m) { return {_mm_blendv_ps(a.r, b.r, m.r)}; }
inline Words bits(Lanes a) { return {_mm_castps_si128(a.r)}; }
inline Lanes as_float(Words a) { return {_mm_castsi128_ps(a.r)}; }
inline Lanes to_float(Words a) { return {_mm_cvtepi32_ps(a.r)}; }
inline Words operator+(Words a, Words b) { return {_mm_add_epi32(a.r, b.r)}; }
inline Words operator-(Words a, Words b) { return {_mm_sub_epi32(a.r, b.r)}; }
inline Words shift_left_23(Words a) { return {_mm_slli_epi32(a.r, 23)}; }
inline Words shift_right_23(Words a) { return {_mm_srai_epi32(a.r, 23)}; }
inline void load_complex(const float* p, Lanes& re, Lanes& im)
{
    const __m128 a = _mm_loadu_ps(p), b = _mm_loadu_ps(p + 4);
    re.r = _mm_shuffle_ps(a, b, 0x88);
    im.r = _mm_shuffle_ps(a, b, 0xdd);
}
inline void store_complex(float* p, Lanes re, Lanes im)
{
    _mm_storeu_ps(p, _mm_unpacklo_ps(re.r, im.r));
    _mm_storeu_ps(p + 4, _mm_unpackhi_ps(re.r, im.r));
}

#else

struct Lanes {
    static constexpr int kCount = 4;
    typedef float Register __attribute__((vector_size(16)));
    Register r;
    static Lanes load(const float* p)
    {
        Lanes a;
        std::memcpy(&a.r, p, sizeof a.r);
        return a;
    }
    static Lanes all(float v) { return {Register{v, v, v, v}}; }
    void store(float* p) const { std::memcpy(p, &r, sizeof r); }
};
struct Words {
    typedef int32_t Register __attribute__((vector_size(16)));
    Register r;
    static Words all(int32_t v) { return {Register{v, v, v, v}}; }
};
struct Mask {
    Words::Register r;
};
inline Lanes operator+(Lanes a, Lanes b) { return {a.r + b.r}; }
inline Lanes operator-(Lanes a, Lanes b) { return {a.r - b.r}; }
inline Lanes operator*(Lanes a, Lanes b) { return {a.r * b.r}; }
inline Lanes operator/(Lanes a, Lanes b) { return {a.r / b.r}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {a.r * b.r + c.r}; }
inline Mask less(Lanes a, Lanes b) { return {a.r < b.r}; }
inline Mask equal(Lanes a, Lanes b) { return {a.r == b.r}; }
inline Mask operator&(Mask a, Mask b) { return {a.r & b.r}; }
inline bool any(Mask m) { return (m.r[0] | m.r[1] | m.r[2] | m.r[3]) != 0; }
inline Lanes select(Lanes a, Lanes b, Mask m)
{
    return {
        (Lanes::Register)(((Words::Register)a.r & ~m.r) | ((Words::Register)b.r & m.r))};
}
inline Lanes min(Lanes a, Lanes b) { return select(b, a, less(a, b)); }
inline Lanes max(Lanes a, Lanes b) { return select(b, a, less(b, a)); }
inline Words bits(Lanes a) { return {(Words::Register)a.r}; }
inline Lanes as_float(Words a) { return {(Lanes::Register)a.r}; }
inline Lanes to_float(Words a) { return {__builtin_convertvector(a.r, Lanes::Register)}; }
typedef uint32_t UnsignedWords __attribute__((vector_size(16)));
inline Words operator+(Words a, Words b)
{
    return {(Words::Register)((UnsignedWords)a.r + (UnsignedWords)b.r)};
}
inline Words operator-(Words a, Words b)
{
    return {(Words::Register)((UnsignedWords)a.r - (UnsignedWords)b.r)};
}
inline Words shift_left_23(Words a)
{
    return {(Words::Register)((UnsignedWords)a.r << 23)};
}
inline Words shift_right_23(Words a) { return {a.r >> 23}; }
inline void load_complex(const float* p, Lanes& re, Lanes& im)
{
    re.r = Lanes::Register{p[0], p[2], p[4], p[6]};
    im.r = Lanes::Register{p[1], p[3], p[5], p[7]};
}
inline void store_complex(float* p, Lanes re, Lanes im)
{
    for (int i = 0; i < 4; ++i) {
        p[2 * i] = re.r[i];
        p[2 * i + 1] = im.r[i];
    }
}

#endif

/// 2^x for x <= 0; 2^-120 below that. Relative error below 2e-7 (minimax polynomial,
/// ours).
inline Lanes exp2(Lanes x)
{
    x = max(x, Lanes::all(-120.0f));
    const Lanes shifted =
        x + Lanes::all(12582912.0f); // 1.5 * 2^23: the integer part in the low bits
    const Lanes f = x - (shifted - Lanes::all(12582912.0f));
    Lanes p =
        fma(f, Lanes::all(0.0013276388635858893f), Lanes::all(0.009675540961325169f));
    p = fma(f, p, Lanes::all(0.05550713464617729f));
    p = fma(f, p, Lanes::all(0.24022120237350464f));
    p = fma(f, p, Lanes::all(0.6931469440460205f));
    p = fma(f, p, Lanes::all(1.0f));
    return as_float(bits(p) + shift_left_23(bits(shifted)));
}

/// log2(x) for normal x > 0. Error below 1.5e-7 relative or absolute (minimax polynomial,
/// ours).
inline Lanes log2(Lanes x)
{
    const Words offset =
        bits(x) - Words::all(0x3f3504f3); // mantissa into [sqrt(1/2), sqrt(2))
    const Words exponent = shift_right_23(offset);
    const Lanes t = as_float(bits(x) - shift_left_23(exponent)) - Lanes::all(1.0f);
    Lanes p = fma(t, Lanes::all(0.12923681735992432f), Lanes::all(-0.2089211791753769f));
    p = fma(t, p, Lanes::all(0.21521659195423126f));
    p = fma(t, p, Lanes::all(-0.2386777400970459f));
    p = fma(t, p, Lanes::all(0.2879388630390167f));
    p = fma(t, p, Lanes::all(-0.36071616411209106f));
    p = fma(t, p, Lanes::all(0.4809102714061737f));
    p = fma(t, p, Lanes::all(-0.7213472127914429f));
    p = fma(t, p, Lanes::all(1.4426950216293335f));
    return fma(t, p, to_float(exponent));
}

} // namespace scsc::SCSC_ISA_NS
