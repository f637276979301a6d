// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// RGB pictures to the planes of a BPG file and back: a 3 x 3 matrix and 2:1 filters on
/// the chroma planes, in integers, so that every instruction set gives the same samples.
///
/// Source: ITU-R BT.601, BT.709 and BT.2020 matrices; filters and roundings equal to
/// libbpg's as its results show them (bpg.md section 4).
#pragma once

#include <cstdint>

namespace scsc {

/// How a BPG file stores colour (bpg.md sections 2 and 4).
struct ColourFormat {
    int pixel_format; ///< 0 gray, 1 4:2:0, 2 4:2:2, 3 4:4:4, 4 4:2:0 MPEG-2 siting, 5
                      ///< 4:2:2 MPEG-2 siting
    int depth;        ///< bits per sample, 8 .. 14
    int color_space;  ///< 0 BT.601, 1 RGB (planes G, B, R), 2 YCgCo, 3 BT.709, 4 BT.2020
    bool limited;     ///< 16..235 / 16..240 instead of the full range
};

/// Width or height of a chroma plane of the pixel format.
int chroma_width(int pixel_format, int width);
int chroma_height(int pixel_format, int height);

/// Rejects a format outside the ranges above with std::invalid_argument (also gray with a
/// colour space).
void check_colour_format(const ColourFormat& format);

/// RGB to planes: full-range matrix, round half up, then the centred 2:1 filter of the
/// chroma planes.
///
/// rgb is [height, width, 3], bits 8 or 16 (uint8_t or uint16_t, full range); planes[k]
/// are contiguous, Y (or G), Cb (B), Cr (R); planes[1] and planes[2] are not used for
/// gray. Pixel formats 0 .. 3.
void rgb_to_planes(const void* rgb,
                   int bits,
                   int width,
                   int height,
                   const ColourFormat& format,
                   uint16_t* const planes[3]);

/// Planes to RGB as libbpg does it: chroma interpolated vertically, then horizontally,
/// then a fixed-point matrix with 30 - bits fractional bits. rgb is [height, width, 3],
/// bits 8 or 16.
void planes_to_rgb(const uint16_t* const planes[3],
                   int width,
                   int height,
                   const ColourFormat& format,
                   int bits,
                   void* rgb);

} // namespace scsc
