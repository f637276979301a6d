// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/colour.h>

#include <scsc/cpu.h>

#include "kernels/colour_kernels.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace scsc {
namespace {

constexpr int kMargin =
    8; // samples replicated at both ends of a row; the longest filter reaches 5

const ColourKernels& kernels()
{
#if defined(SCSC_X86)
    switch (selected_isa()) {
    case Isa::avx512:
        return avx512::colour_kernels;
    case Isa::avx2:
        return avx2::colour_kernels;
    case Isa::sse4:
        return sse4::colour_kernels;
    default:
        break;
    }
#endif
    return generic::colour_kernels;
}

bool halved_width(int pixel_format) { return pixel_format != 0 && pixel_format != 3; }
bool halved_height(int pixel_format) { return pixel_format == 1 || pixel_format == 4; }

struct Weights {
    double red, blue;
};

Weights luma_weights(int color_space)
{
    switch (color_space) {
    case 3:
        return {0.2126, 0.0722};
    case 4:
        return {0.2627, 0.0593};
    default:
        return {0.299, 0.114};
    }
}

int32_t fixed(double v) { return static_cast<int32_t>(std::lrint(v)); }

struct Range {
    double luma, chroma;          // span of the samples in steps of the stored depth
    int luma_offset, chroma_zero; // sample value of black and of no colour
};

Range sample_range(const ColourFormat& f)
{
    const int up = f.depth - 8;
    const double full = (1 << f.depth) - 1;
    if (f.limited) // libbpg scales YCgCo chroma like luma (seen in its decoder's output)
        return {double(219 << up),
                double((f.color_space == 2 ? 219 : 224) << up),
                16 << up,
                1 << (f.depth - 1)};
    return {full, full, 0, 1 << (f.depth - 1)};
}

/// Rows: planes in file order (Y/G, Cb/B, Cr/R); columns: R, G, B.
ColourMatrix to_planes_matrix(const ColourFormat& f, int bits)
{
    const Range range = sample_range(f);
    const Weights w = luma_weights(f.color_space);
    ColourMatrix m = {};
    m.shift = 30 - f.depth;
    m.max = (1 << f.depth) - 1;
    const double one = std::ldexp(1.0, m.shift), in_max = (1 << bits) - 1;
    const double y = range.luma * one / in_max, c = range.chroma * one / in_max;
    const double green = 1 - w.red - w.blue;
    const double ycc[3][3] = {
        {w.red, green, w.blue},
        {-w.red / (2 * (1 - w.blue)), -green / (2 * (1 - w.blue)), 0.5},
        {0.5, -green / (2 * (1 - w.red)), -w.blue / (2 * (1 - w.red))}};
    const double ycgco[3][3] = {{.25, .5, .25}, {-.25, .5, -.25}, {.5, 0, -.5}};
    const double gbr[3][3] = {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}};
    const auto& a = f.color_space == 1 ? gbr : f.color_space == 2 ? ycgco : ycc;
    for (int i = 0; i < 3; ++i) {
        const bool chroma = i > 0 && f.color_space != 1;
        for (int j = 0; j < 3; ++j)
            m.c[i][j] = fixed(a[i][j] * (chroma ? c : y));
        const int64_t zero = chroma ? range.chroma_zero : range.luma_offset;
        m.offset[i] = (zero << m.shift) + (int64_t(1) << (m.shift - 1));
    }
    return m;
}

/// Rows: R, G, B; columns: planes in file order.
ColourMatrix to_rgb_matrix(const ColourFormat& f, int bits)
{
    const Range range = sample_range(f);
    const Weights w = luma_weights(f.color_space);
    ColourMatrix m = {};
    m.shift = 30 - bits;
    m.max = (1 << bits) - 1;
    const double out = m.max * std::ldexp(1.0, m.shift);
    const int32_t y = fixed(out / range.luma);
    const double c = out / range.chroma;
    const double green = 1 - w.red - w.blue;
    if (f.color_space == 1) {
        m.c[0][2] = m.c[1][0] = m.c[2][1] = y;
    } else if (f.color_space == 2) {
        const int32_t k = fixed(c);
        const int sign[3][2] = {{-1, 1}, {1, 0}, {-1, -1}};
        for (int i = 0; i < 3; ++i) {
            m.c[i][0] = y;
            m.c[i][1] = sign[i][0] * k;
            m.c[i][2] = sign[i][1] * k;
        }
    } else {
        m.c[0][0] = m.c[1][0] = m.c[2][0] = y;
        m.c[0][2] = fixed(2 * (1 - w.red) * c);
        m.c[1][1] = -fixed(2 * w.blue * (1 - w.blue) / green * c);
        m.c[1][2] = -fixed(2 * w.red * (1 - w.red) / green * c);
        m.c[2][1] = fixed(2 * (1 - w.blue) * c);
    }
    for (int i = 0; i < 3; ++i) {
        m.offset[i] = int64_t(1) << (m.shift - 1);
        for (int j = 0; j < 3; ++j) {
            const int64_t zero =
                j > 0 && f.color_space != 1 ? range.chroma_zero : range.luma_offset;
            m.offset[i] -= zero * m.c[i][j];
        }
    }
    return m;
}

template <typename T>
void replicate_margins(T* row, int n)
{
    std::fill(row - kMargin, row, row[0]);
    std::fill(row + n, row + n + kMargin, row[n - 1]);
}

/// Halves the two chroma planes of a picture whose full-size chroma rows arrive one after
/// the other.
class ChromaHalver
{
public:
    ChromaHalver(const ColourFormat& format, int width, int height)
        : d_kernels(kernels()), d_width(chroma_width(format.pixel_format, width)),
          d_height(height), d_vertical(halved_height(format.pixel_format)),
          d_max((1 << format.depth) - 1), d_ring(kRing * static_cast<size_t>(d_width))
    {
    }

    /// row: full-size chroma row y with margins; writes every output row that is complete
    /// with it.
    void push(uint16_t* row, int row_width, int y, uint16_t* plane)
    {
        replicate_margins(row, row_width);
        d_kernels.halve_row(row, d_width, slot(y));
        if (!d_vertical) {
            d_kernels.scale_row(
                slot(y), d_width, 7, d_max, plane + static_cast<size_t>(y) * d_width);
            return;
        }
        const bool last = y == d_height - 1;
        const int rows_out = (d_height + 1) / 2;
        // An output row j needs the input rows 2 j - 4 .. 2 j + 5, replicated at the
        // borders.
        for (; d_next < rows_out && (last || 2 * d_next + 5 <= y); ++d_next) {
            const int32_t* rows[10];
            for (int k = 0; k < 10; ++k)
                rows[k] = slot(std::clamp(2 * d_next - 4 + k, 0, d_height - 1));
            d_kernels.halve_column(
                rows, d_width, d_max, plane + static_cast<size_t>(d_next) * d_width);
        }
    }

private:
    static constexpr int kRing = 16;
    int32_t* slot(int y)
    {
        return d_ring.data() + static_cast<size_t>(y % kRing) * d_width;
    }

    const ColourKernels& d_kernels;
    const int d_width, d_height;
    const bool d_vertical;
    const int d_max;
    int d_next = 0;
    std::vector<int32_t> d_ring;
};

/// One full-size chroma row of a subsampled plane.
class ChromaDoubler
{
public:
    ChromaDoubler(const ColourFormat& format, int width, int height)
        : d_kernels(kernels()), d_width(chroma_width(format.pixel_format, width)),
          d_height(chroma_height(format.pixel_format, height)),
          d_vertical(halved_height(format.pixel_format)),
          d_cosited(format.pixel_format >= 4), d_depth(format.depth),
          d_row(d_width + 2 * kMargin), d_out(2 * static_cast<size_t>(d_width))
    {
    }

    const uint16_t* row(const uint16_t* plane, int y)
    {
        int16_t* to = d_row.data() + kMargin;
        int gained = 0; // bits by which the intermediate row is scaled up
        if (d_vertical) {
            const uint16_t* rows[7];
            for (int k = 0; k < 7; ++k)
                rows[k] = plane + static_cast<size_t>(
                                      std::clamp(y / 2 - 3 + k, 0, d_height - 1)) *
                                      d_width;
            // The intermediate sample has 14 bits whatever the depth, as in libbpg.
            const int shift = d_depth - 8;
            d_kernels.double_column(rows, d_width, y & 1, shift, to);
            gained = 6 - shift;
        } else {
            const uint16_t* from = plane + static_cast<size_t>(y) * d_width;
            std::copy(from, from + d_width, to);
        }
        replicate_margins(to, d_width);
        const int max = (1 << d_depth) - 1;
        if (d_cosited)
            d_kernels.double_row_cosited(to, d_width, gained, max, d_out.data());
        else
            d_kernels.double_row_centred(to, d_width, gained + 6, max, d_out.data());
        return d_out.data();
    }

private:
    const ColourKernels& d_kernels;
    const int d_width, d_height;
    const bool d_vertical, d_cosited;
    const int d_depth;
    std::vector<int16_t> d_row;
    std::vector<uint16_t> d_out;
};

} // namespace

int chroma_width(int pixel_format, int width)
{
    return halved_width(pixel_format) ? (width + 1) / 2 : width;
}
int chroma_height(int pixel_format, int height)
{
    return halved_height(pixel_format) ? (height + 1) / 2 : height;
}

void check_colour_format(const ColourFormat& f)
{
    const auto require = [](bool ok, const char* name, const char* allowed, int value) {
        if (!ok)
            throw std::invalid_argument(std::string(name) + " must be " + allowed +
                                        ", got " + std::to_string(value));
    };
    require(f.pixel_format >= 0 && f.pixel_format <= 5,
            "pixel_format",
            "0 .. 5",
            f.pixel_format);
    require(f.depth >= 8 && f.depth <= 14, "depth", "8 .. 14", f.depth);
    require(
        f.color_space >= 0 && f.color_space <= 4, "color_space", "0 .. 4", f.color_space);
    require(f.pixel_format != 0 || f.color_space == 0,
            "color_space",
            "0 for gray",
            f.color_space);
}

void rgb_to_planes(const void* rgb,
                   int bits,
                   int width,
                   int height,
                   const ColourFormat& format,
                   uint16_t* const planes[3])
{
    check_colour_format(format);
    if (format.pixel_format > 3)
        throw std::invalid_argument("pixel_format must be 0 .. 3 for encoding, got " +
                                    std::to_string(format.pixel_format));
    const ColourKernels& k = kernels();
    const ColourMatrix m = to_planes_matrix(format, bits);
    const size_t padded = width + 2 * kMargin;
    std::vector<uint16_t> rows(5 * padded);
    uint16_t* in[3] = {
        &rows[kMargin], &rows[padded + kMargin], &rows[2 * padded + kMargin]};
    uint16_t* chroma[2] = {&rows[3 * padded + kMargin], &rows[4 * padded + kMargin]};
    const bool gray = format.pixel_format == 0, halve = halved_width(format.pixel_format);
    ChromaHalver halver[2] = {{format, width, height}, {format, width, height}};
    for (int y = 0; y < height; ++y) {
        const size_t at = static_cast<size_t>(y) * width;
        if (bits == 8)
            k.split8(
                static_cast<const uint8_t*>(rgb) + 3 * at, width, in[0], in[1], in[2]);
        else
            k.split16(
                static_cast<const uint16_t*>(rgb) + 3 * at, width, in[0], in[1], in[2]);
        uint16_t* out[3] = {planes[0] + at, chroma[0], chroma[1]};
        for (int c = 1; c < 3 && !gray && !halve; ++c)
            out[c] = planes[c] + at;
        k.matrix(in, width, m, out);
        for (int c = 0; c < 2 && halve; ++c)
            halver[c].push(chroma[c], width, y, planes[c + 1]);
    }
}

void planes_to_rgb(const uint16_t* const planes[3],
                   int width,
                   int height,
                   const ColourFormat& format,
                   int bits,
                   void* rgb)
{
    check_colour_format(format);
    const ColourKernels& k = kernels();
    const ColourMatrix m = to_rgb_matrix(format, bits);
    const bool gray = format.pixel_format == 0,
               halved = halved_width(format.pixel_format);
    std::vector<uint16_t> rows(3 * static_cast<size_t>(width));
    uint16_t* out[3] = {
        rows.data(), rows.data() + width, rows.data() + 2 * static_cast<size_t>(width)};
    const std::vector<uint16_t> no_colour(gray ? width : 0,
                                          static_cast<uint16_t>(1 << (format.depth - 1)));
    ChromaDoubler doubler[2] = {{format, width, height}, {format, width, height}};
    for (int y = 0; y < height; ++y) {
        const size_t at = static_cast<size_t>(y) * width;
        const uint16_t* in[3] = {planes[0] + at, no_colour.data(), no_colour.data()};
        for (int c = 1; c < 3 && !gray; ++c)
            in[c] = halved ? doubler[c - 1].row(planes[c], y) : planes[c] + at;
        (format.limited ? k.matrix_wide : k.matrix)(in, width, m, out);
        if (bits == 8)
            k.join8(out[0], out[1], out[2], width, static_cast<uint8_t*>(rgb) + 3 * at);
        else
            k.join16(out[0], out[1], out[2], width, static_cast<uint16_t*>(rgb) + 3 * at);
    }
}

} // namespace scsc
