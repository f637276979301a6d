# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that cannot be loaded while the flowgraph runs: the pictures go on with the old one."""

import json

import pytest
from gnuradio.scsc.ppen import ppen
from gnuradio.scsc.segmenter import segmenter
from gnuradio.scsc.supervisor import Supervisor
from safetensors.numpy import save_file

from scsc_core import zoo

NETWORKS = {"segmenter-7": segmenter, "ppen-tiny": ppen}


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    """A zoo with networks that were never trained."""
    from scsc_core.training.untrained import publish_untrained

    folder = tmp_path_factory.mktemp("models")
    publish_untrained(folder, {"ppen-tiny": {}}, ("segmenter-7",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCSC_MODELS", str(folder))
        yield folder


@pytest.mark.parametrize("name", NETWORKS)
def test_file_of_wrong_content_keeps_the_old_model(tmp_path, name):
    tensors, described = zoo.read_weights(zoo.path(name))
    save_file(
        tensors, tmp_path / "a.safetensors", {"model": json.dumps(described | {"config": [1]})}
    )
    Supervisor()
    block = NETWORKS[name](name)

    block.on_cmd({"model": str(tmp_path / "a.safetensors")})
    block._exchange_model()

    assert block.model == name


@pytest.mark.parametrize("error", [RuntimeError("no memory"), AttributeError("no such field")])
def test_any_failure_to_load_keeps_the_old_model(error):
    def load(name):
        raise error

    Supervisor()
    block, warned = segmenter("segmenter-7"), []
    block._load, block.warn = load, warned.append

    block._wanted = "another"
    block._exchange_model()
    block._exchange_model()

    assert block.model == block._wanted == "segmenter-7"
    assert warned == [f"model stays segmenter-7: {error}"]
