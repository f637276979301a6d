// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/sample_noise.h>

#include "isa_choice.h"

namespace scsc {

SCSC_DECLARE_KERNELS(void add_noise(const SampleNoise& job);)

} // namespace scsc
