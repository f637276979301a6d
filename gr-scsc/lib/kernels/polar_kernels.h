// SPDX-License-Identifier: GPL-3.0-or-later
// What the polar list decoder takes and gives: plain data, no STL.
#pragma once

#include <cstdint>

namespace scsc {

/// What a node of the decoding tree is; decides which shortcut applies.
enum PolarNode : uint8_t {
    kPolarMixed,  ///< decoded through its two children
    kPolarHead,   ///< frozen, before the first information bit: the same for every path
    kPolarFrozen, ///< rate 0
    kPolarRepetition, ///< only the last bit carries information (a single bit included)
    kPolarRateOne,    ///< every bit carries information
};

/// One block for the list decoder. Nodes are numbered as in a heap: root 1, children 2i
/// and 2i + 1.
struct PolarListJob {
    int log2_size;          ///< n of N = 2^n, 1..10
    int list_size;          ///< 1, 2, 4 or 8
    const uint8_t* nodes;   ///< PolarNode [2N]
    const int16_t* channel; ///< LLRs [N], |LLR| <= 32767
    int16_t* workspace;     ///< kPolarWorkspace entries, aligned to 64 bytes
    uint8_t* codewords;     ///< out [N]: bit p of byte i = code bit i of path p
    int16_t* metrics; ///< out [8]: path metric, smaller is likelier; aligned to 16 bytes
};

constexpr int kPolarMaxSize = 1024;
/// Path LLRs of all stages (stage s at 8 * 2^s) and the partial sums.
constexpr int kPolarWorkspace = 8 * 3 * kPolarMaxSize;

#define SCSC_DECLARE_POLAR(isa)                                                          \
    namespace isa {                                                                      \
    void polar_list_decode(const PolarListJob& job);                                     \
    }
SCSC_DECLARE_POLAR(generic)
SCSC_DECLARE_POLAR(sse4)
SCSC_DECLARE_POLAR(avx2)
SCSC_DECLARE_POLAR(avx512)
#undef SCSC_DECLARE_POLAR

} // namespace scsc
