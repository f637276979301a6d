// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/frame_timing.h>

#include "kernels/frame_timing_kernels.h"
#include "kernels/isa_choice.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace scsc {
namespace {

struct Kernels {
    void (*correlate)(const SplitRow&, const float*, int, int, const SplitOut&);
    void (*power)(const float*, const int32_t*, int, const SplitRow&, int, float*);
};

Kernels kernels()
{
    return {SCSC_KERNEL(correlate_row), SCSC_KERNEL(add_power)};
}

/// Rows of complex numbers of one length.
struct Split {
    int length;
    std::vector<float> re, im;

    Split(int rows, int row_length)
        : length(row_length), re(static_cast<size_t>(rows) * row_length), im(re.size())
    {
    }
    SplitRow row(int i, int from = 0) const
    {
        const size_t at = static_cast<size_t>(i) * length + from;
        return {re.data() + at, im.data() + at};
    }
    SplitOut out(int i)
    {
        const size_t at = static_cast<size_t>(i) * length;
        return {re.data() + at, im.data() + at};
    }
};

/// Samples turned back by omega, zeros behind them.
void turn(const FrameTiming& job, double omega, Split& turned)
{
    constexpr int kBlock = 64;
    double re[kBlock], im[kBlock];
    for (int t = 0; t < kBlock; ++t) {
        re[t] = std::cos(omega * t);
        im[t] = -std::sin(omega * t);
    }
    const int n = static_cast<int>(timing_samples(job));
    for (int first = 0; first < n; first += kBlock) {
        const double c = std::cos(omega * first), s = -std::sin(omega * first);
        const int count = std::min(kBlock, n - first);
        float turn_re[kBlock], turn_im[kBlock];
        for (int t = 0; t < kBlock; ++t) {
            turn_re[t] = static_cast<float>(c * re[t] - s * im[t]);
            turn_im[t] = static_cast<float>(c * im[t] + s * re[t]);
        }
        for (int r = 0; r < job.n_rx; ++r) {
            const float* y = job.samples + 2 * (r * job.n_samples + first);
            const SplitOut out = turned.out(r);
            for (int t = 0; t < count; ++t) {
                const float a = y[2 * t], b = y[2 * t + 1];
                out.re[first + t] = a * turn_re[t] - b * turn_im[t];
                out.im[first + t] = a * turn_im[t] + b * turn_re[t];
            }
        }
    }
}

/// sums[t]: energy of all antennas before sample t.
std::vector<double> energy_sums(const FrameTiming& job)
{
    const int64_t n = timing_samples(job);
    std::vector<double> sums(static_cast<size_t>(n) + 1, 0.0);
    for (int r = 0; r < job.n_rx; ++r)
        for (int64_t t = 0; t < n; ++t) {
            const float* y = job.samples + 2 * (r * job.n_samples + t);
            sums[t + 1] += double(y[0]) * y[0] + double(y[1]) * y[1];
        }
    for (int64_t t = 0; t < n; ++t)
        sums[t + 1] += sums[t];
    return sums;
}

/// One candidate: samples turned by it and their correlations with the long symbol.
struct Candidate {
    double omega, q;
    int start;
    double strongest;
    Split turned, correlations; ///< rows: antennas; window and antenna
    std::vector<double> strength;

    Candidate(const FrameTiming& job, double candidate, const std::vector<double>& sums)
        : omega(candidate), turned(job.n_rx,
                                   static_cast<int>(timing_samples(job)) + kTimingGroup),
          correlations(kTimingWindows * job.n_rx, timing_padded(job.n_starts)),
          strength(job.n_starts, 0.0)
    {
        turn(job, omega, turned);
        for (int i = 0; i < kTimingWindows; ++i)
            for (int r = 0; r < job.n_rx; ++r)
                kernels().correlate(turned.row(r, job.windows[i]),
                                    job.symbol,
                                    job.n_symbol,
                                    job.n_starts,
                                    correlations.out(i * job.n_rx + r));
        for (int block = 0; block < kTimingWindows; block += 2)
            for (int r = 0; r < job.n_rx; ++r) {
                const SplitRow a = correlations.row(block * job.n_rx + r);
                const SplitRow b = correlations.row((block + 1) * job.n_rx + r);
                for (int s = 0; s < job.n_starts; ++s) {
                    const double re = double(a.re[s]) + b.re[s];
                    const double im = double(a.im[s]) + b.im[s];
                    strength[s] += re * re + im * im;
                }
            }
        choose(job, sums);
    }

private:
    void choose(const FrameTiming& job, const std::vector<double>& sums)
    {
        const int peak = static_cast<int>(
            std::max_element(strength.begin(), strength.end()) - strength.begin());
        strongest = strength[peak];
        double energy = 0;
        for (int i = 0; i < kTimingWindows; ++i) {
            const int first = peak + job.windows[i];
            energy += sums[first + job.n_symbol] - sums[first];
        }
        q = strongest / std::max(2 * job.n_symbol * energy, 1e-30);
        start = std::max(0, peak - job.look_back);
        while (start < peak && !(strength[start] > job.first_path * strongest))
            ++start;
    }
};

/// Starts near the frame's that carry power, strongest first.
std::vector<int> strong_paths(const FrameTiming& job, const Candidate& found)
{
    std::vector<int> paths;
    const int stop = std::min(job.n_starts, found.start + job.reach_after);
    for (int s = std::max(0, found.start - job.reach_before); s < stop; ++s)
        if (found.strength[s] >= job.path_share * found.strongest)
            paths.push_back(s);
    std::stable_sort(paths.begin(), paths.end(), [&](int a, int b) {
        return found.strength[a] > found.strength[b];
    });
    paths.resize(std::min<size_t>(paths.size(), job.max_paths));
    return paths;
}

/// Which segments a transmit antenna fills.
std::vector<int32_t> filled(const FrameTiming& job, const float* known)
{
    std::vector<int32_t> used;
    for (int i = 0; i < job.n_segments + kTimingWindows; ++i)
        if (known[i] != 0)
            used.push_back(i);
    return used;
}

Split padded_steer(const FrameTiming& job)
{
    const int rows = job.n_segments + kTimingWindows;
    Split steer(rows, timing_padded(job.n_steps));
    for (int i = 0; i < rows; ++i) {
        const float* from = job.steer + 2 * static_cast<int64_t>(i) * job.n_steps;
        const SplitOut to = steer.out(i);
        for (int w = 0; w < job.n_steps; ++w) {
            to.re[w] = from[2 * w];
            to.im[w] = from[2 * w + 1];
        }
    }
    return steer;
}

/// Collected power of every step of the grid.
std::vector<float> grid_power(const FrameTiming& job, const Candidate& found)
{
    const int width = job.n_segments + kTimingWindows;
    const std::vector<int> paths = strong_paths(job, found);
    const Split steer = padded_steer(job);
    std::vector<float> power(timing_padded(job.n_steps), 0.0f);
    int reach = 0; // beyond a path, to the last short segment
    for (int i = 0; i < job.n_segments; ++i)
        reach = std::max(reach, job.segments[i]);
    const int begin = paths.empty() ? 0 : *std::min_element(paths.begin(), paths.end());
    const int end = paths.empty() ? 0 : *std::max_element(paths.begin(), paths.end());
    Split filtered(1, timing_padded(end - begin + reach + 1));
    std::vector<float> values(2 * static_cast<size_t>(width));
    for (int r = 0; r < job.n_rx; ++r) {
        const int count = end - begin + reach + 1;
        kernels().correlate(
            found.turned.row(r, begin), job.period, job.n_period, count, filtered.out(0));
        for (int path : paths)
            for (int a = 0; a < 2; ++a) {
                const float* known = job.known + a * width;
                const std::vector<int32_t> used = filled(job, known);
                for (size_t k = 0; k < used.size(); ++k) {
                    const int i = used[k], window = i - job.n_segments;
                    const SplitRow from =
                        window < 0
                            ? filtered.row(0, path - begin + job.segments[i])
                            : found.correlations.row(window * job.n_rx + r, path);
                    values[2 * k] = known[i] * from.re[0];
                    values[2 * k + 1] = known[i] * from.im[0];
                }
                kernels().power(values.data(),
                                used.data(),
                                static_cast<int>(used.size()),
                                steer.row(0),
                                job.n_steps,
                                power.data());
            }
    }
    return power;
}

double fine_offset(const FrameTiming& job, const Candidate& found)
{
    const std::vector<float> power = grid_power(job, found);
    const int best = static_cast<int>(
        std::max_element(power.begin(), power.begin() + job.n_steps) - power.begin());
    const double at = job.grid_first + best * job.grid_step;
    if (best == 0 || best == job.n_steps - 1)
        return at;
    const double left = power[best - 1], middle = power[best], right = power[best + 1];
    return at + job.grid_step * 0.5 * (left - right) / (left - 2 * middle + right);
}

} // namespace

int64_t timing_samples(const FrameTiming& job)
{
    int64_t last = 0;
    for (int i = 0; i < kTimingWindows; ++i)
        last = std::max(last, int64_t(job.windows[i]) + job.n_symbol);
    for (int i = 0; i < job.n_segments; ++i)
        last = std::max(last, int64_t(job.segments[i]) + job.n_period);
    return last + job.n_starts - 1;
}

FrameTime time_frame(const FrameTiming& job)
{
    const std::vector<double> sums = energy_sums(job);
    Candidate best(job, job.omegas[0], sums);
    for (int i = 1; i < job.n_omegas; ++i) {
        Candidate other(job, job.omegas[i], sums);
        if (other.q > best.q)
            best = std::move(other);
    }
    return {best.start, best.omega + fine_offset(job, best), best.q};
}

} // namespace scsc
