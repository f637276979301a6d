// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/frame_timing.h>
#include <scsc/ofdm_windows.h>
#include <scsc/training_detector.h>

#include <complex>
#include <vector>

namespace py = pybind11;

namespace {

using Complex = std::complex<float>;
py::tuple
detect_training(const py::array& samples, const py::array& period, const py::array& products)
{
    scsc::TrainingDetection job = {};
    job.samples =
        reinterpret_cast<const float*>(arrays::data<Complex>(samples, "samples", 2));
    job.period = reinterpret_cast<const float*>(arrays::data<Complex>(period, "period", 1));
    job.products = arrays::data<float>(products, "products", 1);
    if (samples.shape(0) < 1 || samples.shape(0) > scsc::kTrainingAntennas)
        arrays::refuse("samples must have 1.." + arrays::text(scsc::kTrainingAntennas) +
                       " rows, got " + arrays::text(samples.shape(0)));
    if (period.size() != scsc::kTrainingPeriod)
        arrays::refuse("period must hold " + arrays::text(scsc::kTrainingPeriod) +
                       " samples, got " + arrays::text(period.size()));
    if (products.size() != scsc::kTrainingRepeats - 1)
        arrays::refuse("products must hold " + arrays::text(scsc::kTrainingRepeats - 1) +
                       " values, got " + arrays::text(products.size()));
    job.n_rx = static_cast<int>(samples.shape(0));
    job.n_samples = samples.shape(1);
    const py::ssize_t positions = scsc::training_positions(job.n_samples);
    py::array_t<Complex> p(positions);
    py::array_t<float> metric(positions);
    job.p = reinterpret_cast<float*>(p.mutable_data());
    job.metric = metric.mutable_data();
    {
        py::gil_scoped_release release;
        scsc::detect_training(job);
    }
    return py::make_tuple(p, metric);
}

py::array_t<Complex> ofdm_windows(const py::array& samples,
                                  const py::array& starts,
                                  double omega,
                                  int64_t origin,
                                  int n_fft,
                                  const py::array& bins,
                                  float scale)
{
    scsc::OfdmWindows job = {};
    job.samples =
        reinterpret_cast<const float*>(arrays::data<Complex>(samples, "samples", 2));
    job.starts = arrays::data<int64_t>(starts, "starts", 1);
    job.bins = arrays::data<int32_t>(bins, "bins", 1);
    job.n_rx = static_cast<int>(samples.shape(0));
    job.n_samples = samples.shape(1);
    job.n_windows = starts.size();
    job.n_bins = static_cast<int>(bins.size());
    job.omega = omega;
    job.origin = origin;
    job.n_fft = n_fft;
    job.scale = scale;
    if (job.n_rx < 1)
        arrays::refuse("samples must have at least one row");
    for (int64_t w = 0; w < job.n_windows; ++w)
        if (job.starts[w] < 0 || job.starts[w] > job.n_samples - n_fft)
            arrays::refuse("starts must be in 0.." + arrays::text(job.n_samples - n_fft) +
                           ", got " + arrays::text(job.starts[w]));
    for (int u = 0; u < job.n_bins; ++u)
        if (job.bins[u] < 0 || job.bins[u] >= n_fft)
            arrays::refuse("bins must be in 0.." + arrays::text(n_fft - 1) + ", got " +
                           arrays::text(job.bins[u]));
    py::array_t<Complex> carriers(
        std::vector<py::ssize_t>{starts.size(), bins.size(), samples.shape(0)});
    job.carriers = reinterpret_cast<float*>(carriers.mutable_data());
    {
        py::gil_scoped_release release;
        scsc::ofdm_windows(job);
    }
    return carriers;
}

/// The preamble that `time_frame` looks for: a dictionary, so that its constants are
/// named where they are set.
scsc::FrameTiming timing_job(const py::array& samples, const py::dict& preamble)
{
    const auto array = [&](const char* name) {
        return preamble[name].cast<py::array>();
    };
    const auto integer = [&](const char* name) { return preamble[name].cast<int>(); };
    const auto real = [&](const char* name) { return preamble[name].cast<double>(); };
    const py::array symbol = array("symbol"), windows = array("windows");
    const py::array period = array("period"), segments = array("segments");
    const py::array known = array("known"), steer = array("steer");
    scsc::FrameTiming job = {};
    job.samples = arrays::singles(samples, "samples", 2);
    job.n_rx = static_cast<int>(samples.shape(0));
    job.n_samples = samples.shape(1);
    job.n_starts = integer("n_starts");
    job.symbol = arrays::singles(symbol, "symbol", 1);
    job.n_symbol = static_cast<int>(symbol.size());
    job.windows = arrays::indices(windows, "windows", job.n_samples);
    job.first_path = real("first_path");
    job.look_back = integer("look_back");
    job.period = arrays::singles(period, "period", 1);
    job.n_period = static_cast<int>(period.size());
    job.segments = arrays::indices(segments, "segments", job.n_samples);
    job.n_segments = static_cast<int>(segments.size());
    job.known = arrays::data<float>(known, "known", 2);
    job.steer = arrays::singles(steer, "steer", 2);
    job.n_steps = static_cast<int>(steer.shape(1));
    job.grid_first = real("grid_first");
    job.grid_step = real("grid_step");
    job.path_share = real("path_share");
    job.reach_before = integer("reach_before");
    job.reach_after = integer("reach_after");
    job.max_paths = integer("max_paths");
    const py::ssize_t width = segments.size() + scsc::kTimingWindows;
    arrays::require_at_least("samples' rows", job.n_rx, 1);
    arrays::require_at_least("n_starts", job.n_starts, 1);
    arrays::require_at_least("symbol's length", job.n_symbol, 1);
    arrays::require_at_least("period's length", job.n_period, 1);
    arrays::require_at_least("steer's columns", job.n_steps, 3);
    arrays::require_size("windows' length", windows.size(), scsc::kTimingWindows);
    arrays::require_size("known's rows", known.shape(0), 2);
    arrays::require_size("known's columns", known.shape(1), width);
    arrays::require_size("steer's rows", steer.shape(0), width);
    for (const char* name : {"look_back", "reach_before", "reach_after", "max_paths"})
        arrays::require_at_least(name, integer(name), 0);
    arrays::require_at_least(
        "samples' columns", job.n_samples, scsc::timing_samples(job));
    return job;
}

py::tuple time_frame(const py::array& samples,
                     const py::array& omegas,
                     const py::dict& preamble)
{
    scsc::FrameTiming job = timing_job(samples, preamble);
    job.omegas = arrays::data<double>(omegas, "omegas", 1);
    job.n_omegas = static_cast<int>(omegas.size());
    arrays::require_at_least("omegas' length", job.n_omegas, 1);
    scsc::FrameTime found;
    {
        py::gil_scoped_release release;
        found = scsc::time_frame(job);
    }
    return py::make_tuple(found.start, found.omega, found.q);
}

} // namespace

void bind_waveform(py::module_& m)
{
    m.def("detect_training",
          &detect_training,
          py::arg("samples"),
          py::arg("period"),
          py::arg("products"),
          "P complex64 and M float32 of the short training field's detector at every "
          "position of samples complex64 [n_rx, n]; see training_detector.h.");
    m.def("ofdm_windows",
          &ofdm_windows,
          py::arg("samples"),
          py::arg("starts"),
          py::arg("omega"),
          py::arg("origin"),
          py::arg("n_fft"),
          py::arg("bins"),
          py::arg("scale"),
          "Carriers complex64 [n_windows, n_bins, n_rx] of FFT windows of samples "
          "complex64 [n_rx, n]; see ofdm_windows.h.");
    m.def("time_frame",
          &time_frame,
          py::arg("samples"),
          py::arg("omegas"),
          py::arg("preamble"),
          "(start, omega, q) of a frame in samples complex64 [n_rx, n] whose carrier "
          "offset is near one of omegas float64 [n]; preamble: the other members of "
          "FrameTiming, by name, see frame_timing.h.");
}
