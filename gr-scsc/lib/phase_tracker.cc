// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/phase_tracker.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

namespace scsc {
namespace {

using Complex = std::complex<double>;

constexpr double kPi = 3.141592653589793;

// Written out: std::complex's product looks for infinities.
inline Complex times(Complex a, Complex b)
{
    return {a.real() * b.real() - a.imag() * b.imag(),
            a.real() * b.imag() + a.imag() * b.real()};
}

Complex number(const double* p) { return {p[0], p[1]}; }
Complex number(const float* p) { return {p[0], p[1]}; }

/// One known carrier of a symbol: its product, and the power that this has without noise.
struct Product {
    Complex value;
    double power;
};

Product product(const KnownCarriers& known, const PhaseChannel& channel, int t, int i)
{
    const int row = known.rows[i];
    const double* sent =
        known.sent + 2 * kPhaseTransmit * (static_cast<int64_t>(t) * known.n_rows + i);
    const float* y =
        known.y + 2 * channel.n_rx * (static_cast<int64_t>(t) * channel.n_used + row);
    const double* h = channel.h + 2 * kPhaseTransmit * channel.n_rx * row;
    Product sum = {0, 0};
    for (int r = 0; r < channel.n_rx; ++r) {
        Complex expected = 0;
        for (int a = 0; a < kPhaseTransmit; ++a)
            expected +=
                times(number(h + 2 * (kPhaseTransmit * r + a)), number(sent + 2 * a));
        sum.value += times(number(y + 2 * r), std::conj(expected));
        sum.power += std::norm(expected);
    }
    return sum;
}

/// Products of header and data symbols, of each the carriers that are known.
struct Products {
    int n_symbols;
    std::vector<const KnownCarriers*> known; ///< of each symbol
    std::vector<size_t> first;               ///< of each symbol
    std::vector<Product> values;

    explicit Products(const PhaseTracking& job)
        : n_symbols(job.header.n_symbols + job.data.n_symbols)
    {
        for (const KnownCarriers* part : {&job.header, &job.data})
            for (int t = 0; t < part->n_symbols; ++t) {
                known.push_back(part);
                first.push_back(values.size());
                for (int i = 0; i < part->n_rows; ++i)
                    values.push_back(product(*part, job.channel, t, i));
            }
    }
    int count(int t) const { return known[t]->n_rows; }
    Product* of(int t) { return values.data() + first[t]; }
};

/// Sums over up to `length` neighbours, fewer at the ends, that slide along.
struct Window {
    int n, reach;

    Window(int count, int length) : n(count), reach(length / 2) {}

    /// add(t, sign) is called for what enters and leaves, use(t) when the sum is whole.
    template <class Add, class Use>
    void slide(Add add, Use use) const
    {
        for (int t = 0; t <= std::min(reach - 1, n - 1); ++t)
            add(t, 1.0);
        for (int t = 0; t < n; ++t) {
            if (t + reach < n)
                add(t + reach, 1.0);
            if (t > reach)
                add(t - reach - 1, -1.0);
            use(t);
        }
    }
};

/// Phase of a symbol over all its known carriers, and the time x carrier that it is of.
struct Common {
    double phase, centre;
};

std::vector<Common> common_phases(const PhaseTracking& job, Products& products)
{
    struct Moments {
        Complex value = 0;
        double power = 0, lever = 0;

        void add(const Moments& other, double sign)
        {
            value += sign * other.value;
            power += sign * other.power;
            lever += sign * other.lever;
        }
    };
    std::vector<Moments> symbols(products.n_symbols);
    for (int t = 0; t < products.n_symbols; ++t)
        for (int i = 0; i < products.count(t); ++i) {
            const Product& p = products.of(t)[i];
            const int carrier = job.used[products.known[t]->rows[i]];
            symbols[t].add({p.value, p.power, p.power * job.times[t] * carrier}, 1.0);
        }
    std::vector<Common> common(products.n_symbols);
    Moments sum;
    Window(products.n_symbols, job.common_symbols)
        .slide([&](int t, double sign) { sum.add(symbols[t], sign); },
               [&](int t) {
                   common[t] = {std::arg(sum.value),
                                sum.power > 0 ? sum.lever / sum.power : 0.0};
               });
    return common;
}

/// Sum of one carrier's products over neighbouring symbols.
struct Sum {
    Complex value = 0;
    double levers = 0;
    int count = 0;
};

/// Removes the common phases from the products and fits the slope over time and carriers.
double clock_slope(const PhaseTracking& job,
                   Products& products,
                   const std::vector<Common>& common)
{
    for (int t = 0; t < products.n_symbols; ++t) {
        const Complex turn = std::polar(1.0, -common[t].phase);
        for (int i = 0; i < products.count(t); ++i)
            products.of(t)[i].value = times(products.of(t)[i].value, turn);
    }
    std::vector<Sum> sums(job.channel.n_used);
    double weighted = 0, norm = 0;
    const auto add = [&](int t, double sign) {
        const int32_t* rows = products.known[t]->rows;
        for (int i = 0; i < products.count(t); ++i) {
            Sum& sum = sums[rows[i]];
            sum.value += sign * products.of(t)[i].value;
            sum.levers +=
                sign * (job.times[t] * job.used[rows[i]] - common[t].centre);
            sum.count += static_cast<int>(sign);
        }
    };
    const auto fit = [&](int) {
        for (int k = 0; k < job.channel.n_used; ++k) {
            const Sum& sum = sums[k];
            if (sum.count == 0)
                continue;
            const double weight = std::sqrt(std::norm(sum.value));
            const double lever = sum.levers / sum.count;
            const float angle = std::atan2(static_cast<float>(sum.value.imag()),
                                           static_cast<float>(sum.value.real()));
            weighted += weight * lever * angle;
            norm += weight * lever * lever;
        }
    };
    Window(products.n_symbols, job.slope_symbols).slide(add, fit);
    return norm > 0 ? weighted / norm : 0.0;
}

/// Least squares slope of unwrapped phases over time.
double phase_rate(const double* at, std::vector<double> phases)
{
    const size_t n = phases.size();
    double mean_time = 0, mean_phase = 0, cross = 0, square = 0;
    for (size_t t = 0; t < n; ++t) {
        if (t > 0)
            phases[t] -= 2 * kPi * std::round((phases[t] - phases[t - 1]) / (2 * kPi));
        mean_time += at[t] / n;
        mean_phase += phases[t] / n;
    }
    for (size_t t = 0; t < n; ++t) {
        cross += (at[t] - mean_time) * (phases[t] - mean_phase);
        square += (at[t] - mean_time) * (at[t] - mean_time);
    }
    return square > 0 ? cross / square : 0.0;
}

/// out = scale y exp(-j (phase + slope time used)); phasors step from carrier to carrier.
void turn_data(const PhaseTracking& job,
               const std::vector<double>& phases,
               double slope)
{
    const int n = job.data.n_symbols, n_rx = job.channel.n_rx;
    const int n_used = job.channel.n_used;
    const double* at = job.times + job.header.n_symbols;
    std::vector<double> re(n), im(n), step_re(n), step_im(n);
    for (int t = 0; t < n; ++t) {
        const double first =
            phases[job.header.n_symbols + t] + slope * at[t] * job.used[0];
        re[t] = job.scale * std::cos(first);
        im[t] = -job.scale * std::sin(first);
        step_re[t] = std::cos(slope * at[t]);
        step_im[t] = -std::sin(slope * at[t]);
    }
    int carrier = job.used[0];
    for (int d = 0; d < job.n_out; ++d) {
        const int row = job.out_rows[d];
        for (; carrier < job.used[row]; ++carrier)
            for (int t = 0; t < n; ++t) {
                const double c = re[t] * step_re[t] - im[t] * step_im[t];
                im[t] = re[t] * step_im[t] + im[t] * step_re[t];
                re[t] = c;
            }
        for (int r = 0; r < n_rx; ++r) {
            const float* y = job.data.y + 2 * (static_cast<int64_t>(row) * n_rx + r);
            const int64_t stride = 2 * static_cast<int64_t>(n_used) * n_rx;
            float* out = job.out + 2 * (static_cast<int64_t>(d) * n_rx + r) * n;
            for (int t = 0; t < n; ++t) {
                const float c = static_cast<float>(re[t]), s = static_cast<float>(im[t]);
                const float a = y[t * stride], b = y[t * stride + 1];
                out[2 * t] = a * c - b * s;
                out[2 * t + 1] = a * s + b * c;
            }
        }
    }
}

} // namespace

double find_drift(const PhaseDrift& job)
{
    const double step = 2 * job.limit / (job.n_steps - 1);
    std::vector<double> score(job.n_steps, 0.0);
    for (int t = 0; t < job.known.n_symbols; ++t) {
        Complex value = 0;
        for (int i = 0; i < job.known.n_rows; ++i)
            value += product(job.known, job.channel, t, i).value;
        value = times(value, std::polar(1.0, job.limit * job.times[t]));
        const Complex turn = std::polar(1.0, -step * job.times[t]);
        for (int w = 0; w < job.n_steps; ++w) {
            score[w] += value.real();
            value = times(value, turn);
        }
    }
    const int best = static_cast<int>(std::max_element(score.begin(), score.end()) -
                                      score.begin());
    double drift = best * step - job.limit;
    if (best > 0 && best < job.n_steps - 1) {
        const double left = score[best - 1], middle = score[best];
        const double right = score[best + 1];
        drift += step * 0.5 * (left - right) / (left - 2 * middle + right);
    }
    const int64_t width = static_cast<int64_t>(job.channel.n_used) * job.channel.n_rx;
    for (int t = 0; t < job.known.n_symbols; ++t) {
        const Complex turn = std::polar(1.0, -drift * job.times[t]);
        const float c = static_cast<float>(turn.real());
        const float s = static_cast<float>(turn.imag());
        const float* y = job.known.y + 2 * t * width;
        float* out = job.turned + 2 * t * width;
        for (int64_t i = 0; i < width; ++i) {
            const float a = y[2 * i], b = y[2 * i + 1];
            out[2 * i] = a * c - b * s;
            out[2 * i + 1] = a * s + b * c;
        }
    }
    return drift;
}

TrackedPhase track_phases(const PhaseTracking& job)
{
    Products products(job);
    const std::vector<Common> common = common_phases(job, products);
    const double slope = clock_slope(job, products, common);
    std::vector<double> phases; // of carrier 0
    for (const Common& symbol : common)
        phases.push_back(symbol.phase - slope * symbol.centre);
    turn_data(job, phases, slope);
    return {slope, phase_rate(job.times, phases)};
}

} // namespace scsc
