// SPDX-License-Identifier: GPL-3.0-or-later
// The kernels of the networks against their formulas, one sum after the other in double, on
// every instruction set: a process of its own for each, as the choice is made once.
#include <scsc/convolution.h>
#include <scsc/cpu.h>
#include <scsc/shaped_picture.h>
#include <scsc/strip_pooling.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace {

using Floats = std::vector<float>;

constexpr int kSizes[][2] = {{1, 1}, {1, 17}, {23, 1}, {2, 10}, {7, 33}};
constexpr int kChannels[][2] = {{1, 1}, {3, 8}, {5, 3}, {8, 18}, {16, 16}, {20, 37}};

int failures = 0;
uint64_t state = 5;

float noise()
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state >> 40) / (1 << 23) - 1;
}

Floats random(size_t n)
{
    Floats values(n);
    std::generate(values.begin(), values.end(), noise);
    return values;
}

constexpr double kTolerance = 1e-5; // sums of up to 600 products of about 1/3, in float

void compare(const Floats& found,
             const std::vector<double>& expected,
             const char* what,
             double tolerance = kTolerance)
{
    double worst = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        const double error = std::abs(found[i] - expected[i]);
        if (!(error <= worst))
            worst = error;
    }
    if (!(worst < tolerance) || found.size() != expected.size()) {
        std::printf("%s, %s: differs by %g\n",
                    scsc::isa_name(scsc::selected_isa()).c_str(),
                    what,
                    worst);
        ++failures;
    }
}

struct Map {
    int height, width, channels;
    Floats values;

    Map(int h, int w, int c)
        : height(h), width(w), channels(c), values(random(static_cast<size_t>(h) * w * c))
    {
    }

    scsc::FeatureMap view() const { return {values.data(), height, width, channels}; }

    double at(int y, int x, int c) const
    {
        const bool inside = y >= 0 && y < height && x >= 0 && x < width;
        return inside ? values[(static_cast<size_t>(y) * width + x) * channels + c] : 0.0;
    }

    double bilinear(float y, float x, int c) const
    {
        if (!(std::abs(y) < 1e6f && std::abs(x) < 1e6f))
            return 0;
        const int top = static_cast<int>(std::floor(y)),
                  left = static_cast<int>(std::floor(x));
        const double v = y - top, u = x - left;
        return (1 - v) * ((1 - u) * at(top, left, c) + u * at(top, left + 1, c)) +
               v * ((1 - u) * at(top + 1, left, c) + u * at(top + 1, left + 1, c));
    }
};

/// sum_n w_n t_n, t_n = taken(n, input).
template <class Taken>
double
window_sum(const Floats& weight, const Floats& bias, int o, int inputs, Taken taken)
{
    double sum = bias[o];
    for (int c = 0; c < inputs; ++c)
        for (int n = 0; n < 9; ++n)
            sum += weight[(static_cast<size_t>(o) * inputs + c) * 9 + n] * taken(n, c);
    return sum;
}

void test_convolution(int h, int w, int inputs, int outputs, int stride, bool joined)
{
    const int rest = joined ? inputs / 2 : 0, own = inputs - rest;
    const Map first(h, w, own), second(h, w, std::max(rest, 1));
    const Floats weight = random(static_cast<size_t>(9) * inputs * outputs),
                 bias = random(outputs), scale = random(inputs);
    const scsc::Convolution3x3 convolution(
        weight.data(), bias.data(), {outputs, inputs, own, stride, joined});
    const int out_h = (h - 1) / stride + 1, out_w = (w - 1) / stride + 1;
    std::vector<double> expected;
    for (int y = 0; y < out_h; ++y)
        for (int x = 0; x < out_w; ++x)
            for (int o = 0; o < outputs; ++o) {
                const double sum =
                    window_sum(weight, bias, o, inputs, [&](int n, int c) {
                        const int row = y * stride + n / 3 - 1,
                                  column = x * stride + n % 3 - 1;
                        return c < own ? scale[c] * first.at(row, column, c)
                                       : scale[c] * second.at(row, column, c - own);
                    });
                expected.push_back(joined ? std::max(sum, 0.0) : sum);
            }
    for (int threads : {1, 3}) {
        Floats found(expected.size());
        convolution.run(first.view(),
                        rest ? second.values.data() : nullptr,
                        scale.data(),
                        found.data(),
                        threads);
        compare(found, expected, joined ? "joined convolution" : "convolution");
    }
}

void test_deformed(int h, int w, int inputs, int outputs)
{
    const Map map(h, w, inputs);
    const Floats weight = random(static_cast<size_t>(9) * inputs * outputs),
                 bias = random(outputs);
    Floats offset = random(static_cast<size_t>(h) * w * 18);
    for (float& d : offset)
        d *= 3; // many samples lie outside
    offset[0] = std::numeric_limits<float>::quiet_NaN();
    offset[3] = std::numeric_limits<float>::infinity();
    offset[5] = -1e30f;
    const scsc::Convolution3x3 convolution(
        weight.data(), bias.data(), {outputs, inputs, inputs, 1, false});
    std::vector<double> expected;
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
            for (int o = 0; o < outputs; ++o)
                expected.push_back(window_sum(weight, bias, o, inputs, [&](int n, int c) {
                    const float* d = &offset[(static_cast<size_t>(y) * w + x) * 18 + 2 * n];
                    return map.bilinear(static_cast<float>(y + n / 3 - 1) + d[0],
                                        static_cast<float>(x + n % 3 - 1) + d[1],
                                        c);
                }));
    Floats found(expected.size());
    convolution.run_deformed(map.view(), offset.data(), found.data(), 2);
    compare(found, expected, "deformed convolution");
}

void test_transposed(int h, int w, int inputs, int outputs)
{
    const Map map(h, w, inputs);
    const Floats weight = random(static_cast<size_t>(9) * inputs * outputs),
                 bias = random(outputs);
    std::vector<double> expected;
    for (int y = 0; y < 2 * h; ++y)
        for (int x = 0; x < 2 * w; ++x)
            for (int o = 0; o < outputs; ++o) {
                double sum = bias[o];
                for (int c = 0; c < inputs; ++c)
                    for (int n = 0; n < 9; ++n) {
                        const int row = y + 1 - n / 3, column = x + 1 - n % 3;
                        if (row % 2 == 0 && column % 2 == 0)
                            sum += weight[(static_cast<size_t>(c) * outputs + o) * 9 + n] *
                                   map.at(row / 2, column / 2, c);
                    }
                expected.push_back(sum);
            }
    Floats found(expected.size());
    scsc::TransposedConvolution3x3(weight.data(), bias.data(), inputs, outputs, false)
        .run(map.view(), found.data(), 2);
    compare(found, expected, "transposed convolution");
}

void test_strip_pooling(int h, int w, int channels, float size)
{
    Map map(h, w, channels);
    const size_t c = channels;
    Floats strips[2] = {random(3 * c * c), random(3 * c * c)}, gate = random(c * c);
    for (float& g : gate)
        g *= size;
    const Floats bias = random(c);
    std::vector<double> sums[2];
    const int sides[2] = {h, w};
    for (int axis = 0; axis < 2; ++axis)
        for (int i = 0; i < sides[axis]; ++i)
            for (size_t o = 0; o < c; ++o) {
                double sum = bias[o];
                for (int n = 0; n < 3; ++n)
                    for (size_t k = 0; k < c; ++k) {
                        const int at = i + n - 1;
                        if (at < 0 || at >= sides[axis])
                            continue;
                        double most = -1e9;
                        for (int j = 0; j < sides[1 - axis]; ++j)
                            most = std::max(
                                most, axis ? map.at(j, at, k) : map.at(at, j, k));
                        sum += strips[axis][(o * c + k) * 3 + n] * most;
                    }
                sums[axis].push_back(sum);
            }
    std::vector<double> expected;
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
            for (size_t o = 0; o < c; ++o) {
                double z = bias[o];
                for (size_t k = 0; k < c; ++k)
                    z += gate[o * c + k] *
                         std::max(sums[0][y * c + k] + sums[1][x * c + k], 0.0);
                expected.push_back(map.at(y, x, o) / (1 + std::exp(-z)));
            }
    const scsc::StripPooling pooling({strips[0].data(),
                                      bias.data(),
                                      strips[1].data(),
                                      bias.data(),
                                      gate.data(),
                                      bias.data()},
                                     channels);
    pooling.run(map.values.data(), h, w, 2);
    // where large products cancel, what is left of them moves the gate
    compare(map.values, expected, "strip pooling", size > 1 ? 1e-7 * size : kTolerance);
}

void test_shaped_picture(int h, int w, int channels)
{
    const Map picture(h, w, 3), features(h + 1, w + 2, channels);
    const int inputs = 3 + channels;
    const Floats first = random(9), second = random(static_cast<size_t>(3) * inputs),
                 bias = random(3);
    std::vector<double> expected;
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
            for (int o = 0; o < 3; ++o) {
                double sum = bias[o];
                for (int k = 0; k < 3; ++k) {
                    double inner = bias[k];
                    for (int j = 0; j < 3; ++j)
                        inner += first[3 * k + j] * picture.at(y, x, j);
                    sum += second[o * inputs + k] * std::max(inner, 0.0);
                }
                for (int c = 0; c < channels; ++c)
                    sum += second[o * inputs + 3 + c] * features.at(y, x, c);
                expected.push_back(std::clamp(sum, 0.0, 1.0));
            }
    Floats found(expected.size());
    scsc::shape_picture({picture.values.data(),
                         h,
                         w,
                         features.view(),
                         first.data(),
                         bias.data(),
                         second.data(),
                         bias.data(),
                         found.data()},
                        2);
    compare(found, expected, "shaped picture");
}

int run_all(const std::string& isa)
{
    setenv("SCSC_ISA", isa.c_str(), 1);
    for (const auto& [h, w] : kSizes)
        for (const auto& [i, o] : kChannels) {
            for (int stride : {1, 2})
                test_convolution(h, w, i, o, stride, false);
            if (i > 1)
                test_convolution(h, w, i, o, 1, true);
            test_deformed(h, w, i, o);
            test_transposed(h, w, i, o);
            test_strip_pooling(h, w, o, 1);
            test_strip_pooling(h, w, o, 1e4f); // saturated
            test_shaped_picture(h, w, i);
        }
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

} // namespace

int main()
{
    bool failed = false;
    for (scsc::Isa isa : scsc::available_isas()) {
        const pid_t child = fork();
        if (child == 0)
            std::exit(run_all(scsc::isa_name(isa)));
        int status = 0;
        failed |= child < 0 || waitpid(child, &status, 0) != child || status != 0;
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
