// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/channel_smoother.h>

namespace scsc {

#define SCSC_DECLARE_SMOOTHER(isa)                                                       \
    namespace isa {                                                                      \
    double smooth_channel(const ChannelSmoothing& job);                                  \
    }
SCSC_DECLARE_SMOOTHER(generic)
SCSC_DECLARE_SMOOTHER(sse4)
SCSC_DECLARE_SMOOTHER(avx2)
SCSC_DECLARE_SMOOTHER(avx512)
#undef SCSC_DECLARE_SMOOTHER

} // namespace scsc
