// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// One HEVC intra picture out of an Annex B stream, through libde265.
/// Source: ITU-T H.265; stream layout as in bpg.md section 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scsc {

/// What the stream must contain; a picture of any other shape is refused.
struct HevcPictureShape {
    int width, height; ///< coded luma size (multiple of the minimum coding block)
    int chroma_format; ///< 0 .. 3
    int depth;         ///< 8 .. 14
};

struct HevcDecoderOptions {
    bool loop_filters = true; ///< deblocking and sample adaptive offset; must be off for
                              ///< `fill` to reach every sample
    int fill = -1; ///< 0 .. 255: byte that the picture memory holds before decoding; -1:
                   ///< not prepared
};

struct HevcDecoded {
    std::vector<uint16_t>
        planes[3];    ///< coded size, contiguous; empty planes where the format has none
    int warnings = 0; ///< warnings and errors that libde265 reported
    bool complete = false; ///< a picture of the expected shape came out
};

/// Decodes the first picture of an Annex B stream with libde265, one thread, one decoder
/// per call.
///
/// Damaged streams give warnings, or complete == false; never an exception. Throws
/// std::invalid_argument for a bad shape and std::bad_alloc.
HevcDecoded hevc_decode(const uint8_t* stream,
                        size_t size,
                        const HevcPictureShape& shape,
                        const HevcDecoderOptions& options);

} // namespace scsc
