// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/channel_smoother.h>

#include "kernels/channel_smoother_kernels.h"
#include "kernels/isa_choice.h"

namespace scsc {

double smooth_channel(const ChannelSmoothing& job)
{
    return SCSC_KERNEL(smooth_channel)(job);
}

} // namespace scsc
