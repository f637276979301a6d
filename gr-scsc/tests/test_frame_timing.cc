// SPDX-License-Identifier: GPL-3.0-or-later
// A preamble of random symbols with known start and carrier offset, and correlation
// against its definition at odd sizes.
#include <scsc/frame_timing.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

constexpr int kRx = 2;
constexpr int kPeriod = 16;
constexpr int kSegments = 8;

float noise(uint64_t& state)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state >> 40) / (1 << 23) - 1;
}

/// Short segments back to back, then four long symbols; one transmit antenna, of known
/// signs, is enough: the other one has the same.
struct Preamble {
    int n_symbol, n_starts, n_steps = 41;
    std::vector<Complex> symbol, period, samples, steer;
    std::vector<int32_t> windows, segments;
    std::vector<float> known;
    double grid_first = -0.01, grid_step = 0.0005;
    int64_t n_samples;

    Preamble(int symbol_samples, int starts, int at, double omega, float noise_size)
        : n_symbol(symbol_samples), n_starts(starts)
    {
        uint64_t state = 11;
        for (int i = 0; i < n_symbol; ++i)
            symbol.emplace_back(noise(state), noise(state));
        for (int i = 0; i < kPeriod; ++i)
            period.emplace_back(noise(state), noise(state));
        std::vector<Complex> sent;
        for (int i = 0; i < kSegments; ++i) {
            segments.push_back(kPeriod * i);
            sent.insert(sent.end(), period.begin(), period.end());
        }
        for (int i = 0; i < scsc::kTimingWindows; ++i) {
            windows.push_back(static_cast<int32_t>(sent.size()));
            sent.insert(sent.end(), symbol.begin(), symbol.end());
        }
        known.assign(2 * (kSegments + scsc::kTimingWindows), 1.0f);
        for (int i = 0; i < kSegments + scsc::kTimingWindows; ++i) {
            const double centre =
                i < kSegments ? segments[i] + (kPeriod - 1) / 2.0
                              : windows[i - kSegments] + (n_symbol - 1) / 2.0;
            for (int w = 0; w < n_steps; ++w)
                steer.emplace_back(
                    std::polar(1.0, -(grid_first + w * grid_step) * centre));
        }
        n_samples = static_cast<int64_t>(sent.size()) + n_starts - 1;
        for (int r = 0; r < kRx; ++r)
            for (int64_t t = 0; t < n_samples; ++t) {
                Wide value = Wide(noise(state), noise(state)) * double(noise_size);
                if (t >= at && t - at < static_cast<int64_t>(sent.size()))
                    value += Wide(sent[t - at]) * std::polar(1.0, omega * double(t) + r);
                samples.emplace_back(value);
            }
    }

    scsc::FrameTiming job(const std::vector<double>& omegas) const
    {
        scsc::FrameTiming job = {};
        job.samples = reinterpret_cast<const float*>(samples.data());
        job.n_rx = kRx;
        job.n_samples = n_samples;
        job.omegas = omegas.data();
        job.n_omegas = static_cast<int>(omegas.size());
        job.n_starts = n_starts;
        job.symbol = reinterpret_cast<const float*>(symbol.data());
        job.n_symbol = n_symbol;
        job.windows = windows.data();
        job.first_path = 0.5;
        job.look_back = 4;
        job.period = reinterpret_cast<const float*>(period.data());
        job.n_period = kPeriod;
        job.segments = segments.data();
        job.n_segments = kSegments;
        job.known = known.data();
        job.steer = reinterpret_cast<const float*>(steer.data());
        job.n_steps = n_steps;
        job.grid_first = grid_first;
        job.grid_step = grid_step;
        job.path_share = 0.25;
        job.reach_before = 1;
        job.reach_after = 8;
        job.max_paths = 4;
        return job;
    }
};

/// q at the frame's start by its definition; the offset does not change it much.
double quality(const Preamble& preamble, int at, double omega)
{
    double strength = 0, energy = 0;
    for (int r = 0; r < kRx; ++r)
        for (int block = 0; block < scsc::kTimingWindows; block += 2) {
            Wide sum = 0;
            for (int i = block; i < block + 2; ++i)
                for (int m = 0; m < preamble.n_symbol; ++m) {
                    const int64_t t = at + preamble.windows[i] + m;
                    const Wide y = preamble.samples[r * preamble.n_samples + t];
                    sum += std::conj(Wide(preamble.symbol[m])) * y *
                           std::polar(1.0, -omega * double(t));
                    energy += std::norm(y);
                }
            strength += std::norm(sum);
        }
    return strength / (2 * preamble.n_symbol * energy);
}

int check(int n_symbol, int n_starts, int at, double omega, float noise_size)
{
    const Preamble preamble(n_symbol, n_starts, at, omega, noise_size);
    // the first candidate is far off, the second one is left to the grid
    const std::vector<double> omegas = {omega + 0.3, omega - 0.0032};
    const scsc::FrameTime found = scsc::time_frame(preamble.job(omegas));
    const double q = quality(preamble, at, omegas[1]);
    if (found.start != at || std::abs(found.q - q) > 1e-5 * q ||
        // a parabola misses the place of a maximum by a part of the grid step 5e-4
        std::abs(found.omega - omega) > (noise_size > 0 ? 1e-4 : 1e-5)) {
        std::printf("symbol %d, starts %d, start %d: found %d, omega %g (expected %g), q "
                    "%g (expected %g)\n",
                    n_symbol,
                    n_starts,
                    at,
                    found.start,
                    found.omega,
                    omega,
                    found.q,
                    q);
        return 1;
    }
    return 0;
}

} // namespace

int main()
{
    int failures = 0;
    for (int n_symbol : {64, 65, 256})
        for (int n_starts : {1, 7, 48, 49, 65})
            for (int at : {0, n_starts / 2, n_starts - 1})
                failures += check(n_symbol, n_starts, at, -0.021, 0.0f) +
                            check(n_symbol, n_starts, at, 0.05, 0.2f);
    // silence: any start will do, nothing is divided by zero
    Preamble silent(64, 65, 0, 0.0, 0.0f);
    silent.samples.assign(silent.samples.size(), Complex(0, 0));
    const scsc::FrameTime found = scsc::time_frame(silent.job({0.0}));
    if (found.q != 0 || !std::isfinite(found.omega)) {
        std::printf("silence: q %g, omega %g\n", found.q, found.omega);
        ++failures;
    }
    return failures;
}
