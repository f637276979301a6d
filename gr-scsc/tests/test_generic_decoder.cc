// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/generic_decoder.h>

#include <cmath>
#include <cstdio>
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

// Hamming (7, 4).
const std::vector<int32_t> kRowStart = {0, 4, 8, 12};
const std::vector<int32_t> kColumns = {0, 1, 3, 4, 0, 2, 3, 5, 1, 2, 3, 6};

bool refused(int columns,
             std::vector<int32_t> row_start,
             std::vector<int32_t> column_index)
{
    try {
        scsc::GenericDecoder decoder(columns, row_start, column_index);
    } catch (const std::invalid_argument&) {
        return true;
    }
    return false;
}

void single_weak_errors_are_corrected()
{
    const scsc::GenericDecoder decoder(7, kRowStart, kColumns);
    std::vector<int8_t> llr;
    for (int word = 0; word < 70; ++word)
        for (int i = 0; i < 7; ++i)
            llr.push_back(i == word % 7 ? -3 : 20);
    std::vector<uint8_t> bits(llr.size());
    std::vector<int32_t> iterations(70);
    bool ok[70];
    decoder.decode(llr.data(), 70, 10, bits.data(), ok, iterations.data());
    bool all = true;
    for (bool one : ok)
        all = all && one;
    expect(all, "one weak error per word leaves every word ok");
    bool zero = true;
    for (uint8_t bit : bits)
        zero = zero && bit == 0;
    expect(zero, "one weak error per word is corrected");
}

void quantiser_bounds_its_input()
{
    const float llr[] = {0.1f, 0.13f, -1e30f, INFINITY, NAN, -2.0f};
    int8_t out[6];
    scsc::GenericDecoder::quantise(llr, 6, out);
    expect(out[0] == 0 && out[1] == 1 && out[2] == -127 && out[3] == 127 && out[4] == 0 &&
               out[5] == -8,
           "LLRs are rounded to quarters and bounded");
}

} // namespace

int main()
{
    expect(!refused(7, kRowStart, kColumns), "a proper matrix is taken");
    expect(refused(6, kRowStart, kColumns), "columns are bounded");
    expect(refused(7, {0, 4, 8}, kColumns), "row starts cover all indices");
    expect(refused(7, {0, 12, 4, 12}, kColumns), "row starts ascend");
    expect(refused(7, {0, 1, 12}, kColumns), "row weights are bounded");
    single_weak_errors_are_corrected();
    quantiser_bounds_its_input();
    return failures != 0;
}
