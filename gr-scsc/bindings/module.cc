// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

#include <pybind11/stl.h>
#include <scsc/cpu.h>

PYBIND11_MODULE(_native, m)
{
    m.doc() =
        "Native kernels of gr-scsc: BPG, NR LDPC, polar, the soft MIMO detector, the "
        "receiver, the sample channel and networks.";
    m.def(
        "isa",
        [] { return scsc::isa_name(scsc::selected_isa()); },
        "Instruction set in use: generic, sse4, avx2 or avx512 (environment variable "
        "SCSC_ISA).");
    m.def(
        "available_isas",
        [] {
            std::vector<std::string> names;
            for (scsc::Isa isa : scsc::available_isas())
                names.push_back(scsc::isa_name(isa));
            return names;
        },
        "Instruction sets that this build and this processor can run.");
    bind_bpg(m);
    bind_channels(m);
    bind_demodulator(m);
    bind_generic_decoder(m);
    bind_interleaver(m);
    bind_ldpc(m);
    bind_nets(m);
    bind_polar(m);
    bind_soft_detector(m);
    bind_waveform(m);
}
