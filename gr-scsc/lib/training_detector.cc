// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/training_detector.h>

#include "kernels/isa_choice.h"
#include "kernels/training_detector_kernels.h"

namespace scsc {

void detect_training(const TrainingDetection& job)
{
    SCSC_KERNEL(detect_training)(job);
}

} // namespace scsc
