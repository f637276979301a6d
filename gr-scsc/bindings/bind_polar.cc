// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/polar.h>

#include <algorithm>
#include <climits>

namespace py = pybind11;

namespace {

int bounded(py::ssize_t size)
{
    return static_cast<int>(std::min<py::ssize_t>(size, INT_MAX));
}

py::array_t<uint8_t> polar_encode(const py::array& bits, int coded)
{
    const uint8_t* source = arrays::data<uint8_t>(bits, "bits", 2);
    const py::ssize_t n = bits.shape(0), payload = bits.shape(1);
    const scsc::PolarCode code(bounded(payload), coded);
    for (py::ssize_t i = 0; i < bits.size(); ++i)
        if (source[i] > 1)
            arrays::refuse("bits must be 0 or 1, got " + arrays::text(source[i]));
    py::array_t<uint8_t> out({n, static_cast<py::ssize_t>(coded)});
    uint8_t* target = out.mutable_data();
    py::gil_scoped_release release;
    for (py::ssize_t i = 0; i < n; ++i)
        code.encode(source + i * payload, target + i * coded);
    return out;
}

py::tuple polar_decode(const py::array& llr, int payload, int list_size)
{
    const float* source = arrays::data<float>(llr, "llr", 2);
    const py::ssize_t n = llr.shape(0), coded = llr.shape(1);
    const scsc::PolarCode code(payload, bounded(coded));
    scsc::PolarDecoder decoder(code, list_size);
    py::array_t<uint8_t> bits({n, static_cast<py::ssize_t>(payload)});
    py::array_t<bool> ok(n);
    uint8_t* target = bits.mutable_data();
    bool* flags = ok.mutable_data();
    {
        py::gil_scoped_release release;
        for (py::ssize_t i = 0; i < n; ++i)
            flags[i] = decoder.decode(source + i * coded, target + i * payload);
    }
    return py::make_tuple(bits, ok);
}

} // namespace

void bind_polar(py::module_& m)
{
    m.def("polar_encode",
          &polar_encode,
          py::arg("bits"),
          py::arg("coded_bits"),
          "NR polar encoding with CRC11: bits uint8 [n, A] -> uint8 [n, coded_bits]; A "
          "20..1013.");
    m.def("polar_decode",
          &polar_decode,
          py::arg("llr"),
          py::arg("payload_bits"),
          py::arg("list_size") = 8,
          "CRC-aided list decoding: llr float32 [n, E], positive means 0 -> (bits uint8 "
          "[n, A], ok bool [n]). list_size 1, 2, 4 or 8.");
}
