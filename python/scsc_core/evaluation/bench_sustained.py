# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of the receiver that does not stop: `scsc bench sustained`.

What `scsc rx --file` runs, from a recording that is read again and again: samples to frames, soft
bits, LDPC, pictures. Frames follow each other at full duty; each must arrive in every pass.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import codecs
from ..channels.stream_config import StreamChannelConfig
from ..radio.air_link import receive_station
from ..radio.front_end import open_front_end
from ..radio.image_sources import SourcePicture
from ..radio.picture_feed import PictureEncoder
from ..waveform.configuration import WaveformConfig
from ..waveform.picture_transmitter import WaveformTransmitter
from .benchmark import Row
from .transmission import bursts_of, received_samples, write_recording

RATE_HZ = 5e6
SNR_DB = 12.0
SECONDS, QUICK_SECONDS = 60.0, 5.0
_PICTURES = 12
_RSS_INTERVAL_S = 10.0
_RATE_TARGET_MSPS = 5.0
_GROWTH_TARGET_MIB = 1.0  # a minute: what the allocator does, over the runs that were looked at
# A picture that comes again under its id is a new one only behind this time: below that of one pass.
_PICTURE_TIMEOUT_S = 0.08


def config() -> WaveformConfig:
    """Two QPSK streams, LDPC of rate 1/2, no precoder; JPEG, which takes little time to decode."""
    return WaveformConfig(
        precoder="none",
        codec="jpeg",
        qp=90,
        slices=1,
        queue_pictures=_PICTURES,
        picture_timeout_s=_PICTURE_TIMEOUT_S,
    )


@dataclass
class Sustained:
    """What a run has counted.

    Attributes:
        seconds, cpu_s: of the clock, of the processor.
        samples: per antenna.
        passes: through the recording.
        frames, pictures: sent.
        blocks_ok, delivered: frames decoded right, pictures whose bytes are those sent.
        rates: samples per second of each full second.
        memory: (seconds, MiB resident) over the run.
    """

    seconds: float = 0.0
    cpu_s: float = 0.0
    samples: int = 0
    passes: int = 0
    frames: int = 0
    pictures: int = 0
    blocks_ok: int = 0
    delivered: int = 0
    rates: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


def make_payloads(link: WaveformConfig) -> list[bytes]:
    """Framed pictures 96x96 of blocks and noise, many bytes for their size, each another one."""
    encode = PictureEncoder(link)
    payloads = []
    for number in range(_PICTURES):
        rng = np.random.default_rng((11, number))
        blocks = rng.integers(20, 236, (6, 6, 3)).repeat(16, 0).repeat(16, 1)
        image = (blocks + rng.normal(0, 20, blocks.shape)).clip(0, 255).astype(np.uint8)
        payloads.append(encode(SourcePicture(codecs.check_image(image), str(number))).payload)
    return payloads


def run(
    quick: bool = False,
    seconds: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Rate, losses, share of the processor and memory of the receiver.

    Args:
        quick: 5 s instead of 60.
        seconds: of the run, > 0; it ends with the pass in which they are over.
        progress: function (seconds done, seconds in all).
    Raises:
        ValueError: seconds <= 0.
    """
    if seconds is None:
        seconds = QUICK_SECONDS if quick else SECONDS
    if not seconds > 0:
        raise ValueError(f"seconds must be > 0, got {seconds}")
    return rows(sustain(seconds, progress))


def sustain(seconds: float, progress: Callable[[int, int], None]) -> Sustained:
    """Receive the looped recording for so long."""
    link = config()
    payloads = make_payloads(link)
    bursts = bursts_of(WaveformTransmitter(link, lambda: 0.0), payloads)
    air = StreamChannelConfig(
        model="awgn", snr_db=SNR_DB, snr_def="rx_ant", cfo_hz=1500, sample_rate_hz=RATE_HZ
    )
    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder) / "looped"
        write_recording(name, received_samples(bursts, air), RATE_HZ)
        result = _receive(link, name, payloads, seconds, progress)
    result.frames = result.passes * len(bursts)
    result.pictures = result.passes * len(payloads)
    return result


def _receive(link, name: Path, payloads, seconds: float, progress) -> Sustained:
    result = Sustained()

    def check(received) -> None:
        payload = received.payload
        sent = payloads[payload.image_id]
        result.delivered += received.picture.delivered and payload.data.startswith(sent)

    options = {"direction": "rx", "sigmf": str(name), "loop": True}
    front_end = open_front_end("file", options)
    try:
        station = receive_station(link, front_end, check)
        watch = _Watch(result, seconds, progress)
        while True:
            station.step()
            at_end = front_end.reader.position == front_end.reader.n_samples
            result.passes += at_end
            if watch.look(station.counters["samples"]) and at_end:
                break
        station.finish()
    finally:
        front_end.close()
    result.blocks_ok = station.receiver.counters.get("blocks_ok", 0)
    return result


class _Watch:
    """The clocks of a run: samples of each second, memory every ten seconds."""

    def __init__(self, result: Sustained, seconds: float, progress):
        self._result, self._limit, self._progress = result, seconds, progress
        self._interval = min(_RSS_INTERVAL_S, seconds / 6)
        self._begin, self._cpu = time.perf_counter(), time.process_time()
        self._second, self._next_memory = (0.0, 0), 0.0

    def look(self, samples: int) -> bool:
        """Note where the run is; whether its time is over."""
        result = self._result
        now = time.perf_counter() - self._begin
        result.seconds, result.samples = now, samples
        result.cpu_s = time.process_time() - self._cpu
        since, before = self._second
        if now - since >= 1:
            result.rates.append((samples - before) / (now - since))
            self._second = now, samples
            self._progress(min(round(now), round(self._limit)), round(self._limit))
        if now >= self._next_memory:
            self._next_memory += self._interval
            result.memory.append((now, resident_mib()))
        return now >= self._limit


def resident_mib() -> float:
    """Memory of this process that is in RAM, MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def growth(memory: list[tuple[float, float]]) -> float:
    """Slope of memory [(seconds, MiB)] in MiB a minute, by least squares; 0 for fewer than two.

    The first third is left out: what a receiver needs once is taken there.
    """
    settled = memory[len(memory) // 3 :]
    if len(settled) < 2:
        return 0.0
    return round(float(60 * np.polyfit(*np.array(settled).T, 1)[0]), 3)


def rows(result: Sustained) -> list[Row]:
    """The figures beside their targets."""
    where = f"two antennas, full duty, {SNR_DB:g} dB, 2 x QPSK, ML, LDPC, pictures decoded; "
    where += f"{result.seconds:.0f} s, {result.passes} passes"
    spread = (min(result.rates) / 1e6, max(result.rates) / 1e6) if result.rates else None
    memory = " ".join(f"{mib:.0f}" for _, mib in result.memory)
    lost = result.frames - result.blocks_ok
    missing = result.pictures - result.delivered
    rate = result.samples / result.seconds / 1e6
    per_cpu = result.samples / result.cpu_s / 1e6
    share = 100 * result.cpu_s / result.seconds
    seen = f"after the first third; resident {memory} MiB"
    every = f"of {result.frames} frames, header, LDPC and CRC"
    return [
        Row("receive chain, sustained", rate, "Msps", _RATE_TARGET_MSPS, True, where, spread),
        Row("receive chain, per second of the processor", per_cpu, "Msps", None, True, "one core"),
        Row("frames lost", lost, "", 0.0, False, every),
        Row("pictures not delivered", missing, "", 0.0, False, f"of {result.pictures} pictures"),
        Row("share of the processor", share, "%", None, False, "of one core; one thread"),
        Row("memory", result.memory[-1][1], "MiB", None, False, "resident at the end"),
        Row("growth of memory", growth(result.memory), "MiB/min", _GROWTH_TARGET_MIB, False, seen),
    ]
