// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <scsc/soft_detector.h>

namespace py = pybind11;
using ComplexArray = py::array_t<std::complex<float>, py::array::c_style>;
using Int64Array = py::array_t<std::int64_t, py::array::c_style>;
using FloatArray = py::array_t<float, py::array::c_style>;

static void require(bool condition, const char* message)
{
    if (!condition)
        throw py::value_error(message);
}

static FloatArray soft_ml(const ComplexArray& y,
                          const ComplexArray& centroids,
                          const Int64Array& block_uses,
                          const FloatArray& inv_n0,
                          bool exact)
{
    require(y.ndim() == 2, "y must be complex64 [n_rx, n]");
    require(centroids.ndim() == 3 && centroids.shape(2) == y.shape(0),
            "centroids must be complex64 [b, K, n_rx] with the n_rx of y");
    require(y.shape(0) >= 1 && y.shape(0) <= scsc::kSoftMlMaxRx, "n_rx must be 1 .. 8");
    const py::ssize_t n_blocks = centroids.shape(0), n_rows = centroids.shape(1);
    int n_bits = 0;
    while (n_bits < scsc::kSoftMlMaxBits && (py::ssize_t{ 1 } << n_bits) < n_rows)
        ++n_bits;
    require(n_bits >= 1 && (py::ssize_t{ 1 } << n_bits) == n_rows,
            "rows of a table must be 2 .. 4096, a power of two");
    require(block_uses.ndim() == 1 && block_uses.shape(0) == n_blocks,
            "block_uses must be int64 [b]");
    require(inv_n0.ndim() == 1 && inv_n0.shape(0) == n_blocks, "inv_n0 must be float32 [b]");
    std::int64_t left = y.shape(1);
    for (py::ssize_t b = 0; b < n_blocks; ++b) {
        require(block_uses.at(b) >= 0 && block_uses.at(b) <= left,
                "block_uses must be >= 0 and sum to the uses of y");
        left -= block_uses.at(b);
        require(inv_n0.at(b) >= 0, "inv_n0 must be >= 0");
    }
    require(left == 0, "block_uses must be >= 0 and sum to the uses of y");

    FloatArray llr({ y.shape(1), static_cast<py::ssize_t>(n_bits) });
    const scsc::SoftMlInput input{ y.data(),      centroids.data(), block_uses.data(),
                                   inv_n0.data(), y.shape(1),       n_blocks,
                                   static_cast<int>(y.shape(0)),    n_bits,
                                   exact };
    float* out = llr.mutable_data();
    {
        py::gil_scoped_release release;
        scsc::soft_ml(input, out);
    }
    return llr;
}

void bind_soft_detector(py::module_& m)
{
    m.def("soft_ml", &soft_ml, py::arg("y").noconvert(), py::arg("centroids").noconvert(),
          py::arg("block_uses").noconvert(), py::arg("inv_n0").noconvert(), py::arg("exact") = true,
          "float32 [n, log2 K]: LLRs (positive means 0) of the bits of the row index, given\n"
          "y complex64 [n_rx, n], centroids complex64 [b, K, n_rx], block_uses int64 [b] and\n"
          "inv_n0 float32 [b]. Exact log-sum-exp, or max-log with exact=False.");
}
