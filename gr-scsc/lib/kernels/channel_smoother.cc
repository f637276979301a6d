// SPDX-License-Identifier: GPL-3.0-or-later
// Every inner loop adds a multiple of one row to another, which compilers vectorise in
// double without a change of the order of sums.
#include "channel_smoother_kernels.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace scsc::SCSC_ISA_NS {
namespace {

/// y += a x.
inline void add(double a, const double* __restrict x, double* __restrict y, int count)
{
    for (int j = 0; j < count; ++j)
        y[j] += a * x[j];
}

/// Real rows, [rows, columns].
struct Rows {
    int columns;
    std::vector<double> values;

    Rows(int rows, int n_columns)
        : columns(n_columns), values(static_cast<size_t>(rows) * n_columns, 0.0)
    {
    }
    double* row(int i) { return values.data() + static_cast<size_t>(i) * columns; }
};

class Smoother
{
public:
    explicit Smoother(const ChannelSmoothing& job)
        : d_job(job), d_width(2 * job.n_links), d_powers(job.n_taps),
          d_variances(job.n_taps),
          d_turned(2 * job.n_links), d_factor(job.n_taps, job.n_taps),
          d_inverse(job.n_taps, job.n_taps), d_matched(job.n_taps, d_width),
          d_half(job.n_taps, d_width), d_taps(job.n_taps, d_width)
    {
    }

    double run()
    {
        const double unit = d_job.error_var / d_job.n_used;
        match();
        for (int l = 0; l < d_job.n_taps; ++l) {
            const double power = mean_power(d_matched.row(l));
            d_powers[l] = std::max(power / d_job.n_used / d_job.n_used - unit,
                                   d_job.first_floor * unit);
        }
        for (int step = 0;; ++step) {
            factorise();
            invert();
            estimate();
            if (step == d_job.steps)
                break;
            for (int l = 0; l < d_job.n_taps; ++l)
                d_powers[l] = std::max(mean_power(d_taps.row(l)) + d_variances[l],
                                       d_job.last_floor * unit);
        }
        expand();
        return error();
    }

private:
    /// F^H h: columns re, im of every link.
    void match()
    {
        for (int k = 0; k < d_job.n_used; ++k) {
            const double* h = d_job.h + static_cast<size_t>(k) * d_width;
            turn(h, -1, d_turned.data());
            for (int l = 0; l < d_job.n_taps; ++l) {
                const double* f = phase(k, l);
                add(f[0], h, d_matched.row(l), d_width);
                add(f[1], d_turned.data(), d_matched.row(l), d_width);
            }
        }
    }

    /// out = sign j x: a product with a complex number is two of real numbers then.
    void turn(const double* x, double sign, double* out) const
    {
        for (int c = 0; c < d_width; c += 2) {
            out[c] = -sign * x[c + 1];
            out[c + 1] = sign * x[c];
        }
    }

    const double* phase(int carrier, int tap) const
    {
        return d_job.transform + 2 * (static_cast<size_t>(carrier) * d_job.n_taps + tap);
    }

    double mean_power(const double* row) const
    {
        double sum = 0;
        for (int c = 0; c < d_width; ++c)
            sum += row[c] * row[c];
        return sum / d_job.n_links;
    }

    /// G / s + D^-1 = U^T U, U upper.
    void factorise()
    {
        const int n = d_job.n_taps;
        for (int i = 0; i < n; ++i) {
            const double* gram = d_job.gram + static_cast<size_t>(i) * n;
            double* row = d_factor.row(i);
            for (int j = i; j < n; ++j)
                row[j] = gram[j] / d_job.error_var;
            row[i] += 1 / d_powers[i];
        }
        for (int k = 0; k < n; ++k) {
            double* pivot = d_factor.row(k);
            const double scale = 1 / std::sqrt(pivot[k]);
            for (int j = k; j < n; ++j)
                pivot[j] *= scale;
            for (int i = k + 1; i < n; ++i)
                add(-pivot[i], pivot + i, d_factor.row(i) + i, n - i);
        }
    }

    /// V = U^-1, and C_ll = sum_k V_lk^2.
    void invert()
    {
        const int n = d_job.n_taps;
        for (int l = n - 1; l >= 0; --l) {
            const double* u = d_factor.row(l);
            double* v = d_inverse.row(l);
            std::fill(v, v + n, 0.0);
            for (int k = l + 1; k < n; ++k)
                add(-u[k], d_inverse.row(k) + k, v + k, n - k);
            const double scale = 1 / u[l];
            v[l] = scale;
            double sum = scale * scale;
            for (int j = l + 1; j < n; ++j) {
                v[j] *= scale;
                sum += v[j] * v[j];
            }
            d_variances[l] = sum;
        }
    }

    /// g = V V^T F^H h / s.
    void estimate()
    {
        const int n = d_job.n_taps;
        std::fill(d_half.values.begin(), d_half.values.end(), 0.0);
        std::fill(d_taps.values.begin(), d_taps.values.end(), 0.0);
        for (int l = 0; l < n; ++l)
            for (int k = l; k < n; ++k)
                add(d_inverse.row(l)[k] / d_job.error_var,
                    d_matched.row(l),
                    d_half.row(k),
                    d_width);
        for (int l = 0; l < n; ++l)
            for (int k = l; k < n; ++k)
                add(d_inverse.row(l)[k], d_half.row(k), d_taps.row(l), d_width);
    }

    /// F g.
    void expand()
    {
        for (int l = 0; l < d_job.n_taps; ++l)
            turn(d_taps.row(l), 1, d_half.row(l));
        for (int k = 0; k < d_job.n_used; ++k) {
            double* out = d_job.smoothed + static_cast<size_t>(k) * d_width;
            std::fill(out, out + d_width, 0.0);
            for (int l = 0; l < d_job.n_taps; ++l) {
                const double* f = phase(k, l);
                add(f[0], d_taps.row(l), out, d_width);
                add(f[1], d_half.row(l), out, d_width);
            }
        }
    }

    /// tr(G C) = s tr((C^-1 - D^-1) C): the diagonal of C is enough.
    double error() const
    {
        double sum = 0;
        for (int l = 0; l < d_job.n_taps; ++l)
            sum += 1 - d_variances[l] / d_powers[l];
        return d_job.error_var * sum / d_job.n_used;
    }

    const ChannelSmoothing& d_job;
    int d_width;
    std::vector<double> d_powers, d_variances, d_turned;
    Rows d_factor, d_inverse, d_matched, d_half, d_taps;
};

} // namespace

double smooth_channel(const ChannelSmoothing& job) { return Smoother(job).run(); }

} // namespace scsc::SCSC_ISA_NS
