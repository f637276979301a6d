# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred thousand hostile frames and messages: nothing raises, nothing grows without bound."""

import dataclasses
from collections.abc import Sized

import numpy as np
import pytest
from carrier_link import CarrierFrame
from session_link import config, payloads

from scsc_core.waveform.csi_feedback import SoundRef, quantise_csi
from scsc_core.waveform.feedback_message import (
    HarqStatus,
    ReceiverState,
    pack_message,
)
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.reassembly import CLOSED_REMEMBERED, Reassembler
from scsc_core.waveform.sent_log import MAX_ENTRIES
from scsc_core.waveform.session import WaveformReceiver, WaveformTransmitter

CONFIG = config(precoder="svd_wf", harq=True)
N = CONFIG.carriers


def containers(thing, path="", seen=None) -> dict[str, int]:
    """Length of everything with a length in an object of this package and in the objects it holds."""
    seen = set() if seen is None else seen
    if id(thing) in seen or not type(thing).__module__.startswith("scsc_core"):
        return {}
    seen.add(id(thing))
    found = {}
    for name, value in vars(thing).items():
        if isinstance(value, Sized) and not isinstance(value, (str, bytes, np.ndarray)):
            found[f"{path}.{name}"] = len(value)
            inner = list(value.values()) if isinstance(value, dict) else []
            for one in inner:
                found |= containers(one, f"{path}.{name}[]", seen)
        elif hasattr(value, "__dict__"):
            found |= containers(value, f"{path}.{name}", seen)
    return found


def random_header(rng, **fields) -> FrameHeader:
    """A data frame of one symbol with random content."""
    n_frames = int(rng.integers(1, 1024))
    defaults = {
        "nsym": 1,
        "n_frames": n_frames,
        "frame": int(rng.integers(n_frames)),
        "image_id": int(rng.integers(256)),
        "csi_id": int(rng.integers(256)),
        "table_crc": int(rng.integers(256)),
        "rv": int(rng.integers(4)),
        "precoder": str(rng.choice(["none", "svd_wf", "mercury"])),
        "code_rate": str(rng.choice(["1/2", "2/3", "8/9"])),
        "last": bool(rng.integers(2)),
    }
    return FrameHeader(**{**defaults, **fields})


def test_reassembly_of_hostile_headers_is_bounded(clock):
    reassembler, rng = Reassembler(CONFIG, clock), np.random.default_rng(41)
    headers = [random_header(rng) for _ in range(500)]
    for number in range(4500):  # most of them agree on how long a picture is
        image_id = (number // 20 + number % 3) % 256
        length = {"n_frames": 1023 - image_id, "frame": int(rng.integers(700)), "precoder": "none"}
        headers.append(random_header(rng, image_id=image_id, code_rate="1/2", **length))
    llr = rng.normal(size=48 * 4).astype(np.float32)

    for number in range(100_000):
        header = headers[number % len(headers)]
        reassembler.push(header, llr if number % 64 == 0 else None)
        clock.advance(1e-4 if number % 1000 else -5.0)
        if number % 500 == 0:
            reassembler.statuses()

    found = containers(reassembler)
    assert found["._open"] <= CONFIG.pictures_in_flight
    assert found["._closed"] <= CLOSED_REMEMBERED
    assert found["._reported_s"] <= CLOSED_REMEMBERED + CONFIG.pictures_in_flight
    assert max(found["._due"], found["._skipped"]) <= 256
    assert reassembler.counters["frames"] == 100_000
    assert max(found.values()) <= 1023


def test_receiver_of_hostile_frames_is_bounded(clock):
    receiver, rng = WaveformReceiver(CONFIG, clock), np.random.default_rng(42)
    h = rng.normal(size=(N.n_used, 2, 2)) + 1j * rng.normal(size=(N.n_used, 2, 2))
    y = rng.normal(size=(N.n_data, 2, 1)).astype(np.complex64)
    kinds = [{}] * 8 + [{"type": "sounding", "nsym": 0}, {"type": "end", "nsym": 0}]
    frame = CarrierFrame(None, y, h, h[N.data_rows], 0.5, 3.0)
    headers = [
        random_header(rng, **kinds[k % len(kinds)], n_frames=9, frame=k % 9) for k in range(900)
    ]

    for number in range(1800):
        header = headers[number % len(headers)]
        shown = y if header.nsym else y[..., :0]
        for picture in receiver.push_frame(dataclasses.replace(frame, header=header, y=shown)):
            assert not picture.picture.delivered
        clock.advance(1e-4)

    found = containers(receiver)
    assert found["._messages"] <= 256
    assert max(found[".csi._reports"], found[".csi._tables"]) <= 16
    assert found["._counters"] + found[".csi.counters"] + found[".reassembly.counters"] <= 40
    assert max(found.values()) <= 256


def hostile_messages(rng, refs) -> list[bytes]:
    """Messages with a right CRC whose content is anything that may be said, and noise."""
    h = rng.normal(size=(N.n_used, 2, 2)) + 0j
    messages = [rng.bytes(int(rng.integers(600))) for _ in range(200)]
    for number in range(800):
        ref = refs[number % len(refs)] if number % 8 == 0 else SoundRef(
            "data", *(int(rng.integers(256)) for _ in range(3)), int(rng.integers(4))
        )  # fmt: skip
        n_frames = 1023 if number == 0 else int(rng.integers(1, 64))
        status = HarqStatus(
            int(rng.integers(256)),
            ref,
            rng.random(n_frames) < 0.5,
            rng.integers(0, 16, n_frames, np.uint8),
            bool(number % 2),
        )
        messages.append(pack_message(status))
        if number % 16 == 0:
            messages.append(pack_message(quantise_csi(h, 0.5, 1 + number % 255, ref, N.used)))
    big = ReceiverState(1e30, "x" * 24, *[2**64 - 1] * 9)
    return [*messages, pack_message(big)]


def test_transmitter_under_hostile_messages_is_bounded_and_goes_on(clock):
    transmitter, rng = WaveformTransmitter(CONFIG, clock), np.random.default_rng(43)
    refs, sent = [], 0
    for one in payloads(4):
        transmitter.offer_payload(one)
    for _ in range(20):
        frame = transmitter.next_frame()
        refs += [] if frame is None else [SoundRef.of_header(frame.header)]
        clock.advance(0.001)
    messages = hostile_messages(rng, refs)

    for number in range(100_000):
        transmitter.receive(messages[number % len(messages)])
        if number % 100 == 0:
            frame = transmitter.next_frame()
            sent += frame is not None and number > 90_000
            transmitter.offer_payload(b"next")
            clock.advance(0.001)

    found = containers(transmitter)
    counters = transmitter.counters
    assert found["._sent._sent"] <= MAX_ENTRIES
    assert max(found["._frames"], found[".harq._pictures"]) <= CONFIG.harq_window
    assert found["._queue"] <= CONFIG.queue_pictures
    assert len(counters) <= 40 and counters["harq_unknown_picture"] > 30_000
    assert sent > 10  # still, behind all that


@pytest.mark.parametrize("n_frames", [1, 1023])
def test_payload_of_any_number_of_frames_is_put_together(clock, n_frames):
    reassembler = Reassembler(CONFIG, clock)
    header = random_header(np.random.default_rng(44), n_frames=n_frames, frame=n_frames - 1)

    reassembler.push(header, None)
    (payload,) = reassembler.flush()

    assert len(payload.frame_heard) == n_frames and not payload.complete
    assert payload.good == () and not any(payload.data)
