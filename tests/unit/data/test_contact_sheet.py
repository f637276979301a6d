# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: pictures, overlays and legend at their places."""

import numpy as np

from scsc_core.data.contact_sheet import contact_sheet
from scsc_core.data.sample import IGNORE, Sample
from scsc_core.tasks.categories import PALETTE7


def grey(label):
    return Sample(np.full((36, 48, 3), 100, np.uint8), label, "a", "none")


def test_picture_lies_left_of_its_overlay():
    label = np.full((36, 48), 3, np.uint8)
    label[:, 24:] = IGNORE

    sheet = contact_sheet([grey(label)], 7, alpha=1.0)

    assert sheet.shape[1] == 4 * 360 and sheet.shape[0] > 270
    assert (sheet[135, 180] == 100).all()
    assert (sheet[135, 360 + 60] == PALETTE7[3]).all()
    assert (sheet[135, 720 - 60] == 100).all()


def test_picture_without_labels_has_no_legend():
    assert contact_sheet([grey(None)], 0).shape == (270, 720, 3)
