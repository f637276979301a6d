# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything about the link over the air in one window: for flowgraphs, and for programs."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from PyQt5 import QtWidgets

from scsc_core.radio import keys
from scsc_core.waveform.csi_feedback import plain_tables
from scsc_core.waveform.numerology import numerology as _numerology

from ..frame_meta import BadFrame
from ..frame_vectors import combined_vectors, error_vector_db, received_vectors
from .channel_view import offer_channel
from .counter_view import Totals
from .image_view import caption
from .live_panel import live_panel, show_points
from .radio_view import History, add_frame, worst_evm_db
from .readout import frame_note
from .segmentation_view import overlay_item
from .spectrum_view import BINS, spectrum_db
from .theme import use_theme
from .view import view


class LiveView:
    """What belongs into a live_panel, from frames, pictures and counters.

    Args:
        title: str of the window.
        numerology: as of the frames.
    Attributes:
        widget: live_panel.
        application: the QApplication where this object made it.
    """

    def __init__(self, title: str, numerology: str = "64"):
        self.widget = live_panel(title)
        self._used = _numerology(numerology).used
        self._history = History()
        self._totals = Totals()
        self._closed = False
        self.application: QtWidgets.QApplication | None = None

    def update(
        self,
        frame: Any = None,
        picture: Any = None,
        counters: dict[str, Any] | None = None,
        tables: np.ndarray | None = None,
        sent: np.ndarray | None = None,
        overlay: np.ndarray | None = None,
        samples: np.ndarray | None = None,
        sample_rate_hz: float = 1e6,
    ) -> None:
        """Show what is new, from any thread; from the GUI's own, the window is drawn at once.

        Args:
            frame: ReceivedFrame.
            picture: received one: ReceivedPicture, link.Picture, or uint8 [H, W, 3].
            counters: of WaveformReceiver, WaveformTransmitter and front ends.
            tables: complex [n_data or 1, K, 2] that the frame was sent with; without, the points
                behind the combiner are those of no precoder, and EVM is known for those only.
            sent, overlay: uint8 [H, W, 3].
            samples: complex [2, n] of a burst at sample_rate_hz, for the spectrum.
        """
        panel = self.widget
        if frame is not None:
            self._show_frame(frame, tables)
        if picture is not None:
            panel.offer(panel.received, _picture_item(picture))
        if sent is not None:
            panel.offer(panel.sent, _plain_item(sent))
        if overlay is not None:
            panel.offer(panel.overlay, (_plain_item(overlay), []))
        if samples is not None and samples.shape[1] >= BINS:
            panel.offer(panel.spectrum, (spectrum_db(samples), sample_rate_hz))
        if counters:
            panel.offer(panel.counters, self._totals.update(counters))
        self.process()

    def process(self) -> None:
        """Let the window react; without effect outside the GUI's thread."""
        if threading.current_thread() is threading.main_thread():
            QtWidgets.QApplication.instance().processEvents()

    @property
    def closed(self) -> bool:
        """Whether the user closed the window."""
        return self._closed or not self.widget.isVisible()

    def close(self) -> None:
        """Close the window."""
        self._closed = True
        self.widget.close()

    def _show_frame(self, frame, tables) -> None:
        header = frame.header
        self._history.add(SNR=frame.snr_db, CFO=frame.cfo_hz)
        try:
            offer_channel(self.widget.channel, np.asarray(frame.h), self._used)
        except BadFrame:
            return
        if header.nsym and header.precoder != "alamouti":
            exact = tables is not None or header.precoder == "none"
            known = (
                tables if tables is not None else plain_tables(header.modulation, header.streams)
            )
            r = combined_vectors(frame, known)
            note = frame_note({**vars(header), keys.SNR_DB: frame.snr_db})
            show_points(self.widget, self.widget.before, received_vectors(frame), note)
            show_points(self.widget, self.widget.after, r, note)
            if exact:
                evm_db = error_vector_db(r, known, header.nsym)
                self._history.add(EVM=worst_evm_db({keys.EVM_DB: evm_db}))
        self.widget.offer(self.widget.radio, self._history.arrays())


def open_live_view(title: str, theme: str = "dark", numerology: str = "64") -> LiveView:
    """Open the window of a program without a flowgraph; call it in the main thread.

    Call `update` whenever there is something new, and `process` now and then from the main thread,
    or run the QApplication's own loop there.

    Args:
        title: str of the window.
        theme: "dark" or "light".
        numerology: of the frames that will be shown.
    Raises:
        ValueError: an unknown theme or numerology.
    """
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication([title])
    app.setQuitOnLastWindowClosed(True)
    use_theme(theme)
    live = LiveView(title, numerology)
    live.application = app  # Qt ends with the last reference to it
    live.widget.show()
    live.process()
    return live


class live_view(view):
    """Shows the whole link over the air: pictures, constellations, channel, history and counters.

    Message ports:
        heard (in): c32 [n_used, n_rx, n_tx] from burst_receiver.
        received (in): c32 [n_rx, k] from waveform_receiver, in front of the combiner.
        combined (in): c32 [n_tx, k] from waveform_receiver, behind it.
        image (in): u8 [height, width, 3], pictures that are sent; optional.
        result (in): u8 [height, width, 3], pictures that arrived; a lost one gets a red frame.
        overlay (in): u8 [height, width, 3] from a segmenter; optional.
        status (in): dicts of the blocks of the link, for the counters.
        status (out): dict of frames, dropped.

    Args:
        title: str of the window.
        numerology: "64", "128" or "256" points.
        theme: "dark" or "light", of all views and of the windows around them.
    Attributes:
        widget: QWidget.
    Raises:
        ValueError: an unknown numerology or theme.
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="SCSC over the air", numerology="64", theme="dark"):
        use_theme(theme)
        pictures = (keys.IMAGE, keys.RESULT, keys.OVERLAY)
        super().__init__(
            "live_view",
            live_panel,
            (title,),
            pdus=(keys.HEARD, keys.RECEIVED, keys.COMBINED, *pictures),
            dicts=(keys.STATUS,),
            main=(keys.RESULT,),  # the last picture comes behind the last frame
        )
        self._used = _numerology(numerology).used
        self._history, self._totals = History(), Totals()

    def on_heard(self, h, meta):
        """Show the channel and one more point of the history."""
        add_frame(self._history, meta)
        offer_channel(self.widget.channel, h, self._used)
        self.widget.offer(self.widget.radio, self._history.arrays())

    def on_received(self, y, meta):
        """Show points in front of the combiner."""
        show_points(self.widget, self.widget.before, y, frame_note(meta))

    def on_combined(self, r, meta):
        """Show points behind the combiner."""
        self._history.add(EVM=worst_evm_db(meta))
        show_points(self.widget, self.widget.after, r, frame_note(meta))

    def on_image(self, image, meta):
        """Show a sent picture."""
        text = f"{meta.get(keys.NAME, 'picture')}   {image.shape[1]} x {image.shape[0]}"
        self.widget.offer(self.widget.sent, (image, text, False))

    def on_result(self, image, meta):
        """Show a received picture."""
        lost = not meta.get(keys.DELIVERED, True)
        self.widget.offer(self.widget.received, (image, caption(meta), lost))

    def on_overlay(self, image, meta):
        """Show a segmented picture."""
        self.widget.offer(self.widget.overlay, overlay_item(image, meta))

    def on_status(self, status):
        """Newest counters of one block."""
        self.widget.offer(self.widget.counters, self._totals.update(status))


def _plain_item(image) -> tuple[np.ndarray, str, bool]:
    return image, f"{image.shape[1]} x {image.shape[0]}", False


def _picture_item(picture) -> tuple[np.ndarray, str, bool]:
    if isinstance(picture, np.ndarray):
        return _plain_item(picture)
    inner = getattr(picture, "picture", picture)
    meta = {keys.DELIVERED: inner.delivered}
    if inner is not picture:
        meta[keys.SNR_DB] = picture.snr_db
    return inner.image, caption(meta), not inner.delivered
