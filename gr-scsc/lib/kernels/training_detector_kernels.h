// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <scsc/training_detector.h>

namespace scsc {

#define SCSC_DECLARE_TRAINING(isa)                                                       \
    namespace isa {                                                                      \
    void detect_training(const TrainingDetection& job);                                  \
    }
SCSC_DECLARE_TRAINING(generic)
SCSC_DECLARE_TRAINING(sse4)
SCSC_DECLARE_TRAINING(avx2)
SCSC_DECLARE_TRAINING(avx512)
#undef SCSC_DECLARE_TRAINING

} // namespace scsc
