// SPDX-License-Identifier: GPL-3.0-or-later
// Check values of the published CRC catalogue for the text "123456789".
#include <scsc/crc.h>

#include <cstdio>
#include <vector>

int main()
{
    const char* text = "123456789";
    std::vector<uint8_t> bits;
    for (const char* c = text; *c != '\0'; ++c)
        for (int i = 7; i >= 0; --i)
            bits.push_back((*c >> i) & 1);

    const struct {
        const char* name;
        uint32_t expected;
    } cases[] = {{"24a", 0xCDE703}, {"24b", 0x23EF52}, {"16", 0x31C3}};
    int failures = 0;
    for (const auto& test : cases) {
        const uint32_t got =
            scsc::crc_of_bits(scsc::crc_by_name(test.name), bits.data(), bits.size());
        if (got != test.expected) {
            std::printf(
                "CRC %s: got %06x, expected %06x\n", test.name, got, test.expected);
            ++failures;
        }
    }
    for (const char* name : {"24a", "24b", "16", "11"}) {
        const scsc::Crc kind = scsc::crc_by_name(name);
        std::vector<uint8_t> word = bits;
        word.resize(bits.size() + scsc::crc_length(kind));
        scsc::crc_to_bits(kind,
                          scsc::crc_of_bits(kind, bits.data(), bits.size()),
                          word.data() + bits.size());
        if (scsc::crc_of_bits(kind, word.data(), word.size()) != 0) {
            std::printf("CRC %s of a word with its check bits is not 0\n", name);
            ++failures;
        }
    }
    return failures;
}
