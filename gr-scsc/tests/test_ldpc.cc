// SPDX-License-Identifier: GPL-3.0-or-later
// Transport blocks over many lane layouts, and the thread pool; meant to run under
// sanitizers as well.
#include <scsc/thread_pool.h>
#include <scsc/transport_block.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

int failures = 0;

void expect(bool condition, const char* what, int a, int g)
{
    if (!condition) {
        std::printf("%s (A = %d, G = %d)\n", what, a, g);
        ++failures;
    }
}

/// Two frames, noise of half the amplitude, all four redundancy versions combined.
void round_trip(int a, int g, int qm, int buffer_limit)
{
    scsc::TransportBlockConfig config{a, g, qm};
    config.buffer_limit = buffer_limit;
    const scsc::TransportBlock tb(config);
    const int frames = 2;
    std::mt19937 generator(a);
    std::normal_distribution<float> noise(0.0f, 0.5f);
    std::vector<uint8_t> bits(frames * a), coded(frames * g), decoded(frames * a);
    for (uint8_t& bit : bits)
        bit = generator() & 1;
    std::vector<int8_t> soft(static_cast<size_t>(frames) * tb.n_blocks() *
                             tb.graph().buffer_bits());
    const auto block_ok = std::make_unique<bool[]>(frames * tb.n_blocks());
    std::vector<scsc::FrameStatus> status(frames);
    for (int rv : {0, 2, 3, 1}) {
        tb.encode(bits.data(), frames, rv, coded.data());
        std::vector<float> llr(coded.size());
        for (size_t i = 0; i < llr.size(); ++i)
            llr[i] = 8.0f * ((coded[i] != 0 ? -1.0f : 1.0f) + noise(generator));
        tb.decode(llr.data(),
                  frames,
                  rv,
                  soft.data(),
                  decoded.data(),
                  block_ok.get(),
                  status.data());
    }
    for (const scsc::FrameStatus& frame : status)
        expect(frame.ok, "four transmissions did not decode", a, g);
    expect(decoded == bits, "wrong bits", a, g);

    const std::vector<int8_t> nothing(coded.size());
    tb.decode(nothing.data(),
              frames,
              0,
              static_cast<int8_t*>(nullptr),
              decoded.data(),
              block_ok.get(),
              status.data());
    expect(!status[0].ok && !status[1].ok, "nothing received, yet ok", a, g);
}

void pool_passes_exceptions_on()
{
    std::atomic<int> calls{0};
    bool thrown = false;
    try {
        scsc::parallel_for(100, [&](int i) {
            ++calls;
            if (i == 99)
                throw std::runtime_error("last");
        });
    } catch (const std::runtime_error&) {
        thrown = true;
    }
    expect(thrown && calls == 100, "exception lost", calls, 100);
}

} // namespace

int main()
{
    for (int a : {24, 40, 100, 292, 293, 640, 1000, 2000, 3824, 8424, 16816})
        for (int qm : {1, 2, 3, 4, 6, 8}) {
            round_trip(a, 2 * a / qm * qm + 4 * qm, qm, 0);
            round_trip(a, 6 * a / qm * qm, qm, 0);
        }
    round_trip(8424, 16896, 2, 20000);
    pool_passes_exceptions_on();
    return failures != 0;
}
