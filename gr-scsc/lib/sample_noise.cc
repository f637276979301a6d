// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/sample_noise.h>

#include "kernels/sample_noise_kernels.h"

namespace scsc {

void add_noise(const SampleNoise& job) { SCSC_KERNEL(add_noise)(job); }

} // namespace scsc
