// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

#include <pybind11/numpy.h>
#include <scsc/generic_decoder.h>

#include <string>
#include <vector>

namespace py = pybind11;

namespace {

std::vector<int32_t> index_vector(const py::array& array, const char* name)
{
    if (!py::isinstance<py::array_t<int32_t>>(array))
        throw py::value_error(std::string(name) + " must be int32, got " +
                              py::str(array.dtype()).cast<std::string>());
    if (array.ndim() != 1 || !(array.flags() & py::array::c_style))
        throw py::value_error(std::string(name) +
                              " must be contiguous with 1 axis, got " +
                              std::to_string(array.ndim()) + " axes");
    if (array.size() > scsc::GenericDecoder::kMaxEdges)
        throw py::value_error(std::string(name) + " must have at most " +
                              std::to_string(scsc::GenericDecoder::kMaxEdges) +
                              " entries, got " + std::to_string(array.size()));
    const auto* data = static_cast<const int32_t*>(array.data());
    return std::vector<int32_t>(data, data + array.size());
}

py::tuple decode_generic(const py::array& indptr,
                         const py::array& indices,
                         const py::array& llr,
                         int max_iterations)
{
    const bool is_float = py::isinstance<py::array_t<float>>(llr);
    if (!is_float && !py::isinstance<py::array_t<int8_t>>(llr))
        throw py::value_error("llr must be float32 or int8, got " +
                              py::str(llr.dtype()).cast<std::string>());
    if (llr.ndim() != 2 || !(llr.flags() & py::array::c_style))
        throw py::value_error("llr must be C-contiguous with 2 axes [n, N], got " +
                              std::to_string(llr.ndim()) + " axes");
    const py::ssize_t n = llr.shape(0), width = llr.shape(1);
    if (width > scsc::GenericDecoder::kMaxColumns)
        throw py::value_error("llr must have at most " +
                              std::to_string(scsc::GenericDecoder::kMaxColumns) +
                              " columns, got " + std::to_string(width));
    const scsc::GenericDecoder decoder(static_cast<int>(width),
                                       index_vector(indptr, "indptr"),
                                       index_vector(indices, "indices"));
    py::array_t<uint8_t> bits({n, width});
    py::array_t<bool> ok(n);
    py::array_t<int32_t> iterations(n);
    const void* source = llr.data();
    uint8_t* bits_out = bits.mutable_data();
    bool* ok_out = ok.mutable_data();
    int32_t* iterations_out = iterations.mutable_data();
    {
        py::gil_scoped_release release;
        const auto count = static_cast<size_t>(n) * static_cast<size_t>(width);
        std::vector<int8_t> quantised(is_float ? count : 0);
        if (is_float)
            scsc::GenericDecoder::quantise(
                static_cast<const float*>(source), count, quantised.data());
        decoder.decode(is_float ? quantised.data() : static_cast<const int8_t*>(source),
                       static_cast<size_t>(n),
                       max_iterations,
                       bits_out,
                       ok_out,
                       iterations_out);
    }
    return py::make_tuple(bits, ok, iterations);
}

} // namespace

void bind_generic_decoder(py::module_& m)
{
    m.def("decode_generic",
          &decode_generic,
          py::arg("indptr"),
          py::arg("indices"),
          py::arg("llr"),
          py::arg("max_iter") = 20,
          "Layered min-sum decoding with any sparse parity-check matrix (CSR, int32, "
          "sorted): llr "
          "float32 or int8 = round(4 LLR) [n, N] -> (bits uint8 [n, N], ok bool [n], "
          "iterations "
          "int32 [n]).");
}
