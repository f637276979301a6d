// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/alamouti.h>

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

} // namespace scsc
