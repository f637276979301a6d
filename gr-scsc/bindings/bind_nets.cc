// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <pybind11/stl.h>
#include <scsc/convolution.h>
#include <scsc/shaped_picture.h>
#include <scsc/strip_pooling.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

using arrays::refuse;
using arrays::text;
using scsc::Convolution3x3;
using scsc::StripPooling;
using scsc::TransposedConvolution3x3;

using Sides = std::vector<py::ssize_t>;

std::string sides_text(const Sides& sides)
{
    std::string list;
    for (py::ssize_t side : sides)
        list += (list.empty() ? "" : ", ") + text(side);
    return "[" + list + "]";
}

/// float32 of exactly this shape.
const float* floats(const py::array& array, const char* name, const Sides& sides)
{
    const float* values =
        arrays::data<float>(array, name, static_cast<py::ssize_t>(sides.size()));
    for (size_t i = 0; i < sides.size(); ++i)
        if (array.shape(static_cast<py::ssize_t>(i)) != sides[i])
            refuse(std::string(name) + " must have the shape " + sides_text(sides) +
                   ", got " + arrays::shape_text(array));
    return values;
}

/// float32 [height, width, channels] with at least one pixel; channels 0: any number.
scsc::FeatureMap map_of(const py::array& array, const char* name, int channels)
{
    constexpr py::ssize_t kMostPixels = std::numeric_limits<int>::max();
    const float* values = arrays::data<float>(array, name, 3);
    for (int i = 0; i < 3; ++i)
        if (array.shape(i) < 1 || array.shape(i) > kMostPixels)
            refuse(std::string(name) + " must have sides of 1.." + text(kMostPixels) +
                   ", got " + arrays::shape_text(array));
    if (channels && array.shape(2) != channels)
        refuse(std::string(name) + " must have " + text(channels) + " channels, got " +
               text(array.shape(2)));
    return {values,
            static_cast<int>(array.shape(0)),
            static_cast<int>(array.shape(1)),
            static_cast<int>(array.shape(2))};
}

void require_threads(int threads) { arrays::require_at_least("threads", threads, 1); }

/// Sizes of a weight [a, b, 3, 3].
std::pair<int, int> weight_sizes(const py::array& weight)
{
    arrays::require_axes(weight, "weight", 4);
    const Sides wanted{weight.shape(0), weight.shape(1), 3, 3};
    floats(weight, "weight", wanted);
    for (int i = 0; i < 2; ++i)
        if (wanted[i] < 1 || wanted[i] > (1 << 20))
            refuse("weight must have 1..2^20 inputs and outputs, got " +
                   arrays::shape_text(weight));
    return {static_cast<int>(wanted[0]), static_cast<int>(wanted[1])};
}

Convolution3x3 make_convolution(
    const py::array& weight, const py::array& bias, int stride, bool relu, int second)
{
    const auto [outputs, inputs] = weight_sizes(weight);
    if (stride != 1 && stride != 2)
        refuse("stride must be 1 or 2, got " + text(stride));
    if (second < 0 || second >= inputs)
        refuse("second must be in 0.." + text(inputs - 1) + ", got " + text(second));
    return {static_cast<const float*>(weight.data()),
            floats(bias, "bias", {outputs}),
            {outputs, inputs, inputs - second, stride, relu}};
}

py::array_t<float> convolve(const Convolution3x3& self,
                            const py::array& x,
                            const std::optional<py::array>& second,
                            const std::optional<py::array>& scale,
                            int threads)
{
    const Convolution3x3::Shape& shape = self.shape();
    const int rest = shape.inputs - shape.first_inputs;
    const scsc::FeatureMap map = map_of(x, "x", shape.first_inputs);
    if (second.has_value() != (rest > 0))
        refuse(rest ? "second must be given" : "second must be None");
    const float* other =
        second ? floats(*second, "second", {map.height, map.width, rest}) : nullptr;
    const float* factors = scale ? floats(*scale, "scale", {shape.inputs}) : nullptr;
    require_threads(threads);
    py::array_t<float> out(Sides{
        self.out_side(map.height), self.out_side(map.width), shape.outputs});
    float* target = out.mutable_data();
    py::gil_scoped_release release;
    self.run(map, other, factors, target, threads);
    return out;
}

py::array_t<float> convolve_deformed(const Convolution3x3& self,
                                     const py::array& x,
                                     const py::array& offset,
                                     int threads)
{
    const Convolution3x3::Shape& shape = self.shape();
    if (shape.stride != 1 || shape.first_inputs != shape.inputs)
        refuse("a deformed convolution must have stride 1 and one map");
    const scsc::FeatureMap map = map_of(x, "x", shape.inputs);
    const float* moves = floats(offset, "offset", {map.height, map.width, 18});
    require_threads(threads);
    py::array_t<float> out(Sides{map.height, map.width, shape.outputs});
    float* target = out.mutable_data();
    py::gil_scoped_release release;
    self.run_deformed(map, moves, target, threads);
    return out;
}

TransposedConvolution3x3
make_transposed(const py::array& weight, const py::array& bias, bool relu)
{
    const auto [inputs, outputs] = weight_sizes(weight);
    return {static_cast<const float*>(weight.data()),
            floats(bias, "bias", {outputs}),
            inputs,
            outputs,
            relu};
}

py::array_t<float>
convolve_transposed(const TransposedConvolution3x3& self, const py::array& x, int threads)
{
    const scsc::FeatureMap map = map_of(x, "x", self.inputs());
    require_threads(threads);
    py::array_t<float> out(Sides{2 * static_cast<py::ssize_t>(map.height),
                                 2 * static_cast<py::ssize_t>(map.width),
                                 self.outputs()});
    float* target = out.mutable_data();
    py::gil_scoped_release release;
    self.run(map, target, threads);
    return out;
}

StripPooling make_pooling(const py::array& row,
                          const py::array& row_bias,
                          const py::array& column,
                          const py::array& column_bias,
                          const py::array& gate,
                          const py::array& gate_bias)
{
    arrays::require_axes(gate, "gate", 2);
    const py::ssize_t c = gate.shape(0);
    arrays::require_at_least("channels", c, 1);
    return {{floats(row, "row", {c, c, 3}),
             floats(row_bias, "row_bias", {c}),
             floats(column, "column", {c, c, 3}),
             floats(column_bias, "column_bias", {c}),
             floats(gate, "gate", {c, c}),
             floats(gate_bias, "gate_bias", {c})},
            static_cast<int>(c)};
}

void pool(const StripPooling& self, py::array& x, int threads)
{
    const scsc::FeatureMap map = map_of(x, "x", self.channels());
    if (!x.writeable())
        refuse("x must be writeable");
    require_threads(threads);
    float* values = static_cast<float*>(x.mutable_data());
    py::gil_scoped_release release;
    self.run(values, map.height, map.width, threads);
}

py::array_t<float> shape_picture(const py::array& picture,
                                 const py::array& features,
                                 const py::array& first,
                                 const py::array& first_bias,
                                 const py::array& second,
                                 const py::array& second_bias,
                                 int threads)
{
    const scsc::FeatureMap source = map_of(picture, "picture", 3);
    scsc::ShapedPicture job = {};
    job.picture = source.values;
    job.height = source.height;
    job.width = source.width;
    job.features = map_of(features, "features", 0);
    if (job.features.height < job.height || job.features.width < job.width)
        refuse("features must be at least as high and wide as the picture " +
               arrays::shape_text(picture) + ", got " + arrays::shape_text(features));
    job.first = floats(first, "first", {3, 3});
    job.first_bias = floats(first_bias, "first_bias", {3});
    job.second = floats(second, "second", {3, 3 + job.features.channels});
    job.second_bias = floats(second_bias, "second_bias", {3});
    require_threads(threads);
    py::array_t<float> out(Sides{job.height, job.width, 3});
    job.out = out.mutable_data();
    py::gil_scoped_release release;
    scsc::shape_picture(job, threads);
    return out;
}

} // namespace

void bind_nets(py::module_& m)
{
    py::class_<Convolution3x3>(
        m,
        "Convolution3x3",
        "Convolution 3x3 with padding 1 of maps float32 [height, width, channels]: weight "
        "float32 [o, i, 3, 3], bias float32 [o], stride 1 or 2; the last `second` of the i "
        "inputs come from a second map.")
        .def(py::init(&make_convolution),
             py::arg("weight"),
             py::arg("bias"),
             py::arg("stride") = 1,
             py::arg("relu") = true,
             py::arg("second") = 0)
        .def("__call__",
             &convolve,
             py::arg("x"),
             py::arg("second") = py::none(),
             py::arg("scale") = py::none(),
             py::arg("threads") = 1,
             "float32 [(h - 1) // s + 1, (w - 1) // s + 1, o] of x [h, w, i - second], "
             "second [h, w, second] and scale [i], factors of the channels.")
        .def("deformed",
             &convolve_deformed,
             py::arg("x"),
             py::arg("offset"),
             py::arg("threads") = 1,
             "float32 [h, w, o] of x [h, w, i] taken at the taps moved by offset float32 "
             "[h, w, 18]: (dy, dx) of tap 3 ky + kx; bilinear, zero outside.");
    py::class_<TransposedConvolution3x3>(
        m,
        "TransposedConvolution3x3",
        "Transposed convolution 3x3, stride 2, padding and output padding 1: weight "
        "float32 [i, o, 3, 3], bias float32 [o].")
        .def(py::init(&make_transposed),
             py::arg("weight"),
             py::arg("bias"),
             py::arg("relu") = true)
        .def("__call__",
             &convolve_transposed,
             py::arg("x"),
             py::arg("threads") = 1,
             "float32 [2 h, 2 w, o] of x float32 [h, w, i].");
    py::class_<StripPooling>(
        m,
        "StripPooling",
        "Gate from the maxima of whole rows and columns: row and column float32 [c, c, 3], "
        "gate float32 [c, c], biases float32 [c].")
        .def(py::init(&make_pooling),
             py::arg("row"),
             py::arg("row_bias"),
             py::arg("column"),
             py::arg("column_bias"),
             py::arg("gate"),
             py::arg("gate_bias"))
        .def("apply",
             &pool,
             py::arg("x"),
             py::arg("threads") = 1,
             "Replaces x float32 [h, w, c] by its product with the gate.");
    m.def("shape_picture",
          &shape_picture,
          py::arg("picture"),
          py::arg("features"),
          py::arg("first"),
          py::arg("first_bias"),
          py::arg("second"),
          py::arg("second_bias"),
          py::arg("threads") = 1,
          "clamp(b2 + A2 ReLU(b1 + A1 x) + L f, 0, 1) of picture x float32 [h, w, 3] and "
          "features f float32 [>= h, >= w, c]: first A1 [3, 3], second (A2, L) [3, 3 + c].");
}
