// SPDX-License-Identifier: GPL-3.0-or-later
// The smoother against a Gauss-Jordan inverse of the whole covariance, and the
// least-squares estimates against channels that are known.
#include <scsc/channel_smoother.h>
#include <scsc/channel_training.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;
using Matrix = std::vector<std::vector<double>>;

double noise(uint64_t& state)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 40) / (1 << 23) - 1;
}

Matrix inverse(Matrix a)
{
    const size_t n = a.size();
    Matrix b(n, std::vector<double>(n, 0.0));
    for (size_t i = 0; i < n; ++i)
        b[i][i] = 1;
    for (size_t k = 0; k < n; ++k) {
        const double pivot = a[k][k]; // positive definite: no exchange is needed
        for (size_t j = 0; j < n; ++j) {
            a[k][j] /= pivot;
            b[k][j] /= pivot;
        }
        for (size_t i = 0; i < n; ++i) {
            const double factor = a[i][k];
            for (size_t j = 0; i != k && j < n; ++j) {
                a[i][j] -= factor * a[k][j];
                b[i][j] -= factor * b[k][j];
            }
        }
    }
    return b;
}

struct Case {
    int n_used, n_links, n_taps;
    std::vector<Wide> h, transform;
    std::vector<double> gram;

    Case(int n_fft, int links, int taps)
        : n_used(13 * n_fft / 16), n_links(links), n_taps(taps)
    {
        uint64_t state = 3;
        for (int i = 0; i < n_used; ++i) {
            const int carrier = i < n_used / 2 ? i - n_used / 2 : i - n_used / 2 + 1;
            for (int l = 0; l < n_taps; ++l)
                transform.push_back(std::polar(1.0, -2 * M_PI * carrier * l / n_fft));
        }
        for (int l = 0; l < n_taps; ++l)
            for (int m = 0; m < n_taps; ++m) {
                Wide sum = 0;
                for (int i = 0; i < n_used; ++i)
                    sum += std::conj(transform[i * n_taps + l]) *
                           transform[i * n_taps + m];
                gram.push_back(sum.real());
            }
        std::vector<Wide> taps_of(static_cast<size_t>(n_taps) * n_links);
        for (int l = 0; l < n_taps; ++l)
            for (int c = 0; c < n_links; ++c)
                taps_of[l * n_links + c] =
                    Wide(noise(state), noise(state)) * std::exp(-0.5 * l);
        for (int i = 0; i < n_used; ++i)
            for (int c = 0; c < n_links; ++c) {
                Wide sum(0.1 * noise(state), 0.1 * noise(state));
                for (int l = 0; l < n_taps; ++l)
                    sum += transform[i * n_taps + l] * taps_of[l * n_links + c];
                h.push_back(sum);
            }
    }

    double run(double error_var, int steps, std::vector<Wide>& smoothed) const
    {
        smoothed.resize(h.size());
        return scsc::smooth_channel({reinterpret_cast<const double*>(h.data()),
                                     n_used,
                                     n_links,
                                     reinterpret_cast<const double*>(transform.data()),
                                     gram.data(),
                                     n_taps,
                                     error_var,
                                     steps,
                                     0.1,
                                     1e-4,
                                     reinterpret_cast<double*>(smoothed.data())});
    }

    double mean_power(const std::vector<Wide>& taps, int l) const
    {
        double sum = 0;
        for (int c = 0; c < n_links; ++c)
            sum += std::norm(taps[l * n_links + c]) / n_links;
        return sum;
    }

    double expected(double error_var, int steps, std::vector<Wide>& smoothed) const
    {
        const double unit = error_var / n_used;
        std::vector<Wide> matched(static_cast<size_t>(n_taps) * n_links), taps;
        for (int l = 0; l < n_taps; ++l)
            for (int c = 0; c < n_links; ++c)
                for (int i = 0; i < n_used; ++i)
                    matched[l * n_links + c] +=
                        std::conj(transform[i * n_taps + l]) * h[i * n_links + c];
        std::vector<double> power;
        for (int l = 0; l < n_taps; ++l)
            power.push_back(std::max(
                mean_power(matched, l) / n_used / n_used - unit, 0.1 * unit));
        Matrix covariance;
        for (int step = 0; step <= steps; ++step) {
            Matrix a(n_taps, std::vector<double>(n_taps));
            for (int l = 0; l < n_taps; ++l)
                for (int m = 0; m < n_taps; ++m)
                    a[l][m] = gram[l * n_taps + m] / error_var + (l == m) / power[l];
            covariance = inverse(a);
            taps.assign(matched.size(), 0);
            for (int l = 0; l < n_taps; ++l)
                for (int m = 0; m < n_taps; ++m)
                    for (int c = 0; c < n_links; ++c)
                        taps[l * n_links + c] +=
                            covariance[l][m] * matched[m * n_links + c] / error_var;
            for (int l = 0; l < n_taps; ++l)
                power[l] = std::max(mean_power(taps, l) + covariance[l][l], 1e-4 * unit);
        }
        smoothed.assign(h.size(), 0);
        for (int i = 0; i < n_used; ++i)
            for (int c = 0; c < n_links; ++c)
                for (int l = 0; l < n_taps; ++l)
                    smoothed[i * n_links + c] +=
                        transform[i * n_taps + l] * taps[l * n_links + c];
        double error = 0;
        for (int l = 0; l < n_taps; ++l)
            for (int m = 0; m < n_taps; ++m)
                error += gram[l * n_taps + m] * covariance[m][l] / n_used;
        return error;
    }
};

int check(int n_fft, int links, int taps, double error_var, int steps)
{
    const Case sample(n_fft, links, taps);
    std::vector<Wide> found, wanted;
    const double error = sample.run(error_var, steps, found);
    const double expected = sample.expected(error_var, steps, wanted);
    double difference = 0;
    for (size_t i = 0; i < found.size(); ++i)
        difference = std::max(difference, std::abs(found[i] - wanted[i]));
    if (difference > 1e-8 || std::abs(error - expected) > 1e-8 * expected) {
        std::printf("%d taps, %d links, s %g: differs by %g, error %g (expected %g)\n",
                    taps,
                    links,
                    error_var,
                    difference,
                    error,
                    expected);
        return 1;
    }
    return 0;
}

/// Both least-squares estimates return the channel that the symbols went through.
int check_training(int n_used, int n_rx)
{
    uint64_t state = 8;
    std::vector<Wide> h, sent, found(static_cast<size_t>(n_used) * n_rx * 2);
    std::vector<double> signs;
    for (int i = 0; i < n_used * n_rx * 2; ++i)
        h.emplace_back(noise(state), noise(state));
    for (int k = 0; k < n_used; ++k)
        signs.push_back(noise(state) > 0 ? 1 : -1);
    const auto received = [&](int k, int r, Wide first, Wide second) {
        const Wide* g = &h[(k * n_rx + r) * 2];
        return Complex(g[0] * first + g[1] * second);
    };
    const double root = std::sqrt(0.5);
    std::vector<Complex> y;
    for (int t = 0; t < scsc::kTrainingWindows; ++t)
        for (int k = 0; k < n_used; ++k)
            for (int r = 0; r < n_rx; ++r) // +-0.01 within a block: noise of 4e-4 / 2
                y.push_back(
                    received(
                        k, r, (t < 2 ? root : -root) * signs[k], root * signs[k]) +
                    Complex(t % 2 ? 0.01f : -0.01f, 0));
    int failures = 0;
    const auto compare = [&](const char* name) {
        for (size_t i = 0; i < h.size(); ++i)
            if (std::abs(found[i] - h[i]) > 1e-6) {
                std::printf("%s differs at %zu\n", name, i);
                ++failures;
                return;
            }
    };
    const double noise_var =
        scsc::train_channel({reinterpret_cast<const float*>(y.data()),
                             signs.data(),
                             n_used,
                             n_rx,
                             reinterpret_cast<double*>(found.data())});
    compare("train_channel");
    if (std::abs(noise_var - 2e-4) > 1e-8) {
        std::printf("noise variance %g, expected 2e-4\n", noise_var);
        ++failures;
    }
    y.clear();
    for (int t = 0; t < 4; ++t)
        for (int k = 0; k < n_used; ++k) {
            const Wide a = std::polar(root, 0.3 * k), b = std::polar(root, 1.0 + k);
            sent.push_back(t % 2 ? -std::conj(b) : a);
            sent.push_back(t % 2 ? std::conj(a) : b);
            for (int r = 0; r < n_rx; ++r) // +-0.01 between the pairs: no channel does it
                y.push_back(received(k, r, sent[sent.size() - 2], sent.back()) +
                            Complex(t < 2 ? 0.01f : -0.01f, 0));
        }
    const double residual =
        scsc::match_symbols({reinterpret_cast<const float*>(y.data()),
                             reinterpret_cast<const double*>(sent.data()),
                             4,
                             n_used,
                             n_rx,
                             reinterpret_cast<double*>(found.data())});
    compare("match_symbols");
    if (std::abs(residual / (4 * n_used * n_rx) - 1e-4) > 1e-6) {
        std::printf("residual %g per value, expected 1e-4\n",
                    residual / (4 * n_used * n_rx));
        ++failures;
    }
    return failures;
}

} // namespace

int main()
{
    int failures = 0;
    for (int taps : {1, 2, 3, 16, 33})
        for (int links : {1, 3, 4})
            for (double error_var : {1e-3, 0.5})
                failures += check(64, links, taps, error_var, links == 3 ? 0 : 4);
    failures += check(256, 4, scsc::kMaxSmootherTaps, 0.02, 2);
    failures += check_training(52, 2) + check_training(7, 3);
    return failures;
}
