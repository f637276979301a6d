# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from gnuradio import gr
from gnuradio.scsc.ppen import ppen
from gnuradio.scsc.source_encoder import source_encoder
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder, run_block

from scsc_core import preprocessing
from scsc_core.config import LinkConfig
from scsc_core.link import Transmitter

NAME, OTHER = "ppen-first", "ppen-second-one"
RAMP = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
IMAGE = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    """A zoo with two models that were never trained."""
    from scsc_core.training.untrained import publish_untrained

    folder = tmp_path_factory.mktemp("models")
    publish_untrained(folder, {NAME: {}, OTHER: {}}, ("segmenter-7",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCSC_MODELS", str(folder))
        yield folder


def items(count, image=None):
    image = np.zeros((2, 2, 3), np.uint8) if image is None else image
    shape = {"height": image.shape[0], "width": image.shape[1], "channels": 3}
    return [
        (image + np.uint8(n), {**shape, "frame": n, "last": n == count - 1, "mine": 1.5})
        for n in range(count)
    ]


def test_pictures_pass_unchanged_and_in_order():
    Supervisor()

    sink = run_block(ppen(), "image", items(30), "image")

    assert [int(image[0, 0, 0]) for image, _ in sink.items] == list(range(30))
    assert all(meta["mine"] == 1.5 and "time_ppen_ms" in meta for _, meta in sink.items)
    assert all("qp" not in meta and "ppen_qp" not in meta for _, meta in sink.items)


def test_what_was_lost_before_keeps_its_place():
    Supervisor()
    sent = items(3)
    sent[1] = np.empty(0, np.uint8), {"frame": 1, "last": False}
    sent[2] = np.empty(0, np.uint8), {"frame": 2, "last": True}

    sink = run_block(ppen(), "image", sent, "image")

    assert len(sink.items) == 1 and [meta["frame"] for meta in sink.lost] == [1, 2]


def test_picture_is_what_the_library_makes_of_it_and_the_frame_says_so():
    Supervisor()

    sink = run_block(ppen(NAME, qp=37), "image", items(2, IMAGE), "image")

    for n, (image, meta) in enumerate(sink.items):
        assert np.array_equal(image, preprocessing.load(NAME)(IMAGE + np.uint8(n), 37))
        assert (meta["ppen"], meta["qp"], meta["ppen_qp"]) == (NAME, 37.0, 37.0)


def test_quality_that_the_frame_says_wins():
    Supervisor()
    ((image, meta),) = items(1, IMAGE)

    sink = run_block(ppen(NAME, qp=30), "image", [(image, {**meta, "qp": 44.0})], "image")

    assert np.array_equal(sink.items[0][0], preprocessing.load(NAME)(IMAGE, 44))


def test_open_quality_hands_the_picture_and_the_model_over():
    Supervisor()

    sink = run_block(ppen(NAME), "image", items(1, IMAGE), "image")

    image, meta = sink.items[0]
    assert np.array_equal(image, IMAGE) and meta["ppen"] == NAME and "ppen_qp" not in meta


@pytest.mark.parametrize(
    "options",
    [
        {"qp": 33},
        {"qp": 20, "codec": "jpeg"},
        {"mode": "rate_matched", "cbr_target": 0.15},
    ],
    ids=["fixed", "jpeg", "rate matched"],
)
def test_ppen_and_encoder_give_the_bytes_of_the_library(options):
    config = LinkConfig(ppen=NAME, **options)
    supervisor, top = Supervisor(), gr.top_block()
    source, block, sink = feeder("image", items(2, IMAGE)), ppen.from_config(config), None
    encoder, sink = source_encoder.from_config(config), collector("bytes")
    top.msg_connect((source, "image"), (block, "image"))
    top.msg_connect((block, "image"), (encoder, "image"))
    top.msg_connect((encoder, "bytes"), (sink, "bytes"))

    supervisor.run(top, 20.0)

    transmitter = Transmitter(config)
    for n, (data, meta) in enumerate(sink.items):
        expected = transmitter.compress(IMAGE + np.uint8(n))
        assert data.tobytes() == expected.payload
        assert meta["ppen_qp"] == meta["qp"] == expected.header.qp
        assert meta["ppen"] == NAME and meta["time_ppen_ms"] > 0


def test_model_changes_at_the_next_picture():
    block = ppen(NAME, qp=37)

    block.on_cmd({"model": OTHER, "qp": 40})
    block._exchange_model()

    assert block.model == block.counters["model"] == OTHER and block._qp == 40


@pytest.mark.parametrize("name", ["ppen-third", "segmenter-7", "no.safetensors", 7])
def test_bad_model_at_run_time_is_a_warning_and_changes_nothing(name):
    block = ppen(NAME, qp=37)

    block.on_cmd({"model": name})
    block._exchange_model()

    assert block.model == NAME and block.supervisor.error is None


def test_damaged_model_at_run_time_is_a_warning_and_changes_nothing(models, tmp_path):
    file = tmp_path / "cut.safetensors"
    file.write_bytes((models / f"{NAME}.safetensors").read_bytes()[:3000])
    Supervisor()
    block = ppen(OTHER, qp=37)
    block.set_model(str(file))

    sink = run_block(block, "image", items(1, IMAGE), "image")

    assert sink.items[0][1]["ppen"] == block.model == OTHER


def test_picture_that_a_full_queue_drops_is_passed_on_as_lost():
    Supervisor()
    block = ppen(queue=1, overflow="drop_oldest")
    passed = []
    block.publish_lost = lambda port, meta: passed.append((port, meta["frame"]))

    for image, meta in items(3):
        block.on_image(image, meta)

    assert passed == [("image", 0), ("image", 1)] and block.counters["dropped"] == 2


def test_frame_with_an_impossible_quality_is_dropped():
    Supervisor()
    ((image, meta),) = items(1, IMAGE)

    sink = run_block(ppen(NAME), "image", [(image, {**meta, "qp": 99.0})], "image")

    assert sink.items == [] and len(sink.lost) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "huge"}, "no PPEN model 'huge'.*ppen-first, ppen-second-one"),
        ({"qp": 60}, "qp of bpg"),
        ({"codec": "gif"}, "codec"),
        ({"queue": 0}, "queue"),
        ({"overflow": "x"}, "overflow"),
        ({"model": NAME, "device": "tpu"}, "device must be"),
        ({"model": NAME, "precision": "int8"}, "precision must be"),
    ],
)
def test_bad_argument_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        ppen(**options)
