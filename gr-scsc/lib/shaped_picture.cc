// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/shaped_picture.h>

#include <scsc/thread_pool.h>

#include "kernels/net_kernels.h"

#include <vector>

namespace scsc {
namespace {

constexpr int kColours = 3;

/// matrix [3, inputs] by rows of inputs.
PackedMatrix packed(const float* matrix, const float* bias, int inputs)
{
    std::vector<float> rows;
    for (int i = 0; i < inputs; ++i)
        for (int o = 0; o < kColours; ++o)
            rows.push_back(matrix[o * inputs + i]);
    return {rows.data(), bias, inputs, kColours};
}

} // namespace

void shape_picture(const ShapedPicture& job, int threads)
{
    const PackedMatrix first = packed(job.first, job.first_bias, kColours);
    const PackedMatrix second =
        packed(job.second, job.second_bias, kColours + job.features.channels);
    const PictureJob all{job.picture,
                         job.height,
                         job.width,
                         job.features,
                         first.view(),
                         second.view(),
                         job.out};
    parallel_ranges(job.height, threads, [&](int64_t begin, int64_t end) {
        SCSC_KERNEL(shape)(all, begin, end);
    });
}

} // namespace scsc
