// SPDX-License-Identifier: GPL-3.0-or-later
// What the per-ISA LDPC kernels take and give: plain data, no STL, so that no wide code
// leaks out.
#pragma once

#include <cstdint>

namespace scsc {

/// Correction of the two smallest magnitudes of a check (channel_coding.md section 6).
enum class LdpcRule : uint16_t { bg1_core, bg1_extension, bg2 };

/// One row of the base graph, in the order of decoding.
struct LdpcLayer {
    uint32_t first_edge;
    uint16_t degree;
    uint16_t row;
    LdpcRule rule;
};

/// Lane layout and schedule of one decoder. Column c lies at stride * c: `lanes` bytes,
/// then a copy of the first W of them, so that a rotated read never splits. lane = z *
/// blocks + block.
struct LdpcSchedule {
    int lanes;
    int stride;
    int blocks;
    int n_layers;
    const LdpcLayer* layers;
    const uint32_t*
        offset; ///< [edge of layer order] * chunks, chunk-major inside a layer
    const uint32_t* column; ///< byte offset of the column of each edge
    const uint32_t* wrap;   ///< rotation of each edge modulo W
};

/// One set of functions per instruction set. `posterior` are the a posteriori LLRs L,
/// `message` the check messages R of all edges.
struct LdpcKernels {
    int width; ///< W, bytes of one register

    /// One sweep over the layers with row < n_rows; `first`: messages are taken as 0 and
    /// not read.
    void (*iterate)(
        const LdpcSchedule&, int8_t* posterior, int8_t* message, int n_rows, bool first);

    /// Of the blocks in `active` (bit b = block b), those whose hard decisions satisfy
    /// all rows below n_rows. Leaves as soon as none is left.
    uint64_t (*satisfied)(const LdpcSchedule&,
                          const int8_t* posterior,
                          int n_rows,
                          uint64_t active);

    /// bits[i] = sign of lane[i * step]; true when one of them is exactly 0.
    bool (*hard_bits)(const int8_t* lane, int step, int n, uint8_t* bits);

    /// lane[i * step] = value[i].
    void (*spread)(const int8_t* value, int n, int step, int8_t* lane);

    /// out[i] = XOR over e of base[offset[e] + i]; writes up to W - 1 bytes behind n.
    void (*xor_columns)(
        const uint8_t* base, const uint32_t* offset, int n_sources, int n, uint8_t* out);

    /// out[i] = round(scale * in[i]) clipped to +-127, half to even; NaN gives 0.
    void (*quantise)(const float* in, float scale, int n, int8_t* out);

    /// soft[i] = clip(soft[i] + in[i], -127, 127).
    void (*accumulate)(const int8_t* in, int n, int8_t* soft);

    /// out[i + j * qm] = in[i * (n / qm) + j]: rows of the interleaver out as columns.
    void (*interleave)(const uint8_t* in, int n, int qm, uint8_t* out);
    /// Inverse of interleave.
    void (*deinterleave)(const uint8_t* in, int n, int qm, uint8_t* out);
};

namespace generic {
const LdpcKernels& ldpc_kernels();
}
namespace sse4 {
const LdpcKernels& ldpc_kernels();
}
namespace avx2 {
const LdpcKernels& ldpc_kernels();
}
namespace avx512 {
const LdpcKernels& ldpc_kernels();
}

/// The kernels of selected_isa().
const LdpcKernels& ldpc_kernels();

} // namespace scsc
