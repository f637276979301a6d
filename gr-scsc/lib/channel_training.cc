// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/channel_training.h>

#include <algorithm>
#include <cmath>

namespace scsc {

double train_channel(const LongTraining& job)
{
    const int64_t width = 2 * static_cast<int64_t>(job.n_used) * job.n_rx;
    const float *a1 = job.y, *a2 = a1 + width, *b1 = a2 + width, *b2 = b1 + width;
    double noise = 0;
    for (int64_t i = 0; i < width; ++i) {
        const double a = double(a1[i]) + a2[i], b = double(b1[i]) + b2[i];
        const double c = double(a1[i]) - a2[i], d = double(b1[i]) - b2[i];
        noise += c * c + d * d;
        const double scale = job.signs[i / (2 * job.n_rx)] / std::sqrt(8.0);
        const int64_t at = 4 * (i / 2) + i % 2;
        job.h[at] = scale * (a - b);
        job.h[at + 2] = scale * (a + b);
    }
    // the mean is over two blocks of width / 2 complex numbers each
    return noise / (2.0 * width);
}

double match_symbols(const KnownSymbols& job)
{
    const int64_t n_links = 2 * static_cast<int64_t>(job.n_used) * job.n_rx;
    std::fill(job.h, job.h + 2 * n_links, 0.0);
    const double scale = 2.0 / job.n_symbols;
    double received = 0;
    const float* y = job.y;
    const double* sent = job.sent;
    for (int t = 0; t < job.n_symbols; ++t) {
        double* h = job.h;
        for (int k = 0; k < job.n_used; ++k, sent += 4)
            for (int r = 0; r < job.n_rx; ++r, y += 2) {
                received += double(y[0]) * y[0] + double(y[1]) * y[1];
                for (int a = 0; a < 4; a += 2, h += 2) {
                    h[0] += scale * (y[0] * sent[a] + y[1] * sent[a + 1]);
                    h[1] += scale * (y[1] * sent[a] - y[0] * sent[a + 1]);
                }
            }
    }
    // orthogonal antennas: what the estimate explains and what it leaves add up
    double explained = 0;
    for (int64_t i = 0; i < 2 * n_links; ++i)
        explained += job.h[i] * job.h[i];
    return std::max(received - explained / scale, 0.0);
}

} // namespace scsc
