# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of the waveform in samples of two antennas per second of CPU, and latency of a frame."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from .. import _native
from ..channels.stream_channel import StreamChannel
from ..channels.stream_config import StreamChannelConfig
from ..waveform.detection import frame_llr
from ..waveform.frame_code import FrameFormat, frame_code
from ..waveform.header import FrameHeader
from ..waveform.modulator import Modulator
from ..waveform.receiver import OfdmReceiver
from ..waveform.sequences import cover_products, stf_period
from . import waveform_trials as trials
from .benchmark import Row

_SNR_DB = 12.0
_GAP_SAMPLES = 64
_NOISE_SAMPLES = 1 << 18
_CODE_RATE = "1/2"
_CHUNK_SAMPLES = 1000  # what a front end gives at a time


def _rate_row(
    name: str, function: Callable, n_samples: int, target: float | None, repeat: int, where: str
) -> Row:
    """Samples per second of CPU time: of all threads, and blind to what else the machine does."""
    function()
    rates = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        rates.append(n_samples / max(time.process_time() - start, 1e-9) / 1e6)
    value = statistics.median(rates)
    return Row(name, value, "Msps", target, True, where, (min(rates), max(rates)))


def _format() -> FrameFormat:
    return FrameFormat("qpsk", 2, "nr_ldpc", _CODE_RATE, trials.NSYM)


def _stream(n_frames: int) -> np.ndarray:
    """Coded frames 64 samples apart over one channel, complex64 [2, n]."""
    modulator, rng = Modulator(trials.NUMEROLOGY), np.random.default_rng(9)
    code, tables = frame_code(_format()), trials.tables_for("none")
    parts = []
    for number in range(n_frames):
        header = FrameHeader(
            frame=number, n_frames=n_frames, nsym=trials.NSYM, code_rate=_CODE_RATE
        )
        index = code.encode(rng.bytes(code.payload_bytes))
        parts += [np.zeros((2, _GAP_SAMPLES)), modulator.modulate(header, index, tables)]
    samples = np.concatenate(parts, axis=1).astype(np.complex64)
    channel = StreamChannelConfig(
        model="awgn", snr_db=_SNR_DB, snr_def="rx_ant", cfo_hz=1500, block="samples:100000"
    )
    return StreamChannel(channel).apply(samples)


def speed_rows(n_frames: int, repeat: int) -> list[Row]:
    """Modulator, detector, receiver, channel, each alone on one core."""
    stream = _stream(n_frames)
    noise = trials.white_noise(np.random.default_rng(1), _NOISE_SAMPLES)
    busy = f"{n_frames} frames {_GAP_SAMPLES} samples apart, {_SNR_DB:g} dB, 2 x QPSK, ML"
    channel = StreamChannel(StreamChannelConfig(block="samples:5280"))
    cases = (
        (
            "modulator",
            _modulate(n_frames),
            stream,
            10.0,
            f"nsym {trials.NSYM}, one table per carrier",
        ),
        ("detector, bursts", lambda: _detect(stream), stream, 30.0, _native.isa()),
        ("detector, noise", lambda: _detect(noise), noise, 40.0, _native.isa()),
        ("receiver, noise", lambda: OfdmReceiver().push(noise), noise, 30.0, "search and counters"),
        ("receiver, full duty", lambda: receive(stream), stream, 8.0, f"{busy}, soft bits"),
        ("receive chain, full duty", lambda: receive(stream, True), stream, 5.0, f"{busy}, LDPC"),
        ("sample channel, flat and noise", lambda: channel.apply(noise), noise, 10.0, "rayleigh"),
    )
    return [
        _rate_row(name, function, samples.shape[1], target, repeat, f"two antennas; {where}")
        for name, function, samples, target, where in cases
    ]


def _modulate(n_frames: int) -> Callable:
    modulator, rng = Modulator(trials.NUMEROLOGY), np.random.default_rng(9)
    tables = np.repeat(trials.tables_for("none"), trials.NUMEROLOGY.n_data, axis=0)
    index = trials.random_index(rng)
    headers = [FrameHeader(frame=number, n_frames=n_frames) for number in range(n_frames)]
    return lambda: [modulator.modulate(header, index, tables) for header in headers]


def _detect(samples: np.ndarray) -> None:
    _native.detect_training(
        samples, stf_period().astype(np.complex64), cover_products().astype(np.float32)
    )


def receive(samples: np.ndarray, decode: bool = False) -> int:
    """Frames of a stream with their soft bits; with decode, frames whose block is right."""
    receiver, tables = OfdmReceiver(), trials.tables_for("none")
    frames = receiver.push(samples) + receiver.flush()
    llrs = [frame_llr(frame, tables) for frame in frames]
    if not decode:
        return len(llrs)
    return sum(frame_code(_format()).decode(llr).ok for llr in llrs)


def latency_row(n_frames: int) -> Row:
    """Time from a frame's last samples to its decoded bits, chunk by chunk."""
    stream, receiver = _stream(n_frames), OfdmReceiver()
    code, tables = frame_code(_format()), trials.tables_for("none")
    seconds = []
    for first in range(0, stream.shape[1], _CHUNK_SAMPLES):
        chunk = stream[:, first : first + _CHUNK_SAMPLES]
        start = time.perf_counter()
        for frame in receiver.push(chunk):
            code.decode(frame_llr(frame, tables))
            seconds.append(time.perf_counter() - start)
    milliseconds = 1e3 * np.array(seconds)
    where = f"chunks of {_CHUNK_SAMPLES} samples, nsym {trials.NSYM}, {len(seconds)} frames; wall"
    return Row(
        "latency of a frame, last samples to bits",
        np.median(milliseconds),
        "ms",
        20.0,
        False,
        f"{where}, receiver alone",
        (milliseconds.min(), milliseconds.max()),
    )
