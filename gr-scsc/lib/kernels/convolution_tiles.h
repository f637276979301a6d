// SPDX-License-Identifier: GPL-3.0-or-later
// Windows and samples of feature maps.
#pragma once

#include "net_product.h"

#include <cmath>

namespace scsc::SCSC_ISA_NS {

struct Position {
    int y, x;

    /// To the next pixel of a map.
    void advance(int width)
    {
        if (++x == width) {
            x = 0;
            ++y;
        }
    }
};

inline const float* pixel(const FeatureMap& map, int y, int x)
{
    return map.values + (static_cast<int64_t>(y) * map.width + x) * map.channels;
}

/// The window of side x side pixels whose first is (y, x), zero outside the map.
inline void copy_window(const FeatureMap& map, int y, int x, int side, float* out)
{
    const int64_t c = map.channels;
    const int first = std::max(0, -x), last = std::min(side, map.width - x);
    for (int row = y; row < y + side; ++row, out += side * c) {
        if (row < 0 || row >= map.height) {
            std::fill_n(out, side * c, 0.0f);
            continue;
        }
        std::fill_n(out, first * c, 0.0f);
        std::copy_n(pixel(map, row, x + first), (last - first) * c, out + first * c);
        std::fill_n(out + last * c, (side - last) * c, 0.0f);
    }
}

/// The map at (y, x), bilinear, zero outside. `zeros` has as many floats as a pixel.
inline void
sample_bilinear(const FeatureMap& map, const float* zeros, float y, float x, float* out)
{
    const int c = map.channels;
    // written so that a NaN lies outside
    if (!(y > -1 && y < map.height && x > -1 && x < map.width)) {
        std::fill_n(out, c, 0.0f);
        return;
    }
    const int top = static_cast<int>(std::floor(y)), left = static_cast<int>(std::floor(x));
    const float down = y - top, right = x - left;
    const bool above = top >= 0, below = top + 1 < map.height;
    const bool before = left >= 0, after = left + 1 < map.width;
    const float* a = above && before ? pixel(map, top, left) : zeros;
    const float* b = above && after ? pixel(map, top, left + 1) : zeros;
    const float* d = below && before ? pixel(map, top + 1, left) : zeros;
    const float* e = below && after ? pixel(map, top + 1, left + 1) : zeros;
    const float wa = (1 - down) * (1 - right), wb = (1 - down) * right;
    const float wd = down * (1 - right), we = down * right;
    int i = 0;
    for (; i + Lanes::kCount <= c; i += Lanes::kCount)
        fma(Lanes::all(wa),
            Lanes::load(a + i),
            fma(Lanes::all(wb),
                Lanes::load(b + i),
                fma(Lanes::all(wd),
                    Lanes::load(d + i),
                    Lanes::all(we) * Lanes::load(e + i))))
            .store(out + i);
    for (; i < c; ++i)
        out[i] = wa * a[i] + wb * b[i] + wd * d[i] + we * e[i];
}

} // namespace scsc::SCSC_ISA_NS
