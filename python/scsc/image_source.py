# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures from files, or street scenes, as PDUs."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

from scsc_core.radio import keys

from .message_block import message_block
from .pictures import STREETS, Picture, files, street_scenes

CREDIT_WARNING_S = 30.0  # loading torch for the first MS-SSIM may take ten


class image_source(message_block):
    """Sends pictures from files, one PDU each, no faster than the link takes them.

    Any picture that Pillow reads becomes 8-bit RGB (gray, alpha, CMYK and 16 bit included). Or
    procedural street scenes, with the category of each pixel. The last PDU carries `last`, with
    which the whole flowgraph ends.

    Message ports:
        image (out): u8 [height, width, 3]; keys height, width, channels, name, image_id, frame,
            n_frames, last.
        labels (out): u8 [height, width] categories of a street scene, 255 where none; same keys.
        credit (in): one dict per picture that left the link, from link_metrics, image_sink or
            segmenter; only max_in_flight pictures are on their way at a time, so no queue grows
            without bound.
        status (out): dict of frames, in_flight.
        cmd (in): dict with rate.

    Args:
        paths: str or list of str, files and folders; a folder gives its pictures by name. Or
            "streets" for street scenes (a folder of that name is "./streets").
        repeat: int >= 0, times the list is sent; 0 repeats for ever.
        max_images: int >= 0, end after so many pictures; 0: no limit.
        rate: float >= 0, pictures per second; 0 sends as fast as credit comes.
        max_in_flight: int >= 0, pictures between this block and the one that gives credit; 0 waits
            for no credit, and then a rate is needed when repeat is 0.
        seed: int >= 0, of the first street scene; the following ones count on.
        size: (width, height) of street scenes.
        scenes: int >= 1, different street scenes before the first one comes again; a new one takes
            half a second to draw.
    Attributes:
        total: int, pictures that will be sent; 0: for ever.
    Raises:
        ValueError: a path does not exist, a folder holds no picture, a number is out of range.
    Source: ours.
    """

    def __init__(
        self,
        paths,
        repeat=1,
        max_images=0,
        rate=0.0,
        max_in_flight=4,
        seed=1,
        size=(480, 360),
        scenes=16,
    ):
        for name, value in (
            ("repeat", repeat),
            ("max_images", max_images),
            ("rate", rate),
            ("max_in_flight", max_in_flight),
            ("seed", seed),
        ):
            if not value >= 0:
                raise ValueError(f"{name} must be >= 0, got {value}")
        if repeat == 0 and max_images == 0 and rate == 0 and max_in_flight == 0:
            raise ValueError("max_in_flight must be > 0 when repeat, max_images and rate are 0")
        super().__init__(
            "image_source",
            dicts=(keys.CREDIT,),
            outputs=(keys.IMAGE, keys.LABELS),
            settable=("rate",),
        )
        # What cannot be read or rendered is an error of the constructor.
        drawn = isinstance(paths, str) and paths == STREETS
        self._pictures = street_scenes(seed, size, scenes) if drawn else files(paths)
        total = len(self._pictures) * repeat
        self.total = min(filter(None, (total, max_images)), default=0)
        self._rate = float(rate)
        self._max_in_flight = max_in_flight
        self._sent = self._in_flight = 0
        self._wake = threading.Condition()
        self._stop = False
        self._thread: threading.Thread | None = None

    def set_rate(self, rate: float) -> None:
        """Pictures per second from the next one on; 0: as fast as credit comes."""
        if not rate >= 0:
            raise ValueError(f"rate must be >= 0, got {rate}")
        self._rate = float(rate)

    def start(self):
        """Start the thread that sends, from the first picture; numbers of frames go on."""
        super().start()
        self._stop, self._in_flight = False, 0
        self._thread = threading.Thread(target=self._run, name="scsc_image_source", daemon=True)
        self._thread.start()
        return True

    def stop(self):
        """End the thread."""
        with self._wake:
            self._stop = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
        return True

    def on_credit(self, meta: dict[str, Any]) -> None:
        """One picture left the link."""
        with self._wake:
            self._in_flight = max(0, self._in_flight - 1)
            self._wake.notify_all()

    def _run(self):
        try:
            next_time = time.monotonic()
            begin = self._sent
            for count in itertools.count():
                if not self._wait_for_turn(next_time):
                    return
                next_time = max(next_time + (1 / self._rate if self._rate else 0), time.monotonic())
                last = count + 1 == self.total
                self._send(begin + count, self._pictures(count), last)
                if last:
                    self.close()
                    return
        except BaseException as error:
            self.supervisor.fail(error)

    def _wait_for_turn(self, next_time: float) -> bool:
        """False when the block was stopped while it waited."""
        warn_time = time.monotonic() + CREDIT_WARNING_S
        with self._wake:
            while not (self._stop or self.supervisor.stopping):
                now = time.monotonic()
                in_credit = not self._max_in_flight or self._in_flight < self._max_in_flight
                if in_credit and now >= next_time:
                    self._in_flight += 1
                    return True
                if not in_credit and now > warn_time:
                    warn_time = now + CREDIT_WARNING_S
                    self.warn("no credit: connect port credit of link_metrics or image_sink")
                self._wake.wait(min(0.1, max(next_time - now, 0.001)) if in_credit else 0.1)
        return False

    def _send(self, count: int, picture: Picture, last: bool) -> None:
        image, labels, name = picture
        self._sent += 1
        self.counters["frames"] += 1
        self.counters["in_flight"] = self._in_flight
        meta = {
            keys.HEIGHT: image.shape[0],
            keys.WIDTH: image.shape[1],
            keys.CHANNELS: 3,
            keys.NAME: name,
            keys.IMAGE_ID: count % keys.MAX_IMAGE_ID,
            keys.FRAME: count % keys.MAX_FRAME,
            keys.N_FRAMES: self.total,
            keys.LAST: last,
        }
        if labels is not None:  # sent first: who scores the picture has them by then
            self.publish(keys.LABELS, labels, meta)
        self.publish(keys.IMAGE, image, meta)
        self.publish_status(final=last)
