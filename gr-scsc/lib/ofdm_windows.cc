// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/ofdm_windows.h>

#include "kernels/isa_choice.h"
#include "kernels/ofdm_windows_kernels.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace scsc {
namespace {

constexpr double kTwoPi = 6.283185307179586;

std::vector<float> phasors(int count, double step)
{
    std::vector<float> values(2 * static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
        values[2 * i] = static_cast<float>(std::cos(step * i));
        values[2 * i + 1] = static_cast<float>(std::sin(step * i));
    }
    return values;
}

std::vector<int32_t> bit_reversed(int n)
{
    std::vector<int32_t> values(n, 0);
    for (int i = 1; i < n; ++i)
        values[i] = values[i / 2] / 2 + (i % 2 ? n / 2 : 0);
    return values;
}

} // namespace

void ofdm_windows(const OfdmWindows& job)
{
    if (job.n_fft < 4 || job.n_fft > kMaxFft || (job.n_fft & (job.n_fft - 1)) != 0)
        throw std::invalid_argument("n_fft must be a power of two in 4.." +
                                    std::to_string(kMaxFft) + ", got " +
                                    std::to_string(job.n_fft));
    const auto reversed = bit_reversed(job.n_fft);
    const auto twiddles = phasors(job.n_fft / 2, -kTwoPi / job.n_fft);
    const auto turn = phasors(job.n_fft, -job.omega);
    const WindowTables tables = {reversed.data(), twiddles.data(), turn.data()};
    SCSC_KERNEL(ofdm_windows)(job, tables);
}

} // namespace scsc
