// SPDX-License-Identifier: GPL-3.0-or-later
// Successive cancellation list decoder. Each node returns the order in which its forks
// left the paths; a parent applies that order when it next reads what it stored before,
// so that no path is ever copied. Partial sums are kept in place, one mask (0 or -1) per
// position and path.
#include "polar_kernels.h"
#include "simd_int16.h"

#include <cstddef>

namespace scsc::SCSC_ISA_NS {
namespace {

constexpr int kPaths = 8;
constexpr int kWorst = 0x7fff;
/// Metrics are lowered together beyond this; far from saturation, and rarely reached.
constexpr int kNormaliseAbove = 8192;

alignas(16) const int16_t kLaneMask[8][8] = {
    {-1, 0, 0, 0, 0, 0, 0, 0},
    {0, -1, 0, 0, 0, 0, 0, 0},
    {0, 0, -1, 0, 0, 0, 0, 0},
    {0, 0, 0, -1, 0, 0, 0, 0},
    {0, 0, 0, 0, -1, 0, 0, 0},
    {0, 0, 0, 0, 0, -1, 0, 0},
    {0, 0, 0, 0, 0, 0, -1, 0},
    {0, 0, 0, 0, 0, 0, 0, -1},
};
/// Byte pairs that a shuffle takes lane i from, as one 16-bit word: 2i and 2i + 1.
constexpr int take_lane(unsigned i)
{
    return static_cast<int>((2 * i) | (2 * i + 1) << 8);
}
alignas(16) const int16_t kInOrder[8] = {
    take_lane(0),
    take_lane(1),
    take_lane(2),
    take_lane(3),
    take_lane(4),
    take_lane(5),
    take_lane(6),
    take_lane(7),
};

/// Where each path comes from; `moved` is false for the identity.
struct Order {
    Paths shuffle;
    bool moved;
};

template <class V>
inline V magnitude(V a)
{
    return max(a, subs(V::all(0), a)); // saturates: |-32768| is 32767
}

template <class V>
inline void combine_check(const int16_t* parent, int16_t* child, int half)
{
    for (int i = 0; i < half; i += V::kPositions) {
        const V a = V::load(parent + kPaths * i);
        const V b = V::load(parent + kPaths * (half + i));
        const V s = sign(a ^ b);
        subs(min(magnitude(a), magnitude(b)) ^ s, s).store(child + kPaths * i);
    }
}

template <class V, bool Moved>
inline void combine_bit(
    const int16_t* parent, const int16_t* sums, Paths shuffle, int16_t* child, int half)
{
    const V order = V::every(shuffle);
    for (int i = 0; i < half; i += V::kPositions) {
        V a = V::load(parent + kPaths * i);
        V b = V::load(parent + kPaths * (half + i));
        const V u = V::load(sums + kPaths * i);
        if (Moved) {
            a = permute(a, order);
            b = permute(b, order);
        }
        adds(b, subs(a ^ u, u)).store(child + kPaths * i);
    }
}

template <class V, bool Moved>
inline void add_sums(int16_t* sums, Paths shuffle, int half)
{
    const V order = V::every(shuffle);
    for (int i = 0; i < half; i += V::kPositions) {
        V left = V::load(sums + kPaths * i);
        if (Moved)
            left = permute(left, order);
        (left ^ V::load(sums + kPaths * (half + i))).store(sums + kPaths * i);
    }
}

template <class V>
inline void fill(int16_t* out, Paths value, int size)
{
    const V all = V::every(value);
    for (int i = 0; i < size; i += V::kPositions)
        all.store(out + kPaths * i);
}

/// Cost of deciding 0 (of deciding 1 when `ones`) for every position of a node, per path.
template <class V>
inline void sum_costs(const int16_t* llr, int size, Paths* zeros, Paths* ones)
{
    V against_zero = V::all(0), against_one = V::all(0);
    for (int i = 0; i < size; i += V::kPositions) {
        const V a = V::load(llr + kPaths * i);
        against_zero = adds(against_zero, max(subs(V::all(0), a), V::all(0)));
        against_one = adds(against_one, max(a, V::all(0)));
    }
    *zeros = against_zero.part(0);
    *ones = against_one.part(0);
    for (int i = 1; i < V::kPositions; ++i) {
        *zeros = adds(*zeros, against_zero.part(i));
        *ones = adds(*ones, against_one.part(i));
    }
}

template <class V>
inline Paths least_magnitude(const int16_t* llr, int size)
{
    V least = V::all(kWorst);
    for (int i = 0; i < size; i += V::kPositions)
        least = min(least, magnitude(V::load(llr + kPaths * i)));
    Paths result = least.part(0);
    for (int i = 1; i < V::kPositions; ++i)
        result = min(result, least.part(i));
    return result;
}

template <class V>
inline void decide(const int16_t* llr, int16_t* sums, int size)
{
    for (int i = 0; i < size; i += V::kPositions)
        sign(V::load(llr + kPaths * i)).store(sums + kPaths * i);
}

/// Runs f<Wide>(...) or, for nodes narrower than a wide register, f<Paths>(...).
#define SCSC_BY_WIDTH(size, f, ...)                                                      \
    do {                                                                                 \
        if ((size) >= Wide::kPositions)                                                  \
            f<Wide>(__VA_ARGS__);                                                        \
        else                                                                             \
            f<Paths>(__VA_ARGS__);                                                       \
    } while (0)
#define SCSC_BY_WIDTH_MOVED(size, moved, f, ...)                                         \
    do {                                                                                 \
        if ((size) >= Wide::kPositions) {                                                \
            if (moved)                                                                   \
                f<Wide, true>(__VA_ARGS__);                                              \
            else                                                                         \
                f<Wide, false>(__VA_ARGS__);                                             \
        } else if (moved)                                                                \
            f<Paths, true>(__VA_ARGS__);                                                 \
        else                                                                             \
            f<Paths, false>(__VA_ARGS__);                                                \
    } while (0)

class ListTree
{
public:
    explicit ListTree(const PolarListJob& job)
        : d_nodes(job.nodes), d_llr(job.workspace), d_in_order(Paths::load(kInOrder))
    {
        alignas(16) int16_t usable[kPaths], start[kPaths];
        for (int p = 0; p < kPaths; ++p) {
            usable[p] = p < job.list_size ? -1 : 0;
            start[p] = p == 0 ? 0 : kWorst;
        }
        d_usable = Paths::load(usable);
        d_metric = Paths::load(start);
    }

    Paths metric() const { return d_metric; }

    Order visit(unsigned node, int stage, int16_t* sums)
    {
        const int size = 1 << stage;
        const int16_t* llr = stage_llr(stage);
        switch (d_nodes[node]) {
        case kPolarHead:
            SCSC_BY_WIDTH(size, fill, sums, Paths::all(0), size);
            return in_order();
        case kPolarFrozen: {
            Paths zeros, ones;
            SCSC_BY_WIDTH(size, sum_costs, llr, size, &zeros, &ones);
            d_metric = adds(d_metric, zeros);
            normalise();
            SCSC_BY_WIDTH(size, fill, sums, Paths::all(0), size);
            return in_order();
        }
        case kPolarRepetition: {
            Paths zeros, ones, bits;
            SCSC_BY_WIDTH(size, sum_costs, llr, size, &zeros, &ones);
            const Order order = fork(adds(d_metric, zeros), adds(d_metric, ones), &bits);
            if (stage > 0)
                normalise();
            SCSC_BY_WIDTH(size, fill, sums, bits, size);
            return order;
        }
        case kPolarRateOne:
            if (certain(llr, size)) {
                SCSC_BY_WIDTH(size, decide, llr, sums, size);
                return in_order();
            }
            break;
        default:
            break;
        }
        return visit_children(node, stage, sums);
    }

private:
    int16_t* stage_llr(int stage)
    {
        return d_llr + (static_cast<size_t>(kPaths) << stage);
    }
    Order in_order() const { return {d_in_order, false}; }

    Order visit_children(unsigned node, int stage, int16_t* sums)
    {
        const int half = 1 << (stage - 1);
        const int16_t* parent = stage_llr(stage);
        int16_t* child = stage_llr(stage - 1);
        if (d_nodes[2 * node] != kPolarHead)
            SCSC_BY_WIDTH(half, combine_check, parent, child, half);
        const Order left = visit(2 * node, stage - 1, sums);
        SCSC_BY_WIDTH_MOVED(
            half, left.moved, combine_bit, parent, sums, left.shuffle, child, half);
        const Order right = visit(2 * node + 1, stage - 1, sums + kPaths * half);
        SCSC_BY_WIDTH_MOVED(half, right.moved, add_sums, sums, right.shuffle, half);
        return {permute(left.shuffle, right.shuffle), left.moved || right.moved};
    }

    /// True when no fork inside this rate-1 node could displace a path: every decision in
    /// it costs at least its smallest LLR, and that alone is worse than the worst path.
    /// Exact; no LLR is 0.
    bool certain(const int16_t* llr, int size) const
    {
        const Paths least = size >= Wide::kPositions ? least_magnitude<Wide>(llr, size)
                                                     : least_magnitude<Paths>(llr, size);
        return best_rival(adds(d_metric, least)) > worst_kept(d_metric);
    }

    uint32_t best_rival(Paths metric) const
    {
        return first_min(metric | (d_usable ^ Paths::all(-1))) & 0xffff;
    }
    uint32_t worst_kept(Paths metric) const
    {
        return 0xffff - (first_min((metric & d_usable) ^ Paths::all(-1)) & 0xffff);
    }

    /// Keeps the best of the 16 continuations; writes the decided bit of each kept path
    /// as a mask.
    Order fork(Paths zero, Paths one, Paths* bits)
    {
        const Paths prefer_one = less(one, zero);
        Paths kept = min(zero, one);
        Paths rivals = max(zero, one) | (d_usable ^ Paths::all(-1));
        Paths shuffle = d_in_order;
        Paths replaced = Paths::all(0);
        bool moved = false;
        for (;;) {
            const uint32_t best = first_min(rivals);
            const uint32_t worst = first_min((kept & d_usable) ^ Paths::all(-1));
            if ((best & 0xffff) >= 0xffff - (worst & 0xffff))
                break;
            const unsigned from = best >> 16;
            const Paths lane = Paths::load(kLaneMask[worst >> 16]);
            kept = select(kept, Paths::all(static_cast<int>(best & 0xffff)), lane);
            rivals = rivals | Paths::load(kLaneMask[from]);
            shuffle = select(shuffle, Paths::all(take_lane(from)), lane);
            replaced = replaced | lane;
            moved = true;
        }
        d_metric = kept;
        *bits = moved ? permute(prefer_one, shuffle) ^ replaced : prefer_one;
        return {shuffle, moved};
    }

    void normalise()
    {
        const uint32_t least = best_rival(d_metric);
        if (least > kNormaliseAbove)
            d_metric = subs(d_metric, Paths::all(static_cast<int>(least)));
    }

    const uint8_t* d_nodes;
    int16_t* d_llr;
    Paths d_in_order;
    Paths d_usable;
    Paths d_metric;
};

} // namespace

void polar_list_decode(const PolarListJob& job)
{
    const int size = 1 << job.log2_size;
    int16_t* llr = job.workspace + (static_cast<size_t>(kPaths) << job.log2_size);
    int16_t* sums = job.workspace + static_cast<size_t>(kPaths) * 2 * kPolarMaxSize;
    for (int i = 0; i < size; ++i)
        Paths::all(job.channel[i]).store(llr + kPaths * i);
    ListTree tree(job);
    tree.visit(1, job.log2_size, sums);
    tree.metric().store(job.metrics);
    for (int i = 0; i < size; ++i)
        job.codewords[i] = negative(Paths::load(sums + kPaths * i));
}

} // namespace scsc::SCSC_ISA_NS
