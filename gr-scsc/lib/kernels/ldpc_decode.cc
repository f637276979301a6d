// SPDX-License-Identifier: GPL-3.0-or-later
// Layered min-sum on int8: the row update and the parity check. Schedule, corrections and
// clipping: channel_coding.md section 6; codes: TS 38.212 section 5.3.2.
#include "ldpc_internal.h"
#include "simd_int8.h"

namespace scsc::SCSC_ISA_NS {

namespace {

using S = Int8;
using T = Int8::T;

/// The clamp is needed with int8 posteriors: without it a saturated posterior less its
/// own message changes sign in the next layer and nearly converged blocks come out
/// inverted.
constexpr int kMaxMessage = 31;

template <LdpcRule rule>
void correct(T& m1, T& m2)
{
    const auto scale = [](T m) {
        return S::subu(m, S::template shift_right<3>(S::adds(m, S::set1(4))));
    };
    // Magnitudes above 64 end at the clamp anyway; below, m + 4 cannot leave the int8
    // range.
    m1 = S::minu(m1, S::set1(64));
    m2 = S::minu(m2, S::set1(64));
    m1 = scale(m1);
    m2 = scale(m2);
    const T offset = S::set1(rule == LdpcRule::bg1_core ? 2 : 1);
    m1 = S::subu(m1, offset);
    m2 = S::subu(m2, offset);
    if constexpr (rule == LdpcRule::bg1_core)
        m1 =
            S::subu(m1, S::template shift_right<2>(S::subu(S::set1(4), S::subu(m2, m1))));
    m1 = S::minu(m1, S::set1(kMaxMessage));
    m2 = S::minu(m2, S::set1(kMaxMessage));
}

template <int degree, bool first, LdpcRule rule>
void update_row(const LdpcSchedule& g,
                const LdpcLayer& layer,
                int8_t* posterior,
                int8_t* message)
{
    const int chunks = g.lanes / S::W;
    const uint32_t* at = g.offset + static_cast<long>(layer.first_edge) * chunks;
    int8_t* r = message + static_cast<long>(layer.first_edge) * g.lanes;
    for (int chunk = 0; chunk < chunks; ++chunk) {
        T v[degree];
        T min1 = S::set1(-1), min2 = S::set1(-1), sign = S::set1(0);
#pragma GCC unroll 32
        for (int e = 0; e < degree; ++e) {
            v[e] = S::load(posterior + at[e]);
            if constexpr (!first)
                v[e] = S::subs(v[e], S::load(r + e * S::W));
            const T magnitude = S::abs(v[e]);
            min2 = S::minu(min2, S::maxu(min1, magnitude));
            min1 = S::minu(min1, magnitude);
            sign = S::bit_xor(sign, v[e]);
        }
        T m1 = min1, m2 = min2;
        correct<rule>(m1, m2);
#pragma GCC unroll 32
        for (int e = 0; e < degree; ++e) {
            const T m = S::select_equal(S::abs(v[e]), min1, m2, m1);
            const T out = S::apply_sign(m, S::bit_xor(sign, v[e]));
            S::store(r + e * S::W, out);
            S::store(posterior + at[e], S::adds(v[e], out));
        }
        at += degree;
        r += degree * S::W;
    }
    // The chunk that ran over the end left its last lanes in the copy, all others are in
    // front.
    const uint32_t* column = g.column + layer.first_edge;
    const uint32_t* wrap = g.wrap + layer.first_edge;
    for (int e = 0; e < degree; ++e) {
        int8_t* front = posterior + column[e];
        int8_t* copy = front + g.lanes;
        const T whole =
            S::first(static_cast<int>(wrap[e]), S::load(copy), S::load(front));
        S::store(front, whole);
        S::store(copy, whole);
    }
}

template <bool first, LdpcRule rule>
void update_small_row(const LdpcSchedule& g, const LdpcLayer& layer, int8_t* l, int8_t* r)
{
    switch (layer.degree) {
    case 3:
        return update_row<3, first, rule>(g, layer, l, r);
    case 4:
        return update_row<4, first, rule>(g, layer, l, r);
    case 5:
        return update_row<5, first, rule>(g, layer, l, r);
    case 6:
        return update_row<6, first, rule>(g, layer, l, r);
    case 7:
        return update_row<7, first, rule>(g, layer, l, r);
    case 8:
        return update_row<8, first, rule>(g, layer, l, r);
    case 9:
        return update_row<9, first, rule>(g, layer, l, r);
    case 10:
        return update_row<10, first, rule>(g, layer, l, r);
    }
}

template <bool first>
void sweep(const LdpcSchedule& g, int8_t* posterior, int8_t* message, int n_rows)
{
    for (int i = 0; i < g.n_layers; ++i) {
        const LdpcLayer& layer = g.layers[i];
        if (layer.row >= n_rows)
            continue;
        switch (layer.rule) {
        case LdpcRule::bg1_core:
            update_row<19, first, LdpcRule::bg1_core>(g, layer, posterior, message);
            break;
        case LdpcRule::bg1_extension:
            update_small_row<first, LdpcRule::bg1_extension>(
                g, layer, posterior, message);
            break;
        case LdpcRule::bg2:
            update_small_row<first, LdpcRule::bg2>(g, layer, posterior, message);
            break;
        }
    }
}

} // namespace

void ldpc_iterate(
    const LdpcSchedule& g, int8_t* posterior, int8_t* message, int n_rows, bool first)
{
    if (first)
        sweep<true>(g, posterior, message, n_rows);
    else
        sweep<false>(g, posterior, message, n_rows);
}

uint64_t ldpc_satisfied(const LdpcSchedule& g,
                        const int8_t* posterior,
                        int n_rows,
                        uint64_t active)
{
    const int chunks = g.lanes / S::W;
    for (int i = 0; i < g.n_layers; ++i) {
        const LdpcLayer& layer = g.layers[i];
        if (layer.row >= n_rows)
            continue;
        const uint32_t* at = g.offset + static_cast<long>(layer.first_edge) * chunks;
        for (int chunk = 0; chunk < chunks; ++chunk, at += layer.degree) {
            T parity = S::load(posterior + at[0]);
            for (int e = 1; e < layer.degree; ++e)
                parity = S::bit_xor(parity, S::load(posterior + at[e]));
            uint64_t bad = S::negative(parity);
            for (int w = S::W; w > g.blocks; w /= 2)
                bad |= bad >> (w / 2); // lane modulo blocks = block
            active &= ~bad;
            if (active == 0)
                return 0;
        }
    }
    return active;
}

} // namespace scsc::SCSC_ISA_NS
