// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// Which instruction set the kernels use. Source: ours.
#pragma once

#include <string>
#include <vector>

namespace scsc {

/// Instruction sets that the kernels are built for, in rising order of width.
enum class Isa { generic, sse4, avx2, avx512 };

/// Instruction sets that this build and this processor can both run, in rising order.
std::vector<Isa> available_isas();

/// The instruction set in use: the widest available one, or the one that the environment
/// variable SCSC_ISA names when the process starts. An unknown or unavailable name throws
/// std::invalid_argument.
Isa selected_isa();

/// Name of an instruction set: generic, sse4, avx2 or avx512.
std::string isa_name(Isa isa);

} // namespace scsc
