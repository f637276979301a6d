# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiver of a continuous stream: finds frames and gives them as received vectors.

SEARCH -> (crossing, 288 positions more) peak -> (preamble) gate -> (header) checks -> (data) frame.
A trigger that fails resumes the search 64 samples behind its peak: detection is never held off by
something that was not verified. The same samples in any chunking give the same frames.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from . import synchroniser
from .demodulator import Start, read_data, read_start
from .header import FrameHeader, HeaderError
from .numerology import N_RX, Numerology, numerology

# Positions whose detector is computed at a time, at the start of a search and later: back-to-back
# frames follow at once, so more would be computed in vain.
_FIRST_POSITIONS, _SEARCH_POSITIONS = 1024, 4096
_LEAST_POSITIONS = 256  # fewer new ones are not worth a call
_PIECE_SAMPLES = 1 << 16  # of a long chunk, so that memory stays bounded
_HISTORY_SAMPLES = 64  # kept in front of the search: timing looks back
_RETRY_SAMPLES = 64


@dataclass(frozen=True)
class ReceiverConfig:
    """How frames are found.

    Args:
        numerology: Numerology of the frames.
        rate_hz: sample rate, only to give offsets in Hz; > 0.
        threshold: of the detector's metric, in (0, 1).
        gate_q: least correlation with the long training field, in [0, 1).
        max_nsym: frames with more data symbols are dropped; None: what the numerology allows.
        clip_level: samples whose real or imaginary part reaches it count as clipped; > 0.
    Raises:
        ValueError: out of range.
    """

    numerology: Numerology = field(default_factory=numerology)
    rate_hz: float = 1e6
    threshold: float = synchroniser.DETECTOR_THRESHOLD
    gate_q: float = synchroniser.GATE_Q
    max_nsym: int | None = None
    clip_level: float = 0.99

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must be in (0, 1), got {self.threshold}")
        if not 0 <= self.gate_q < 1:
            raise ValueError(f"gate_q must be in [0, 1), got {self.gate_q}")
        for name in ("rate_hz", "clip_level"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be > 0, got {getattr(self, name)}")
        if self.max_nsym is not None and not 0 <= self.max_nsym <= self.numerology.max_nsym:
            raise ValueError(f"max_nsym must be 0..{self.numerology.max_nsym}, got {self.max_nsym}")


@dataclass(frozen=True, eq=False)
class ReceivedFrame:
    """One frame in link units: y = H z + n, rows z of a transmit table with mean energy 2.

    Attributes:
        header: FrameHeader.
        y: complex64 [n_data, n_rx, nsym], phases tracked; nsym 0 without data.
        h: complex128 [n_used, n_rx, 2] of all used carriers; h_data those of data [n_data, n_rx, 2].
        noise_var: N0 with the estimation error's share.
        snr_db: received SNR: total transmit power x E|h|^2 / noise variance.
        cfo_hz, sfo_ppm: offsets of carrier and sampling clock.
        sto_samples: mean delay of the channel behind the first path.
        metric, q: of the detector and of the gate.
        sample_index: first sample of the frame in the stream; n_samples: its length.
        peak: largest |re| or |im| of its samples; clip_count: samples at the clip level.
    """

    header: FrameHeader
    y: np.ndarray
    h: np.ndarray
    h_data: np.ndarray
    noise_var: float
    snr_db: float
    cfo_hz: float
    sto_samples: float
    sfo_ppm: float
    metric: float
    q: float
    sample_index: int
    n_samples: int
    peak: float
    clip_count: int


@dataclass(frozen=True)
class _Trigger:
    near: int  # absolute sample of the detector's peak
    p: complex
    metric: float


@dataclass(frozen=True)
class _Pending:
    """A frame whose data are still to come."""

    at: synchroniser.Synchronisation  # absolute start
    start: Start
    metric: float


class OfdmReceiver:
    """Frames of a stream of two antennas.

    Attributes:
        counters: `samples`, `bad_samples` (not finite, taken as 0), `triggers`, `gate` (triggers
            without a training field), `header_crc`, `header_fields`, `nsym` (headers dropped),
            `frames`, `truncated` (frames cut by the end or a gap).
    """

    def __init__(self, config: ReceiverConfig | None = None):
        self.config = config or ReceiverConfig()
        self._n = self.config.numerology
        self._counters: Counter[str] = Counter()
        self._next_index = 0
        self._restart(0)

    @property
    def counters(self) -> dict[str, int]:
        """Counters since the start."""
        return dict(self._counters)

    def push(self, samples: np.ndarray) -> list[ReceivedFrame]:
        """Frames that are complete after these samples.

        Args:
            samples: complex64 [2, n] that follow those before.
        Raises:
            ValueError: another shape or type.
        """
        samples = np.asarray(samples)
        if samples.ndim != 2 or samples.shape[0] != N_RX or samples.dtype.kind != "c":
            raise ValueError(
                f"samples must be complex [{N_RX}, n], got {samples.dtype} {samples.shape}"
            )
        frames = []
        for first in range(0, samples.shape[1], _PIECE_SAMPLES):
            self._append(samples[:, first : first + _PIECE_SAMPLES])
            frames += self._advance(_LEAST_POSITIONS)
        return frames

    def discontinuity(self, lost_samples: int = 0) -> list[ReceivedFrame]:
        """Samples are missing: finish what is complete, forget what is not.

        Args:
            lost_samples: >= 0, how many, so that sample indices stay right.
        """
        if lost_samples < 0:
            raise ValueError(f"lost_samples must be >= 0, got {lost_samples}")
        frames = self.flush()
        self._next_index += lost_samples
        self._restart(self._next_index)
        return frames

    def flush(self) -> list[ReceivedFrame]:
        """Frames complete at the end of the stream; the search begins anew behind it."""
        frames = self._advance(1)
        if self._trigger is not None or self._pending is not None:
            self._counters["truncated"] += 1
        self._restart(self._next_index)
        return frames

    # samples -------------------------------------------------------------------------------------
    def _restart(self, index: int) -> None:
        self._buffer = np.zeros((N_RX, _HISTORY_SAMPLES), np.complex64)
        self._base = index - _HISTORY_SAMPLES  # stream index of the buffer's first sample
        self._search = index
        self._stride = _FIRST_POSITIONS
        self._trigger: _Trigger | None = None
        self._pending: _Pending | None = None

    def _append(self, samples: np.ndarray) -> None:
        samples = np.ascontiguousarray(samples, np.complex64)
        if not np.isfinite(samples.view(np.float32)).all():
            finite = np.isfinite(samples)
            self._counters["bad_samples"] += int(finite.size - np.count_nonzero(finite))
            samples = np.where(finite, samples, np.complex64(0))
        keep = max(0, self._needed_from - self._base)
        self._base += keep
        self._buffer = np.concatenate([self._buffer[:, keep:], samples], axis=1)
        self._next_index += samples.shape[1]
        self._counters["samples"] += samples.shape[1]

    @property
    def _needed_from(self) -> int:
        """First stream index that may still be looked at."""
        if self._pending is not None:
            return self._pending.at.start - self._n.window_advance
        if self._trigger is not None:
            return self._trigger.near - _HISTORY_SAMPLES
        return self._search - _HISTORY_SAMPLES

    def _has(self, stop: int) -> bool:
        return stop <= self._next_index

    # states --------------------------------------------------------------------------------------
    def _advance(self, least: int) -> list[ReceivedFrame]:
        """Go on as far as the samples reach; `least` positions make a search worth while."""
        frames = []
        while True:
            if self._pending is not None:
                frame = self._finish()
                if frame is None:
                    return frames
                frames.append(frame)
            elif self._trigger is not None:
                if not self._verify():
                    return frames
            elif not self._find(least):
                return frames

    def _find(self, least: int) -> bool:
        """Search for a trigger; False when samples are missing."""
        positions = self._next_index - self._search - synchroniser.DETECTOR_SPAN + 1
        if positions < least:
            return False
        positions = min(positions, self._stride)
        p, metric = self._detect(self._search, positions)
        above = np.flatnonzero(metric > self.config.threshold)
        if not len(above):
            self._search += positions
            self._stride = _SEARCH_POSITIONS
            return True
        first = self._search + int(above[0])
        self._search = first
        stop = first + synchroniser.PEAK_SAMPLES + synchroniser.DETECTOR_SPAN - 1
        if not self._has(stop):
            return False
        p, metric = self._detect(first, synchroniser.PEAK_SAMPLES)
        peak = int(np.argmax(p.real**2 + p.imag**2))
        self._trigger = _Trigger(first + peak, complex(p[peak]), float(metric[peak]))
        self._stride = _FIRST_POSITIONS
        self._counters["triggers"] += 1
        return True

    def _detect(self, first: int, positions: int) -> tuple[np.ndarray, np.ndarray]:
        begin = first - self._base
        part = self._buffer[:, begin : begin + positions + synchroniser.DETECTOR_SPAN - 1]
        return synchroniser.detection_metric(part)

    def _verify(self) -> bool:
        """Gate and header of a trigger; False when samples are missing."""
        n, trigger = self._n, self._trigger
        # the first path may lie TIMING_SEARCH behind the detector's peak
        stop = trigger.near + synchroniser.TIMING_SEARCH + n.overhead_samples
        if not self._has(stop):
            return False
        shift = trigger.near - _HISTORY_SAMPLES - self._base
        part = self._buffer[:, shift : stop - self._base]
        at = synchroniser.synchronise(part, _HISTORY_SAMPLES, trigger.p, n)
        self._trigger = None
        self._search = trigger.near + _RETRY_SAMPLES
        if at.q < self.config.gate_q:
            self._counters["gate"] += 1
            return True
        try:
            start = read_start(np.ascontiguousarray(part), at, n)
        except HeaderError as error:
            self._counters[f"header_{error.check}"] += 1
            return True
        if start.header.nsym > self._max_nsym:
            self._counters["nsym"] += 1
            return True
        at = at.moved(trigger.near - _HISTORY_SAMPLES)
        self._pending = _Pending(at, start, trigger.metric)
        return True

    @property
    def _max_nsym(self) -> int:
        limit = self.config.max_nsym
        return self._n.max_nsym if limit is None else limit

    def _finish(self) -> ReceivedFrame | None:
        """The pending frame; None when samples are missing."""
        n, pending = self._n, self._pending
        header, begin = pending.start.header, pending.at.start
        stop = begin + n.frame_samples(header.nsym)
        if not self._has(stop):
            return None
        first = begin - n.window_advance - self._base
        part = np.ascontiguousarray(self._buffer[:, first : stop - self._base])
        at = pending.at.moved(n.window_advance - begin)
        data = read_data(part, at, pending.start, n)
        self._pending = None
        # the next frame may begin at once, and its trigger comes before its first sample
        self._search = stop - synchroniser.TIMING_SEARCH
        self._counters["frames"] += 1
        peak, clip_count = self._levels(part)
        return ReceivedFrame(
            header=header,
            y=data.y,
            h=data.h,
            h_data=np.ascontiguousarray(data.h[n.data_rows]),
            noise_var=data.noise_var,
            snr_db=data.snr_db,
            cfo_hz=data.omega * self.config.rate_hz / (2 * np.pi),
            sto_samples=_mean_delay(data.h, n),
            sfo_ppm=1e6 * data.clock,
            metric=pending.metric,
            q=pending.at.q,
            sample_index=begin,
            n_samples=stop - begin,
            peak=peak,
            clip_count=clip_count,
        )

    def _levels(self, samples: np.ndarray) -> tuple[float, int]:
        """Largest |re| or |im|, and how many samples reach the clip level."""
        parts = samples.view(np.float32).reshape(-1)
        peak = float(max(parts.max(), -parts.min()))
        if peak < self.config.clip_level:
            return peak, 0
        levels = np.maximum(np.abs(samples.real), np.abs(samples.imag))
        return peak, int(np.count_nonzero(levels >= self.config.clip_level))


def _mean_delay(h: np.ndarray, n: Numerology) -> float:
    """Power-weighted delay of the channel in samples behind the first path."""
    half = n.n_used // 2  # carrier 0 is missing: its neighbours are two apart
    turn = np.vdot(h[: half - 1], h[1:half]) + np.vdot(h[half:-1], h[half + 1 :])
    return float(-np.angle(turn) * n.n_fft / (2 * np.pi)) - n.window_advance
