# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a transmitting station takes its pictures from: files, a video file, a camera."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import codecs, data

# 4.12 and later want numpy 2, which breaks GNU Radio 3.10.
VIDEO_PACKAGE = "pip install 'opencv-python-headless<4.12'"
_MAX_MISSED = 50  # pictures in a row that a camera fails to give before it counts as gone
_MAX_MISSED_S = 5.0  # the same, where it lets its reader wait for each
# Before OpenCV is loaded: it writes on the terminal, and waits 10 s for each picture of a camera.
_QUIET = {
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",
}


@dataclass(frozen=True, eq=False)
class SourcePicture:
    """A picture to be sent.

    Attributes:
        image: uint8 [H, W, 3].
        name: file stem, or video and number.
    """

    image: np.ndarray
    name: str


class PictureSource(Protocol):
    """Pictures one after the other.

    Attributes:
        live: pictures come whether or not they are wanted, and old ones are worthless (a camera).
        length: pictures in all; None: unknown or without end.
        problems: unreadable pictures that were left out.
    """

    live: bool
    length: int | None
    problems: int

    def next(self) -> SourcePicture | None:
        """The next picture, None at the end."""

    def close(self) -> None:
        """Release device or file; may be called twice."""


class FileSource:
    """Picture files and folders in order.

    Args:
        paths: files and folders; a folder gives its pictures in order of name.
        repeat: times that all are sent; 0: without end.
        max_images: end after so many; 0: all.
        resize: function of a picture, uint8 [H, W, 3] to the same kind; None: as it is.
    Raises:
        ValueError: a path that does not exist, a folder without pictures, an unreadable first
            picture, a count below 0.
    """

    live = False

    def __init__(
        self,
        paths: list[str | Path],
        repeat: int = 1,
        max_images: int = 0,
        resize: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        check_counts(repeat, max_images)
        self._paths = data.list_pictures(list(paths))
        if not self._paths:
            raise ValueError("image must name at least one picture, got none")
        total = repeat * len(self._paths) or max_images or None
        self.length = min(total, max_images or total) if total else None
        self.problems = 0
        self._resize = resize or (lambda image: image)
        self._count = 0
        self._first = self._load(self._paths[0])

    def next(self) -> SourcePicture | None:
        """As PictureSource.next; a file that has become unreadable is left out and counted."""
        for _ in range(len(self._paths)):
            if self.length is not None and self._count >= self.length:
                return None
            path = self._paths[self._count % len(self._paths)]
            self._count += 1
            try:
                image = self._first if path == self._paths[0] else self._load(path)
            except ValueError:
                self.problems += 1
                continue
            return SourcePicture(image, path.stem)
        return None

    def _load(self, path: Path) -> np.ndarray:
        return codecs.check_image(self._resize(codecs.load_image(path)))

    def close(self) -> None:
        """Nothing to release."""


class StreamSource:
    """Frames of an iterator: a video file, a camera, or a stand-in.

    Args:
        open_frames: function that gives an iterator of uint8 [H, W, 3], RGB, or None for a frame that
            could not be had; it is called again for each repetition.
        name: of the stream.
        live: it is a camera.
        repeat, max_images, resize: as FileSource; a live stream is not repeated.
        close: function called at the end.
    """

    def __init__(
        self,
        open_frames: Callable[[], Iterator[np.ndarray | None]],
        name: str,
        live: bool,
        repeat: int = 1,
        max_images: int = 0,
        resize: Callable[[np.ndarray], np.ndarray] | None = None,
        close: Callable[[], None] = lambda: None,
    ):
        check_counts(repeat, max_images)
        self.live, self.problems = live, 0
        self.length = max_images or None
        self._open, self._name, self._repeat = open_frames, name, repeat
        self._resize, self._close = resize or (lambda image: image), close
        self._frames = open_frames()
        self._count, self._round, self._in_round = 0, 1, 0

    def next(self) -> SourcePicture | None:
        """As PictureSource.next; None too when a camera is gone."""
        missed, begin_s = 0, time.monotonic()
        while self.length is None or self._count < self.length:
            if missed == _MAX_MISSED or (missed and time.monotonic() - begin_s > _MAX_MISSED_S):
                return None
            try:
                image = next(self._frames)
            except StopIteration:
                if not self._again():
                    return None
                continue
            if image is None:
                self.problems, missed = self.problems + 1, missed + 1
                continue
            self._count, self._in_round = self._count + 1, self._in_round + 1
            image = codecs.check_image(self._resize(np.asarray(image)))
            return SourcePicture(image, f"{self._name}-{self._count}")
        return None

    def _again(self) -> bool:
        """Begin the next repetition; False when there is none, or nothing to repeat."""
        if self.live or self._in_round == 0 or self._round == self._repeat:
            return False
        self._frames, self._round, self._in_round = self._open(), self._round + 1, 0
        return True

    def close(self) -> None:
        """As PictureSource.close."""
        self._close()


def video_source(
    path: str | Path,
    repeat: int = 1,
    max_images: int = 0,
    resize: Callable[[np.ndarray], np.ndarray] | None = None,
) -> StreamSource:
    """The frames of a video file, through OpenCV.

    Raises:
        ValueError: no such file, OpenCV is missing, or no video.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"video {path} does not exist")
    cv2 = _opencv("a video file")

    def frames() -> Iterator[np.ndarray | None]:
        capture = cv2.VideoCapture(str(path))
        if not capture.isOpened():
            raise ValueError(f"video {path} cannot be read: no format that OpenCV knows")
        return _captured(capture, cv2, misses=False)

    return StreamSource(frames, path.stem, False, repeat, max_images, resize)


def camera_source(
    device: str,
    max_images: int = 0,
    resize: Callable[[np.ndarray], np.ndarray] | None = None,
) -> StreamSource:
    """A V4L2 camera through OpenCV: "0", "1" ... or a path such as /dev/video0.

    Raises:
        ValueError: OpenCV is missing, or the camera cannot be opened.
    """
    cv2 = _opencv("a camera")
    number = int(device) if device.isdigit() else None
    capture = cv2.VideoCapture(device if number is None else number)
    if not capture.isOpened():
        node = Path(device if number is None else f"/dev/video{number}")
        raise ValueError(f"camera {device} cannot be opened: {_camera_trouble(node)}")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not one of a second ago
    return StreamSource(
        lambda: _captured(capture, cv2, misses=True), "camera", True, 1, max_images, resize,
        capture.release,
    )  # fmt: skip


def resizer(size: str | None) -> Callable[[np.ndarray], np.ndarray] | None:
    """The function that brings a picture to "WIDTHxHEIGHT"; None for None.

    Raises:
        ValueError: not of that form, or a side outside 1 .. MAX_SIDE.
    """
    if size is None:
        return None
    parts = size.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise ValueError(f"size must be WIDTHxHEIGHT, such as 256x192, got {size!r}")
    width, height = map(int, parts)
    if not (1 <= width <= codecs.MAX_SIDE and 1 <= height <= codecs.MAX_SIDE):
        raise ValueError(f"size must have sides in 1..{codecs.MAX_SIDE}, got {size!r}")

    def resize(image: np.ndarray) -> np.ndarray:
        from PIL import Image

        return np.asarray(Image.fromarray(image).resize((width, height), Image.LANCZOS))

    return resize


def check_counts(repeat: int, max_images: int) -> None:
    """ValueError unless both are >= 0."""
    for name, value in (("repeat", repeat), ("max_images", max_images)):
        if value < 0:
            raise ValueError(f"{name} must be >= 0 (0: without limit), got {value}")


def _opencv(what: str) -> Any:
    """The module cv2; ValueError that names what needs it."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise ValueError(f"{what} needs OpenCV ({error}): {VIDEO_PACKAGE}") from None


def _camera_trouble(node: Path) -> str:
    """Why a camera's device file gives no pictures, and what to do."""
    if not node.exists():
        others = ", ".join(sorted(map(str, node.parent.glob("video*")))) or "none"
        return f"there is no {node}; cameras here: {others}"
    if not os.access(node, os.R_OK | os.W_OK):
        return f"{node} belongs to others; add your user to the group video and log in again"
    return f"{node} is no camera, or another program has it"


def _captured(capture: Any, cv2: Any, misses: bool) -> Iterator[np.ndarray | None]:
    """Frames as RGB; at one that fails a file ends, while a camera may recover."""
    while True:
        good, frame = capture.read()
        if good:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        elif misses:
            yield None
        else:
            capture.release()
            return
