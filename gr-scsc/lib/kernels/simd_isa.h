// SPDX-License-Identifier: GPL-3.0-or-later
// What the register wrappers (simd_int8.h, simd_int16.h, simd_float.h) share. They are
// included only by files that are compiled once per instruction set: SCSC_ISA_NS names
// the namespace, SCSC_ISA_<name> is defined, and `generic` is the GCC vector extension.
#pragma once

#if defined(SCSC_ISA_sse4) || defined(SCSC_ISA_avx2) || defined(SCSC_ISA_avx512)
#define SCSC_ISA_X86 1
#include <immintrin.h>
#endif
