# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN in the transmitter: loaded by name or file, told the quality in use, run for each tried."""

import subprocess
import sys

import numpy as np
import pytest

from scsc_core import codecs, preprocessing, zoo
from scsc_core.codecs.equivalent_qp import bpg_qp
from scsc_core.config import LinkConfig
from scsc_core.link import SymbolLink, Transmitter

NAME = "ppen-small-streets"


@pytest.fixture(scope="module")
def picture():
    ramp = np.add.outer(np.arange(64), 2 * np.arange(96)).astype(np.uint8)
    return np.stack([ramp, ramp[::-1], 255 - ramp], axis=-1)


class Spy:
    """A pre-processor that remembers which qualities it was asked for, and coarsens by them."""

    def __init__(self):
        self.qps = []

    def __call__(self, image, qp):
        self.qps.append(qp)
        return (image // 8 * 8).astype(np.uint8)


def test_fixed_quality_codes_what_the_model_makes_of_it(picture, untrained_models):
    config = LinkConfig(ppen=NAME, qp=34)

    data = Transmitter(config).compress(picture).payload

    prepared = preprocessing.load(NAME)(picture, 34)
    plain = Transmitter(LinkConfig(qp=34))
    assert data == plain.compress(prepared).payload != plain.compress(picture).payload


def test_model_may_be_a_file(picture, untrained_models, monkeypatch):
    by_name = Transmitter(LinkConfig(ppen=NAME, qp=34)).compress(picture).payload
    file = zoo.path(NAME)
    monkeypatch.delenv("SCSC_MODELS")

    by_file = Transmitter(LinkConfig(ppen=str(file), qp=34)).compress(picture).payload

    assert by_file == by_name


def test_given_function_wins_over_the_configuration(picture):
    spy = Spy()

    Transmitter(LinkConfig(ppen="ppen-not-here", qp=30), spy).compress(picture)

    assert spy.qps == [30]


def test_rate_matching_prepares_the_picture_anew_for_each_quality(picture):
    spy = Spy()
    config = LinkConfig(mode="rate_matched", cbr_target=0.1)

    compressed = Transmitter(config, spy).compress(picture)

    qp = compressed.header.qp
    expected = codecs.get("bpg").encode(spy(picture, qp), qp)
    assert compressed.codec_bytes == len(expected)
    assert len(set(spy.qps)) > 3 and qp in spy.qps  # bisection over 51 qualities
    assert not compressed.over_budget


def test_model_shapes_the_picture_for_the_quality_that_rate_matching_ends_with(
    picture, untrained_models
):
    config = LinkConfig(mode="rate_matched", cbr_target=0.1, ppen=NAME)

    compressed = Transmitter(config).compress(picture)

    qp = compressed.header.qp
    prepared = preprocessing.load(NAME)(picture, qp)
    assert Transmitter(LinkConfig(qp=qp)).compress(prepared).codec_bytes == compressed.codec_bytes


def test_hopeless_budget_prepares_for_the_coarsest_quality(picture):
    spy = Spy()

    compressed = Transmitter(
        LinkConfig(mode="rate_matched", cbr_target=0.0005, codec="jpeg"), spy
    ).compress(picture)

    assert compressed.over_budget and spy.qps[-1] == 1


def test_adaptive_mode_keeps_the_model(picture, untrained_models):
    link = SymbolLink(LinkConfig(mode="adaptive", cbr_target=0.1, snr_db=20, ppen=NAME))

    result = link.transmit(picture)

    assert link.config.mode == "rate_matched" and link.config.ppen == NAME
    assert result.delivered and result.seconds["ppen"] > 0


def test_other_codecs_tell_the_model_the_qp_of_equal_rate():
    spy = Spy()

    preprocessing.CodecPreprocessor(spy, "jpeg")(np.zeros((8, 8, 3), np.uint8), 30)
    preprocessing.CodecPreprocessor(spy, "jpeg", [(10, 40), (50, 20)])(
        np.zeros((8, 8, 3), np.uint8), 30
    )

    assert spy.qps == [bpg_qp("jpeg", 30), 30]


def test_nodes_of_the_model_s_metadata_are_used(picture, tmp_path, monkeypatch):
    from scsc_core.training.untrained import publish_untrained

    nodes = {"jpeg": [[1, 47], [95, 28]]}
    publish_untrained(tmp_path, {"ppen-own": {"equivalent_qp": nodes}}, ())
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path))

    prepared = preprocessing.load("ppen-own", "jpeg")(picture, 1)

    assert np.array_equal(prepared, preprocessing.load("ppen-own")(picture, 47))


def test_quality_outside_the_trained_range_is_clamped(picture, untrained_models):
    model = preprocessing.load("ppen-tiny-streets")  # 30..40

    assert np.array_equal(model(picture, 51), model(picture, 40))
    assert not np.array_equal(model(picture, 40), model(picture, 31))


def test_picture_sent_again_is_not_prepared_again(picture):
    spy = Spy()
    link = SymbolLink(LinkConfig(snr_db=30), spy)

    first, second = (link.carry(picture) for _ in range(2))

    assert len(spy.qps) == 1
    assert first.seconds["ppen"] > 0 and "ppen" not in second.seconds


def test_unknown_model_is_one_line_with_those_that_exist(untrained_models):
    with pytest.raises(ValueError) as caught:
        SymbolLink(LinkConfig(ppen="ppen-smal-streets"))

    assert str(caught.value) == (
        "no PPEN model 'ppen-smal-streets' (did you mean ppen-small-streets?); there are: "
        "ppen-small-streets, ppen-tiny-streets; or give a .safetensors file"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "erf-pspnet-streets-7",
            "erf-pspnet-streets-7 holds a network 'erf_pspnet', not a PPEN model",
        ),
        ("missing.safetensors", "missing.safetensors does not exist"),
    ],
)
def test_what_is_no_ppen_is_refused(untrained_models, name, words):
    with pytest.raises(zoo.ModelError, match=words):
        Transmitter(LinkConfig(ppen=name))


def test_file_of_another_network_is_refused(untrained_models):
    file = zoo.path("erf-pspnet-streets-7")

    with pytest.raises(zoo.ModelError, match="holds a network 'erf_pspnet', not a PPEN model"):
        Transmitter(LinkConfig(ppen=str(file)))


def test_damaged_file_is_refused(untrained_models, tmp_path):
    file = tmp_path / "cut.safetensors"
    file.write_bytes(zoo.path(NAME).read_bytes()[:5000])

    with pytest.raises(zoo.ModelError, match="cut.safetensors is damaged"):
        Transmitter(LinkConfig(ppen=str(file)))


def test_link_without_ppen_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from scsc_core.link import Transmitter; from scsc_core.config import LinkConfig\n"
        "Transmitter(LinkConfig())"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
