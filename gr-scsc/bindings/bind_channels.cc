// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/interpolation.h>
#include <scsc/rotation.h>
#include <scsc/sample_noise.h>
#include <scsc/tap_filter.h>

#include <pybind11/stl.h>

#include <optional>

namespace py = pybind11;

namespace {

using Complex = std::complex<float>;

/// Samples that are changed in place.
float* changed(py::array& y, py::ssize_t rows)
{
    arrays::singles(y, "y", 2);
    arrays::require_size("y's rows", y.shape(0), rows);
    return static_cast<float*>(y.mutable_data());
}

const float* tap_data(const py::array& taps, const char* name)
{
    const float* data = arrays::singles(taps, name, 3);
    arrays::require_size("taps' receive antennas", taps.shape(1), scsc::kFilterAntennas);
    arrays::require_size("taps' transmit antennas", taps.shape(2), scsc::kFilterAntennas);
    return data;
}

void filter_taps(py::array y,
                 const py::array& x,
                 int64_t first,
                 int64_t last,
                 int64_t lag,
                 const py::array& taps,
                 const std::optional<py::array>& change,
                 int64_t ramp_start,
                 float ramp_step)
{
    scsc::TapFilter job = {};
    job.y = changed(y, scsc::kFilterAntennas);
    job.n_y = y.shape(1);
    job.x = arrays::singles(x, "x", 2);
    job.n_x = x.shape(1);
    job.first = first;
    job.last = last;
    job.lag = lag;
    job.taps = tap_data(taps, "taps");
    job.n_taps = taps.shape(0);
    job.ramp_start = ramp_start;
    job.ramp_step = ramp_step;
    arrays::require_size("x's rows", x.shape(0), scsc::kFilterAntennas);
    arrays::require_at_least("taps' length", job.n_taps, 1);
    if (first < 0 || last < first || last > job.n_x)
        arrays::refuse("0 <= first <= last <= " + arrays::text(job.n_x) +
                       " is needed, got " + arrays::text(first) + " and " +
                       arrays::text(last));
    if (change) {
        job.change = tap_data(*change, "change");
        arrays::require_size("change's length", change->shape(0), job.n_taps);
    }
    py::gil_scoped_release release;
    scsc::filter_taps(job);
}

void add_noise(py::array y, uint64_t key, uint64_t first, float deviation)
{
    scsc::SampleNoise job = {};
    job.y = changed(y, scsc::kNoiseAntennas);
    job.n = y.shape(1);
    job.key = key;
    job.first = first;
    job.deviation = deviation;
    py::gil_scoped_release release;
    scsc::add_noise(job);
}

void rotate(py::array y, const py::array& turns)
{
    scsc::Rotation job = {};
    job.y = changed(y, y.ndim() > 0 ? y.shape(0) : 0);
    job.n_rows = static_cast<int>(y.shape(0));
    job.n = y.shape(1);
    job.turns = arrays::data<float>(turns, "turns", 1);
    arrays::require_size("turns' length", turns.size(), y.shape(1));
    py::gil_scoped_release release;
    scsc::rotate(job);
}

py::array_t<Complex> interpolate(const py::array& x,
                                 const py::array& starts,
                                 const py::array& fractions,
                                 const py::array& polynomials)
{
    scsc::Interpolation job = {};
    job.x = arrays::singles(x, "x", 2);
    job.n_rows = static_cast<int>(x.shape(0));
    job.n_x = x.shape(1);
    job.starts = arrays::data<int64_t>(starts, "starts", 1);
    job.fractions = arrays::data<float>(fractions, "fractions", 1);
    job.n = starts.size();
    job.polynomials = arrays::data<float>(polynomials, "polynomials", 2);
    job.degree = static_cast<int>(polynomials.shape(0)) - 1;
    job.width = static_cast<int>(polynomials.shape(1));
    arrays::require_size("fractions' length", fractions.size(), job.n);
    arrays::require_at_least("polynomials' rows", job.degree + 1, 1);
    if (job.width < 1 || job.width > scsc::kMaxInterpolationWidth)
        arrays::refuse("polynomials must have 1.." +
                       arrays::text(scsc::kMaxInterpolationWidth) + " columns, got " +
                       arrays::text(job.width));
    for (int64_t i = 0; i < job.n; ++i)
        if (job.starts[i] < 0 || job.starts[i] > job.n_x - job.width)
            arrays::refuse("starts must be in 0.." + arrays::text(job.n_x - job.width) +
                           ", got " + arrays::text(job.starts[i]));
    py::array_t<Complex> y({x.shape(0), starts.size()});
    job.y = reinterpret_cast<float*>(y.mutable_data());
    {
        py::gil_scoped_release release;
        scsc::interpolate(job);
    }
    return y;
}

} // namespace

void bind_channels(py::module_& m)
{
    m.def("filter_taps",
          &filter_taps,
          py::arg("y"),
          py::arg("x"),
          py::arg("first"),
          py::arg("last"),
          py::arg("lag"),
          py::arg("taps"),
          py::arg("change"),
          py::arg("ramp_start"),
          py::arg("ramp_step"),
          "Adds to y complex64 [2, n] what taps complex64 [n_taps, 2, 2] make of x "
          "complex64 [2, m]; they change linearly by `change` (None: not); see "
          "tap_filter.h.");
    m.def("add_noise",
          &add_noise,
          py::arg("y"),
          py::arg("key"),
          py::arg("first"),
          py::arg("deviation"),
          "Adds white noise to y complex64 [2, n], samples first, first + 1, .. of a "
          "stream; see sample_noise.h.");
    m.def("rotate",
          &rotate,
          py::arg("y"),
          py::arg("turns"),
          "Multiplies y complex64 [n_rows, n] by exp(2 pi j turns), turns float32 [n] "
          "in -0.5..0.5; see rotation.h.");
    m.def("interpolate",
          &interpolate,
          py::arg("x"),
          py::arg("starts"),
          py::arg("fractions"),
          py::arg("polynomials"),
          "Samples complex64 [n_rows, n] between those of x complex64 [n_rows, m], by "
          "polynomials float32 [degree + 1, width] in fractions float32 [n]; see "
          "interpolation.h.");
}
