// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <pybind11/pybind11.h>

// One function per bound header; each checks sizes, releases the GIL around the work,
// nothing else.
void bind_bpg(pybind11::module_& m);
void bind_channels(pybind11::module_& m);
void bind_demodulator(pybind11::module_& m);
void bind_generic_decoder(pybind11::module_& m);
void bind_interleaver(pybind11::module_& m);
void bind_ldpc(pybind11::module_& m);
void bind_nets(pybind11::module_& m);
void bind_polar(pybind11::module_& m);
void bind_soft_detector(pybind11::module_& m);
void bind_waveform(pybind11::module_& m);
