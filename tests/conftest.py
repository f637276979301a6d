# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: where the repository is, windows without a display, the research
data, small pictures.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "agg")
# Equal runs, also on a busy machine.
settings.register_profile(
    "scsc", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("scsc")


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def _untrained_folder(tmp_path_factory) -> Path:
    from scsc_core import zoo
    from scsc_core.training.untrained import publish_untrained

    folder = tmp_path_factory.mktemp("untrained")
    precoders = [entry for entry in zoo.index().values() if entry["network"].startswith("pcen")]
    for entry in precoders:
        shutil.copy(zoo.folder() / entry["file"], folder)
    (folder / zoo.INDEX).write_text(yaml.safe_dump(precoders), encoding="utf-8")
    models = {"ppen-small-streets": {}, "ppen-tiny-streets": {"qp_range": [30, 40]}}
    return publish_untrained(folder, models, ("erf-pspnet-streets-7",))


@pytest.fixture
def untrained_models(_untrained_folder, monkeypatch) -> Path:
    """Folder that the zoo looks at: the precoders, a PPEN pair and a task network never trained."""
    monkeypatch.setenv("SCSC_MODELS", str(_untrained_folder))
    return _untrained_folder


@pytest.fixture(scope="session")
def research_data() -> Path:
    """Folder of research pictures beside the checkout; the test is skipped where it is missing."""
    folder = Path(os.environ.get("SCSC_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no research data at {folder}; set SCSC_DATA")
    return folder


@pytest.fixture(scope="session")
def frames(tmp_path_factory) -> Path:
    """Folder in CamVid's layout: 3 training and 2 validation frames, label blocks of 16 px."""
    import numpy as np
    from PIL import Image

    root, (width, height) = tmp_path_factory.mktemp("frames"), (96, 64)
    for split, count in (("train", 3), ("val", 2)):
        for number in range(count):
            rng = np.random.default_rng((len(split), number))
            blocks = rng.integers(0, 11, (height // 16, width // 16), np.uint8)
            label = blocks.repeat(16, 0).repeat(16, 1)
            colours = rng.integers(0, 200, (11, 3), np.uint8)
            image = colours[label] + rng.integers(0, 50, (*label.shape, 3), np.uint8)
            for folder, picture in ((split, image), (f"{split}annot", label)):
                (root / folder).mkdir(exist_ok=True)
                Image.fromarray(picture).save(root / folder / f"f_{number}.png")
    return root


@pytest.fixture
def pictures(tmp_path):
    """Three small pictures with some structure."""
    from scsc_core import codecs

    folder = tmp_path / "pictures"
    folder.mkdir()
    y, x = np.mgrid[0:64, 0:64]
    for k in range(3):
        image = np.stack([4 * x, 4 * y, (x + y) * (k + 1) // 2], -1).astype(np.uint8)
        codecs.save_image(folder / f"p{k}.png", image)
    return folder
