// SPDX-License-Identifier: GPL-3.0-or-later
// One function that every file of lib/kernels defines once per instruction set: its
// declaration, and the choice of the one that this process uses.
#pragma once

#include <scsc/cpu.h>

/// Declares functions in the namespace of every instruction set.
#ifdef SCSC_X86
#define SCSC_DECLARE_KERNELS(...)                                                        \
    namespace generic {                                                                  \
    __VA_ARGS__                                                                          \
    }                                                                                    \
    namespace sse4 {                                                                     \
    __VA_ARGS__                                                                          \
    }                                                                                    \
    namespace avx2 {                                                                     \
    __VA_ARGS__                                                                          \
    }                                                                                    \
    namespace avx512 {                                                                   \
    __VA_ARGS__                                                                          \
    }
#else
#define SCSC_DECLARE_KERNELS(...)                                                        \
    namespace generic {                                                                  \
    __VA_ARGS__                                                                          \
    }
#endif

namespace scsc {

/// What belongs to the selected instruction set, of those for each, in rising order.
template <class T, size_t n>
T selected(const T (&all)[n])
{
    return all[static_cast<size_t>(selected_isa())];
}

} // namespace scsc

/// The kernel of the selected instruction set.
#ifdef SCSC_X86
#define SCSC_KERNEL(name) selected({generic::name, sse4::name, avx2::name, avx512::name})
#else
#define SCSC_KERNEL(name) selected({generic::name})
#endif
