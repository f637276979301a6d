// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// A carrier phase that all antennas share. Source: ours.
#pragma once

#include <cstdint>

namespace scsc {

/// y_r[i] *= exp(2 pi j turns[i]), with an error below 3e-7.
struct Rotation {
    float* y; ///< in and out [n_rows, n] complex
    int n_rows;
    int64_t n;
    const float* turns; ///< [n], -0.5..0.5
};
void rotate(const Rotation& job);

} // namespace scsc
