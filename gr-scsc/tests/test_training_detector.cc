// SPDX-License-Identifier: GPL-3.0-or-later
// The detector against its definition in double, at sizes around its block length.
#include <scsc/training_detector.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

constexpr int kField = scsc::kTrainingPeriod * scsc::kTrainingRepeats;
constexpr int kRx = 2;
constexpr float kCover[] = {1, 1, -1, -1, -1, 1, 1, -1, 1, -1, -1, 1, -1, 1, 1, 1};

float noise(uint64_t& state)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state >> 40) / (1 << 23) - 1;
}

struct Case {
    std::vector<Complex> samples, period;
    std::vector<float> products;
    int64_t n;

    Case(int64_t n_samples, int64_t field_at) : n(n_samples)
    {
        uint64_t state = 5;
        for (int64_t i = 0; i < kRx * n; ++i)
            samples.emplace_back(noise(state), noise(state));
        for (int i = 0; i < scsc::kTrainingPeriod; ++i)
            period.emplace_back(noise(state), noise(state));
        for (int k = 0; k + 1 < scsc::kTrainingRepeats; ++k)
            products.push_back(kCover[k] * kCover[k + 1]);
        for (int i = 0; i < kField && field_at >= 0; ++i)
            for (int r = 0; r < kRx; ++r)
                samples[r * n + field_at + i] +=
                    4.0f * kCover[i / scsc::kTrainingPeriod] *
                    period[i % scsc::kTrainingPeriod];
    }

    scsc::TrainingDetection job(std::vector<Complex>& p, std::vector<float>& metric) const
    {
        p.resize(scsc::training_positions(n));
        metric.resize(p.size());
        return {reinterpret_cast<const float*>(samples.data()),
                kRx,
                n,
                reinterpret_cast<const float*>(period.data()),
                products.data(),
                reinterpret_cast<float*>(p.data()),
                metric.data()};
    }

    Wide filtered(int r, int64_t at) const
    {
        Wide sum = 0;
        for (int i = 0; i < scsc::kTrainingPeriod; ++i)
            sum += std::conj(Wide(period[i])) * Wide(samples[r * n + at + i]);
        return sum;
    }

    void expected(int64_t at, Wide& p, double& metric) const
    {
        p = 0;
        double energy[2] = {};
        for (int r = 0; r < kRx; ++r) {
            std::vector<Wide> m;
            for (int i = 0; i < kField + scsc::kTrainingPeriod / 2 + 1; ++i)
                m.push_back(filtered(r, at + i));
            for (int i = 0; i < kField; ++i)
                energy[i * 2 / kField] += std::norm(m[i]);
            for (size_t k = 0; k < products.size(); ++k)
                for (int step : {0, 1, 8, 9}) {
                    const size_t i = scsc::kTrainingPeriod * k + step;
                    p += double(products[k]) * m[i + scsc::kTrainingPeriod] *
                         std::conj(m[i]);
                }
        }
        const double whole =
            std::max(energy[0] + energy[1], 2 * std::max(energy[0], energy[1]));
        metric = std::norm(p) / (whole * whole);
    }
};

int check(int64_t n, int64_t field_at)
{
    const Case sample(n, field_at);
    std::vector<Complex> p;
    std::vector<float> metric;
    scsc::detect_training(sample.job(p, metric));
    for (size_t at = 0; at < p.size(); at += p.size() > 400 ? 37 : 1) {
        Wide wide;
        double value;
        sample.expected(static_cast<int64_t>(at), wide, value);
        if (std::abs(Wide(p[at]) - wide) > 1e-3 * (1 + std::abs(wide)) ||
            std::abs(metric[at] - value) > 1e-5) {
            std::printf("n %lld, position %zu: M %g, expected %g\n",
                        static_cast<long long>(n),
                        at,
                        metric[at],
                        value);
            return 1;
        }
    }
    if (field_at < 0)
        return 0;
    const auto peak = std::max_element(metric.begin(), metric.end()) - metric.begin();
    if (std::abs(peak - field_at) > scsc::kTrainingPeriod || metric[peak] < 0.05f) {
        std::printf("field at %lld, found at %lld with M %g\n",
                    static_cast<long long>(field_at),
                    static_cast<long long>(peak),
                    metric[peak]);
        return 1;
    }
    return 0;
}

} // namespace

int main()
{
    int failures = 0;
    for (int64_t n : {0, 1, 279, 280, 281, 1302, 1303, 1304, 2329})
        failures += check(n, -1);
    failures += check(3000, 1000);
    failures += check(3000, 2700 - scsc::kTrainingSpan);
    return failures;
}
