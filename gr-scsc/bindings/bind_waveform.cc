// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/training_detector.h>

#include <complex>

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
}
