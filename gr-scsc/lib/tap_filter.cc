// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/tap_filter.h>

#include "kernels/tap_filter_kernels.h"

namespace scsc {

void filter_taps(const TapFilter& job) { SCSC_KERNEL(filter_taps)(job); }

} // namespace scsc
