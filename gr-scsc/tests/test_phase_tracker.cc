// SPDX-License-Identifier: GPL-3.0-or-later
// Frames without noise whose phases are set: they must come out, and the data turned
// back.
#include <scsc/alamouti.h>
#include <scsc/phase_tracker.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

constexpr int kRx = 2;
constexpr int kUsed = 12; // carriers -6 .. 6 without 0
constexpr int kSymbol = 80;

double noise(uint64_t& state)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 40) / (1 << 23) - 1;
}

/// Symbols with phase omega t + slope t k, t from the middle of the training on.
struct Frame {
    int n_header, n_data;
    std::vector<int32_t> used, all, pilots = {1, 4, 7, 10}, out = {0, 2, 3, 5, 11};
    std::vector<double> times;
    std::vector<Wide> h, sent, pilots_sent, clean; ///< clean [symbols, used, rx]
    std::vector<Complex> y;

    Frame(int header, int data, double omega, double slope)
        : n_header(header), n_data(data)
    {
        uint64_t state = 21;
        for (int k = 0; k < kUsed; ++k) {
            used.push_back(k < kUsed / 2 ? k - kUsed / 2 : k - kUsed / 2 + 1);
            all.push_back(k);
        }
        // unitary channels and unit vectors: all carriers have the same power
        for (int k = 0; k < kUsed; ++k) {
            const double share = noise(state) * 1.5;
            const Wide a = std::polar(std::cos(share), 3 * noise(state));
            const Wide b = std::polar(std::sin(share), 3 * noise(state));
            h.insert(h.end(), {a, b, -std::conj(b), std::conj(a)});
        }
        for (int t = 0; t < n_header + n_data; ++t) {
            times.push_back(300.0 + kSymbol * t);
            std::vector<Wide> x;
            for (int i = 0; i < 2 * kUsed; ++i)
                x.push_back(std::polar(std::sqrt(0.5), 3 * noise(state)));
            for (int k : t < n_header ? all : pilots)
                for (int a = 0; a < 2; ++a)
                    (t < n_header ? sent : pilots_sent).push_back(x[2 * k + a]);
            for (int k = 0; k < kUsed; ++k)
                for (int r = 0; r < kRx; ++r) {
                    const Wide* g = &h[(k * kRx + r) * 2];
                    const Wide value = g[0] * x[2 * k] + g[1] * x[2 * k + 1];
                    const double phase = omega * times[t] + slope * times[t] * used[k];
                    clean.push_back(value);
                    y.emplace_back(value * std::polar(1.0, phase));
                }
        }
    }

    scsc::KnownCarriers known(bool header) const
    {
        scsc::KnownCarriers known = {};
        const std::vector<int32_t>& rows = header ? all : pilots;
        known.y = reinterpret_cast<const float*>(y.data() +
                                                 (header ? 0 : n_header * kUsed * kRx));
        known.n_symbols = header ? n_header : n_data;
        known.sent =
            reinterpret_cast<const double*>((header ? sent : pilots_sent).data());
        known.rows = rows.data();
        known.n_rows = static_cast<int>(rows.size());
        return known;
    }
    scsc::PhaseChannel channel() const
    {
        return {reinterpret_cast<const double*>(h.data()), kUsed, kRx};
    }
};

int check_tracking(int n_header, int n_data, double omega, double slope)
{
    const Frame frame(n_header, n_data, omega, slope);
    std::vector<Complex> out(frame.out.size() * kRx * n_data);
    scsc::PhaseTracking job = {};
    job.header = frame.known(true);
    job.data = frame.known(false);
    job.channel = frame.channel();
    job.times = frame.times.data();
    job.used = frame.used.data();
    job.common_symbols = omega == 0 ? 3 : 1; // a mean over a frame's end is behind it
    job.slope_symbols = 7;
    job.out_rows = frame.out.data();
    job.n_out = static_cast<int>(frame.out.size());
    job.scale = 2.0f;
    job.out = reinterpret_cast<float*>(out.data());
    const scsc::TrackedPhase found = scsc::track_phases(job);
    int failures = 0;
    // angles of sums of phasors that differ by up to 0.02
    if (std::abs(found.slope - slope) > 1e-3 * std::abs(slope) + 1e-11 ||
        std::abs(found.omega - omega) > 1e-8) {
        std::printf("%d + %d symbols: slope %g (expected %g), omega %g (expected %g)\n",
                    n_header,
                    n_data,
                    found.slope,
                    slope,
                    found.omega,
                    omega);
        ++failures;
    }
    for (size_t d = 0; d < frame.out.size(); ++d)
        for (int r = 0; r < kRx; ++r)
            for (int t = 0; t < n_data; ++t) {
                const Wide wanted =
                    2.0 * frame.clean[((n_header + t) * kUsed + frame.out[d]) * kRx + r];
                const Wide got = out[(d * kRx + r) * n_data + t];
                if (std::abs(got - wanted) > 1e-4) {
                    std::printf("carrier %d, symbol %d: (%g, %g), expected (%g, %g)\n",
                                frame.out[d],
                                t,
                                got.real(),
                                got.imag(),
                                wanted.real(),
                                wanted.imag());
                    return failures + 1;
                }
            }
    return failures;
}

int check_drift(double omega)
{
    const Frame frame(6, 0, omega, 0.0);
    std::vector<Complex> turned(frame.y.size());
    scsc::PhaseDrift job = {};
    job.known = frame.known(true);
    job.channel = frame.channel();
    job.times = frame.times.data();
    job.limit = 0.004;
    job.n_steps = 201;
    job.turned = reinterpret_cast<float*>(turned.data());
    const double found = scsc::find_drift(job);
    const double expected = std::min(std::max(omega, -job.limit), job.limit);
    if (std::abs(found - expected) > 2e-7) {
        std::printf("drift %g, expected %g\n", found, expected);
        return 1;
    }
    for (size_t i = 0; i < turned.size(); ++i) {
        const int t = static_cast<int>(i) / (kUsed * kRx);
        const Wide wanted = Wide(frame.y[i]) * std::polar(1.0, -found * frame.times[t]);
        if (std::abs(Wide(turned[i]) - wanted) > 1e-5) {
            std::printf("symbol %d is not turned by the drift\n", t);
            return 1;
        }
    }
    return 0;
}

/// Symbols that went through Alamouti's map come back, scaled by |h|^2.
int check_alamouti()
{
    uint64_t state = 4;
    const std::vector<int32_t> rows = {1, 2, 4};
    const int n_used = 5, n_symbols = 4;
    std::vector<Wide> h, symbols;
    for (int i = 0; i < n_used * kRx * 2; ++i)
        h.emplace_back(noise(state), noise(state));
    for (size_t i = 0; i < n_symbols * rows.size(); ++i)
        symbols.emplace_back(noise(state), noise(state));
    std::vector<Complex> y(n_symbols * n_used * kRx);
    for (int t = 0; t < n_symbols; t += 2)
        for (size_t i = 0; i < rows.size(); ++i)
            for (int r = 0; r < kRx; ++r) {
                const Wide a = symbols[t * rows.size() + i];
                const Wide b = symbols[(t + 1) * rows.size() + i];
                const Wide* g = &h[(rows[i] * kRx + r) * 2];
                y[(t * n_used + rows[i]) * kRx + r] = Complex(g[0] * a + g[1] * b);
                y[((t + 1) * n_used + rows[i]) * kRx + r] =
                    Complex(-g[0] * std::conj(b) + g[1] * std::conj(a));
            }
    std::vector<float> llr(2 * symbols.size());
    scsc::alamouti_llr({reinterpret_cast<const float*>(y.data()),
                        n_symbols,
                        n_used,
                        kRx,
                        reinterpret_cast<const double*>(h.data()),
                        rows.data(),
                        static_cast<int>(rows.size()),
                        3.0,
                        llr.data()});
    for (size_t s = 0; s < symbols.size(); ++s) {
        double gain = 0;
        for (int i = 0; i < 2 * kRx; ++i)
            gain += std::norm(h[rows[s % rows.size()] * 2 * kRx + i]);
        const Wide wanted = 3.0 * gain * symbols[s];
        if (std::abs(Wide(llr[2 * s], llr[2 * s + 1]) - wanted) > 1e-4) {
            std::printf("Alamouti: symbol %zu is wrong\n", s);
            return 1;
        }
    }
    return 0;
}

/// Bits come back with the sign of their soft bit; pilots stay as they are.
int check_grid()
{
    uint64_t state = 6;
    const std::vector<int32_t> rows = {0, 2, 4}, pilot_rows = {1};
    const int n_used = 5, n_symbols = 4;
    std::vector<uint8_t> bits;
    for (size_t i = 0; i < 2 * n_symbols * rows.size(); ++i)
        bits.push_back(noise(state) > 0);
    const std::vector<Wide> pilots = {1, 2, 3, 4, 5, 6, 7, 8};
    std::vector<Wide> grid(n_symbols * n_used * 2, Wide(9, 9));
    const std::vector<Wide> h(n_used * 2, Wide(0.6, 0.3));
    scsc::alamouti_grid({bits.data(),
                         n_symbols,
                         n_used,
                         rows.data(),
                         static_cast<int>(rows.size()),
                         reinterpret_cast<const double*>(pilots.data()),
                         pilot_rows.data(),
                         static_cast<int>(pilot_rows.size()),
                         reinterpret_cast<double*>(grid.data())});
    std::vector<Complex> y;
    for (int i = 0; i < n_symbols * n_used; ++i)
        y.emplace_back(h[0] * grid[2 * i] + h[1] * grid[2 * i + 1]);
    std::vector<float> llr(bits.size());
    scsc::alamouti_llr({reinterpret_cast<const float*>(y.data()),
                        n_symbols,
                        n_used,
                        1,
                        reinterpret_cast<const double*>(h.data()),
                        rows.data(),
                        static_cast<int>(rows.size()),
                        1.0,
                        llr.data()});
    int failures = 0;
    for (size_t i = 0; i < bits.size(); ++i) // |h|^2 = 0.9, half per component
        failures += std::abs(llr[i] - 0.9 * (0.5 - bits[i])) > 1e-6;
    for (int t = 0; t < n_symbols; ++t)
        failures += grid[(t * n_used + 1) * 2] != pilots[2 * t] ||
                    grid[(t * n_used + 1) * 2 + 1] != pilots[2 * t + 1] ||
                    grid[(t * n_used + 3) * 2] != 0.0;
    if (failures)
        std::printf("Alamouti: %d values of the grid are wrong\n", failures);
    return failures;
}

} // namespace

int main()
{
    int failures = 0;
    for (int n_data : {0, 1, 3, 20, 60})
        for (double omega : {0.0, 1e-3})
            for (double slope : {0.0, -1e-6})
                failures += check_tracking(4, n_data, omega, slope);
    failures += check_drift(0.0013) + check_drift(-0.00391) + check_drift(0.0042);
    failures += check_alamouti() + check_grid();
    return failures;
}
