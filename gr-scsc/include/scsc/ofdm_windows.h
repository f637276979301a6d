// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Carriers of FFT windows in a stream of samples. Source: waveform.md, receiver.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kMaxFft = 1024;

/// Y[w, u, r] = scale sum_i y_r[s_w + i] exp(-j omega (s_w + i - origin))
///              exp(-2 pi j k_u i / N)
///
/// The phase of a window's first sample is formed in double; within it and in the
/// transform float32 is used: errors stay below 1e-6 of the largest carrier.
struct OfdmWindows {
    const float* samples;   ///< [n_rx, n_samples] complex
    int n_rx;               ///< >= 1
    int64_t n_samples;
    const int64_t* starts;  ///< [n_windows] s_w, 0 .. n_samples - n_fft
    int64_t n_windows;
    double omega;           ///< radians per sample
    int64_t origin;         ///< sample whose phase is left as it is
    int n_fft;              ///< N, a power of two, 4..kMaxFft
    const int32_t* bins;    ///< [n_bins] k_u, 0 .. N-1
    int n_bins;
    float scale;
    float* carriers; ///< out [n_windows, n_bins, n_rx] complex
};

/// Throws std::invalid_argument when n_fft is no power of two in 4..kMaxFft.
void ofdm_windows(const OfdmWindows& job);

} // namespace scsc
