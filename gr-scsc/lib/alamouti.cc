// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/alamouti.h>

#include <algorithm>

namespace scsc {

void alamouti_llr(const AlamoutiBits& job)
{
    const int64_t width = 2 * static_cast<int64_t>(job.n_used) * job.n_rx;
    for (int t = 0; t + 1 < job.n_symbols; t += 2)
        for (int i = 0; i < job.n_rows; ++i) {
            const int64_t at = 2 * static_cast<int64_t>(job.rows[i]) * job.n_rx;
            const float* y0 = job.y + t * width + at;
            const float* y1 = y0 + width;
            const double* h = job.h + 2 * at;
            double a_re = 0, a_im = 0, b_re = 0, b_im = 0;
            for (int r = 0; r < job.n_rx; ++r, y0 += 2, y1 += 2, h += 4) {
                a_re += h[0] * y0[0] + h[1] * y0[1] + h[2] * y1[0] + h[3] * y1[1];
                a_im += h[0] * y0[1] - h[1] * y0[0] + h[3] * y1[0] - h[2] * y1[1];
                b_re += h[2] * y0[0] + h[3] * y0[1] - h[0] * y1[0] - h[1] * y1[1];
                b_im += h[2] * y0[1] - h[3] * y0[0] - h[1] * y1[0] + h[0] * y1[1];
            }
            float* first = job.llr + 2 * (static_cast<int64_t>(t) * job.n_rows + i);
            float* second = first + 2 * static_cast<int64_t>(job.n_rows);
            first[0] = static_cast<float>(job.scale * a_re);
            first[1] = static_cast<float>(job.scale * a_im);
            second[0] = static_cast<float>(job.scale * b_re);
            second[1] = static_cast<float>(job.scale * b_im);
        }
}

void alamouti_grid(const AlamoutiGrid& job)
{
    const int64_t width = 4 * static_cast<int64_t>(job.n_used); // of a symbol
    std::fill(job.grid, job.grid + job.n_symbols * width, 0.0);
    for (int t = 0; t + 1 < job.n_symbols; t += 2)
        for (int i = 0; i < job.n_rows; ++i) {
            const uint8_t* a = job.bits + 2 * (static_cast<int64_t>(t) * job.n_rows + i);
            const uint8_t* b = a + 2 * static_cast<int64_t>(job.n_rows);
            const double a_re = 0.5 - a[0], a_im = 0.5 - a[1];
            const double b_re = 0.5 - b[0], b_im = 0.5 - b[1];
            double* first = job.grid + t * width + 4 * job.rows[i];
            double* second = first + width;
            first[0] = a_re;
            first[1] = a_im;
            first[2] = b_re;
            first[3] = b_im;
            second[0] = -b_re;
            second[1] = b_im;
            second[2] = a_re;
            second[3] = -a_im;
        }
    const double* pilot = job.pilots;
    for (int t = 0; t < job.n_symbols; ++t)
        for (int i = 0; i < job.n_pilots; ++i, pilot += 4)
            std::copy_n(pilot, 4, job.grid + t * width + 4 * job.pilot_rows[i]);
}

} // namespace scsc
