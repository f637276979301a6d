// SPDX-License-Identifier: GPL-3.0-or-later
// Base-2 exponential and logarithm of float lanes (minimax polynomials, ours).
#pragma once

#include "simd_float.h"

namespace scsc::SCSC_ISA_NS {

/// 1.5 * 2^23: added to a small number, it leaves the integer part in the low bits.
constexpr float kToInteger = 12582912.0f;
/// Bits of sqrt(1/2): mantissas are brought into [sqrt(1/2), sqrt(2)).
constexpr int32_t kRootHalfBits = 0x3f3504f3;

/// 2^x for x <= 0; 2^-120 below that. Relative error below 2e-7.
inline Lanes exp2(Lanes x)
{
    x = max(x, Lanes::all(-120.0f));
    const Lanes shifted = x + Lanes::all(kToInteger);
    const Lanes f = x - (shifted - Lanes::all(kToInteger));
    Lanes p =
        fma(f, Lanes::all(0.0013276388635858893f), Lanes::all(0.009675540961325169f));
    p = fma(f, p, Lanes::all(0.05550713464617729f));
    p = fma(f, p, Lanes::all(0.24022120237350464f));
    p = fma(f, p, Lanes::all(0.6931469440460205f));
    p = fma(f, p, Lanes::all(1.0f));
    return as_float(bits(p) + shift_left_23(bits(shifted)));
}

/// log2(x) for normal x > 0. Error below 1.5e-7 relative or absolute.
inline Lanes log2(Lanes x)
{
    const Words offset = bits(x) - Words::all(kRootHalfBits);
    const Words exponent = shift_right_23(offset);
    const Lanes t = as_float(bits(x) - shift_left_23(exponent)) - Lanes::all(1.0f);
    Lanes p = fma(t, Lanes::all(0.12923681735992432f), Lanes::all(-0.2089211791753769f));
    p = fma(t, p, Lanes::all(0.21521659195423126f));
    p = fma(t, p, Lanes::all(-0.2386777400970459f));
    p = fma(t, p, Lanes::all(0.2879388630390167f));
    p = fma(t, p, Lanes::all(-0.36071616411209106f));
    p = fma(t, p, Lanes::all(0.4809102714061737f));
    p = fma(t, p, Lanes::all(-0.7213472127914429f));
    p = fma(t, p, Lanes::all(1.4426950216293335f));
    return fma(t, p, to_float(exponent));
}

} // namespace scsc::SCSC_ISA_NS
