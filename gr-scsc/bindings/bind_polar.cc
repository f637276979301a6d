// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

#include <pybind11/numpy.h>
#include <scsc/polar.h>

#include <algorithm>
#include <climits>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

/// A C-contiguous array of exactly this dtype and two axes, or a ValueError that says
/// what it is.
template <class T>
py::array_t<T> matrix(const py::array& array, const char* name, const char* dtype)
{
    if (!py::isinstance<py::array_t<T>>(array))
        throw py::value_error(std::string(name) + " must be " + dtype + ", got " +
                              py::str(array.dtype()).cast<std::string>());
    if (array.ndim() != 2)
        throw py::value_error(std::string(name) +
                              " must have 2 axes [blocks, bits], got " +
                              std::to_string(array.ndim()));
    if (!(array.flags() & py::array::c_style))
        throw py::value_error(std::string(name) + " must be C-contiguous");
    return py::reinterpret_borrow<py::array_t<T>>(array);
}

int bounded(py::ssize_t size)
{
    return static_cast<int>(std::min<py::ssize_t>(size, INT_MAX));
}

py::array_t<uint8_t> polar_encode(const py::array& bits, int coded)
{
    const auto input = matrix<uint8_t>(bits, "bits", "uint8");
    const py::ssize_t n = input.shape(0), payload = input.shape(1);
    const scsc::PolarCode code(bounded(payload), coded);
    const uint8_t* source = input.data();
    for (py::ssize_t i = 0; i < input.size(); ++i)
        if (source[i] > 1)
            throw py::value_error("bits must be 0 or 1, got " +
                                  std::to_string(source[i]));
    py::array_t<uint8_t> out({n, static_cast<py::ssize_t>(coded)});
    uint8_t* target = out.mutable_data();
    py::gil_scoped_release release;
    for (py::ssize_t i = 0; i < n; ++i)
        code.encode(source + i * payload, target + i * coded);
    return out;
}

py::tuple polar_decode(const py::array& llr, int payload, int list_size)
{
    const auto input = matrix<float>(llr, "llr", "float32");
    const py::ssize_t n = input.shape(0), coded = input.shape(1);
    const scsc::PolarCode code(payload, bounded(coded));
    scsc::PolarDecoder decoder(code, list_size);
    py::array_t<uint8_t> bits({n, static_cast<py::ssize_t>(payload)});
    py::array_t<bool> ok(n);
    const float* source = input.data();
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
          "[n, A], "
          "ok bool [n]). list_size 1, 2, 4 or 8.");
}
