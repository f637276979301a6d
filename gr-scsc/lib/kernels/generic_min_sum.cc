// SPDX-License-Identifier: GPL-3.0-or-later
// Layered min-sum for any sparse parity-check matrix: one lane per code word, one layer
// per row.
#include "generic_kernels.h"
#include "simd_int8.h"

#include <cstddef>

namespace scsc::SCSC_ISA_NS {
namespace {

using S = Int8;
using T = Int8::T;
constexpr int kLanes = S::W;
/// Larger messages could turn a saturated posterior around (channel_coding.md section 6).
constexpr int kMaxMessage = 31;

/// Normalised and offset, correctly rounded: m - (m + 4) / 8 - 1, at least 0, at most 31.
inline T corrected(T m)
{
    const T rounded = S::adds(S::minu(m, S::set1(120)), S::set1(4));
    m = S::subu(m, S::shift_right<3>(rounded));
    return S::minu(S::subu(m, S::set1(1)), S::set1(kMaxMessage));
}

/// Degree 0: the degree is only known at run time.
template <int Degree, bool First>
inline void
update_row(const int32_t* columns, int run_time_degree, int8_t* posterior, int8_t* r)
{
    const int degree = Degree ? Degree : run_time_degree;
    T v[Degree ? Degree : kGenericMaxDegree];
    T least = S::set1(127), second = S::set1(127), parity = S::set1(0);
    for (int e = 0; e < degree; ++e) {
        v[e] = S::load(posterior + static_cast<size_t>(columns[e]) * kLanes);
        if (!First)
            v[e] = S::subs(v[e], S::load(r + e * kLanes));
        const T m = S::abs(v[e]);
        second = S::minu(second, S::maxu(least, m));
        least = S::minu(least, m);
        parity = S::bit_xor(parity, v[e]);
    }
    const T weak = corrected(least), strong = corrected(second);
    for (int e = 0; e < degree; ++e) {
        const T m = S::select_equal(S::abs(v[e]), least, strong, weak);
        const T message = S::apply_sign(m, S::bit_xor(parity, v[e]));
        S::store(r + e * kLanes, message);
        S::store(posterior + static_cast<size_t>(columns[e]) * kLanes,
                 S::adds(v[e], message));
    }
}

template <bool First>
void iterate(const GenericJob& job)
{
    for (int row = 0; row < job.rows; ++row) {
        const int32_t start = job.row_start[row];
        const int degree = job.row_start[row + 1] - start;
        const int32_t* columns = job.column_index + start;
        int8_t* r = job.messages + static_cast<size_t>(start) * kLanes;
#define SCSC_DEGREE(d)                                                                   \
    case d:                                                                              \
        update_row<d, First>(columns, d, job.posterior, r);                              \
        break;
        switch (degree) {
            SCSC_DEGREE(3)
            SCSC_DEGREE(4)
            SCSC_DEGREE(5)
            SCSC_DEGREE(6)
            SCSC_DEGREE(7)
            SCSC_DEGREE(8)
            SCSC_DEGREE(9)
            SCSC_DEGREE(10)
            SCSC_DEGREE(12)
        default:
            update_row<0, First>(columns, degree, job.posterior, r);
        }
#undef SCSC_DEGREE
    }
}

/// Lanes with a failed check; gives up as soon as every lane of interest has failed.
uint64_t failed_lanes(const GenericJob& job, uint64_t interest)
{
    T failed = S::set1(0);
    for (int row = 0; row < job.rows; ++row) {
        T parity = S::set1(0);
        for (int32_t e = job.row_start[row]; e < job.row_start[row + 1]; ++e)
            parity =
                S::bit_xor(parity,
                           S::load(job.posterior +
                                   static_cast<size_t>(job.column_index[e]) * kLanes));
        failed = S::bit_or(failed, parity);
        if (row % 8 == 7 && (S::negative(failed) & interest) == interest)
            return interest;
    }
    return S::negative(failed);
}

/// Lanes in which some bit was left undecided.
uint64_t undecided_lanes(const GenericJob& job)
{
    uint64_t lanes = 0;
    for (int c = 0; c < job.columns; ++c)
        lanes |= S::zero(S::load(job.posterior + static_cast<size_t>(c) * kLanes));
    return lanes;
}

/// Columns that are moved between words and lanes together, so that both sides stay in
/// the cache.
constexpr int kTile = 64;

void load_words(const GenericJob& job)
{
    for (int first = 0; first < job.columns; first += kTile) {
        const int last = first + kTile < job.columns ? first + kTile : job.columns;
        int8_t* tile = job.posterior + static_cast<size_t>(first) * kLanes;
        for (int w = 0; w < kLanes; ++w) {
            const int8_t* word = job.llr + static_cast<size_t>(w) * job.columns;
            for (int c = first; c < last; ++c) {
                const int8_t value = w < job.words ? word[c] : int8_t{0};
                tile[static_cast<size_t>(c - first) * kLanes + w] =
                    value == -128 ? -127 : value;
            }
        }
    }
}

void latch(const GenericJob& job, uint64_t lanes, bool ok, int iterations)
{
    if (!lanes)
        return;
    for (int first = 0; first < job.columns; first += kTile) {
        const int last = first + kTile < job.columns ? first + kTile : job.columns;
        const int8_t* tile = job.posterior + static_cast<size_t>(first) * kLanes;
        for (int w = 0; w < job.words; ++w) {
            if (!(lanes >> w & 1))
                continue;
            uint8_t* bits = job.bits + static_cast<size_t>(w) * job.columns;
            for (int c = first; c < last; ++c)
                bits[c] = tile[static_cast<size_t>(c - first) * kLanes + w] < 0;
        }
    }
    for (int w = 0; w < job.words; ++w)
        if (lanes >> w & 1) {
            job.ok[w] = ok;
            job.iterations[w] = iterations;
        }
}

} // namespace

int generic_lanes() { return kLanes; }

void generic_decode(const GenericJob& job)
{
    load_words(job);
    uint64_t open = job.words == 64 ? ~uint64_t{0} : (uint64_t{1} << job.words) - 1;
    for (int i = 1; i <= job.max_iterations && open; ++i) {
        if (i == 1)
            iterate<true>(job);
        else
            iterate<false>(job);
        uint64_t solved = open & ~failed_lanes(job, open);
        if (solved)
            solved &= ~undecided_lanes(job);
        latch(job, solved, true, i);
        open &= ~solved;
    }
    latch(job, open, false, job.max_iterations);
}

} // namespace scsc::SCSC_ISA_NS
