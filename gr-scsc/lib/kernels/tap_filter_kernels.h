// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/tap_filter.h>

#include "isa_choice.h"

namespace scsc {

SCSC_DECLARE_KERNELS(void filter_taps(const TapFilter& job);)

} // namespace scsc
