// SPDX-License-Identifier: GPL-3.0-or-later
#include "net_product.h"

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kColours = 3;

class Shaper
{
public:
    explicit Shaper(const PictureJob& job)
        : d_job(job),
          d_inner(job.first),
          d_result(job.second),
          d_picture(kNetTile * kColours),
          d_features(static_cast<size_t>(kNetTile) * job.features.channels)
    {
    }

    void row(int64_t y)
    {
        const int64_t c = d_job.features.channels;
        const float* picture = d_job.picture + y * d_job.width * kColours;
        const float* features = d_job.features.values + y * d_job.features.width * c;
        float* out = d_job.out + y * d_job.width * kColours;
        if (d_job.width < kNetTile) { // a tile would read beyond the last row
            std::copy_n(picture, d_job.width * kColours, d_picture.data());
            std::copy_n(features, d_job.width * c, d_features.data());
            tile(d_picture.data(), d_features.data(), d_job.width, out);
            return;
        }
        for (int x = 0; x < d_job.width; x += kNetTile) {
            const int start = std::min(x, d_job.width - kNetTile); // the last two may overlap
            tile(picture + start * kColours,
                 features + start * c,
                 kNetTile,
                 out + start * kColours);
        }
    }

private:
    void tile(const float* picture, const float* features, int valid, float* out)
    {
        const Run start{picture, kColours, kColours};
        product(&start, 1, d_job.first, true, d_inner.values(), d_inner.step());
        const int c = d_job.features.channels;
        const Run runs[2] = {{d_inner.values(), d_inner.step(), kColours}, {features, c, c}};
        product(runs, 2, d_job.second, false, d_result.values(), d_result.step());
        for (int p = 0; p < valid; ++p) {
            float* y = d_result.values() + p * d_result.step();
            max(min(Lanes::load(y), Lanes::all(1.0f)), Lanes::all(0.0f)).store(y);
            std::copy_n(y, kColours, out + p * kColours);
        }
    }

    const PictureJob& d_job;
    Aside d_inner, d_result;
    std::vector<float> d_picture, d_features;
};

} // namespace

void shape(const PictureJob& job, int64_t first, int64_t last)
{
    Shaper shaper(job);
    for (int64_t y = first; y < last; ++y)
        shaper.row(y);
}

} // namespace scsc::SCSC_ISA_NS
