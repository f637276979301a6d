// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Detector of the short training field in a stream of samples. Source: waveform.md,
/// detection; ours.
#pragma once

#include <cstdint>

namespace scsc {

constexpr int kTrainingPeriod = 16;   ///< samples of one period of the field
constexpr int kTrainingRepeats = 16;  ///< periods of the field
constexpr int kTrainingAntennas = 16; ///< receive antennas at most
/// Samples that one value looks at, from its position on: the field, half a period, one
/// more sample and the filter.
constexpr int kTrainingSpan =
    kTrainingPeriod * kTrainingRepeats + kTrainingPeriod / 2 + 1 + kTrainingPeriod - 1;

/// Correlation of neighbouring periods, weighted by the cover code.
///
/// m_r[n] = sum_i conj(p_i) y_r[n+i];  c[n] = sum_r m_r[n+16] conj(m_r[n]);
/// d[n] = c[n] + c[n+1] + c[n+8] + c[n+9];  P[n] = sum_k b_k d[n + 16 k];
/// E1, E2: sums of sum_r |m_r|^2 over n .. n+127 and n+128 .. n+255;
/// M = |P|^2 / max(E1 + E2, 2 E1, 2 E2)^2.
///
/// Sums of energy run in double. A sample that is not finite spoils at most the values of
/// the 1024 positions around those that look at it.
struct TrainingDetection {
    const float* samples;  ///< [n_rx, n_samples] complex
    int n_rx;              ///< 1..kTrainingAntennas
    int64_t n_samples;     ///< >= 0
    const float* period;   ///< [kTrainingPeriod] complex, p
    const float* products; ///< [kTrainingRepeats - 1], b
    float* p;              ///< out [training_positions(n_samples)] complex
    float* metric;         ///< out [training_positions(n_samples)]
};

/// Positions that have a value.
inline int64_t training_positions(int64_t n_samples)
{
    return n_samples < kTrainingSpan ? 0 : n_samples - kTrainingSpan + 1;
}

void detect_training(const TrainingDetection& job);

} // namespace scsc
