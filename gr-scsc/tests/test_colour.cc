// SPDX-License-Identifier: GPL-3.0-or-later
// Colour conversion: closed forms, every instruction set against the generic one, bad
// arguments.
#include "../lib/kernels/colour_kernels.h"

#include <scsc/colour.h>
#include <scsc/cpu.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <vector>

using scsc::ColourFormat;

namespace {

int failures = 0;

void check(bool ok, const char* what)
{
    if (!ok) {
        std::printf("FAIL: %s\n", what);
        ++failures;
    }
}

std::vector<uint8_t> random_picture(int width, int height)
{
    std::mt19937 random(7);
    std::vector<uint8_t> rgb(3 * static_cast<size_t>(width) * height);
    for (uint8_t& v : rgb)
        v = static_cast<uint8_t>(random());
    return rgb;
}

struct Planes {
    std::vector<uint16_t> data[3];
    uint16_t* out[3];
    const uint16_t* in[3];
    Planes(const ColourFormat& f, int width, int height)
    {
        for (int k = 0; k < 3; ++k) {
            const int w = k ? scsc::chroma_width(f.pixel_format, width) : width;
            const int h = k ? scsc::chroma_height(f.pixel_format, height) : height;
            data[k].resize(static_cast<size_t>(w) * h);
            in[k] = out[k] = data[k].data();
        }
    }
};

void test_matrix_equals_the_formula()
{
    const int width = 61, height = 13;
    const auto rgb = random_picture(width, height);
    const ColourFormat f = {3, 8, 0, false};
    Planes p(f, width, height);
    scsc::rgb_to_planes(rgb.data(), 8, width, height, f, p.out);
    bool equal = true;
    for (int i = 0; i < width * height; ++i) {
        const double r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        const double y = .299 * r + .587 * g + .114 * b;
        const double expected[3] = {y, (b - y) / 1.772 + 128, (r - y) / 1.402 + 128};
        // Half a step of rounding, and 1e-4 for the 22-bit constants.
        for (int k = 0; k < 3; ++k)
            equal &= std::fabs(p.data[k][i] - std::fmin(expected[k], 255.0)) <= 0.5001;
    }
    check(equal, "BT.601 matrix equals the formula");
}

void test_flat_pictures_stay_flat()
{
    for (int format = 0; format <= 3; ++format)
        for (int width : {1, 2, 3, 7, 64, 65}) {
            const int height = 1 + width / 2;
            std::vector<uint8_t> rgb(3 * static_cast<size_t>(width) * height, 77),
                back(rgb.size());
            const ColourFormat f = {format, 8, 0, false};
            Planes p(f, width, height);
            scsc::rgb_to_planes(rgb.data(), 8, width, height, f, p.out);
            scsc::planes_to_rgb(p.in, width, height, f, 8, back.data());
            check(back == rgb, "a flat gray picture survives every chroma format");
        }
}

void test_rgb_space_is_exact()
{
    const int width = 50, height = 9;
    const auto rgb = random_picture(width, height);
    std::vector<uint8_t> back(rgb.size());
    const ColourFormat f = {3, 8, 1, false};
    Planes p(f, width, height);
    scsc::rgb_to_planes(rgb.data(), 8, width, height, f, p.out);
    scsc::planes_to_rgb(p.in, width, height, f, 8, back.data());
    check(back == rgb, "planes G, B, R give the picture back");
}

/// Outputs of all kernels on random rows, in one vector.
std::vector<int32_t> kernel_outputs(const scsc::ColourKernels& k)
{
    constexpr int n = 83, margin = 8;
    std::mt19937 random(3);
    std::vector<uint16_t> rows[10];
    std::vector<int32_t> wide[10];
    for (int r = 0; r < 10; ++r)
        for (int i = 0; i < 2 * n + 2 * margin; ++i) {
            rows[r].push_back(random() & 255);
            wide[r].push_back(static_cast<int32_t>(random() % 40000) - 4000);
        }
    std::vector<int16_t> mid(2 * n + 2 * margin);
    std::vector<uint16_t> a(2 * n), b(2 * n), c(2 * n);
    std::vector<int32_t> halves(n), all;
    const auto keep = [&all](const auto& v) {
        all.insert(all.end(), v.begin(), v.end());
    };
    const uint16_t* in[3] = {rows[0].data(), rows[1].data(), rows[2].data()};
    uint16_t* out[3] = {a.data(), b.data(), c.data()};
    const scsc::ColourMatrix m = {
        {{4194304, 0, 5880414}, {4194304, -1443433, -2995378}, {4194304, 7432307, 0}},
        {2097152 - 5880414LL * 128, 2097152 + 4438811LL * 128, 2097152 - 7432307LL * 128},
        22,
        255};
    for (auto matrix : {k.matrix, k.matrix_wide}) {
        matrix(in, n, m, out);
        keep(a), keep(b), keep(c);
    }
    k.halve_row(rows[0].data() + margin, n, halves.data());
    keep(halves);
    k.scale_row(halves.data(), n, 7, 255, a.data());
    keep(a);
    const int32_t* ten[10];
    const uint16_t* seven[7];
    for (int r = 0; r < 10; ++r)
        ten[r] = wide[r].data();
    for (int r = 0; r < 7; ++r)
        seven[r] = rows[r].data();
    k.halve_column(ten, n, 255, b.data());
    keep(b);
    for (bool odd : {false, true}) {
        k.double_column(seven, 2 * n + 2 * margin, odd, 0, mid.data());
        keep(mid);
        k.double_row_centred(mid.data() + margin, n, 12, 255, a.data());
        keep(a);
        k.double_row_cosited(mid.data() + margin, n, 6, 255, a.data());
        keep(a);
    }
    std::vector<uint8_t> bytes(3 * n);
    k.join8(a.data(), b.data(), c.data(), n, bytes.data());
    keep(bytes);
    k.split8(bytes.data(), n, a.data(), b.data(), c.data());
    keep(a), keep(b), keep(c);
    return all;
}

void test_instruction_sets_agree()
{
    const auto expected = kernel_outputs(scsc::generic::colour_kernels);
    for (scsc::Isa isa : scsc::available_isas()) {
        const scsc::ColourKernels* k = &scsc::generic::colour_kernels;
#if defined(__x86_64__)
        if (isa == scsc::Isa::sse4)
            k = &scsc::sse4::colour_kernels;
        if (isa == scsc::Isa::avx2)
            k = &scsc::avx2::colour_kernels;
        if (isa == scsc::Isa::avx512)
            k = &scsc::avx512::colour_kernels;
#endif
        check(kernel_outputs(*k) == expected, scsc::isa_name(isa).c_str());
    }
}

void test_bad_formats_are_refused()
{
    for (const ColourFormat& f : {ColourFormat{6, 8, 0, false},
                                  ColourFormat{1, 7, 0, false},
                                  ColourFormat{1, 15, 0, false},
                                  ColourFormat{1, 8, 5, false},
                                  ColourFormat{0, 8, 1, false}}) {
        bool thrown = false;
        try {
            scsc::check_colour_format(f);
        } catch (const std::invalid_argument&) {
            thrown = true;
        }
        check(thrown, "an illegal colour format is refused");
    }
}

} // namespace

int main()
{
    test_matrix_equals_the_formula();
    test_flat_pictures_stay_flat();
    test_rgb_space_is_exact();
    test_instruction_sets_agree();
    test_bad_formats_are_refused();
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
