# SPDX-License-Identifier: GPL-3.0-or-later
"""What every front end offers, whether its samples come from a radio, a file or another process."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..config import ConfigError
from .events import Event
from .options import FrontEndOptions, front_end_options

N_ANTENNAS = 2
# name -> module:class; those behind gnuradio.scsc are imported when they are opened.
FRONT_ENDS = {
    "sim": ".sim:SimFrontEnd",
    "file": ".file_front_end:FileFrontEnd",
    "zmq": "gnuradio.scsc.front_ends.zmq:ZmqFrontEnd",
    "uhd": "gnuradio.scsc.front_ends.uhd:UhdFrontEnd",
}
_PACKAGES = {
    "zmq": "apt-get install python3-zmq (gnuradio brings it), or use the front end sim",
    "uhd": "apt-get install gnuradio uhd-host, or use the front end sim",
}


class FrontEndError(Exception):
    """A front end that cannot do what was asked; one line with the cure, exit code 2 of programs.

    Attributes:
        kind: name of the front end, as `uhd`.
        reason: what is wrong.
        cure: what to do about it.
    """

    def __init__(self, kind: str, reason: str, cure: str):
        super().__init__(f"{kind}: {reason}; {cure}")
        self.kind, self.reason, self.cure = kind, reason, cure


@dataclass(frozen=True)
class RxChunk:
    """Consecutive received samples of both antennas.

    Attributes:
        samples: complex64 [2, n], full scale 1, one row per antenna; n may be 0 after a timeout.
        sample_index: index of the first sample, counted at the sample rate from the opening;
            lost samples are counted too.
        time_s: device time of the first sample.
        discontinuity: samples were lost in front of this chunk; a detector drops its history.
        end: nothing will follow (end of a recording).
    """

    samples: np.ndarray
    sample_index: int
    time_s: float
    discontinuity: bool = False
    end: bool = False


@runtime_checkable
class SampleChannel(Protocol):
    """What lies between two front ends: takes and gives complex64 [2, n] in any chunking."""

    def apply(self, samples: np.ndarray) -> np.ndarray:
        """Samples at the receive antennas, complex64 [2, n], for samples at the transmit ones."""


@runtime_checkable
class FrontEnd(Protocol):
    """Two transmit and two receive antennas with a common clock.

    `read` belongs to one thread and `tx_burst` to one thread; they may be different threads.

    Attributes:
        rate_hz: sample rate.
        frequency_hz: carrier.
        capabilities: of {"tx", "rx", "timed", "full_duplex"}.
    """

    rate_hz: float
    frequency_hz: float
    capabilities: frozenset[str]

    def open(self) -> None:
        """Get ready; FrontEndError when it cannot."""

    def tx_burst(self, x: np.ndarray, at: float | None = None) -> None:
        """Send complex [2, n] of unit total mean power at device time `at`, None: next slot.

        Waits while the transmit buffer is full. A time that cannot be met is an event `late`, and
        the burst goes out in the next slot.

        Raises:
            ValueError: wrong shape, not finite, or longer than the buffer.
            FrontEndError: the buffer did not empty in time.
        """

    def flush(self, timeout_s: float) -> bool:
        """Wait until all bursts have left; False when some have not in time."""

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """Up to n samples; none when none came within `timeout_s`."""

    def events(self) -> list[Event]:
        """What happened since the last call, one entry per kind."""

    def now(self) -> float:
        """Device time in seconds."""

    def set_gain(self, tx_db: float, rx_db: float) -> None:
        """Set both gains; without effect where there is no gain to set."""

    def close(self) -> None:
        """Release everything; may be called twice."""


def create_front_end(
    kind: str, options: FrontEndOptions | dict[str, Any] | None = None, **parts: Any
) -> FrontEnd:
    """A front end by name, not opened yet.

    Args:
        kind: "sim", "file", "zmq" or "uhd".
        options: its options, or a dict of them; None: the defaults.
        parts: objects for its constructor (`channel` of sim, `clock` of sim and file).
    Raises:
        ConfigError: an unknown kind or option, or an impossible value.
        FrontEndError: the kind needs a package that is missing.
    Source: waveform.md section 13.
    """
    if kind not in FRONT_ENDS:
        close = difflib.get_close_matches(str(kind), FRONT_ENDS, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ConfigError(f"front_end must be one of {', '.join(FRONT_ENDS)}, got {kind!r}{hint}")
    options = front_end_options(kind, options)
    module, _, name = FRONT_ENDS[kind].partition(":")
    try:
        factory = getattr(importlib.import_module(module, __package__), name)
    except ImportError as error:
        cure = _PACKAGES.get(kind, "run scsc doctor")
        raise FrontEndError(kind, f"cannot be loaded: {error}", cure) from error
    return factory(options, **parts)


def open_front_end(
    kind: str, options: FrontEndOptions | dict[str, Any] | None = None, **parts: Any
) -> FrontEnd:
    """As `create_front_end`, opened."""
    front_end = create_front_end(kind, options, **parts)
    try:
        front_end.open()
    except BaseException:
        front_end.close()
        raise
    return front_end


def check_burst(x: np.ndarray, limit_samples: int) -> np.ndarray:
    """The burst as complex64 [2, n]; ValueError when it is none or longer than the buffer."""
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[0] != N_ANTENNAS or x.shape[1] == 0 or x.dtype.kind not in "fc":
        raise ValueError(f"x must be complex [2, n], n > 0, got {x.dtype} {list(x.shape)}")
    if x.shape[1] > limit_samples:
        raise ValueError(f"x must have at most {limit_samples} samples, got {x.shape[1]}")
    if not np.isfinite(x).all():
        raise ValueError("x must be finite")
    return x.astype(np.complex64, copy=False)


def no_samples() -> np.ndarray:
    """complex64 [2, 0], what a read without result gives."""
    return np.zeros((N_ANTENNAS, 0), np.complex64)
