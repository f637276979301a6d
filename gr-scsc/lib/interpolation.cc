// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/interpolation.h>

#include "kernels/interpolation_kernels.h"

namespace scsc {

void interpolate(const Interpolation& job) { SCSC_KERNEL(interpolate)(job); }

} // namespace scsc
