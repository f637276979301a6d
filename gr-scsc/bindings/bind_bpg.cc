// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <pybind11/stl.h>
#include <scsc/colour.h>
#if defined(SCSC_HAVE_BPG)
#include <scsc/hevc_decoder.h>
#include <scsc/hevc_encoder.h>
#endif

#include <stdexcept>
#include <string>

namespace py = pybind11;

namespace {

constexpr int kMaxSide = 65535;

using arrays::require_contiguous;
using arrays::shape_text;

int side(py::ssize_t v, const char* name)
{
    if (v < 1 || v > kMaxSide)
        throw std::invalid_argument(std::string(name) + " must be 1 .. 65535, got " +
                                    std::to_string(v));
    return static_cast<int>(v);
}

/// Pointers to the planes after checking type, layout and shape against the size of the
/// first one.
struct Planes {
    std::vector<py::array> arrays;
    const uint16_t* data[3] = {nullptr, nullptr, nullptr};
    int width = 0, height = 0;
};

Planes checked_planes(const py::list& list, int pixel_format)
{
    Planes planes;
    const size_t count = pixel_format == 0 ? 1 : 3;
    if (list.size() != count)
        throw std::invalid_argument("planes must be a list of " + std::to_string(count) +
                                    ", got " + std::to_string(list.size()));
    for (size_t k = 0; k < count; ++k) {
        if (!py::isinstance<py::array_t<uint16_t>>(list[k]))
            throw std::invalid_argument("planes must be uint16 arrays");
        py::array plane = py::reinterpret_borrow<py::array>(list[k]);
        require_contiguous(plane, "a plane");
        if (plane.ndim() != 2)
            throw std::invalid_argument("a plane must be [height, width], got " +
                                        shape_text(plane));
        if (k == 0) {
            planes.height = side(plane.shape(0), "height");
            planes.width = side(plane.shape(1), "width");
        } else if (plane.shape(0) != scsc::chroma_height(pixel_format, planes.height) ||
                   plane.shape(1) != scsc::chroma_width(pixel_format, planes.width)) {
            throw std::invalid_argument(
                "a chroma plane must be ceil(size / subsampling), got " +
                shape_text(plane));
        }
        planes.data[k] = static_cast<const uint16_t*>(plane.data());
        planes.arrays.push_back(plane);
    }
    return planes;
}

py::list rgb_to_planes(
    const py::array& image, int pixel_format, int depth, int color_space, bool limited)
{
    const bool wide = arrays::holds<uint16_t>(image);
    if (!wide && !arrays::holds<uint8_t>(image))
        throw std::invalid_argument("image must be uint8 or uint16");
    require_contiguous(image, "image");
    if (image.ndim() != 3 || image.shape(2) != 3)
        throw std::invalid_argument("image must be [height, width, 3], got " +
                                    shape_text(image));
    const int height = side(image.shape(0), "height"),
              width = side(image.shape(1), "width");
    const scsc::ColourFormat format = {pixel_format, depth, color_space, limited};
    scsc::check_colour_format(format);
    py::list result;
    uint16_t* out[3] = {nullptr, nullptr, nullptr};
    for (int k = 0; k < (pixel_format == 0 ? 1 : 3); ++k) {
        const int h = k ? scsc::chroma_height(pixel_format, height) : height;
        const int w = k ? scsc::chroma_width(pixel_format, width) : width;
        py::array_t<uint16_t> plane({h, w});
        out[k] = plane.mutable_data();
        result.append(std::move(plane));
    }
    const void* data = image.data();
    py::gil_scoped_release release;
    scsc::rgb_to_planes(data, wide ? 16 : 8, width, height, format, out);
    return result;
}

py::array planes_to_rgb(const py::list& list,
                        int pixel_format,
                        int depth,
                        int color_space,
                        bool limited,
                        int bits)
{
    if (bits != 8 && bits != 16)
        throw std::invalid_argument("bits must be 8 or 16, got " + std::to_string(bits));
    const scsc::ColourFormat format = {pixel_format, depth, color_space, limited};
    scsc::check_colour_format(format);
    const Planes planes = checked_planes(list, pixel_format);
    const std::vector<py::ssize_t> shape = {planes.height, planes.width, 3};
    py::array image = bits == 8 ? py::array(py::array_t<uint8_t>(shape))
                                : py::array(py::array_t<uint16_t>(shape));
    void* out = image.mutable_data();
    py::gil_scoped_release release;
    scsc::planes_to_rgb(planes.data, planes.width, planes.height, format, bits, out);
    return image;
}

#if defined(SCSC_HAVE_BPG)
py::bytes encode(const py::list& list,
                 int chroma_format,
                 int depth,
                 int qp,
                 const std::string& preset,
                 int chroma_qp,
                 bool lossless)
{
    if (chroma_format < 0 || chroma_format > 3)
        throw std::invalid_argument("chroma_format must be 0 .. 3, got " +
                                    std::to_string(chroma_format));
    const Planes planes = checked_planes(list, chroma_format);
    const scsc::HevcPicture picture = {{planes.data[0], planes.data[1], planes.data[2]},
                                       planes.width,
                                       planes.height,
                                       chroma_format,
                                       depth};
    const scsc::HevcEncoderOptions options = {qp, chroma_qp, preset, lossless};
    std::vector<uint8_t> bytes;
    {
        py::gil_scoped_release release;
        bytes = scsc::hevc_encode(picture, options);
    }
    return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

py::tuple decode(const py::bytes& stream,
                 int width,
                 int height,
                 int chroma_format,
                 int depth,
                 bool loop_filters,
                 int fill)
{
    if (fill < -1 || fill > 255)
        throw std::invalid_argument("fill must be -1 .. 255, got " +
                                    std::to_string(fill));
    const scsc::HevcPictureShape shape = {
        side(width, "width"), side(height, "height"), chroma_format, depth};
    char* data = nullptr;
    py::ssize_t size = 0;
    if (PyBytes_AsStringAndSize(stream.ptr(), &data, &size) != 0)
        throw py::error_already_set();
    scsc::HevcDecoded decoded;
    {
        py::gil_scoped_release release;
        decoded = scsc::hevc_decode(
            reinterpret_cast<const uint8_t*>(data), size, shape, {loop_filters, fill});
    }
    py::list planes;
    for (int k = 0; decoded.complete && k < (chroma_format == 0 ? 1 : 3); ++k) {
        const int h = k && chroma_format == 1 ? (height + 1) / 2 : height;
        const py::ssize_t w = static_cast<py::ssize_t>(decoded.planes[k].size()) / h;
        planes.append(
            py::array_t<uint16_t>({py::ssize_t(h), w}, decoded.planes[k].data()));
    }
    return py::make_tuple(planes, decoded.warnings, decoded.complete);
}
#endif

} // namespace

void bind_bpg(py::module_& m)
{
    using namespace py::literals;
    m.def("rgb_to_planes",
          &rgb_to_planes,
          "image"_a,
          "pixel_format"_a,
          "depth"_a,
          "color_space"_a,
          "limited"_a,
          "RGB [h,w,3] to a list of uint16 planes Y/G, Cb/B, Cr/R (one plane for gray).");
    m.def("planes_to_rgb",
          &planes_to_rgb,
          "planes"_a,
          "pixel_format"_a,
          "depth"_a,
          "color_space"_a,
          "limited"_a,
          "bits"_a,
          "List of uint16 planes to RGB [h,w,3], uint8 or uint16 as bits says; equal to "
          "libbpg's result.");
#if defined(SCSC_HAVE_BPG)
    m.def(
        "have_bpg",
        [] { return true; },
        "Whether x265 and libde265 were found when the module was built.");
    m.def("hevc_encode",
          &encode,
          "planes"_a,
          "chroma_format"_a,
          "depth"_a,
          "qp"_a,
          "preset"_a,
          "chroma_qp"_a,
          "lossless"_a,
          "One intra picture as Annex B bytes (x265).");
    m.def("hevc_decode",
          &decode,
          "stream"_a,
          "width"_a,
          "height"_a,
          "chroma_format"_a,
          "depth"_a,
          "loop_filters"_a = true,
          "fill"_a = -1,
          "First picture of an Annex B stream: (planes, warnings, complete) (libde265).");
#else
    m.def(
        "have_bpg",
        [] { return false; },
        "Whether x265 and libde265 were found when the module was built.");
#endif
}
