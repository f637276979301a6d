# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests import modules beside them; importlib mode keeps their folder off the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
