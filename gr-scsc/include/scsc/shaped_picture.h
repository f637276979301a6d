// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// The last step of PPEN. Source: networks.md section 4.
#pragma once

#include <scsc/convolution.h>

namespace scsc {

/// x' = clamp(b2 + A2 ReLU(b1 + A1 x) + L f, 0, 1) in each pixel.
struct ShapedPicture {
    const float* picture; ///< x [height, width, 3]
    int height, width;
    FeatureMap features; ///< f, at least as high and wide; what is beyond plays no part
    const float *first, *first_bias;   ///< A1 [3, 3], b1 [3]
    const float *second, *second_bias; ///< (A2, L) [3, 3 + channels], b2 [3]
    float* out;                        ///< [height, width, 3]
};

void shape_picture(const ShapedPicture& job, int threads);

} // namespace scsc
