// SPDX-License-Identifier: GPL-3.0-or-later
// Carriers against the sum that defines them, in double.
#include <scsc/ofdm_windows.h>

#include <cmath>
#include <complex>
#include <cstdio>
#include <stdexcept>
#include <vector>

namespace {

using Wide = std::complex<double>;

constexpr int kRx = 2;

int check(int n_fft, int n_windows, double omega)
{
    const int64_t n_samples = 4000;
    std::vector<std::complex<float>> samples;
    for (int64_t i = 0; i < kRx * n_samples; ++i)
        samples.emplace_back(std::sin(0.7 * i * i), std::cos(0.3 * i * i + 1));
    std::vector<int64_t> starts;
    for (int w = 0; w < n_windows; ++w)
        starts.push_back((w * 997) % (n_samples - n_fft + 1));
    starts.back() = n_samples - n_fft;
    const std::vector<int32_t> bins = {0, 1, n_fft / 2 + 1, n_fft - 1};
    std::vector<std::complex<float>> found(n_windows * bins.size() * kRx);
    scsc::ofdm_windows({reinterpret_cast<const float*>(samples.data()), kRx, n_samples,
                        starts.data(), n_windows, omega, 17, n_fft, bins.data(),
                        static_cast<int>(bins.size()), 0.5f,
                        reinterpret_cast<float*>(found.data())});
    for (int w = 0; w < n_windows; ++w)
        for (size_t u = 0; u < bins.size(); ++u)
            for (int r = 0; r < kRx; ++r) {
                Wide sum = 0;
                for (int i = 0; i < n_fft; ++i) {
                    const double turn = omega * double(starts[w] + i - 17);
                    const double bin = 2 * M_PI * bins[u] * i / n_fft;
                    sum += 0.5 * Wide(samples[r * n_samples + starts[w] + i]) *
                           std::polar(1.0, -turn - bin);
                }
                const Wide got = found[(w * bins.size() + u) * kRx + r];
                if (std::abs(got - sum) > 3e-6 * n_fft) {
                    std::printf("N %d, window %d, bin %d, antenna %d: (%g, %g), expected "
                                "(%g, %g)\n",
                                n_fft, w, bins[u], r, got.real(), got.imag(), sum.real(),
                                sum.imag());
                    return 1;
                }
            }
    return 0;
}

} // namespace

int main()
{
    int failures = 0;
    for (int n_fft : {4, 64, 128, 256, 1024})
        for (int n_windows : {1, 7, 8, 19})
            failures += check(n_fft, n_windows, n_windows == 7 ? 0.0 : -0.013);
    try {
        scsc::OfdmWindows job = {};
        job.n_fft = 48;
        scsc::ofdm_windows(job);
        std::printf("n_fft 48 was not refused\n");
        ++failures;
    } catch (const std::invalid_argument&) {
    }
    return failures;
}
