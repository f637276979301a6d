// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// White noise of two antennas that is a function of the sample's number.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32
/// with 10 rounds); Box and Muller 1958.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kNoiseAntennas = 2;

/// y_r[i] += deviation sqrt(-2 ln u) exp(2 pi j v): real and imaginary part are normal
/// with mean 0 and standard deviation `deviation`, and reach 6.6 deviations.
///
/// Philox makes the words w[0..3] of the key and the counter first + i. With the upper 31
/// bits b of w[2 r], u = (b + 1/2) 2^-31; v = w[2 r + 1] 2^-32, the word as a signed
/// number.
struct SampleNoise {
    float* y; ///< in and out [kNoiseAntennas, n] complex
    int64_t n;
    uint64_t key;
    uint64_t first; ///< number of the first sample
    float deviation;
};
void add_noise(const SampleNoise& job);

} // namespace scsc
