// SPDX-License-Identifier: GPL-3.0-or-later
// Registers of the polar list decoder. One `Paths` holds one value of each of the 8 paths
// as int16; a `Wide` holds kPositions of them, one per 128-bit part, so that one byte
// shuffle permutes the paths of every position. All additions saturate; the results are
// the same for every set.
#pragma once

#include "simd_isa.h"

#include <cstdint>

namespace scsc::SCSC_ISA_NS {

#ifdef SCSC_ISA_X86

struct Paths {
    static constexpr int kPositions = 1;
    __m128i r;
    static Paths load(const int16_t* p)
    {
        return {_mm_load_si128(reinterpret_cast<const __m128i*>(p))};
    }
    void store(int16_t* p) const { _mm_store_si128(reinterpret_cast<__m128i*>(p), r); }
    static Paths all(int value) { return {_mm_set1_epi16(static_cast<short>(value))}; }
    static Paths every(Paths a) { return a; }
    Paths part(int) const { return *this; }
};
inline Paths operator^(Paths a, Paths b) { return {_mm_xor_si128(a.r, b.r)}; }
inline Paths operator&(Paths a, Paths b) { return {_mm_and_si128(a.r, b.r)}; }
inline Paths operator|(Paths a, Paths b) { return {_mm_or_si128(a.r, b.r)}; }
inline Paths adds(Paths a, Paths b) { return {_mm_adds_epi16(a.r, b.r)}; }
inline Paths subs(Paths a, Paths b) { return {_mm_subs_epi16(a.r, b.r)}; }
inline Paths min(Paths a, Paths b) { return {_mm_min_epi16(a.r, b.r)}; }
inline Paths max(Paths a, Paths b) { return {_mm_max_epi16(a.r, b.r)}; }
inline Paths sign(Paths a) { return {_mm_srai_epi16(a.r, 15)}; }
inline Paths less(Paths a, Paths b) { return {_mm_cmplt_epi16(a.r, b.r)}; }
inline Paths permute(Paths a, Paths order) { return {_mm_shuffle_epi8(a.r, order.r)}; }
/// Lanes of b where the mask is all ones, of a elsewhere.
inline Paths select(Paths a, Paths b, Paths mask)
{
    return {_mm_blendv_epi8(a.r, b.r, mask.r)};
}
/// Smallest of 8 values in 0..0xffff (bits 0..15) and its first lane (bits 16..18).
inline uint32_t first_min(Paths a)
{
    return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(a.r)));
}
/// Bit p set when path p is negative.
inline uint8_t negative(Paths a)
{
    return static_cast<uint8_t>(_mm_movemask_epi8(_mm_packs_epi16(a.r, a.r)));
}

#else

struct Paths {
    static constexpr int kPositions = 1;
    typedef int16_t Lanes __attribute__((vector_size(16)));
    Lanes r;
    static Paths load(const int16_t* p) { return {*reinterpret_cast<const Lanes*>(p)}; }
    void store(int16_t* p) const { *reinterpret_cast<Lanes*>(p) = r; }
    static Paths all(int value)
    {
        const int16_t v = static_cast<int16_t>(value);
        return {Lanes{v, v, v, v, v, v, v, v}};
    }
    static Paths every(Paths a) { return a; }
    Paths part(int) const { return *this; }
};
inline Paths operator^(Paths a, Paths b) { return {a.r ^ b.r}; }
inline Paths operator&(Paths a, Paths b) { return {a.r & b.r}; }
inline Paths operator|(Paths a, Paths b) { return {a.r | b.r}; }
inline Paths sign(Paths a) { return {a.r >> 15}; }
inline Paths less(Paths a, Paths b) { return {a.r < b.r}; }
inline Paths select(Paths a, Paths b, Paths mask)
{
    return {(a.r & ~mask.r) | (b.r & mask.r)};
}
inline Paths min(Paths a, Paths b) { return select(b, a, less(a, b)); }
inline Paths max(Paths a, Paths b) { return select(a, b, less(a, b)); }
inline Paths wrap_add(Paths a, Paths b)
{
    typedef uint16_t Words __attribute__((vector_size(16)));
    return {(Paths::Lanes)((Words)a.r + (Words)b.r)};
}
inline Paths wrap_sub(Paths a, Paths b)
{
    typedef uint16_t Words __attribute__((vector_size(16)));
    return {(Paths::Lanes)((Words)a.r - (Words)b.r)};
}
inline Paths adds(Paths a, Paths b)
{
    const Paths sum = wrap_add(a, b);
    return select(sum, sign(a) ^ Paths::all(0x7fff), sign((a ^ sum) & (b ^ sum)));
}
inline Paths subs(Paths a, Paths b)
{
    const Paths difference = wrap_sub(a, b);
    return select(
        difference, sign(a) ^ Paths::all(0x7fff), sign((a ^ b) & (a ^ difference)));
}
inline Paths permute(Paths a, Paths order)
{
    typedef uint8_t Bytes __attribute__((vector_size(16)));
    return {(Paths::Lanes)__builtin_shuffle((Bytes)a.r, (Bytes)order.r)};
}
inline uint32_t first_min(Paths a)
{
    uint32_t best = 0xffff, lane = 0;
    for (uint32_t p = 0; p < 8; ++p) {
        const uint32_t value = static_cast<uint16_t>(a.r[p]);
        if (value < best) {
            best = value;
            lane = p;
        }
    }
    return best | lane << 16;
}
inline uint8_t negative(Paths a)
{
    unsigned bits = 0;
    for (unsigned p = 0; p < 8; ++p)
        bits |= (a.r[p] < 0 ? 1u : 0u) << p;
    return static_cast<uint8_t>(bits);
}

#endif

#if defined(SCSC_ISA_avx512)

struct Wide {
    static constexpr int kPositions = 4;
    __m512i r;
    static Wide load(const int16_t* p) { return {_mm512_load_si512(p)}; }
    void store(int16_t* p) const { _mm512_store_si512(p, r); }
    static Wide all(int value) { return {_mm512_set1_epi16(static_cast<short>(value))}; }
    static Wide every(Paths a) { return {_mm512_maskz_broadcast_i32x4(0xffff, a.r)}; }
    Paths part(int i) const
    {
        alignas(64) int16_t parts[32];
        store(parts);
        return Paths::load(parts + 8 * i);
    }
};
inline Wide operator^(Wide a, Wide b) { return {_mm512_xor_si512(a.r, b.r)}; }
inline Wide adds(Wide a, Wide b) { return {_mm512_adds_epi16(a.r, b.r)}; }
inline Wide subs(Wide a, Wide b) { return {_mm512_subs_epi16(a.r, b.r)}; }
inline Wide min(Wide a, Wide b) { return {_mm512_min_epi16(a.r, b.r)}; }
inline Wide max(Wide a, Wide b) { return {_mm512_max_epi16(a.r, b.r)}; }
inline Wide sign(Wide a) { return {_mm512_srai_epi16(a.r, 15)}; }
inline Wide permute(Wide a, Wide order) { return {_mm512_shuffle_epi8(a.r, order.r)}; }

#elif defined(SCSC_ISA_avx2)

struct Wide {
    static constexpr int kPositions = 2;
    __m256i r;
    static Wide load(const int16_t* p)
    {
        return {_mm256_load_si256(reinterpret_cast<const __m256i*>(p))};
    }
    void store(int16_t* p) const { _mm256_store_si256(reinterpret_cast<__m256i*>(p), r); }
    static Wide all(int value) { return {_mm256_set1_epi16(static_cast<short>(value))}; }
    static Wide every(Paths a) { return {_mm256_broadcastsi128_si256(a.r)}; }
    Paths part(int i) const
    {
        return {i == 0 ? _mm256_castsi256_si128(r) : _mm256_extracti128_si256(r, 1)};
    }
};
inline Wide operator^(Wide a, Wide b) { return {_mm256_xor_si256(a.r, b.r)}; }
inline Wide adds(Wide a, Wide b) { return {_mm256_adds_epi16(a.r, b.r)}; }
inline Wide subs(Wide a, Wide b) { return {_mm256_subs_epi16(a.r, b.r)}; }
inline Wide min(Wide a, Wide b) { return {_mm256_min_epi16(a.r, b.r)}; }
inline Wide max(Wide a, Wide b) { return {_mm256_max_epi16(a.r, b.r)}; }
inline Wide sign(Wide a) { return {_mm256_srai_epi16(a.r, 15)}; }
inline Wide permute(Wide a, Wide order) { return {_mm256_shuffle_epi8(a.r, order.r)}; }

#else

using Wide = Paths;

#endif

} // namespace scsc::SCSC_ISA_NS
