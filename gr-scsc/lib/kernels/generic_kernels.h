// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel of the sparse parity-check decoder takes and gives: plain data, no STL.
#pragma once

#include <cstdint>

namespace scsc {

/// One batch of up to 64 code words for the decoder of any parity-check matrix.
struct GenericJob {
    int rows, columns;
    const int32_t* row_start;    ///< [rows + 1]
    const int32_t* column_index; ///< [row_start[rows]]
    int words;                   ///< code words in this batch, 1..lanes
    const int8_t* llr;           ///< [words, columns]
    int max_iterations;
    int8_t* posterior;   ///< workspace [columns * 64], aligned to 64 bytes
    int8_t* messages;    ///< workspace [edges * 64], aligned to 64 bytes
    uint8_t* bits;       ///< out [words, columns]
    bool* ok;            ///< out [words]
    int32_t* iterations; ///< out [words]
};

constexpr int kGenericMaxLanes = 64;
constexpr int kGenericMinDegree = 2;
constexpr int kGenericMaxDegree = 256;

#define SCSC_DECLARE_GENERIC(isa)                                                        \
    namespace isa {                                                                      \
    int generic_lanes();                                                                 \
    void generic_decode(const GenericJob& job);                                          \
    }
SCSC_DECLARE_GENERIC(generic)
SCSC_DECLARE_GENERIC(sse4)
SCSC_DECLARE_GENERIC(avx2)
SCSC_DECLARE_GENERIC(avx512)
#undef SCSC_DECLARE_GENERIC

} // namespace scsc
