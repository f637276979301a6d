// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the colour conversion, left to the compiler's vectoriser: integers only, so
// that every instruction set gives the same bits. Filter taps as libbpg's results show
// them.
#include "colour_kernels.h"

namespace scsc::SCSC_ISA_NS {

extern const ColourKernels colour_kernels;

namespace {

inline int32_t clamped(int32_t v, int32_t max) { return v < 0 ? 0 : v > max ? max : v; }

template <typename T>
void split(const T* __restrict rgb,
           int n,
           uint16_t* __restrict r,
           uint16_t* __restrict g,
           uint16_t* __restrict b)
{
    for (int i = 0; i < n; ++i) {
        r[i] = rgb[3 * i];
        g[i] = rgb[3 * i + 1];
        b[i] = rgb[3 * i + 2];
    }
}

template <typename T>
void join(const uint16_t* __restrict r,
          const uint16_t* __restrict g,
          const uint16_t* __restrict b,
          int n,
          T* __restrict rgb)
{
    for (int i = 0; i < n; ++i) {
        rgb[3 * i] = static_cast<T>(r[i]);
        rgb[3 * i + 1] = static_cast<T>(g[i]);
        rgb[3 * i + 2] = static_cast<T>(b[i]);
    }
}

void matrix(const uint16_t* const in[3],
            int n,
            const ColourMatrix& m,
            uint16_t* const out[3])
{
    const uint16_t* __restrict a = in[0];
    const uint16_t* __restrict b = in[1];
    const uint16_t* __restrict c = in[2];
    const int shift = m.shift, max = m.max;
    for (int k = 0; k < 3; ++k) {
        uint16_t* __restrict to = out[k];
        const uint32_t ca = m.c[k][0], cb = m.c[k][1], cc = m.c[k][2];
        const uint32_t offset = static_cast<uint32_t>(m.offset[k]);
        for (int i = 0; i < n; ++i) {
            const uint32_t sum = a[i] * ca + b[i] * cb + c[i] * cc + offset;
            to[i] =
                static_cast<uint16_t>(clamped(static_cast<int32_t>(sum) >> shift, max));
        }
    }
}

void matrix_wide(const uint16_t* const in[3],
                 int n,
                 const ColourMatrix& m,
                 uint16_t* const out[3])
{
    for (int k = 0; k < 3; ++k)
        for (int i = 0; i < n; ++i) {
            int64_t sum = m.offset[k];
            for (int j = 0; j < 3; ++j)
                sum += static_cast<int64_t>(m.c[k][j]) * in[j][i];
            const int64_t v = sum >> m.shift;
            out[k][i] = static_cast<uint16_t>(v < 0 ? 0 : v > m.max ? m.max : v);
        }
}

// Taps of the centred 2:1 low-pass, from the middle outwards, and of the 1:2
// interpolators (bpg.md section 4).
constexpr int kHalve[5] = {57, 17, -8, -4, 2};
constexpr int kDouble[7] = {2, -6, 18, 57, -10, 4, -1};
constexpr int kCosited[4] = {40, -11, 4, -1};

void halve_row(const uint16_t* __restrict in, int n, int32_t* __restrict out)
{
    for (int i = 0; i < n; ++i) {
        const uint16_t* p = in + 2 * i;
        out[i] = kHalve[0] * (p[0] + p[1]) + kHalve[1] * (p[-1] + p[2]) +
                 kHalve[2] * (p[-2] + p[3]) + kHalve[3] * (p[-3] + p[4]) +
                 kHalve[4] * (p[-4] + p[5]);
    }
}

void scale_row(
    const int32_t* __restrict in, int n, int shift, int max, uint16_t* __restrict out)
{
    const int32_t round = 1 << (shift - 1);
    for (int i = 0; i < n; ++i)
        out[i] = static_cast<uint16_t>(clamped((in[i] + round) >> shift, max));
}

void halve_column(const int32_t* const rows[10], int n, int max, uint16_t* __restrict out)
{
    const int32_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3], *e = rows[4];
    const int32_t *f = rows[5], *g = rows[6], *h = rows[7], *k = rows[8], *l = rows[9];
    for (int i = 0; i < n; ++i) {
        const int32_t sum = kHalve[0] * (e[i] + f[i]) + kHalve[1] * (d[i] + g[i]) +
                            kHalve[2] * (c[i] + h[i]) + kHalve[3] * (b[i] + k[i]) +
                            kHalve[4] * (a[i] + l[i]);
        out[i] = static_cast<uint16_t>(clamped((sum + (1 << 13)) >> 14, max));
    }
}

void double_column(
    const uint16_t* const rows[7], int n, bool odd, int shift, int16_t* __restrict out)
{
    const uint16_t* r[7];
    for (int k = 0; k < 7; ++k)
        r[k] = rows[odd ? 6 - k : k];
    const uint16_t *a = r[0], *b = r[1], *c = r[2], *d = r[3], *e = r[4], *f = r[5],
                   *g = r[6];
    const int32_t round = (1 << shift) >> 1;
    for (int i = 0; i < n; ++i) {
        const int32_t sum = kDouble[0] * a[i] + kDouble[1] * b[i] + kDouble[2] * c[i] +
                            kDouble[3] * d[i] + kDouble[4] * e[i] + kDouble[5] * f[i] +
                            kDouble[6] * g[i];
        out[i] = static_cast<int16_t>((sum + round) >> shift);
    }
}

void double_row_centred(
    const int16_t* __restrict in, int n, int shift, int max, uint16_t* __restrict out)
{
    const int32_t round = 1 << (shift - 1);
    for (int i = 0; i < n; ++i) {
        const int16_t* p = in + i;
        const int32_t even = kDouble[0] * p[-3] + kDouble[1] * p[-2] +
                             kDouble[2] * p[-1] + kDouble[3] * p[0] + kDouble[4] * p[1] +
                             kDouble[5] * p[2] + kDouble[6] * p[3];
        const int32_t odd = kDouble[0] * p[3] + kDouble[1] * p[2] + kDouble[2] * p[1] +
                            kDouble[3] * p[0] + kDouble[4] * p[-1] + kDouble[5] * p[-2] +
                            kDouble[6] * p[-3];
        out[2 * i] = static_cast<uint16_t>(clamped((even + round) >> shift, max));
        out[2 * i + 1] = static_cast<uint16_t>(clamped((odd + round) >> shift, max));
    }
}

void double_row_cosited(const int16_t* __restrict in,
                        int n,
                        int copy_shift,
                        int max,
                        uint16_t* __restrict out)
{
    const int32_t copy_round = (1 << copy_shift) >> 1;
    const int shift = copy_shift + 6;
    const int32_t round = 1 << (shift - 1);
    for (int i = 0; i < n; ++i) {
        const int16_t* p = in + i;
        const int32_t odd = kCosited[0] * (p[0] + p[1]) + kCosited[1] * (p[-1] + p[2]) +
                            kCosited[2] * (p[-2] + p[3]) + kCosited[3] * (p[-3] + p[4]);
        out[2 * i] =
            static_cast<uint16_t>(clamped((p[0] + copy_round) >> copy_shift, max));
        out[2 * i + 1] = static_cast<uint16_t>(clamped((odd + round) >> shift, max));
    }
}

} // namespace

const ColourKernels colour_kernels = {
    split<uint8_t>,
    split<uint16_t>,
    join<uint8_t>,
    join<uint16_t>,
    matrix,
    matrix_wide,
    halve_row,
    scale_row,
    halve_column,
    double_column,
    double_row_centred,
    double_row_cosited,
};

} // namespace scsc::SCSC_ISA_NS
