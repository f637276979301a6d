# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the link over the air: a LinkConfig with frames, channel feedback and HARQ."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .. import mimo
from ..config import Finite, LinkConfig, build
from .fec_codes import CODE_RATES
from .frame_code import FrameFormat, frame_code
from .numerology import Numerology, numerology
from .picture_slices import MAX_SLICES

DEFAULT_SLICES = 4
DEFAULT_DATA_SAMPLES = 54 * 64  # of a full frame, prefixes not counted
# Seconds that the table of one carrier takes, of precoders that take more than 0.05 ms for it.
_TABLE_TIME_S = {"pcen_unfolded": 1.25e-3}


def _check_numerology(name: str) -> str:
    numerology(name)
    return name


class WaveformConfig(LinkConfig):
    """One link over the air; the keys of LinkConfig and these, in the same flat YAML files.

    Of LinkConfig the simulated channel (channel, fading, snr_db ...) is not used: noise and channel are
    measured. Ages and timeouts are in seconds of the clock of the end that uses them.
    """

    fec: Literal["nr_ldpc", "polar", "gallager", "none"] = "nr_ldpc"
    modulation: Literal["bpsk", "qpsk", "16qam", "64qam"] = "qpsk"
    lost_picture: Literal["mean_colour", "damaged"] = "damaged"

    slices: int | None = Field(None, ge=1, le=MAX_SLICES)  # of a picture; None: 4, with HARQ 1

    numerology: Annotated[str, BeforeValidator(str), AfterValidator(_check_numerology)] = "64"
    nsym: int | None = Field(None, ge=1)  # data symbols of a full frame; None: 54 at 64 points

    csi_max_age_s: Finite = Field(0.020, gt=0, le=60)  # older reports are not used
    csi_wait_s: Finite = Field(0.050, ge=0, le=60)  # for the first report, before open loop
    csi_report_interval_s: Finite = Field(0.005, ge=0, le=60)  # shortest time between reports
    csi_group: int = Field(1, ge=1, le=8)  # carriers that share one reported matrix
    open_loop: Literal["none", "alamouti", "drop"] = "none"  # without a usable report

    harq: bool = False
    harq_window: int = Field(4, ge=1, le=32)  # pictures in flight; 1: stop and wait
    harq_transmissions: int = Field(8, ge=1, le=64)  # of one frame, the first included
    harq_timeout_s: Finite = Field(0.020, gt=0, le=60)  # without feedback, before sending again
    harq_report_interval_s: Finite = Field(0.002, ge=0, le=60)
    harq_silence_s: Finite = Field(1.0, gt=0, le=600)  # no message for so long: peer is deaf

    queue_pictures: int = Field(8, ge=1, le=256)  # waiting at the transmitter
    pictures_in_flight: int = Field(4, ge=1, le=64)  # being put together at the receiver
    picture_timeout_s: Finite = Field(0.5, gt=0, le=600)  # after its last frame a picture is closed
    soft_buffer_bytes: int = Field(1 << 26, ge=1 << 16)  # HARQ memory of the receiver
    state_interval_s: Finite = Field(0.1, gt=0, le=600)  # between two messages of receiver counters

    @model_validator(mode="after")
    def _check_waveform(self) -> WaveformConfig:
        if (self.n_tx, self.n_rx) != (2, 2):
            raise ValueError(
                f"n_tx and n_rx must be 2 over the air, got {self.n_tx} and {self.n_rx}"
            )
        if self.mode == "adaptive":
            raise ValueError("mode must be fixed or rate_matched over the air, got adaptive")
        if str(self.rate) not in CODE_RATES:
            raise ValueError(
                f"code_rate must be one of {', '.join(CODE_RATES)} over the air, "
                f"got {self.code_rate}"
            )
        if self.full_nsym > self.carriers.max_nsym:
            raise ValueError(
                f"nsym must be at most {self.carriers.max_nsym} with numerology {self.numerology}, "
                f"got {self.nsym}"
            )
        bits, streams = mimo.bits_per_symbol(self.modulation), self.streams
        if not mimo.supports(self.precoder, bits, 2, 2, streams):
            usable = [name for name in mimo.PRECODERS if mimo.supports(name, bits, 2, 2, streams)]
            raise ValueError(
                f"precoder must be one of {', '.join(usable)} with modulation {self.modulation} "
                f"and {streams} stream{'s' * (streams > 1)}, got {self.precoder}"
            )
        self._check_table_time()
        if self.harq and self.harq_window > self.pictures_in_flight:
            raise ValueError(
                f"harq_window must be at most pictures_in_flight = {self.pictures_in_flight}, "
                f"got {self.harq_window}"
            )
        frame_code(self.frame_format(), self.interleaver, self.max_iterations)
        return self

    def _check_table_time(self) -> None:
        """Half of the time between reports may go into tables, and reports must outlive it."""
        time_s = _TABLE_TIME_S.get(self.precoder, 0.0) * self.carriers.n_data
        interval_s, age_s = 2 * time_s, 4 * time_s
        if self.csi_report_interval_s < interval_s or self.csi_max_age_s < age_s:
            raise ValueError(
                f"precoder {self.precoder} takes {time_s:.2f} s for the tables of a report: set "
                f"csi_report_interval_s to at least {interval_s:.2f} and csi_max_age_s to at least "
                f"{age_s:.2f}, or take precoder pcen, which takes 1 ms"
            )

    @property
    def carriers(self) -> Numerology:
        """The Numerology that `numerology` names."""
        return numerology(self.numerology)

    @property
    def full_nsym(self) -> int:
        """Data symbols of a full frame: 54, 27 or 14 by default."""
        return self.nsym or round(DEFAULT_DATA_SAMPLES / self.carriers.n_fft)

    @property
    def n_slices(self) -> int:
        """Slices that a picture is coded in: docs/closed_loop.md says what they cost and save."""
        return self.slices or (1 if self.harq else DEFAULT_SLICES)

    def frame_format(self, streams: int | None = None, nsym: int | None = None) -> FrameFormat:
        """Format of a frame with these streams and data symbols; None takes the configured ones."""
        return FrameFormat(
            self.modulation,
            streams or self.streams,
            self.fec,
            self.nominal_rate,
            nsym or self.full_nsym,
            self.carriers.n_data,
        )

    @property
    def link(self) -> LinkConfig:
        """The part that Transmitter and Receiver of the link use: codec, PPEN, lost pictures."""
        values = {name: getattr(self, name) for name in LinkConfig.model_fields}
        if self.fec == "none":
            values["fec"] = "nr_ldpc"  # blocks are coded frame by frame here, not by the link
        return build(LinkConfig, values)

    @property
    def nominal_rate(self) -> str:
        """The code rate as the frame header names it, "1/2" for 0.5."""
        return str(Fraction(self.rate))

    @property
    def closed_loop(self) -> bool:
        """Whether the precoder wants to know the channel."""
        return self.precoder != "none"

    def with_changes(self, **changes: Any) -> WaveformConfig:
        """A validated copy with some values changed; ConfigError when the result is impossible."""
        return build(WaveformConfig, {**self.model_dump(), **changes})
