// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

void bind_soft_detector(pybind11::module_&) {}
