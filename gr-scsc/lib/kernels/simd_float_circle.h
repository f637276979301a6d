// SPDX-License-Identifier: GPL-3.0-or-later
// Points of the unit circle (minimax polynomials, ours).
#pragma once

#include "simd_float.h"

namespace scsc::SCSC_ISA_NS {

struct CirclePoint {
    Lanes cosine, sine;
};

/// cos and sin of 2 pi t for t in -0.5..0.5. Error below 3e-7.
///
/// Half the angle stays within a quarter turn, where one polynomial is enough:
/// cos 2a = 1 - 2 sin^2 a, sin 2a = 2 sin a cos a.
inline CirclePoint circle_point(Lanes t)
{
    const Lanes q = t * t;
    Lanes s = fma(q, Lanes::all(0.0772201269865036f), Lanes::all(-0.5980451703071594f));
    s = fma(q, s, Lanes::all(2.5500314235687256f));
    s = fma(q, s, Lanes::all(-5.1677069664001465f));
    s = fma(q, s, Lanes::all(3.141592502593994f)) * t;
    Lanes c = fma(q, Lanes::all(0.2196968048810959f), Lanes::all(-1.3318802118301392f));
    c = fma(q, c, Lanes::all(4.058412075042725f));
    c = fma(q, c, Lanes::all(-4.934792995452881f));
    c = fma(q, c, Lanes::all(0.9999999403953552f));
    const Lanes twice = s + s;
    return {fma(s, Lanes::all(0.0f) - twice, Lanes::all(1.0f)), twice * c};
}

} // namespace scsc::SCSC_ISA_NS
