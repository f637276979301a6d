# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of the link over the air draw what they are given, dark and light, and survive the rest."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("PyQt5.QtWidgets", reason="PyQt5 is not installed")
from gnuradio import blocks, gr, scsc
from gnuradio.scsc.heard_frame import heard_pdu
from gnuradio.scsc.pdu import to_dict, to_pdu
from gnuradio.scsc.qtgui import live_view, theme
from gnuradio.scsc.qtgui.plot_panel import Axis, rounded_axis
from gnuradio.scsc.qtgui.spectrum_view import spectrum_db
from gnuradio.scsc.supervisor import Supervisor
from PyQt5 import QtTest, QtWidgets

from scsc_core.radio.events import EVENT_KINDS
from scsc_core.waveform.csi_feedback import plain_tables
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.numerology import numerology

IMAGE = np.zeros((40, 60, 3), np.uint8)
IMAGE[:, :, 1] = 240
SHAPE = {"height": 40, "width": 60, "channels": 3, "frame": 3}
CLASSES = {
    "class_names": "flat",
    "class_shares": np.array([1.0]),
    "palette": np.array([250, 120, 150], np.uint8),
}


@pytest.fixture(scope="module")
def app():
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["test"])


@pytest.fixture(autouse=True)
def dark_again(app):
    yield
    theme.use_theme("dark")


def received_frame(n_data=48, nsym=4, precoder="none", noise=0.01):
    """A frame over a channel with H = 2 I on even carriers, and I on odd ones."""
    n = numerology()
    h = np.where(n.used % 2 == 0, 2.0, 1.0)[:, None, None] * np.eye(2)
    rng = np.random.default_rng(4)
    z = plain_tables("qpsk", 2)[0][rng.integers(16, size=(n_data, nsym))].transpose(0, 2, 1)
    parts = rng.standard_normal((2, n_data, 2, nsym)) * np.sqrt(noise / 2)
    y = h[n.data_rows] @ z + parts[0] + 1j * parts[1]
    header = FrameHeader(nsym=nsym, precoder=precoder)
    return SimpleNamespace(
        header=header, y=y, h=h, h_data=h[n.data_rows], noise_var=noise, snr_db=20.0, cfo_hz=-75.0
    )


def show(view, port, message):
    """Let another thread handle a message, and the GUI draw it."""
    thread = threading.Thread(target=getattr(view, f"_handle_{port}"), args=(message,))
    thread.start()
    thread.join()
    QtTest.QTest.qWait(150)


def colours(widget, width=500, height=300):
    """Colours in the picture of a widget."""
    widget.resize(width, height)
    image = widget.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(0, width, 2) for y in range(0, height, 2)}


def test_channel_is_shown_with_its_singular_values(app):
    view = scsc.channel_view()

    show(view, "heard", to_pdu(*heard_pdu(received_frame())))

    expected = np.where(numerology().used % 2 == 0, 20 * np.log10(2), 0)
    assert np.allclose(view.widget._singular, expected[:, None], atol=1e-6)
    assert "median condition 0.0 dB" in view.widget._note
    assert theme.line_colours()[1].name() in colours(view.widget)  # lies over the first: equal


@pytest.mark.parametrize(
    "change", [{"n_used": 51}, {"n_used": 26, "n_rx": 4}], ids=["size", "carriers"]
)
def test_channel_of_another_shape_is_a_warning(app, change):
    view = scsc.channel_view()
    h, meta = heard_pdu(received_frame())

    show(view, "heard", to_pdu(h, {**meta, **change}))

    assert view.counters["dropped"] == 1 and view.supervisor.error is None


def test_history_keeps_the_last_frames(app):
    view = scsc.radio_view(length=3)

    for _ in range(5):
        show(view, "heard", to_pdu(*heard_pdu(received_frame())))
    meta = {"n_tx": 2, "k": 1, "evm_db": np.array([-21.0, -19.5])}
    show(view, "combined", to_pdu(np.ones((2, 1), np.complex64), meta))

    snr, evm, cfo = view.widget._series
    assert snr.tolist() == [20.0] * 3 and cfo.tolist() == [-75.0] * 3
    assert evm.tolist() == [-19.5]


def test_counters_of_several_blocks_come_together(app):
    view = scsc.counter_view()

    show(
        view, "status", to_dict({"block": "a", "blocks_ok": 3, "block_errors": 1, "frames_data": 4})
    )
    show(view, "status", to_dict({"block": "b", "ofdm_header_crc": 2, "csi_state": "closed"}))

    names = ("block_errors", "block_error_rate", "headers_refused", "csi_state", "overflow")
    names += ("pictures_lost",)
    texts = [view.widget.text_of(name) for name in names]
    assert texts == ["1", "25.00%", "2", "closed", "-", "0"]
    shown = {key for key, (_, _, value) in view.widget._values.items() if not value.isHidden()}
    assert "csi_state" in shown and "overflow" not in shown  # no row for what nobody counts


def test_every_event_of_a_front_end_is_shown_in_its_own_row(app):
    view = scsc.counter_view()
    # "truncated" is a recording's end here and a frame's at the receiver, whose row it is.
    events = [kind for kind in EVENT_KINDS if kind not in ("peer_back", "truncated")]

    show(view, "status", to_dict({kind: n for n, kind in enumerate(events, 1)}))

    texts = [view.widget.text_of(kind) for kind in events]
    assert texts == [str(n) for n in range(1, len(events) + 1)]
    assert not any(view.widget._values[kind][2].isHidden() for kind in events)


def test_samples_that_a_simulated_channel_clips_are_those_of_a_front_end(app):
    view = scsc.counter_view()

    show(view, "status", to_dict({"block": "scsc_radio_channel", "clip_count": 12}))

    assert view.widget.text_of("clip") == "12"


def test_spectrum_has_a_tone_at_its_place_and_level():
    n = np.arange(4096)
    tone = 0.5 * np.exp(2j * np.pi * 0.25 * n)

    lines = spectrum_db(np.stack([tone, 0.1 * tone]), bins=256)

    assert lines.argmax(axis=1).tolist() == [192, 192]  # a quarter of the rate above the centre
    power = 10 * np.log10((10 ** (lines / 10)).sum(1))
    assert np.allclose(power, [-6.02, -26.02], atol=0.05)


def test_spectrum_is_the_burst_s_and_not_the_silence_s():
    burst = np.random.default_rng(1).standard_normal((1, 1024)) + 0j
    silence = np.zeros((1, 7168))

    lines = spectrum_db(np.concatenate([silence, burst], axis=1))

    assert abs(10 * np.log10((10 ** (lines / 10)).sum())) < 0.5


def test_spectrum_block_shows_its_streams(app):
    supervisor, top = Supervisor(), gr.top_block()
    view = scsc.spectrum_view(sample_rate_hz=5e6)
    sources = [blocks.vector_source_c(np.exp(0.3j * np.arange(70_000)).tolist()) for _ in (0, 1)]
    for antenna, source in enumerate(sources):
        top.connect(source, (view, antenna))

    supervisor.run(top, 20)
    QtTest.QTest.qWait(150)

    assert "5 Msps" in view.widget._note and view.counters["frames"] >= 1


@pytest.mark.parametrize("name", ["dark", "light"])
def test_live_view_shows_everything_in_the_colours_of_its_theme(app, name):
    view = scsc.live_view(theme=name)
    frame = received_frame()
    y = np.ascontiguousarray(frame.y.transpose(1, 0, 2), np.complex64).reshape(2, -1)
    meta = {"n_rx": 2, "n_tx": 2, "k": y.shape[1], "evm_db": np.array([-20.0, -20.0])}

    view.widget.show()
    show(view, "heard", to_pdu(*heard_pdu(frame)))
    show(view, "received", to_pdu(y, meta))
    show(view, "combined", to_pdu(y, meta))
    show(view, "result", to_pdu(IMAGE, {**SHAPE, "delivered": True}))
    show(view, "overlay", to_pdu(IMAGE, {**SHAPE, **CLASSES}))
    show(view, "status", to_dict({"pictures_delivered": 7}))

    panel = view.widget
    assert panel.overlay.isVisible() and not panel.sent.isVisible()
    assert panel.counters.text_of("pictures_delivered") == "7"
    assert all(plot._array is not None for plot in panel.before + panel.after)
    seen = colours(panel, 1300, 900)
    assert "#00f000" in seen and "#fa7896" in seen  # picture and legend
    assert {theme.THEMES[name][role] for role in ("BACKGROUND", "PANEL")} <= seen
    panel.close()


def test_theme_reaches_what_was_made_before_it(app):
    window = QtWidgets.QScrollArea()  # as Companion's programs have one, with their sliders inside
    inner = QtWidgets.QWidget()
    window.setWidget(inner)
    window.setWidgetResizable(True)
    layout = QtWidgets.QVBoxLayout(inner)
    panel = scsc.counter_view().widget
    layout.addWidget(panel)

    theme.use_theme("light")
    window.show()
    QtTest.QTest.qWait(50)

    light = theme.THEMES["light"]
    assert {light[role] for role in ("BACKGROUND", "PANEL")} <= colours(window)
    assert not {colour.lower() for colour in theme.THEMES["dark"].values()} & colours(window)
    window.close()


def test_program_without_a_flowgraph_feeds_the_live_view_from_any_thread(app):
    live = live_view.open_live_view("test")
    picture = SimpleNamespace(
        picture=SimpleNamespace(image=IMAGE, delivered=False), snr_db=12.0, trusted=0.5
    )

    def feed():
        live.update(frame=received_frame(), picture=picture, counters={"frames_lost": 2})
        live.update(samples=np.ones((2, 4096), np.complex64), sent=IMAGE, overlay=IMAGE)
        live.update(frame=received_frame(precoder="svd_wf"))

    thread = threading.Thread(target=feed)
    thread.start()
    thread.join()
    QtTest.QTest.qWait(300)

    panel = live.widget
    assert panel.received._lost and "SNR 12.0 dB" in panel.received._caption
    assert panel.sent.isVisible() and panel.spectrum.isVisible() and panel.overlay.isVisible()
    snr, evm, _ = panel.radio._series
    assert snr.tolist() == [20.0, 20.0] and len(evm) == 1 and evm[0] < -15
    assert not live.closed
    live.close()
    assert live.closed


def test_points_behind_the_combiner_are_those_that_were_sent(app):
    live = live_view.LiveView("test")
    live.update(frame=received_frame(noise=1e-4))
    QtTest.QTest.qWait(200)

    lit = live.widget.after[0]._array.sum(axis=-1) > 500

    rows, columns = np.nonzero(lit)
    quarters = {(row < 110, column < 110) for row, column in zip(rows, columns)}
    assert len(quarters) == 4 and lit.mean() < 0.01  # four small dots


def test_axis_ends_are_round_and_hold_the_values():
    axis = rounded_axis(np.array([3.2, np.nan, 17.9]), 5, 10)

    assert (axis.low, axis.high) == (0, 20)
    assert Axis(-26.0, 26.0).ticks(4) == [-20.0, 0.0, 20.0]
    assert rounded_axis(np.zeros(0), 5, 10).high > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: scsc.live_view(theme="grey"), "theme"),
        (lambda: scsc.live_view(numerology="65"), "n_fft"),
        (lambda: scsc.radio_view(length=1), "length"),
        (lambda: scsc.spectrum_view(sample_rate_hz=0), "sample_rate_hz"),
        (lambda: scsc.channel_view(numerology="x"), "numerology"),
    ],
)
def test_bad_argument_is_named(app, make, words):
    with pytest.raises(ValueError, match=words):
        make()
