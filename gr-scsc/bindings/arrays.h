// SPDX-License-Identifier: GPL-3.0-or-later
// Checks that all bindings share. Each throws ValueError naming the argument, the rule
// and what came instead.
#pragma once

#include <pybind11/numpy.h>

#include <complex>
#include <cstdint>
#include <string>

namespace arrays {

namespace py = pybind11;

[[noreturn]] inline void refuse(const std::string& message)
{
    throw py::value_error(message);
}

inline std::string text(py::ssize_t value) { return std::to_string(value); }

/// "[2, 3]".
inline std::string shape_text(const py::array& array)
{
    std::string list;
    for (py::ssize_t i = 0; i < array.ndim(); ++i)
        list += (i ? ", " : "") + text(array.shape(i));
    return "[" + list + "]";
}

inline std::string dtype_text(const py::array& array)
{
    return py::str(array.dtype()).cast<std::string>();
}

/// numpy's name of T.
template <class T>
std::string dtype_name()
{
    return py::str(py::dtype::of<T>()).template cast<std::string>();
}

template <class T>
bool holds(const py::array& array)
{
    return py::isinstance<py::array_t<T>>(array);
}

inline void require_contiguous(const py::array& array, const std::string& name)
{
    if (!(array.flags() & py::array::c_style))
        refuse(name + " must be C-contiguous");
}

inline void
require_axes(const py::array& array, const std::string& name, py::ssize_t axes)
{
    if (array.ndim() != axes)
        refuse(name + " must have " + text(axes) + (axes == 1 ? " axis" : " axes") +
               ", got " + text(array.ndim()));
}

/// The data of a C-contiguous array of exactly this dtype and number of axes. `allowed`
/// names the dtypes in the message where there are several.
template <class T>
const T* data(const py::array& array,
              const std::string& name,
              py::ssize_t axes,
              const std::string& allowed = "")
{
    if (!holds<T>(array))
        refuse(name + " must be " + (allowed.empty() ? dtype_name<T>() : allowed) +
               ", got " + dtype_text(array));
    require_axes(array, name, axes);
    require_contiguous(array, name);
    return static_cast<const T*>(array.data());
}

} // namespace arrays
