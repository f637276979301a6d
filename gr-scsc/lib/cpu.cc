// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/cpu.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace scsc {

std::string isa_name(Isa isa)
{
    static const char* const names[] = {"generic", "sse4", "avx2", "avx512"};
    return names[static_cast<int>(isa)];
}

std::vector<Isa> available_isas()
{
    std::vector<Isa> isas{Isa::generic};
#ifdef SCSC_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        isas.push_back(Isa::sse4);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        isas.push_back(Isa::avx2);
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
        isas.push_back(Isa::avx512);
#endif
    return isas;
}

static Isa choose_isa()
{
    const auto isas = available_isas();
    const char* wanted = std::getenv("SCSC_ISA");
    if (wanted == nullptr || *wanted == '\0')
        return isas.back();
    std::string allowed;
    for (Isa isa : isas) {
        if (isa_name(isa) == wanted)
            return isa;
        allowed += (allowed.empty() ? "" : ", ") + isa_name(isa);
    }
    throw std::invalid_argument("SCSC_ISA must be one of " + allowed +
                                " on this machine, got " + wanted);
}

Isa selected_isa()
{
    static const Isa isa = choose_isa();
    return isa;
}

} // namespace scsc
