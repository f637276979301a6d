// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

void bind_generic_decoder(pybind11::module_&) {}
