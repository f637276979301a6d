// SPDX-License-Identifier: GPL-3.0-or-later
// A register holds neighbouring outputs; as a clock drifts slowly, the samples that they
// need are nearly always neighbours too.
#include "interpolation_kernels.h"

#include "simd_float_layout.h"

#include <algorithm>
#include <vector>

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kCount = Lanes::kCount;

class Interpolator
{
public:
    explicit Interpolator(const Interpolation& job)
        : d_job(job), d_planes(2 * job.n_rows * static_cast<size_t>(job.n_x))
    {
        for (int r = 0; r < job.n_rows; ++r) {
            const float* from = job.x + 2 * r * job.n_x;
            float* re = plane(r, 0);
            float* im = plane(r, 1);
            for (int64_t i = 0; i < job.n_x; ++i) {
                re[i] = from[2 * i];
                im[i] = from[2 * i + 1];
            }
        }
    }

    void run()
    {
        for (int64_t at = 0; at < d_job.n; at += kCount)
            form_group(at, static_cast<int>(std::min<int64_t>(kCount, d_job.n - at)));
    }

private:
    float* plane(int row, int part)
    {
        return d_planes.data() + (2 * row + part) * d_job.n_x;
    }

    /// Lanes past `count` repeat the last output.
    void form_group(int64_t at, int count)
    {
        int64_t starts[kCount];
        float fractions[kCount];
        bool neighbours = true;
        for (int j = 0; j < kCount; ++j) {
            const int64_t i = at + std::min(j, count - 1);
            starts[j] = d_job.starts[i];
            fractions[j] = d_job.fractions[i];
            neighbours = neighbours && starts[j] == starts[0] + j;
        }
        Lanes weights[kMaxInterpolationWidth];
        weigh(Lanes::load(fractions), weights);
        for (int r = 0; r < d_job.n_rows; ++r) {
            const Lanes re = sum(weights, plane(r, 0), starts, neighbours);
            const Lanes im = sum(weights, plane(r, 1), starts, neighbours);
            float values[2 * kCount];
            store_complex(values, re, im);
            std::copy_n(values, 2 * count, d_job.y + 2 * (r * d_job.n + at));
        }
    }

    void weigh(Lanes fraction, Lanes* weights) const
    {
        for (int k = 0; k < d_job.width; ++k) {
            const float* c = d_job.polynomials + k;
            Lanes value = Lanes::all(*c);
            for (int p = 0; p < d_job.degree; ++p)
                value = fma(value, fraction, Lanes::all(*(c += d_job.width)));
            weights[k] = value;
        }
    }

    Lanes sum(const Lanes* weights,
              const float* x,
              const int64_t* starts,
              bool neighbours) const
    {
        Lanes total = Lanes::all(0.0f);
        for (int k = 0; k < d_job.width; ++k) {
            float values[kCount];
            if (!neighbours)
                for (int j = 0; j < kCount; ++j)
                    values[j] = x[starts[j] + k];
            const float* from = neighbours ? x + starts[0] + k : values;
            total = fma(weights[k], Lanes::load(from), total);
        }
        return total;
    }

    const Interpolation& d_job;
    std::vector<float> d_planes;
};

} // namespace

void interpolate(const Interpolation& job) { Interpolator(job).run(); }

} // namespace scsc::SCSC_ISA_NS
