// SPDX-License-Identifier: GPL-3.0-or-later
// Row kernels of the colour conversion (bpg.md section 4): plain data in and out.
#pragma once

#include <cstdint>

namespace scsc {

/// Integer 3 x 3 matrix: out_i = clamp((sum_j c[i][j] in_j + offset[i]) >> shift, 0,
/// max).
struct ColourMatrix {
    int32_t c[3][3];
    int64_t offset[3];
    int shift;
    int max;
};

/// Row kernels of the colour conversion; every instruction set gives the same bits. `n`
/// counts output samples of one plane, except where a comment says otherwise.
struct ColourKernels {
    void (*split8)(const uint8_t* rgb, int n, uint16_t* r, uint16_t* g, uint16_t* b);
    void (*split16)(const uint16_t* rgb, int n, uint16_t* r, uint16_t* g, uint16_t* b);
    void (*join8)(
        const uint16_t* r, const uint16_t* g, const uint16_t* b, int n, uint8_t* rgb);
    void (*join16)(
        const uint16_t* r, const uint16_t* g, const uint16_t* b, int n, uint16_t* rgb);
    /// Arithmetic modulo 2^32: right whenever the sum before the shift fits 32 bits.
    void (*matrix)(const uint16_t* const in[3],
                   int n,
                   const ColourMatrix& m,
                   uint16_t* const out[3]);
    /// The same in 64 bits, for limited range where samples may lie outside the nominal
    /// range.
    void (*matrix_wide)(const uint16_t* const in[3],
                        int n,
                        const ColourMatrix& m,
                        uint16_t* const out[3]);
    /// Centred 2:1 low-pass, 10 taps of sum 128; in[-4 .. 2 n + 5] must be readable. Not
    /// scaled back.
    void (*halve_row)(const uint16_t* in, int n, int32_t* out);
    void (*scale_row)(const int32_t* in, int n, int shift, int max, uint16_t* out);
    /// The same filter over ten rows of halve_row; scaled back by 128 * 128 with
    /// rounding.
    void (*halve_column)(const int32_t* const rows[10], int n, int max, uint16_t* out);
    /// 1:2 interpolation, 7 taps of sum 64, over rows -3 .. 3; odd uses the mirrored
    /// taps.
    void (*double_column)(
        const uint16_t* const rows[7], int n, bool odd, int shift, int16_t* out);
    /// 1:2 interpolation of n input samples to 2 n, centred siting; in[-3 .. n + 2] must
    /// be readable.
    void (*double_row_centred)(
        const int16_t* in, int n, int shift, int max, uint16_t* out);
    /// The same for co-sited (MPEG-2) chroma: even samples are copies; in[-3 .. n + 3]
    /// must be readable.
    void (*double_row_cosited)(
        const int16_t* in, int n, int copy_shift, int max, uint16_t* out);
};

namespace generic {
extern const ColourKernels colour_kernels;
}
#if defined(SCSC_X86) || defined(__x86_64__)
namespace sse4 {
extern const ColourKernels colour_kernels;
}
namespace avx2 {
extern const ColourKernels colour_kernels;
}
namespace avx512 {
extern const ColourKernels colour_kernels;
}
#endif

} // namespace scsc
