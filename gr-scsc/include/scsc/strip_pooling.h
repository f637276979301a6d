// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Strip pooling with the maximum over whole rows and columns. Source: networks.md section
/// 2.2.
#pragma once

#include <scsc/packed_matrix.h>

namespace scsc {

/// x sigmoid(b + G ReLU(r + c)), r = conv3(maxima of rows), c = conv3(maxima of columns).
///
/// Any number of threads may call at once.
class StripPooling
{
public:
    struct Weights {
        const float *row, *row_bias;       ///< [channels, channels, 3], [channels]
        const float *column, *column_bias; ///< the same
        const float *gate, *gate_bias;     ///< [channels, channels], [channels]
    };

    StripPooling(const Weights& weights, int channels);

    int channels() const { return d_channels; }

    /// `map` [height, width, channels] is replaced by the result.
    void run(float* map, int height, int width, int threads) const;

private:
    int d_channels;
    PackedMatrix d_row, d_column, d_gate;
};

} // namespace scsc
