# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: where the repository is, windows without a display, the research data."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def research_data() -> Path:
    """Folder of research pictures beside the checkout; the test is skipped where it is missing."""
    folder = Path(os.environ.get("SCSC_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no research data at {folder}; set SCSC_DATA")
    return folder
