// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace scsc {

/// Starts and grid steps are computed in whole groups of this many, whatever the
/// instruction set: rows end in that much slack.
constexpr int kTimingGroup = 48;

constexpr int timing_padded(int count)
{
    return (count + kTimingGroup - 1) / kTimingGroup * kTimingGroup;
}

/// Row of complex numbers, real and imaginary parts apart.
struct SplitRow {
    const float *re, *im;
};
struct SplitOut {
    float *re, *im;
};

#define SCSC_DECLARE_TIMING(isa)                                                         \
    namespace isa {                                                                      \
    /* out[s] = sum_m conj(x_m) y[s + m], s < timing_padded(count) */                    \
    void correlate_row(                                                                  \
        const SplitRow& y, const float* x, int length, int count, const SplitOut& out);  \
    /* power[w] += |sum_i v_i steer_i(w)|^2, i over `used`; steer rows are               \
       timing_padded(n_steps) long */                                                    \
    void add_power(const float* v,                                                       \
                   const int32_t* used,                                                  \
                   int n_used,                                                           \
                   const SplitRow& steer,                                                \
                   int n_steps,                                                          \
                   float* power);                                                        \
    }
SCSC_DECLARE_TIMING(generic)
SCSC_DECLARE_TIMING(sse4)
SCSC_DECLARE_TIMING(avx2)
SCSC_DECLARE_TIMING(avx512)
#undef SCSC_DECLARE_TIMING

} // namespace scsc
