// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/rotation.h>

#include "isa_choice.h"

namespace scsc {

SCSC_DECLARE_KERNELS(void rotate(const Rotation& job);)

} // namespace scsc
