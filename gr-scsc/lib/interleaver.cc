// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/interleaver.h>

#include <utility>

namespace scsc {

static std::uint64_t next_splitmix64(std::uint64_t& state)
{
    state += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void shuffle_permutation(std::int64_t n, std::int32_t* perm)
{
    for (std::int64_t i = 0; i < n; ++i)
        perm[i] = static_cast<std::int32_t>(i);
    auto state = static_cast<std::uint64_t>(n);
    for (std::int64_t i = n - 1; i > 0; --i) {
        const std::uint64_t u = next_splitmix64(state);
        const auto j = static_cast<std::int64_t>(
            ((u >> 32) * static_cast<std::uint64_t>(i + 1)) >> 32);
        std::swap(perm[i], perm[j]);
    }
}

} // namespace scsc
