# SPDX-License-Identifier: GPL-3.0-or-later
"""Guard of the receiver against samples that no converter gives."""

from __future__ import annotations

import numpy as np

MAX_MAGNITUDE = np.float32(1e6)  # int16 recordings that were not scaled reach 32768


def finite_samples(samples: np.ndarray) -> tuple[np.ndarray, int]:
    """Samples with zeros for what is not finite or beyond 1e6, and how many those were.

    A single NaN would spoil every running sum of the receiver behind it.

    Args:
        samples: complex64 [2, n], C order.
    Returns:
        (complex64 [2, n], the same array when all is well; int).
    """
    parts = samples.view(np.float32)
    good = np.abs(parts) <= MAX_MAGNITUDE  # False for NaN too
    if good.all():
        return samples, 0
    good = good.reshape(*samples.shape, 2).all(-1)
    return np.where(good, samples, np.complex64(0)), int(np.count_nonzero(~good))
