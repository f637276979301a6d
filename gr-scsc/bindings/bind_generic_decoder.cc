// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/generic_decoder.h>

#include <string>
#include <vector>

namespace py = pybind11;

namespace {

void require_at_most(const char* name, py::ssize_t size, int limit, const char* unit)
{
    if (size > limit)
        arrays::refuse(std::string(name) + " must have at most " + arrays::text(limit) +
                       unit + ", got " + arrays::text(size));
}

std::vector<int32_t> index_vector(const py::array& array, const char* name)
{
    const int32_t* data = arrays::data<int32_t>(array, name, 1);
    require_at_most(name, array.size(), scsc::GenericDecoder::kMaxEdges, " entries");
    return std::vector<int32_t>(data, data + array.size());
}

py::tuple decode_generic(const py::array& indptr,
                         const py::array& indices,
                         const py::array& llr,
                         int max_iterations)
{
    const bool is_float = arrays::holds<float>(llr);
    const void* source =
        is_float ? static_cast<const void*>(arrays::data<float>(llr, "llr", 2))
                 : arrays::data<int8_t>(llr, "llr", 2, "float32 or int8");
    const py::ssize_t n = llr.shape(0), width = llr.shape(1);
    require_at_most("llr", width, scsc::GenericDecoder::kMaxColumns, " columns");
    const scsc::GenericDecoder decoder(static_cast<int>(width),
                                       index_vector(indptr, "indptr"),
                                       index_vector(indices, "indices"));
    py::array_t<uint8_t> bits({n, width});
    py::array_t<bool> ok(n);
    py::array_t<int32_t> iterations(n);
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
