// SPDX-License-Identifier: GPL-3.0-or-later
// The kernels against double precision sums, over sizes with partly filled vectors.

#include <scsc/soft_detector.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

namespace {

int g_failures = 0;

void check(bool ok, const char* what, int a, int b)
{
    if (!ok) {
        std::printf("FAILED: %s (%d, %d)\n", what, a, b);
        ++g_failures;
    }
}

struct Case {
    std::vector<float> y, centroids, inv_n0, llr;
    std::vector<int32_t> block;
    scsc::JointDetection job;
};

Case make_case(int n_rx, int n_points, int n_uses, int n_blocks, float inv_n0)
{
    Case c;
    std::mt19937 rng(static_cast<unsigned>(n_rx * 1000 + n_points + n_uses));
    std::normal_distribution<float> normal;
    int n_bits = 0;
    while (1 << n_bits < n_points)
        ++n_bits;
    const size_t uses = static_cast<size_t>(n_uses), dims = static_cast<size_t>(2 * n_rx);
    c.y.resize(uses * dims);
    c.centroids.resize(static_cast<size_t>(n_blocks * n_points) * dims);
    for (float& v : c.y)
        v = normal(rng);
    for (float& v : c.centroids)
        v = normal(rng);
    c.inv_n0.assign(static_cast<size_t>(n_blocks), inv_n0);
    c.llr.assign(uses * static_cast<size_t>(n_bits), 99);
    for (int t = 0; t < n_uses; ++t)
        c.block.push_back(t % n_blocks);
    c.job = {{c.y.data(), n_rx, n_uses, c.block.data()},
             c.centroids.data(),
             n_points,
             c.inv_n0.data(),
             true,
             c.llr.data()};
    return c;
}

double reference(const Case& c, int use, int stride)
{
    const int n_rx = c.job.uses.n_rx, n_points = c.job.n_centroids;
    const int block = c.block[static_cast<size_t>(use)];
    double top[2] = {-1e300, -1e300};
    std::vector<double> q;
    for (int i = 0; i < n_points; ++i) {
        double d = 0;
        for (int r = 0; r < n_rx; ++r)
            for (int part = 0; part < 2; ++part) {
                const double s = c.centroids[static_cast<size_t>(
                    2 * ((block * n_points + i) * n_rx + r) + part)];
                const double y =
                    c.y[static_cast<size_t>(2 * (r * c.job.uses.n_uses + use) + part)];
                d += (y - s) * (y - s);
            }
        q.push_back(-d * c.inv_n0[0]);
        const int bit = i & stride ? 1 : 0;
        if (q.back() > top[bit])
            top[bit] = q.back();
    }
    double sum[2] = {0, 0};
    for (int i = 0; i < n_points; ++i) {
        const int bit = i & stride ? 1 : 0;
        sum[bit] += c.job.exact ? std::exp(q[static_cast<size_t>(i)] - top[bit]) : 0;
    }
    const double correction = c.job.exact ? std::log(sum[0] / sum[1]) : 0;
    return top[0] - top[1] + correction;
}

void joint_matches_double(
    int n_rx, int n_points, int n_uses, int n_blocks, float inv_n0, bool exact)
{
    Case c = make_case(n_rx, n_points, n_uses, n_blocks, inv_n0);
    c.job.exact = exact;
    scsc::soft_ml(c.job);
    size_t at = 0;
    for (int t = 0; t < n_uses; ++t)
        for (int stride = n_points / 2; stride; stride /= 2, ++at) {
            const double expected = reference(c, t, stride);
            const double error = std::fabs(c.llr[at] - expected);
            check(error <= 1e-4 * std::fmax(1, std::fabs(expected)),
                  "joint LLR",
                  n_points,
                  t);
        }
}

void bad_samples_are_erased()
{
    const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                         std::numeric_limits<float>::infinity(),
                         3e38f};
    for (float value : bad) {
        Case c = make_case(2, 16, 5, 1, 1);
        c.y[2 * 3] = value;
        scsc::soft_ml(c.job);
        for (size_t k = 0; k < 20; ++k)
            check(std::isfinite(c.llr[k]) && (k / 4 == 3) == (c.llr[k] == 0),
                  "erasure",
                  static_cast<int>(k),
                  0);
    }
}

} // namespace

int main()
{
    for (int n_points : {2, 4, 8, 16, 64, 4096})
        for (int n_rx : {1, 2, 3})
            for (bool exact : {true, false})
                joint_matches_double(
                    n_rx, n_points, n_points > 64 ? 17 : 53, 1, 2, exact);
    joint_matches_double(2, 16, 53, 7, 2, true);
    joint_matches_double(3, 8, 53, 53, 2, true);
    joint_matches_double(
        2, 16, 53, 1, 1e4f, true); // LLRs far beyond the range of float sums
    bad_samples_are_erased();
    std::printf("%d failures\n", g_failures);
    return g_failures != 0;
}
