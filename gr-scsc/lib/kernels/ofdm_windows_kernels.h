// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/ofdm_windows.h>

namespace scsc {

/// What does not depend on the samples.
struct WindowTables {
    const int32_t* reversed; ///< [N] bit-reversed indices
    const float* twiddles;   ///< [N / 2] complex, exp(-2 pi j i / N)
    const float* turn;       ///< [N] complex, exp(-j omega i)
};

#define SCSC_DECLARE_WINDOWS(isa)                                                        \
    namespace isa {                                                                      \
    void ofdm_windows(const OfdmWindows& job, const WindowTables& tables);               \
    }
SCSC_DECLARE_WINDOWS(generic)
SCSC_DECLARE_WINDOWS(sse4)
SCSC_DECLARE_WINDOWS(avx2)
SCSC_DECLARE_WINDOWS(avx512)
#undef SCSC_DECLARE_WINDOWS

} // namespace scsc
