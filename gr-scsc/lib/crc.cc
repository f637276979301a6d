// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/crc.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace scsc {

namespace {

struct Polynomial {
    const char* name;
    int length;
    uint32_t taps;
};

constexpr Polynomial kPolynomials[] = {
    {"24a", 24, 0x864CFB}, {"24b", 24, 0x800063}, {"16", 16, 0x1021}, {"11", 11, 0x621}};

const Polynomial& polynomial(Crc kind) { return kPolynomials[static_cast<int>(kind)]; }

/// Slicing by 8: table[k][byte] is the remainder of the byte followed by k zero bytes.
/// The register is kept left-aligned in 32 bits, so that one loop serves all lengths.
struct Tables {
    uint32_t value[8][256];

    explicit Tables(const Polynomial& p)
    {
        const uint32_t taps = p.taps << (32 - p.length);
        for (uint32_t byte = 0; byte < 256; ++byte) {
            uint32_t state = byte << 24;
            for (int i = 0; i < 8; ++i)
                state = (state << 1) ^ ((state >> 31) != 0 ? taps : 0);
            value[0][byte] = state;
        }
        for (int k = 1; k < 8; ++k)
            for (int byte = 0; byte < 256; ++byte) {
                const uint32_t state = value[k - 1][byte];
                value[k][byte] = (state << 8) ^ value[0][state >> 24];
            }
    }
};

const Tables& tables(Crc kind)
{
    static const Tables all[] = {Tables(kPolynomials[0]),
                                 Tables(kPolynomials[1]),
                                 Tables(kPolynomials[2]),
                                 Tables(kPolynomials[3])};
    return all[static_cast<int>(kind)];
}

/// Eight bytes of 0/1 as one byte, first bit highest.
uint32_t pack_eight(const uint8_t* bits)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i)
        word |= static_cast<uint64_t>(bits[i]) << (8 * i);
    return static_cast<uint32_t>((word * 0x8040201008040201ULL) >> 56);
}

} // namespace

int crc_length(Crc kind) { return polynomial(kind).length; }

Crc crc_by_name(const std::string& name)
{
    for (int i = 0; i < 4; ++i)
        if (name == kPolynomials[i].name)
            return static_cast<Crc>(i);
    throw std::invalid_argument("CRC kind must be one of 24a, 24b, 16, 11, got " + name);
}

uint32_t crc_of_bits(Crc kind, const uint8_t* bits, size_t n)
{
    const auto& t = tables(kind).value;
    uint32_t state = 0;
    // Zeros in front change nothing with a zero initial state: the odd bits go first.
    const size_t odd = n % 8;
    if (odd != 0) {
        uint32_t byte = 0;
        for (size_t i = 0; i < odd; ++i)
            byte = (byte << 1) | bits[i];
        state = t[0][byte];
        bits += odd;
    }
    size_t bytes = n / 8;
    for (; bytes >= 8; bytes -= 8, bits += 64) {
        uint32_t front = 0;
        for (int i = 0; i < 4; ++i)
            front = (front << 8) | pack_eight(bits + 8 * i);
        state ^= front;
        state = t[7][state >> 24] ^ t[6][(state >> 16) & 255] ^ t[5][(state >> 8) & 255] ^
                t[4][state & 255] ^ t[3][pack_eight(bits + 32)] ^
                t[2][pack_eight(bits + 40)] ^ t[1][pack_eight(bits + 48)] ^
                t[0][pack_eight(bits + 56)];
    }
    for (; bytes > 0; --bytes, bits += 8)
        state = (state << 8) ^ t[0][(state >> 24) ^ pack_eight(bits)];
    return state >> (32 - crc_length(kind));
}

void crc_to_bits(Crc kind, uint32_t remainder, uint8_t* bits)
{
    const int length = crc_length(kind);
    for (int i = 0; i < length; ++i)
        bits[i] = (remainder >> (length - 1 - i)) & 1;
}

} // namespace scsc
