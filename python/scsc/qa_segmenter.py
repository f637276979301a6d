# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from gnuradio import gr
from gnuradio.scsc.segmenter import segmenter
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder, run_block

from scsc_core import zoo
from scsc_core.tasks import categories, scores

NAME, OTHER = "segmenter-7", "segmenter-other-7"
RNG = np.random.default_rng(3)
IMAGES = [RNG.integers(0, 256, (24, 40, 3), dtype=np.uint8) for _ in range(4)]
TRUTHS = [RNG.integers(0, 7, (24, 40), dtype=np.uint8) for _ in range(4)]


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    """A zoo with task networks that were never trained."""
    from scsc_core.training.untrained import publish_untrained

    folder = tmp_path_factory.mktemp("models")
    publish_untrained(folder, {"ppen-tiny": {}}, (NAME, OTHER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCSC_MODELS", str(folder))
        yield folder


@pytest.fixture
def block():
    Supervisor()
    return segmenter(NAME, alpha=0.25)


def metas(count, **more):
    shape = {"height": 24, "width": 40, "channels": 3}
    return [{**shape, "frame": n, "last": n == count - 1, **more} for n in range(count)]


def run_with_truth(block, metas, truths, port="scores"):
    """What the block sends on one port when the labels come before the pictures."""
    top = gr.top_block()
    pictures, labels = feeder("image", list(zip(IMAGES, metas))), feeder("labels", truths)
    sink = collector(port, dicts=True)
    top.msg_connect((labels, "labels"), (block, "truth"))
    top.msg_connect((pictures, "image"), (block, "result"))
    top.msg_connect((block, port), (sink, port))
    block.supervisor.run(top, 20.0)
    return sink.items


def test_labels_are_the_network_s(block):
    sink = run_block(block, "result", list(zip(IMAGES, metas(4))), "labels")

    network = zoo.load(NAME)
    for image, (labels, meta) in zip(IMAGES, sink.items):
        assert np.array_equal(labels, network.segment(image))
        assert meta["task"] == NAME and meta["time_segment_ms"] > 0
        assert meta["class_names"].split(",") == list(categories.CLASSES7)
        shares = [np.mean(labels == n) for n in range(7)]
        assert meta["class_shares"] == pytest.approx(shares)


def test_overlay_tints_the_picture(block):
    sink = run_block(block, "result", list(zip(IMAGES, metas(1))), "overlay")

    ((overlay, meta),) = sink.items
    labels = zoo.load(NAME).segment(IMAGES[0])
    assert np.array_equal(overlay, categories.overlay(IMAGES[0], labels, 0.25))
    assert np.array_equal(meta["palette"].reshape(-1, 3), categories.PALETTE7)


def test_scores_are_of_the_confusion_with_the_truth(block):
    sent = metas(3)

    items = run_with_truth(block, sent, list(zip(TRUTHS, sent)))

    network = zoo.load(NAME)
    found = [scores.confusion(t, network.segment(i), 7) for t, i in zip(TRUTHS, IMAGES)][:3]
    assert [item["frame"] for item in items] == [0, 1, 2]
    for item, matrix in zip(items, found):
        assert item["miou"] == pytest.approx(scores.mean_iou(matrix))
        assert item["pixel_accuracy"] == pytest.approx(scores.pixel_accuracy(matrix))
        assert item["class_iou"] == pytest.approx(scores.iou(matrix), nan_ok=True)
    assert items[-1]["mean_miou"] == pytest.approx(scores.mean_iou(sum(found)))
    assert block.counters["mean_miou"] == items[-1]["mean_miou"]


def test_labels_that_come_late_are_still_scored(block):
    judged = []
    block.publish_dict = lambda port, meta: judged.append((port, meta))
    meta = {**metas(1)[0], "delivered": True}
    block.run_network(block._network, IMAGES[0], meta)
    before = [port for port, _ in judged]

    block.on_truth(TRUTHS[0], metas(1)[0])

    assert "scores" not in before
    assert judged[-1][0] == "scores" and judged[-1][1]["frame"] == 0


def test_lost_pictures_are_scored_and_told_apart(block):
    sent = metas(2)
    received = [{**sent[0], "delivered": True}, {**sent[1], "delivered": False}]

    items = run_with_truth(block, received, list(zip(TRUTHS, sent)))

    assert items[1]["delivered_miou"] == pytest.approx(items[0]["miou"])
    assert items[1]["mean_miou"] != items[1]["delivered_miou"]
    assert block.counters["delivered"] == 1


def test_frame_without_a_picture_is_passed_on_and_its_credit_returns(block):
    empty = np.empty(0, np.uint8)
    sent = [(IMAGES[0], metas(2)[0]), (empty, {"frame": 1, "last": True})]
    top, source = gr.top_block(), feeder("image", sent)
    labels, overlay = collector("labels"), collector("overlay")
    credit = collector("credit", dicts=True)
    top.msg_connect((source, "image"), (block, "result"))
    for port, sink in (("labels", labels), ("overlay", overlay), ("credit", credit)):
        top.msg_connect((block, port), (sink, port))
    credit.close()  # credit carries no `last`

    block.supervisor.run(top, 20.0)

    assert block.counters["lost_frames"] == 1
    assert [meta["frame"] for meta in labels.lost + overlay.lost] == [1, 1]


@pytest.mark.parametrize("port", ["labels", "overlay"])
def test_end_that_no_picture_tells_comes_behind_what_waits(block, port):
    pictures = list(zip(IMAGES, metas(5)))

    sink = run_block(block, "result", [*pictures, (np.empty(0, np.uint8), {"last": True})], port)

    assert [meta["frame"] for _, meta in sink.items] == [0, 1, 2, 3] and not sink.lost


def test_window_forgets_old_pictures():
    Supervisor()
    block = segmenter(NAME, window=1)
    sent = metas(3)

    items = run_with_truth(block, sent, list(zip(TRUTHS, sent)))

    assert items[-1]["mean_miou"] == pytest.approx(items[-1]["miou"])


def test_new_model_starts_its_scores_anew(block):
    block.run_network(block._network, IMAGES[0], dict(metas(1)[0]))
    block.on_truth(TRUTHS[0], metas(1)[0])

    block.on_cmd({"model": OTHER, "alpha": 0.75})
    block._exchange_model()

    assert block.model == OTHER and block._alpha == 0.75
    assert np.isnan(block._running.mean_iou())


@pytest.mark.parametrize("name", ["ppen-tiny", "missing.safetensors", "segmenter-8"])
def test_bad_model_at_run_time_keeps_the_old_one(block, name):
    block.on_cmd({"model": name})
    block._exchange_model()

    assert block.model == NAME


def test_truth_of_another_size_or_class_is_not_scored(block):
    sent = metas(2)
    wrong = [(TRUTHS[0][:, :20], {**sent[0], "width": 20}), (TRUTHS[1] + 40, sent[1])]
    last = collector("labels")
    top, pictures = gr.top_block(), feeder("image", list(zip(IMAGES, sent)))
    labels, judged = feeder("labels", wrong), collector("scores", dicts=True)
    top.msg_connect((labels, "labels"), (block, "truth"))
    top.msg_connect((pictures, "image"), (block, "result"))
    top.msg_connect((block, "labels"), (last, "labels"))
    top.msg_connect((block, "scores"), (judged, "scores"))
    judged.close()

    block.supervisor.run(top, 20.0)

    assert judged.items == [] and len(last.items) == 2
    assert block.counters["dropped"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "ppen-tiny"}, "ppen-tiny"),
        ({"alpha": 1.5}, "alpha must be in 0..1, got 1.5"),
        ({"window": -1}, "window"),
        ({"queue": 0}, "queue"),
        ({"overflow": "x"}, "overflow"),
        ({"device": "tpu"}, "device must be"),
    ],
)
def test_bad_argument_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        segmenter(**{"model": NAME, **options})
