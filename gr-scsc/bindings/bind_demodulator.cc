// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/alamouti.h>
#include <scsc/channel_smoother.h>
#include <scsc/channel_training.h>
#include <scsc/frame_bits.h>
#include <scsc/phase_tracker.h>
#include <scsc/soft_detector.h>

#include <complex>

namespace py = pybind11;

namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

py::tuple train_channel(const py::array& y, const py::array& signs)
{
    scsc::LongTraining job = {};
    job.y = arrays::singles(y, "y", 3);
    job.signs = arrays::data<double>(signs, "signs", 1);
    job.n_used = static_cast<int>(y.shape(1));
    job.n_rx = static_cast<int>(y.shape(2));
    arrays::require_size("y's symbols", y.shape(0), scsc::kTrainingWindows);
    arrays::require_size("signs' length", signs.size(), job.n_used);
    arrays::require_at_least("y's carriers", job.n_used, 1);
    arrays::require_at_least("y's antennas", job.n_rx, 1);
    py::array_t<Wide> h({y.shape(1), y.shape(2), py::ssize_t(2)});
    job.h = reinterpret_cast<double*>(h.mutable_data());
    double noise_var;
    {
        py::gil_scoped_release release;
        noise_var = scsc::train_channel(job);
    }
    return py::make_tuple(h, noise_var);
}

py::tuple match_symbols(const py::array& y, const py::array& sent)
{
    scsc::KnownSymbols job = {};
    job.y = arrays::singles(y, "y", 3);
    job.sent = arrays::doubles(sent, "sent", 3);
    job.n_symbols = static_cast<int>(y.shape(0));
    job.n_used = static_cast<int>(y.shape(1));
    job.n_rx = static_cast<int>(y.shape(2));
    arrays::require_at_least("y's symbols", job.n_symbols, 1);
    arrays::require_at_least("y's carriers", job.n_used, 1);
    arrays::require_at_least("y's antennas", job.n_rx, 1);
    arrays::require_size("sent's symbols", sent.shape(0), job.n_symbols);
    arrays::require_size("sent's carriers", sent.shape(1), job.n_used);
    arrays::require_size("sent's antennas", sent.shape(2), 2);
    py::array_t<Wide> h({y.shape(1), y.shape(2), py::ssize_t(2)});
    job.h = reinterpret_cast<double*>(h.mutable_data());
    double residual;
    {
        py::gil_scoped_release release;
        residual = scsc::match_symbols(job);
    }
    return py::make_tuple(h, residual);
}

py::tuple smooth_channel(const py::array& h,
                         const py::array& transform,
                         const py::array& gram,
                         double error_var,
                         int steps,
                         double first_floor,
                         double last_floor)
{
    scsc::ChannelSmoothing job = {};
    job.h = arrays::doubles(h, "h", 3);
    job.n_used = static_cast<int>(h.shape(0));
    job.n_links = static_cast<int>(h.shape(1) * h.shape(2));
    job.transform = arrays::doubles(transform, "transform", 2);
    job.gram = arrays::data<double>(gram, "gram", 2);
    job.n_taps = static_cast<int>(transform.shape(1));
    job.error_var = error_var;
    job.steps = steps;
    job.first_floor = first_floor;
    job.last_floor = last_floor;
    arrays::require_at_least("h's carriers", job.n_used, 1);
    arrays::require_at_least("h's links", job.n_links, 1);
    arrays::require_size("transform's rows", transform.shape(0), job.n_used);
    arrays::require_size("gram's rows", gram.shape(0), job.n_taps);
    arrays::require_size("gram's columns", gram.shape(1), job.n_taps);
    if (job.n_taps < 1 || job.n_taps > scsc::kMaxSmootherTaps)
        arrays::refuse("transform must have 1.." + arrays::text(scsc::kMaxSmootherTaps) +
                       " columns, got " + arrays::text(job.n_taps));
    arrays::require_at_least("steps", steps, 0);
    arrays::require_positive("first_floor", first_floor);
    arrays::require_positive("last_floor", last_floor);
    py::array_t<Wide> smoothed({h.shape(0), h.shape(1), h.shape(2)});
    job.smoothed = reinterpret_cast<double*>(smoothed.mutable_data());
    double error;
    {
        py::gil_scoped_release release;
        error = scsc::smooth_channel(job);
    }
    return py::make_tuple(smoothed, error);
}

scsc::PhaseChannel phase_channel(const py::array& h)
{
    const double* data = arrays::doubles(h, "h", 3);
    arrays::require_at_least("h's carriers", h.shape(0), 1);
    arrays::require_size("h's transmit antennas", h.shape(2), scsc::kPhaseTransmit);
    return {data, static_cast<int>(h.shape(0)), static_cast<int>(h.shape(1))};
}

scsc::KnownCarriers known_carriers(const py::array& y,
                                   const py::array& sent,
                                   const py::array& rows,
                                   const scsc::PhaseChannel& channel)
{
    scsc::KnownCarriers known = {};
    known.y = arrays::singles(y, "y", 3);
    known.n_symbols = static_cast<int>(y.shape(0));
    known.sent = arrays::doubles(sent, "sent", 3);
    known.rows = arrays::indices(rows, "rows", channel.n_used);
    known.n_rows = static_cast<int>(rows.size());
    arrays::require_size("y's carriers", y.shape(1), channel.n_used);
    arrays::require_size("y's antennas", y.shape(2), channel.n_rx);
    arrays::require_size("sent's symbols", sent.shape(0), y.shape(0));
    arrays::require_size("sent's carriers", sent.shape(1), rows.size());
    arrays::require_size("sent's antennas", sent.shape(2), scsc::kPhaseTransmit);
    return known;
}

py::tuple find_drift(const py::array& y,
                     const py::array& h,
                     const py::array& sent,
                     const py::array& rows,
                     const py::array& times,
                     double limit,
                     int n_steps)
{
    scsc::PhaseDrift job = {};
    job.channel = phase_channel(h);
    job.known = known_carriers(y, sent, rows, job.channel);
    job.times = arrays::data<double>(times, "times", 1);
    job.limit = limit;
    job.n_steps = n_steps;
    arrays::require_size("times' length", times.size(), y.shape(0));
    arrays::require_positive("limit", limit);
    arrays::require_at_least("n_steps", n_steps, 3);
    py::array_t<Complex> turned({y.shape(0), y.shape(1), y.shape(2)});
    job.turned = reinterpret_cast<float*>(turned.mutable_data());
    double drift;
    {
        py::gil_scoped_release release;
        drift = scsc::find_drift(job);
    }
    return py::make_tuple(drift, turned);
}

py::tuple track_phases(const py::array& header_y,
                       const py::array& header_sent,
                       const py::array& header_rows,
                       const py::array& y,
                       const py::array& pilots,
                       const py::array& pilot_rows,
                       const py::array& h,
                       const py::array& times,
                       const py::array& used,
                       int common_symbols,
                       int slope_symbols,
                       const py::array& out_rows,
                       float scale)
{
    scsc::PhaseTracking job = {};
    job.channel = phase_channel(h);
    job.header = known_carriers(header_y, header_sent, header_rows, job.channel);
    job.data = known_carriers(y, pilots, pilot_rows, job.channel);
    job.times = arrays::data<double>(times, "times", 1);
    job.used = arrays::data<int32_t>(used, "used", 1);
    job.common_symbols = common_symbols;
    job.slope_symbols = slope_symbols;
    job.out_rows = arrays::indices(out_rows, "out_rows", job.channel.n_used);
    job.n_out = static_cast<int>(out_rows.size());
    job.scale = scale;
    arrays::require_size("times' length", times.size(), header_y.shape(0) + y.shape(0));
    arrays::require_size("used's length", used.size(), job.channel.n_used);
    for (int k = 1; k < job.channel.n_used; ++k)
        arrays::require_at_least(
            "used's steps", py::ssize_t(job.used[k]) - job.used[k - 1], 1);
    for (int d = 1; d < job.n_out; ++d)
        arrays::require_at_least(
            "out_rows' steps", job.out_rows[d] - job.out_rows[d - 1], 1);
    arrays::require_at_least("common_symbols", common_symbols, 1);
    arrays::require_at_least("slope_symbols", slope_symbols, 1);
    py::array_t<Complex> out({out_rows.size(), y.shape(2), y.shape(0)});
    job.out = reinterpret_cast<float*>(out.mutable_data());
    scsc::TrackedPhase phase;
    {
        py::gil_scoped_release release;
        phase = scsc::track_phases(job);
    }
    return py::make_tuple(out, phase.slope, phase.omega);
}

py::array_t<float> alamouti_llr(const py::array& y,
                                const py::array& h,
                                const py::array& rows,
                                double scale)
{
    scsc::AlamoutiBits job = {};
    job.y = arrays::singles(y, "y", 3);
    job.h = arrays::doubles(h, "h", 3);
    job.n_symbols = static_cast<int>(y.shape(0));
    job.n_used = static_cast<int>(y.shape(1));
    job.n_rx = static_cast<int>(y.shape(2));
    job.rows = arrays::indices(rows, "rows", job.n_used);
    job.n_rows = static_cast<int>(rows.size());
    job.scale = scale;
    if (job.n_symbols % 2 != 0)
        arrays::refuse("y must have an even number of symbols, got " +
                       arrays::text(job.n_symbols));
    arrays::require_size("h's carriers", h.shape(0), job.n_used);
    arrays::require_size("h's receive antennas", h.shape(1), job.n_rx);
    arrays::require_size("h's transmit antennas", h.shape(2), 2);
    py::array_t<float> llr(y.shape(0) * rows.size() * 2);
    job.llr = llr.mutable_data();
    {
        py::gil_scoped_release release;
        scsc::alamouti_llr(job);
    }
    return llr;
}

py::array_t<Wide> alamouti_grid(const py::array& bits,
                                const py::array& rows,
                                const py::array& pilots,
                                const py::array& pilot_rows,
                                int n_used)
{
    scsc::AlamoutiGrid job = {};
    job.bits = arrays::data<uint8_t>(bits, "bits", 1);
    job.pilots = arrays::doubles(pilots, "pilots", 3);
    job.n_symbols = static_cast<int>(pilots.shape(0));
    job.n_used = n_used;
    job.rows = arrays::indices(rows, "rows", n_used);
    job.n_rows = static_cast<int>(rows.size());
    job.pilot_rows = arrays::indices(pilot_rows, "pilot_rows", n_used);
    job.n_pilots = static_cast<int>(pilot_rows.size());
    arrays::require_at_least("n_used", n_used, 1);
    if (job.n_symbols % 2 != 0)
        arrays::refuse("pilots must have an even number of symbols, got " +
                       arrays::text(job.n_symbols));
    arrays::require_size("pilots' carriers", pilots.shape(1), pilot_rows.size());
    arrays::require_size("pilots' antennas", pilots.shape(2), 2);
    arrays::require_size("bits' length", bits.size(), 2 * pilots.shape(0) * rows.size());
    py::array_t<Wide> grid({pilots.shape(0), py::ssize_t(n_used), py::ssize_t(2)});
    job.grid = reinterpret_cast<double*>(grid.mutable_data());
    {
        py::gil_scoped_release release;
        scsc::alamouti_grid(job);
    }
    return grid;
}

py::array_t<float> frame_bits(const py::array& y,
                              const py::array& h,
                              const py::array& tables,
                              double noise_var,
                              bool exact)
{
    scsc::FrameBits job = {};
    job.y = arrays::singles(y, "y", 3);
    job.n_carriers = static_cast<int>(y.shape(0));
    job.n_rx = static_cast<int>(y.shape(1));
    job.n_symbols = static_cast<int>(y.shape(2));
    job.h = arrays::doubles(h, "h", 3);
    job.tables = arrays::doubles(tables, "tables", 3);
    job.n_tables = static_cast<int>(tables.shape(0));
    job.n_points = static_cast<int>(tables.shape(1));
    job.noise_var = noise_var;
    job.exact = exact;
    if (job.n_rx < 1 || job.n_rx > scsc::kMaxReceive)
        arrays::refuse("y must have 1.." + arrays::text(scsc::kMaxReceive) +
                       " antennas, got " + arrays::text(job.n_rx));
    arrays::require_size("h's carriers", h.shape(0), job.n_carriers);
    arrays::require_size("h's receive antennas", h.shape(1), job.n_rx);
    arrays::require_size("h's transmit antennas", h.shape(2), scsc::kFrameTransmit);
    if (job.n_tables != 1)
        arrays::require_size("the number of tables", job.n_tables, job.n_carriers);
    arrays::require_size(
        "tables' transmit antennas", tables.shape(2), scsc::kFrameTransmit);
    if (job.n_points < 2 || job.n_points > scsc::kMaxCentroids ||
        (job.n_points & (job.n_points - 1)) != 0)
        arrays::refuse("tables must have a power of two of rows, 2 to " +
                       arrays::text(scsc::kMaxCentroids) + ", got " +
                       arrays::text(job.n_points));
    arrays::require_positive("noise_var", noise_var);
    py::ssize_t n_bits = 0;
    while (py::ssize_t(1) << n_bits < job.n_points)
        ++n_bits;
    py::array_t<float> llr(y.shape(0) * y.shape(2) * n_bits);
    job.llr = llr.mutable_data();
    {
        py::gil_scoped_release release;
        scsc::frame_bits(job);
    }
    return llr;
}

} // namespace

void bind_demodulator(py::module_& m)
{
    m.def("train_channel",
          &train_channel,
          py::arg("y"),
          py::arg("signs"),
          "Least-squares channel complex128 [n_used, n_rx, 2] and noise variance from the "
          "long training symbols y complex64 [4, n_used, n_rx], signs float64 [n_used]; "
          "see channel_training.h.");
    m.def("match_symbols",
          &match_symbols,
          py::arg("y"),
          py::arg("sent"),
          "Least-squares channel complex128 [n_used, n_rx, 2] and the sum of squares that it "
          "leaves, from y complex64 [n, n_used, n_rx] and sent complex128 [n, n_used, 2]; see "
          "channel_training.h.");
    m.def("smooth_channel",
          &smooth_channel,
          py::arg("h"),
          py::arg("transform"),
          py::arg("gram"),
          py::arg("error_var"),
          py::arg("steps"),
          py::arg("first_floor"),
          py::arg("last_floor"),
          "Channel complex128 [n_used, n_rx, n_tx] with few taps, and the variance of its "
          "error; transform complex128 [n_used, n_taps], gram float64 [n_taps, n_taps]; "
          "see channel_smoother.h.");
    m.def("find_drift",
          &find_drift,
          py::arg("y"),
          py::arg("h"),
          py::arg("sent"),
          py::arg("rows"),
          py::arg("times"),
          py::arg("limit"),
          py::arg("n_steps"),
          "(radians per sample, y turned back by it) from y complex64 [n, n_used, n_rx] "
          "with known carriers sent complex128 [n, n_rows, 2]; see phase_tracker.h.");
    m.def("track_phases",
          &track_phases,
          py::arg("header_y"),
          py::arg("header_sent"),
          py::arg("header_rows"),
          py::arg("y"),
          py::arg("pilots"),
          py::arg("pilot_rows"),
          py::arg("h"),
          py::arg("times"),
          py::arg("used"),
          py::arg("common_symbols"),
          py::arg("slope_symbols"),
          py::arg("out_rows"),
          py::arg("scale"),
          "(data complex64 [n_out, n_rx, n], phase slope per carrier and sample, radians "
          "per sample) of a frame's symbols y complex64 [n, n_used, n_rx]; see "
          "phase_tracker.h.");
    m.def("alamouti_llr",
          &alamouti_llr,
          py::arg("y"),
          py::arg("h"),
          py::arg("rows"),
          py::arg("scale"),
          "LLRs float32 [2 n n_rows] of QPSK under Alamouti's map from y complex64 [n, "
          "n_used, n_rx] and h complex128 [n_used, n_rx, 2]; see alamouti.h.");
    m.def("alamouti_grid",
          &alamouti_grid,
          py::arg("bits"),
          py::arg("rows"),
          py::arg("pilots"),
          py::arg("pilot_rows"),
          py::arg("n_used"),
          "Carriers complex128 [n, n_used, 2] that carry bits uint8 [2 n n_rows] as QPSK "
          "under Alamouti's map, and pilots complex128 [n, n_pilots, 2]; see alamouti.h.");
    m.def("frame_bits",
          &frame_bits,
          py::arg("y"),
          py::arg("h"),
          py::arg("tables"),
          py::arg("noise_var"),
          py::arg("exact"),
          "Joint ML LLRs float32 [n n_carriers log2 K], symbol by symbol, from y complex64 "
          "[n_carriers, n_rx, n], h complex128 [n_carriers, n_rx, 2] and tables complex128 "
          "[n_carriers or 1, K, 2]; see frame_bits.h.");
}
