// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels of one instruction set, gathered by ldpc_bits.cc.
#pragma once

#include "ldpc_kernels.h"

namespace scsc::SCSC_ISA_NS {

void ldpc_iterate(
    const LdpcSchedule& g, int8_t* posterior, int8_t* message, int n_rows, bool first);
uint64_t ldpc_satisfied(const LdpcSchedule& g,
                        const int8_t* posterior,
                        int n_rows,
                        uint64_t active);

} // namespace scsc::SCSC_ISA_NS
