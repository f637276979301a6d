# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures compressed and ready for the transmitter, in its own thread or at once."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .. import link
from ..waveform.configuration import WaveformConfig
from ..waveform.picture_slices import SlicedCodec
from .image_sources import PictureSource, SourcePicture

_WAIT_S = 0.1  # how long a full or empty queue is waited for before the stop flag is looked at
_JOIN_S = 1.0  # for a thread that compresses a picture and cannot be interrupted


@dataclass(frozen=True, eq=False)
class EncodedPicture:
    """A picture and the framed payload that carries it.

    Attributes:
        picture: SourcePicture.
        payload: bytes for WaveformTransmitter.offer_payload.
        over_budget: a rate target could not be met.
        seconds: what pre-processing and compression took.
    """

    picture: SourcePicture
    payload: bytes
    over_budget: bool
    seconds: float


class PictureEncoder:
    """Pictures to payloads, as WaveformTransmitter.offer makes them, in any one thread.

    Args:
        config: WaveformConfig.
    Raises:
        ValueError: a qp or a model that link.Transmitter refuses.
    """

    def __init__(self, config: WaveformConfig):
        self._link = link.Transmitter(config.link)
        if config.n_slices > 1:
            self._link.codec = SlicedCodec(self._link.codec, config.n_slices)
        self._count = 0

    def __call__(self, picture: SourcePicture) -> EncodedPicture:
        """The payload of a picture uint8 [H, W, 3]."""
        begin = time.perf_counter()
        compressed = self._link.compress(picture.image, self._count)
        self._count += 1
        seconds = time.perf_counter() - begin
        return EncodedPicture(picture, compressed.payload, compressed.over_budget, seconds)


class PictureFeed:
    """Encoded pictures one after the other, each made when it is asked for.

    Equal sources give equal pictures at equal calls: what a simulation wants.

    Args:
        source: PictureSource.
        encode: function SourcePicture -> EncodedPicture.
        interval_s: shortest time between the starts of two pictures; 0: as fast as they are taken.
        now: clock in seconds.
    Attributes:
        exhausted: nothing more comes.
        busy: a thread is still at work behind `close`.
        counters: Counter of pictures_read, pictures_unreadable, pictures_skipped.
    Raises:
        ValueError: interval_s < 0.
    """

    def __init__(
        self,
        source: PictureSource,
        encode: Callable[[SourcePicture], EncodedPicture],
        interval_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ):
        if not interval_s >= 0:
            raise ValueError(f"interval_s must be >= 0, got {interval_s}")
        self.source, self.exhausted, self.counters = source, False, Counter()
        self.busy = False
        self._encode, self._interval_s, self._now = encode, interval_s, now
        self._due_s: float | None = None

    def take(self) -> EncodedPicture | None:
        """The next picture; None when there is none now (see `exhausted`)."""
        if self.exhausted or not self._due():
            return None
        encoded = self._next()
        self.exhausted = encoded is None
        return encoded

    def _due(self) -> bool:
        """Whether the next picture's time has come; if so, sets the time of the one behind it."""
        now = self._now()
        if self._due_s is not None and 0 < self._due_s - now <= self._interval_s:
            return False
        late = self._due_s is None or now - self._due_s > self._interval_s
        self._due_s = self._interval_s + (now if late else self._due_s)
        return True

    def _next(self) -> EncodedPicture | None:
        picture = self.source.next()
        self.counters["pictures_unreadable"] = self.source.problems
        if picture is None:
            return None
        self.counters["pictures_read"] += 1
        return self._encode(picture)

    def close(self) -> None:
        """Release the source; may be called twice."""
        self.source.close()


class ThreadedFeed(PictureFeed):
    """The same with reading and compression in a thread of its own, `depth` pictures ahead.

    A live source goes on while nobody takes: its older pictures are skipped and counted.

    Args:
        depth: int >= 1, encoded pictures that wait.
    """

    def __init__(self, source, encode, interval_s=0.0, now=time.monotonic, depth: int = 2):
        super().__init__(source, encode, interval_s, now)
        self._ready: queue.Queue[EncodedPicture | None] = queue.Queue(1 if source.live else depth)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="scsc_pictures", daemon=True)
        self._thread.start()

    def take(self) -> EncodedPicture | None:
        """As PictureFeed.take; raises what the source or the encoder raised."""
        try:
            encoded = self._ready.get_nowait()
        except queue.Empty:
            if self._error is not None:
                raise self._error from None
            return None
        self.exhausted = encoded is None
        return encoded

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._due():
                    self._stop.wait(min(_WAIT_S, max(self._due_s - self._now(), 1e-3)))
                    continue
                encoded = self._next()
                self._hand_over(encoded)
                if encoded is None:
                    return
        except BaseException as error:
            self._error = error

    def _hand_over(self, encoded: EncodedPicture | None) -> None:
        """Wait for room; of a live source the older picture gives way to a newer one instead."""
        live = self.source.live and encoded is not None
        while not self._stop.is_set():
            try:
                self._ready.put(encoded, timeout=1e-3 if live else _WAIT_S)
                return
            except queue.Full:
                if live:
                    self._skip_one()

    def _skip_one(self) -> None:
        try:
            self._ready.get_nowait()
            self.counters["pictures_skipped"] += 1
        except queue.Empty:
            pass  # it was taken just now

    def close(self) -> None:
        """Stop the thread and release the source; may be called twice.

        A thread that does not stop in time keeps the source, and is `busy`.
        """
        self._stop.set()
        self._thread.join(_JOIN_S)
        self.busy = self._thread.is_alive()
        if not self.busy:
            self.source.close()
