# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of files, videos and cameras, and how they are compressed ahead."""

import os
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from scsc_core import codecs
from scsc_core.radio import image_sources, picture_feed
from scsc_core.radio.image_sources import (
    FileSource,
    SourcePicture,
    StreamSource,
    camera_source,
    resizer,
    video_source,
)
from scsc_core.radio.picture_feed import EncodedPicture, PictureEncoder, PictureFeed, ThreadedFeed
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.session import WaveformTransmitter


@pytest.fixture
def folder(tmp_path):
    for k, name in enumerate("abc"):
        codecs.save_image(tmp_path / f"{name}.png", np.full((16, 24, 3), 40 * k, np.uint8))
    return tmp_path


def names(source, limit=20):
    found = []
    while len(found) < limit and (picture := source.next()) is not None:
        found.append(picture.name)
    return found


@pytest.mark.parametrize(
    ("repeat", "max_images", "expected"),
    [(1, 0, "abc"), (2, 0, "abcabc"), (1, 2, "ab"), (0, 5, "abcab"), (2, 9, "abcabc")],
)
def test_files_come_in_order_as_often_as_wanted(folder, repeat, max_images, expected):
    source = FileSource([folder], repeat, max_images)

    assert names(source) == list(expected)
    assert source.length == len(expected)


def test_files_without_end_have_no_length(folder):
    source = FileSource([folder], repeat=0)

    assert source.length is None and names(source, 7) == list("abcabca")


def test_file_that_became_unreadable_is_counted_and_left_out(folder):
    source = FileSource([folder])
    (folder / "b.png").write_bytes(b"no picture")

    assert names(source) == ["a", "c"] and source.problems == 1


def test_unreadable_first_picture_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")

    with pytest.raises(ValueError, match="x.png"):
        FileSource([tmp_path])


@pytest.mark.parametrize("size", ["64", "0x4", "axb", "4x5000", "-4x4"])
def test_size_must_be_width_and_height(size):
    with pytest.raises(ValueError, match="size must"):
        resizer(size)


def test_size_is_width_then_height(folder):
    picture = FileSource([folder], resize=resizer("10x6")).next()

    assert picture.image.shape == (6, 10, 3)


@pytest.mark.parametrize("name", ["repeat", "max_images"])
def test_counts_must_not_be_negative(folder, name):
    with pytest.raises(ValueError, match=f"{name} must be >= 0"):
        FileSource([folder], **{name: -1})


def frames(count, value=0):
    return iter([np.full((4, 4, 3), value, np.uint8)] * count)


def test_stream_is_opened_again_for_each_repetition():
    source = StreamSource(lambda: frames(2), "clip", live=False, repeat=3)

    assert names(source) == [f"clip-{k}" for k in range(1, 7)]


def test_empty_stream_ends_even_when_repeated_without_end():
    assert names(StreamSource(lambda: frames(0), "clip", live=False, repeat=0)) == []


def test_camera_that_gives_nothing_any_more_ends():
    def never():
        while True:
            yield None

    source = StreamSource(never, "camera", live=True)

    assert source.next() is None and source.problems == 50


def fake_cv2(count):
    """OpenCV with one stream of so many blue frames."""

    class Capture:
        def __init__(self, target):
            self.left, self.released = count, False

        def isOpened(self):
            return count > 0

        def read(self):
            self.left -= 1
            return self.left >= 0, np.full((4, 4, 3), (255, 0, 0), np.uint8)

        def set(self, *_):
            pass

        def release(self):
            self.released = True

    return SimpleNamespace(
        VideoCapture=Capture,
        cvtColor=lambda frame, code: frame[:, :, ::-1],
        COLOR_BGR2RGB=4,
        CAP_PROP_BUFFERSIZE=38,
    )


@pytest.fixture
def opencv(monkeypatch):
    """Function that puts a stand-in, or None, in the place of OpenCV."""
    return lambda stand_in: monkeypatch.setitem(sys.modules, "cv2", stand_in)


def test_frames_of_a_stand_in_come_as_rgb(opencv, tmp_path):
    (tmp_path / "v.mp4").touch()
    opencv(fake_cv2(3))

    source = video_source(tmp_path / "v.mp4")

    assert source.next().image[0, 0].tolist() == [0, 0, 255]
    assert names(source) == ["v-2", "v-3"]


def test_camera_frames_come_as_rgb(opencv):
    opencv(fake_cv2(100))

    source = camera_source("0", max_images=2)

    assert source.live and [p.image[0, 0, 2] for p in (source.next(), source.next())] == [255] * 2
    assert source.next() is None


def test_missing_package_is_named(opencv, tmp_path):
    (tmp_path / "v.mp4").touch()
    opencv(None)

    with pytest.raises(ValueError, match="a camera needs OpenCV .*: pip install"):
        camera_source("0")
    with pytest.raises(ValueError, match="a video file needs OpenCV .*: pip install"):
        video_source(tmp_path / "v.mp4")


def test_camera_that_is_not_there_is_told_with_those_that_are(opencv, tmp_path):
    opencv(fake_cv2(0))
    (tmp_path / "video3").touch()

    with pytest.raises(ValueError) as caught:
        camera_source(str(tmp_path / "video7"))

    assert f"there is no {tmp_path}/video7; cameras here: {tmp_path}/video3" in str(caught.value)
    with pytest.raises(ValueError, match="camera 97 cannot be opened: there is no /dev/video97"):
        camera_source("97")


@pytest.mark.parametrize(("may", "words"), [(False, "group video"), (True, "another program")])
def test_camera_that_is_there_and_cannot_be_opened_says_why(
    opencv, monkeypatch, tmp_path, may, words
):
    opencv(fake_cv2(0))
    (tmp_path / "video0").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: may)

    with pytest.raises(ValueError, match=words):
        camera_source(str(tmp_path / "video0"))


def test_camera_whose_pictures_stay_away_ends_in_time(monkeypatch):
    monkeypatch.setattr(image_sources, "_MAX_MISSED_S", 0.01)

    def frames():
        while True:
            time.sleep(0.02)
            yield None

    source = StreamSource(frames, "camera", live=True)

    assert source.next() is None and source.problems == 1


@pytest.fixture
def video(tmp_path):
    """A video of five frames, red, green, blue, white and grey, of 64 x 48 pixels."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed; pip install gr-scsc[camera]")
    path = tmp_path / "colours.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for colour in COLOURS:
        writer.write(np.full((48, 64, 3), colour[::-1], np.uint8))
    writer.release()
    return path


COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (99, 99, 99)]


def test_video_file_gives_its_frames_as_rgb_in_order(video):
    source = video_source(video, repeat=2, max_images=7)

    pictures = [source.next() for _ in range(7)]

    means = np.array([picture.image.mean((0, 1)) for picture in pictures])
    # JPEG at OpenCV's quality changes a plain colour by a few steps
    np.testing.assert_allclose(means, (COLOURS * 2)[:7], atol=4)
    assert {picture.image.shape for picture in pictures} == {(48, 64, 3)}
    assert [picture.name for picture in pictures][::6] == ["colours-1", "colours-7"]
    assert source.next() is None


def test_video_is_resized(video):
    source = video_source(video, resize=resizer("32x16"))

    assert source.next().image.shape == (16, 32, 3)


@pytest.mark.parametrize("content", [b"", b"no video at all" * 100])
def test_file_that_is_no_video_is_one_line(tmp_path, capfd, content):
    pytest.importorskip("cv2", reason="OpenCV is not installed; pip install gr-scsc[camera]")
    (tmp_path / "v.mp4").write_bytes(content)

    with pytest.raises(ValueError, match="v.mp4 cannot be read"):
        video_source(tmp_path / "v.mp4")
    assert capfd.readouterr() == ("", "")


class Numbered:
    """A source of so many pictures."""

    problems, length = 0, None

    def __init__(self, count, live=False):
        self.left, self.live, self.closed = count, live, False

    def next(self):
        if self.left == 0:
            return None
        self.left -= 1
        return SourcePicture(np.zeros((4, 4, 3), np.uint8), str(self.left))

    def close(self):
        self.closed = True


def encode(picture):
    return EncodedPicture(picture, picture.name.encode(), False, 0.0)


def take_all(feed):
    taken, deadline = [], time.monotonic() + 10
    while not feed.exhausted:
        assert time.monotonic() < deadline, "the feed never ends"
        encoded = feed.take()
        if encoded is not None:
            taken.append(encoded.payload)
    return taken


@pytest.mark.parametrize("kind", [PictureFeed, ThreadedFeed])
def test_feed_gives_every_picture_once_and_in_order(kind):
    feed = kind(Numbered(5), encode)

    assert take_all(feed) == [b"4", b"3", b"2", b"1", b"0"]
    feed.close()
    assert feed.source.closed and feed.counters["pictures_read"] == 5


def test_interval_is_kept_without_drift():
    now = [0.0]
    feed = PictureFeed(Numbered(9), encode, 1.0, lambda: now[0])

    taken = []
    for tick in range(35):
        now[0] = tick * 0.1
        if feed.take() is not None:
            taken.append(round(now[0], 1))

    assert taken == [0.0, 1.0, 2.0, 3.0]


def test_live_source_keeps_only_its_newest_picture():
    go_on = threading.Event()

    def slow_camera(picture):
        if picture.name == "5":
            go_on.set()
        return encode(picture)

    feed = ThreadedFeed(Numbered(100, live=True), slow_camera)
    assert go_on.wait(10)

    first = take_all(feed)[0]

    feed.close()
    assert int(first) < 90 and feed.counters["pictures_skipped"] > 10


def test_error_of_the_encoder_reaches_whoever_takes():
    def broken(picture):
        raise ZeroDivisionError

    feed = ThreadedFeed(Numbered(1), broken)

    with pytest.raises(ZeroDivisionError):
        take_all(feed)
    feed.close()


def test_thread_that_waits_for_room_ends_with_the_feed():
    source = Numbered(100)
    feed = ThreadedFeed(source, encode)

    feed.close()

    assert not feed.busy and source.closed


def test_feed_does_not_wait_for_a_compression_that_takes_long(monkeypatch):
    monkeypatch.setattr(picture_feed, "_JOIN_S", 0.01)
    begun, released = threading.Event(), threading.Event()

    def slow(picture):
        begun.set()
        released.wait(10)
        return encode(picture)

    source = Numbered(1)
    feed = ThreadedFeed(source, slow)
    begun.wait(10)

    feed.close()
    busy, closed = feed.busy, source.closed
    released.set()
    feed._thread.join(10)
    feed.close()

    assert (busy, closed) == (True, False)
    assert not feed.busy and source.closed


@pytest.mark.parametrize("harq", [False, True])
def test_encoder_makes_what_the_transmitter_would(harq):
    """Slices of a picture depend on harq: encoder and transmitter must agree on them."""
    config = WaveformConfig(codec="jpeg", precoder="none", harq=harq)
    image = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    whole, payload = (WaveformTransmitter(config, lambda: 0.0) for _ in range(2))

    whole.offer(image)
    payload.offer_payload(PictureEncoder(config)(SourcePicture(image, "x")).payload)

    a, b = whole.next_frame(), payload.next_frame()
    assert a.header == b.header and np.array_equal(a.index, b.index)
