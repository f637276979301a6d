// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// One HEVC intra picture as an Annex B stream, through x265.
/// Source: ITU-T H.265; the tools kept to are those of bpg.md section 3.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scsc {

/// One intra picture for x265; sizes are those of the luma plane before padding.
struct HevcPicture {
    const uint16_t*
        planes[3]; ///< contiguous; planes[1], planes[2] unused when chroma_format is 0
    int width, height; ///< 1 .. 8192
    int chroma_format; ///< chroma_format_idc: 0 4:0:0, 1 4:2:0, 2 4:2:2, 3 4:4:4
    int depth;         ///< 8, 10 or 12
};

struct HevcEncoderOptions {
    int slice_qp = 37;               ///< 0 .. 51, the QP written into the slice header
    int chroma_qp_offset = 0;        ///< -12 .. 12, both chroma components
    std::string preset = "veryslow"; ///< an x265 preset name
    bool lossless = false;           ///< transquant bypass; slice_qp is then ignored
};

/// Annex B bytes (VPS, SPS, PPS, slices) of one picture, padded by replication to the
/// minimum coding block.
///
/// Keeps to the tools that the reduced BPG header can express (bpg.md section 3): intra
/// and inter transform depth equal, AMP and temporal motion vectors on, no scaling list,
/// no conformance window. Deterministic, one thread. Throws std::invalid_argument for a
/// bad argument and std::runtime_error when x265 refuses.
std::vector<uint8_t> hevc_encode(const HevcPicture& picture,
                                 const HevcEncoderOptions& options);

/// Edge of the smallest coding block (8, or 16 for pictures of at most 8 samples in one
/// direction).
int hevc_min_coding_block(int width, int height);

} // namespace scsc
