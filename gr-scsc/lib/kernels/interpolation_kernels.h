// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/interpolation.h>

#include "isa_choice.h"

namespace scsc {

SCSC_DECLARE_KERNELS(void interpolate(const Interpolation& job);)

} // namespace scsc
