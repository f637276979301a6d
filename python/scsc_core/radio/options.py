# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the front ends: one validated model per kind."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..config import build

MIN_GAP_SAMPLES = 64  # the transmit/receive switch of a radio, and what the receiver was tried with
_ADDRESS = re.compile(r"(?:tcp://(?:\[[0-9a-fA-F:.]+\]|[^\s/:]+):(\d{1,5})|ipc://\S+)")


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[1] or 1) < 65536:
        raise ValueError(
            f"address must be tcp://HOST:PORT or ipc://PATH, such as tcp://127.0.0.1:5555, "
            f"got {text!r}"
        )
    return text


def _pair(value: Any) -> Any:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 2 or not all(parts):
        raise ValueError(f"antennas must be two port names with a comma, got {value!r}")
    return tuple(str(part).strip() for part in parts)


Address = Annotated[str, AfterValidator(_address)]
Antennas = Annotated[tuple[str, str], BeforeValidator(_pair)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class FrontEndOptions(BaseModel):
    """What all front ends share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    direction: Literal["tx", "rx", "both"] = "both"
    rate_hz: Finite = Field(1e6, gt=0, le=250e6)
    frequency_hz: Finite = Field(2.45e9, gt=0, le=100e9)
    backoff_db: Finite = Field(0.0, ge=0, le=40)  # transmit level below 0.30 rms per antenna
    gap_samples: int = Field(128, ge=MIN_GAP_SAMPLES, le=10_000_000)  # between bursts
    buffer_samples: int = Field(1 << 20, ge=1 << 14, le=1 << 28)  # per antenna, waiting to leave
    timeout_s: Finite | None = Field(5.0, gt=0)  # for a full buffer or a peer; None: for ever

    @property
    def sends(self) -> bool:
        """Whether the transmit side is wanted."""
        return self.direction != "rx"

    @property
    def receives(self) -> bool:
        """Whether the receive side is wanted."""
        return self.direction != "tx"

    @property
    def follows_clock(self) -> bool:
        """Whether sample time goes on by itself: a radio, or `realtime`."""
        return getattr(self, "realtime", True)


class SimOptions(FrontEndOptions):
    """One process: what is sent is received, through a channel."""

    realtime: bool = False  # samples pass at rate_hz of the wall clock


class FileOptions(FrontEndOptions):
    """A SigMF recording of two antennas: direction rx replays, tx records what is sent."""

    direction: Literal["tx", "rx"] = "rx"
    sigmf: str = Field(min_length=1)  # with or without .sigmf-meta
    loop: bool = False  # replay from the start at the end
    realtime: bool = False  # replay at rate_hz of the wall clock
    overwrite: bool = False  # record over an existing recording


class ZmqOptions(FrontEndOptions):
    """Samples from and to other processes or hosts, as GNU Radio's REQ and REP blocks speak."""

    tx_address: Address = "tcp://127.0.0.1:5555"  # bound by the transmitter
    rx_address: Address = "tcp://127.0.0.1:5556"  # where the receiver connects to
    realtime: bool = False  # the transmitter sends silence too, at rate_hz of the wall clock
    tail_samples: int = Field(20_000, ge=0, le=10_000_000)  # zeros behind the last burst


class UhdOptions(FrontEndOptions):
    """A USRP with two channels, or two of them as one device."""

    args: str = ""  # device address of UHD, such as type=b200
    tx_subdev: str = ""  # such as "A:A A:B"; empty: the device's own choice
    rx_subdev: str = ""
    tx_antennas: Antennas = ("TX/RX", "TX/RX")
    rx_antennas: Antennas = ("RX2", "RX2")
    tx_gain_db: Finite = Field(10.0, ge=-50, le=120)
    rx_gain_db: Finite = Field(20.0, ge=-50, le=120)
    clock_source: str = "internal"
    time_source: str = "none"  # none: the device's own time, set at the opening
    master_clock_hz: Finite | None = Field(None, gt=0)
    lo_offset_hz: Finite | None = None  # None: 0.75 rate_hz; 0: off
    bandwidth_hz: Finite | None = Field(None, gt=0)
    lead_s: Finite = Field(0.01, ge=0.005, le=10)  # from now to the earliest burst
    pad_samples: int = Field(64, ge=0, le=10_000)  # zeros behind a burst, so that filters empty
    stream_args: str = ""  # such as "recv_frame_size=8000"

    @model_validator(mode="after")
    def _check_lo_offset(self) -> UhdOptions:
        offset = abs(self.lo_offset)
        if offset and offset <= 0.6 * self.rate_hz:
            raise ValueError(
                f"lo_offset_hz must be above 0.6 rate_hz = {0.6 * self.rate_hz:g}, so that the "
                f"carrier leaves the band, or 0; got {self.lo_offset_hz:g}"
            )
        return self

    @property
    def lo_offset(self) -> float:
        """Distance of the local oscillator from the carrier in Hz."""
        return 0.75 * self.rate_hz if self.lo_offset_hz is None else self.lo_offset_hz


OPTIONS: dict[str, type[FrontEndOptions]] = {
    "sim": SimOptions,
    "file": FileOptions,
    "zmq": ZmqOptions,
    "uhd": UhdOptions,
}


def front_end_options(
    kind: str, values: FrontEndOptions | dict[str, Any] | None = None
) -> FrontEndOptions:
    """The validated options of a kind.

    Raises:
        ConfigError: an unknown option, with close matches, or an impossible value.
        ValueError: options of another kind.
    """
    model = OPTIONS[kind]
    if isinstance(values, FrontEndOptions):
        if not isinstance(values, model):
            raise ValueError(f"options must be {model.__name__}, got {type(values).__name__}")
        return values
    return build(model, dict(values or {}), f"front end {kind}")
