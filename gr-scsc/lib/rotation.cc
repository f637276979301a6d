// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/rotation.h>

#include "kernels/rotation_kernels.h"

namespace scsc {

void rotate(const Rotation& job) { SCSC_KERNEL(rotate)(job); }

} // namespace scsc
