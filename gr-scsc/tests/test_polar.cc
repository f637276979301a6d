// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/polar.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

int failures = 0;

void expect(bool condition, const char* claim)
{
    if (!condition) {
        std::printf("FAIL: %s\n", claim);
        ++failures;
    }
}

bool refused(int payload, int coded)
{
    try {
        scsc::PolarCode code(payload, coded);
    } catch (const std::invalid_argument&) {
        return true;
    }
    return false;
}

void positions_are_consistent()
{
    for (int payload = scsc::PolarCode::kMinPayload;
         payload <= scsc::PolarCode::kMaxPayload;
         payload += 31)
        for (int coded = payload + 11; coded <= 2500; coded += 97) {
            const scsc::PolarCode code(payload, coded);
            std::vector<int> times(code.size(), 0);
            for (uint16_t position : code.sent())
                ++times[position];
            for (uint16_t position : code.shortened())
                if (times[position] != 0)
                    expect(false, "shortened bits are never sent");
            const int most = (coded + code.size() - 1) / code.size();
            for (int count : times)
                if (count > most)
                    expect(false, "repetition is even");
            if (static_cast<int>(code.sent().size()) != coded ||
                static_cast<int>(code.information().size()) != payload + 11)
                expect(false, "positions have the sizes of the code");
        }
}

void noisy_block_survives()
{
    const scsc::PolarCode code(200, 500);
    std::mt19937 random(1);
    std::normal_distribution<float> noise(0.0f, 0.7f);
    std::vector<uint8_t> bits(200), coded(500), decoded(200);
    for (auto& bit : bits)
        bit = random() & 1;
    code.encode(bits.data(), coded.data());
    std::vector<float> llr(500);
    for (size_t i = 0; i < llr.size(); ++i)
        llr[i] = 4.0f * (1.0f - 2.0f * coded[i] + noise(random));
    scsc::PolarDecoder decoder(code, 8);
    expect(decoder.decode(llr.data(), decoded.data()), "a noisy block passes its CRC");
    expect(decoded == bits, "a noisy block is decoded");

    const std::vector<float> erased(500, NAN);
    expect(!decoder.decode(erased.data(), decoded.data()), "an erased block is not ok");
}

} // namespace

int main()
{
    expect(refused(19, 100) && refused(1014, 2000), "payload limits hold");
    expect(refused(100, 110) && refused(100, 8193), "coded limits hold");
    positions_are_consistent();
    noisy_block_survives();
    return failures != 0;
}
