// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/training_detector.h>

#include <scsc/cpu.h>

#include "kernels/training_detector_kernels.h"

namespace scsc {

void detect_training(const TrainingDetection& job)
{
    switch (selected_isa()) {
#ifdef SCSC_X86
    case Isa::avx512:
        return avx512::detect_training(job);
    case Isa::avx2:
        return avx2::detect_training(job);
    case Isa::sse4:
        return sse4::detect_training(job);
#endif
    default:
        return generic::detect_training(job);
    }
}

} // namespace scsc
