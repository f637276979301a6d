// SPDX-License-Identifier: GPL-3.0-or-later
// x265 and libde265 behind our two functions: a picture survives, damage and bad
// arguments are contained.
#if defined(SCSC_HAVE_BPG)
#include <scsc/hevc_decoder.h>
#include <scsc/hevc_encoder.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <vector>

namespace {

int failures = 0;

#if defined(SCSC_HAVE_BPG)
void check(bool ok, const char* what)
{
    if (!ok) {
        std::printf("FAIL: %s\n", what);
        ++failures;
    }
}

constexpr int kWidth = 64, kHeight = 48;

std::vector<uint16_t> ramp(int depth)
{
    std::vector<uint16_t> plane(kWidth * kHeight);
    for (int i = 0; i < kWidth * kHeight; ++i)
        plane[i] = static_cast<uint16_t>((i % kWidth + i / kWidth) << (depth - 8));
    return plane;
}

std::vector<uint8_t> coded(const std::vector<uint16_t>& plane, int depth, bool lossless)
{
    scsc::HevcEncoderOptions options;
    options.slice_qp = 30;
    options.lossless = lossless;
    return scsc::hevc_encode(
        {{plane.data(), nullptr, nullptr}, kWidth, kHeight, 0, depth}, options);
}

void test_lossless_planes_are_exact()
{
    for (int depth : {8, 10, 12}) {
        const auto plane = ramp(depth);
        const auto stream = coded(plane, depth, true);
        const auto decoded = scsc::hevc_decode(
            stream.data(), stream.size(), {kWidth, kHeight, 0, depth}, {});
        check(decoded.complete && decoded.warnings == 0 && decoded.planes[0] == plane,
              "a lossless plane is exact");
    }
}

void test_other_shape_is_not_taken()
{
    const auto stream = coded(ramp(8), 8, false);
    const auto decoded =
        scsc::hevc_decode(stream.data(), stream.size(), {kWidth, kHeight + 8, 0, 8}, {});
    check(!decoded.complete, "a picture of another size is not taken");
}

/// Filled memory is laid out for the expected shape: a deeper or more colourful stream of
/// the same size must not be written into it.
void test_other_format_is_not_taken_into_filled_memory()
{
    const auto deep = coded(ramp(10), 10, false);
    const auto as_8_bits =
        scsc::hevc_decode(deep.data(), deep.size(), {kWidth, kHeight, 0, 8}, {false, 0});
    check(!as_8_bits.complete, "a picture of another depth is not taken");
    const auto plane = ramp(8);
    const auto colour = scsc::hevc_encode(
        {{plane.data(), plane.data(), plane.data()}, kWidth, kHeight, 3, 8}, {});
    for (int chroma_format : {0, 1, 2}) {
        const scsc::HevcPictureShape shape = {kWidth, kHeight, chroma_format, 8};
        const auto decoded =
            scsc::hevc_decode(colour.data(), colour.size(), shape, {false, 0});
        check(!decoded.complete, "a picture of another chroma format is not taken");
    }
}

void test_unwritten_memory_shows_the_fill()
{
    auto stream = coded(ramp(8), 8, false);
    stream.resize(stream.size() - 12);
    const scsc::HevcPictureShape shape = {kWidth, kHeight, 0, 8};
    const auto zeros = scsc::hevc_decode(stream.data(), stream.size(), shape, {false, 0});
    const auto again = scsc::hevc_decode(stream.data(), stream.size(), shape, {false, 0});
    check(zeros.planes[0] == again.planes[0] && zeros.warnings == again.warnings,
          "filled memory makes it repeatable");
}

bool refuses(const std::function<void()>& call)
{
    try {
        call();
    } catch (const std::invalid_argument&) {
        return true;
    }
    return false;
}

void test_bad_arguments_are_refused()
{
    const auto plane = ramp(8);
    scsc::HevcEncoderOptions options;
    const scsc::HevcPicture good = {
        {plane.data(), nullptr, nullptr}, kWidth, kHeight, 0, 8};
    auto picture = good;
    picture.depth = 9;
    check(refuses([&] { scsc::hevc_encode(picture, options); }), "depth 9 is refused");
    picture = good;
    picture.width = 0;
    check(refuses([&] { scsc::hevc_encode(picture, options); }), "width 0 is refused");
    options.slice_qp = 52;
    check(refuses([&] { scsc::hevc_encode(good, options); }), "QP 52 is refused");
    options = {};
    options.preset = "quick";
    check(refuses([&] { scsc::hevc_encode(good, options); }),
          "an unknown preset is refused");
    check(refuses([&] {
              scsc::hevc_decode(nullptr, 0, {0, 8, 1, 8}, {});
          }),
          "an empty shape is refused");
}

void run()
{
    test_lossless_planes_are_exact();
    test_other_shape_is_not_taken();
    test_other_format_is_not_taken_into_filled_memory();
    test_unwritten_memory_shows_the_fill();
    test_bad_arguments_are_refused();
}
#else
void run() { std::printf("built without x265 and libde265\n"); }
#endif

} // namespace

int main()
{
    run();
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
