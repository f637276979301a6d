# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the waveform share."""

import sys
from pathlib import Path

import pytest

# Tests import modules beside them; importlib mode keeps their folder off the path.
sys.path.insert(0, str(Path(__file__).parent))

from carrier_link import Clock  # noqa: E402


@pytest.fixture
def clock() -> Clock:
    """A clock set by hand."""
    return Clock()
