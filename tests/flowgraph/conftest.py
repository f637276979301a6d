# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
