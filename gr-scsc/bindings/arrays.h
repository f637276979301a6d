// SPDX-License-Identifier: GPL-3.0-or-later
// Checks that all bindings share. Each throws ValueError naming the argument, the rule
// and what came instead.
#pragma once

#include <pybind11/numpy.h>

#include <cmath>
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

/// Complex data as pairs of floats or doubles.
inline const float* singles(const py::array& array, const char* name, py::ssize_t axes)
{
    return reinterpret_cast<const float*>(data<std::complex<float>>(array, name, axes));
}

inline const double* doubles(const py::array& array, const char* name, py::ssize_t axes)
{
    return reinterpret_cast<const double*>(data<std::complex<double>>(array, name, axes));
}

/// int32 [n] with every entry in 0..limit-1.
inline const int32_t* indices(const py::array& array, const char* name, int64_t limit)
{
    const int32_t* values = data<int32_t>(array, name, 1);
    for (py::ssize_t i = 0; i < array.size(); ++i)
        if (values[i] < 0 || values[i] >= limit)
            refuse(std::string(name) + " must be in 0.." + text(limit - 1) + ", got " +
                   text(values[i]));
    return values;
}

inline void require_size(const char* name, py::ssize_t size, py::ssize_t wanted)
{
    if (size != wanted)
        refuse(std::string(name) + " must be " + text(wanted) + ", got " + text(size));
}

inline void require_at_least(const char* name, py::ssize_t value, py::ssize_t least)
{
    if (value < least)
        refuse(std::string(name) + " must be at least " + text(least) + ", got " +
               text(value));
}

inline void require_positive(const char* name, double value)
{
    if (!(value > 0 && std::isfinite(value)))
        refuse(std::string(name) + " must be finite and > 0, got " +
               std::to_string(value));
}

} // namespace arrays
