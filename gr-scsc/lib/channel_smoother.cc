// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/channel_smoother.h>

#include <scsc/cpu.h>

#include "kernels/channel_smoother_kernels.h"

namespace scsc {

double smooth_channel(const ChannelSmoothing& job)
{
    switch (selected_isa()) {
#ifdef SCSC_X86
    case Isa::avx512:
        return avx512::smooth_channel(job);
    case Isa::avx2:
        return avx2::smooth_channel(job);
    case Isa::sse4:
        return sse4::smooth_channel(job);
#endif
    default:
        return generic::smooth_channel(job);
    }
}

} // namespace scsc
