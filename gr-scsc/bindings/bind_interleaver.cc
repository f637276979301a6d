// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/interleaver.h>

#include <limits>

namespace py = pybind11;

static py::array_t<std::int32_t> shuffle_permutation(std::int64_t n)
{
    if (n < 0 || n > std::numeric_limits<std::int32_t>::max())
        arrays::refuse("n must be in 0..2147483647, got " + arrays::text(n));
    py::array_t<std::int32_t> perm(static_cast<py::ssize_t>(n));
    std::int32_t* data = perm.mutable_data();
    {
        py::gil_scoped_release release;
        scsc::shuffle_permutation(n, data);
    }
    return perm;
}

void bind_interleaver(py::module_& m)
{
    m.def("shuffle_permutation",
          &shuffle_permutation,
          py::arg("n"),
          "int32 [n]: permutation of the bit interleaver, out[i] = in[perm[i]].");
}
