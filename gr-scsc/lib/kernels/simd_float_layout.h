// SPDX-License-Identifier: GPL-3.0-or-later
// Rearrangement of floats between memory and registers: interleaved complex numbers, and
// 4 x 4 transposes.
#pragma once

#include "simd_float.h"

#include <cstdint>

namespace scsc::SCSC_ISA_NS {

#if defined(SCSC_ISA_avx512)

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

/// out[i * stride + j] = row[j][i], i and j in 0..3.
inline void transpose4(const float* const row[4], float* out, int64_t stride)
{
#ifdef SCSC_ISA_X86
    __m128 a = _mm_loadu_ps(row[0]), b = _mm_loadu_ps(row[1]);
    __m128 c = _mm_loadu_ps(row[2]), d = _mm_loadu_ps(row[3]);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(out, a);
    _mm_storeu_ps(out + stride, b);
    _mm_storeu_ps(out + 2 * stride, c);
    _mm_storeu_ps(out + 3 * stride, d);
#else
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j)
            out[i * stride + j] = row[j][i];
#endif
}

} // namespace scsc::SCSC_ISA_NS
