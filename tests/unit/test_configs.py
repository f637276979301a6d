# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files that come with the project."""

from pathlib import Path

import pytest
import yaml

from scsc_core.config import LinkConfig, load_config
from scsc_core.waveform.configuration import WaveformConfig

MODELS = {"waveform": WaveformConfig}  # others are links
FILES = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_configuration_file_is_valid(file):
    assert load_config(MODELS.get(file.stem, LinkConfig), [file]) is not None


@pytest.mark.parametrize(("name", "model"), [("link", LinkConfig), ("waveform", WaveformConfig)])
def test_file_names_every_key_with_its_default(name, model):
    file = next(file for file in FILES if file.stem == name)

    assert set(yaml.safe_load(file.read_text())) <= set(model.model_fields)
    assert load_config(model, [file]) == model()


def test_link_yaml_leaves_no_key_out():
    file = next(file for file in FILES if file.stem == "link")

    assert list(yaml.safe_load(file.read_text())) == list(LinkConfig.model_fields)
