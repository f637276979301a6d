# SPDX-License-Identifier: GPL-3.0-or-later
"""Views draw what they are given, in the GUI thread, and survive what they cannot draw."""

import threading

import numpy as np
import pmt
import pytest

pytest.importorskip("PyQt5.QtWidgets", reason="PyQt5 is not installed")
from gnuradio import scsc
from gnuradio.scsc.pdu import to_dict, to_pdu
from PyQt5 import QtTest, QtWidgets

IMAGE = np.zeros((40, 40, 3), np.uint8)
IMAGE[:, :, 0] = 250
SHAPE = {"height": 40, "width": 40, "channels": 3, "frame": 3}


@pytest.fixture(scope="module")
def app():
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["test"])


def show(view, app, port, message, width=300, height=300):
    """What the widget looks like after a message that another thread handled."""
    view.widget.resize(width, height)
    thread = threading.Thread(target=getattr(view, f"_handle_{port}"), args=(message,))
    thread.start()
    thread.join()
    QtTest.QTest.qWait(250)  # two update intervals
    return view.widget.grab().toImage()


def test_picture_is_shown_with_its_colours(app):
    view = scsc.image_view("received")

    picture = show(view, app, "image", to_pdu(IMAGE, SHAPE))

    assert picture.pixelColor(150, 140).getRgb()[:3] == (250, 0, 0)


def test_lost_picture_is_marked(app):
    view = scsc.image_view("received")
    meta = {**SHAPE, "delivered": False}

    shown = show(view, app, "result", to_pdu(IMAGE, {**meta, "delivered": True}))
    lost = show(view, app, "result", to_pdu(IMAGE, meta))

    assert shown != lost and "not delivered" in view.widget._caption


def test_metrics_reach_the_caption_of_their_picture(app):
    view = scsc.image_view("received")
    show(view, app, "result", to_pdu(IMAGE, SHAPE))

    show(view, app, "metrics", to_dict({"frame": 3, "psnr_db": 31.25}))

    assert "PSNR 31.2 dB" in view.widget._caption


def test_constellation_brightens_where_points_are(app):
    view = scsc.constellation_view("after CEN", antenna=1)
    points = np.tile(np.array([1 + 1j, -1 - 1j], np.complex64), 200)
    meta = {"n_tx": 2, "k": 400, "block_uses": np.array([400]), "modulation": "qpsk"}

    show(view, app, "combined", to_pdu(np.stack([0 * points, points]), meta))

    levels = view.widget._array.sum(axis=-1)
    row, column = np.unravel_index(levels[: len(levels) // 2].argmax(), levels.shape)
    assert levels.max() > 700 and column > len(levels) // 2  # white, upper right
    assert "antenna 2" in view.widget._note


def test_density_puts_points_where_they_are():
    from gnuradio.scsc.qtgui.constellation_view import density

    picture = density(np.full(50, 0.5 + 0.5j), limit=1.0, cells=100)

    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert 20 <= row <= 30 and 70 <= column <= 80  # upper right: row 0 is on top


def test_only_the_first_fading_block_is_drawn(app):
    view = scsc.constellation_view()
    points = np.concatenate([np.full(10, 1 + 1j), np.full(30, 9 + 9j)]).astype(np.complex64)[None]
    drawn = []
    view.widget.show_item = drawn.append
    meta = {"n_rx": 1, "k": 40, "block_uses": np.array([10, 30])}

    show(view, app, "received", to_pdu(points, meta))

    assert drawn[0][0].tolist() == [1 + 1j] * 10


def test_counters_are_shown(app):
    view = scsc.metrics_view(length=10)
    metrics = {"psnr_db": 30.0, "delivered": True, "frame": 0, "cbr_k": 0.03125}

    show(view, app, "metrics", to_dict(metrics), 300, 500)
    show(view, app, "status", to_dict({"delivered_share": 0.75, "compared": 4}), 300, 500)

    texts = [view.widget.text_of(name) for name in ("cbr_k", "delivered_share", "compared")]
    assert texts == ["0.0312", "75.0%", "4"] and len(view.widget._history.values) == 1


@pytest.mark.parametrize(
    "message",
    [
        to_pdu(IMAGE, {**SHAPE, "width": 7}),
        to_pdu(IMAGE, {"height": 40}),
        to_pdu(IMAGE.astype(np.float32), SHAPE),
        pmt.intern("nonsense"),
        pmt.cons(pmt.PMT_NIL, pmt.PMT_NIL),
    ],
    ids=["shape", "missing key", "type", "symbol", "nil"],
)
def test_bad_message_is_a_warning(app, message):
    view = scsc.image_view()

    show(view, app, "result", message)

    assert view.counters["dropped"] == 1 and view.supervisor.error is None


CLASSES = {
    "class_names": "flat,sky",
    "class_shares": np.array([0.25, 0.75]),
    "palette": np.array([[10, 20, 30], [0, 250, 0]], np.uint8),
}


def test_segmentation_is_shown_with_its_legend(app):
    view = scsc.segmentation_view()
    meta = {**SHAPE, **CLASSES, "task": "net", "miou": 0.5, "class_iou": np.array([0.4, np.nan])}

    picture = show(view, app, "overlay", to_pdu(IMAGE, meta), 560, 300)

    colours = {picture.pixelColor(x, y).getRgb()[:3] for x in range(364, 380) for y in range(300)}
    assert {(10, 20, 30), (0, 250, 0)} <= colours  # the swatches, right of the picture
    assert picture.pixelColor(180, 140).getRgb()[:3] == (250, 0, 0)
    assert [(row[1], row[2]) for row in view.widget.legend] == [("flat", 0.25), ("sky", 0.75)]
    assert "mIoU 0.500" in view.widget._caption


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": None},
        {"class_names": "flat"},
        {"palette": np.zeros(4, np.uint8)},
        {"class_shares": np.zeros(3)},
        {"class_iou": np.zeros(3)},
    ],
)
def test_legend_that_does_not_fit_is_a_warning(app, change):
    view = scsc.segmentation_view()

    show(view, app, "overlay", to_pdu(IMAGE, {**SHAPE, **CLASSES, **change}))

    assert view.counters["dropped"] == 1 and view.supervisor.error is None


def test_newest_wins(app):
    view = scsc.image_view()
    drawn = []
    view.widget.show_item = drawn.append

    for frame in range(50):
        view.on_image(IMAGE, {**SHAPE, "frame": frame})
    QtTest.QTest.qWait(400)

    assert 1 <= len(drawn) <= 4 and "frame 49" in drawn[-1][1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: scsc.constellation_view(antenna=-1), "antenna"),
        (lambda: scsc.constellation_view(max_points=0), "max_points"),
        (lambda: scsc.metrics_view(length=1), "length"),
    ],
)
def test_bad_argument_is_named(app, make, words):
    with pytest.raises(ValueError, match=words):
        make()
