// SPDX-License-Identifier: GPL-3.0-or-later
// Registers of float lanes, their bits as int32 and their comparisons. The operations are
// the same in every instruction set up to the fusing of multiply and add.
#pragma once

#include "simd_isa.h"

#include <cstdint>
#include <cstring>

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
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {a.r * b.r + c.r}; }
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

#endif

// The vector extension writes these alike for every register type.
inline Lanes operator+(Lanes a, Lanes b) { return {a.r + b.r}; }
inline Lanes operator-(Lanes a, Lanes b) { return {a.r - b.r}; }
inline Lanes operator*(Lanes a, Lanes b) { return {a.r * b.r}; }
inline Lanes operator/(Lanes a, Lanes b) { return {a.r / b.r}; }

} // namespace scsc::SCSC_ISA_NS
