// SPDX-License-Identifier: GPL-3.0-or-later
// Soft bits of a frame against sums over all rows of the table in double.
#include <scsc/frame_bits.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

double noise(uint64_t& state)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 40) / (1 << 23) - 1;
}

/// LSE or maximum of -|y - H z_i|^2 / N0 over the rows whose bit `mask` is `value`.
double metric(const std::vector<double>& q, int mask, bool value, bool exact)
{
    double top = -1e300, sum = 0;
    for (size_t i = 0; i < q.size(); ++i)
        if (bool(i & mask) == value)
            top = std::max(top, q[i]);
    for (size_t i = 0; i < q.size(); ++i)
        if (bool(i & mask) == value)
            sum += std::exp(q[i] - top);
    return exact ? top + std::log(sum) : top;
}

int check(int n_rx, int n_symbols, int n_points, bool common, bool exact)
{
    constexpr int kCarriers = 5;
    constexpr double kNoise = 0.3;
    uint64_t state = 17;
    const auto draw = [&](int count) {
        std::vector<Wide> values;
        for (int i = 0; i < count; ++i)
            values.emplace_back(noise(state), noise(state));
        return values;
    };
    const auto h = draw(kCarriers * n_rx * 2);
    const auto tables = draw((common ? 1 : kCarriers) * n_points * 2);
    const auto wide = draw(kCarriers * n_rx * n_symbols);
    const std::vector<Complex> y(wide.begin(), wide.end());
    int n_bits = 0;
    while (1 << n_bits < n_points)
        ++n_bits;
    std::vector<float> llr(static_cast<size_t>(kCarriers) * n_symbols * n_bits);
    scsc::frame_bits({reinterpret_cast<const float*>(y.data()),
                      kCarriers,
                      n_rx,
                      n_symbols,
                      reinterpret_cast<const double*>(h.data()),
                      reinterpret_cast<const double*>(tables.data()),
                      common ? 1 : kCarriers,
                      n_points,
                      kNoise,
                      exact,
                      llr.data()});
    for (int d = 0; d < kCarriers; ++d)
        for (int t = 0; t < n_symbols; ++t) {
            std::vector<double> q(n_points, 0.0);
            for (int i = 0; i < n_points; ++i)
                for (int r = 0; r < n_rx; ++r) {
                    const Wide* z = &tables[((common ? 0 : d) * n_points + i) * 2];
                    const Wide* g = &h[(d * n_rx + r) * 2];
                    const Wide received = y[(d * n_rx + r) * n_symbols + t];
                    q[i] -= std::norm(received - g[0] * z[0] - g[1] * z[1]) / kNoise;
                }
            for (int k = 0; k < n_bits; ++k) {
                const int mask = 1 << (n_bits - 1 - k);
                const double wanted =
                    metric(q, mask, false, exact) - metric(q, mask, true, exact);
                const double got = llr[(t * kCarriers + d) * n_bits + k];
                if (std::abs(got - wanted) > 1e-4 * (1 + std::abs(wanted))) {
                    std::printf("n_rx %d, K %d, carrier %d, symbol %d, bit %d: %g, "
                                "expected %g\n",
                                n_rx, n_points, d, t, k, got, wanted);
                    return 1;
                }
            }
        }
    return 0;
}

} // namespace

int main()
{
    int failures = 0;
    for (int n_symbols : {0, 1, 15, 33})
        for (bool common : {false, true})
            for (bool exact : {false, true})
                failures += check(2, n_symbols, 16, common, exact) +
                            check(3, n_symbols, 2, common, exact) +
                            check(1, n_symbols, 64, common, exact);
    return failures;
}
