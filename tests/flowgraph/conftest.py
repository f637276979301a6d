# SPDX-License-Identifier: GPL-3.0-or-later
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Tests import modules beside them; importlib mode keeps their folder off the path.
sys.path.insert(0, str(Path(__file__).parent))

from generated import FLOWGRAPHS, GRCC, compile_flowgraphs  # noqa: E402


@pytest.fixture(scope="session")
def grcc():
    """Tests that need it are skipped where grcc is not installed."""
    if not GRCC.exists():
        pytest.skip("grcc is not installed")


@pytest.fixture(scope="session")
def compiled(grcc, tmp_path_factory):
    """Folder with the programs of all flowgraphs."""
    folder = tmp_path_factory.mktemp("generated")
    done = compile_flowgraphs(folder, *FLOWGRAPHS)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def picture(tmp_path):
    """Path of a small picture."""
    ramp = np.add.outer(np.arange(96), np.arange(128)) // 2
    image = np.stack([ramp, ramp[::-1], 200 - ramp], -1).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "ramp.png")
    return str(tmp_path / "ramp.png")
