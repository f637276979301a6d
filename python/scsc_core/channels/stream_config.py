# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the sample-level radio channel."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .fading import noise_variance

CORRELATED_MODELS = ("rayleigh", "rician", "exp", "tdl", "taps")
MAX_DELAY_SAMPLES = 1_000_000


def parse_delay(text: str | int) -> tuple[int, int]:
    """Least and largest delay in samples of "500" or "500:3000"; ValueError for anything else."""
    if not (match := re.fullmatch(r"\s*(\d+)\s*(?::\s*(\d+)\s*)?", str(text))):
        raise ValueError(f"delay_samples must be an integer or lo:hi, got {text!r}")
    low = int(match[1])
    high = int(match[2]) if match[2] else low
    if not low <= high <= MAX_DELAY_SAMPLES:
        raise ValueError(
            f"delay_samples must be in 0 .. {MAX_DELAY_SAMPLES} with lo <= hi, got {text!r}"
        )
    return low, high


def block_samples(block: str) -> int | None:
    """Samples of a block for "samples:<n>", None for per_frame and doppler; ValueError otherwise."""
    if block in ("per_frame", "doppler"):
        return None
    if match := re.fullmatch(r"samples:(\d+)", block):
        if int(match[1]) >= 16:
            return int(match[1])
    raise ValueError(f"block must be per_frame, doppler or samples:<n> with n >= 16, got {block!r}")


def _check_block(block: str) -> str:
    block_samples(block)
    return block


def _check_delay(text: str) -> str:
    parse_delay(text)
    return text


def _as_list(value: Any) -> Any:
    """Numbers of "0, 50, 120", of a list or of a tuple."""
    if isinstance(value, str):
        return tuple(part for part in value.replace(",", " ").split())
    return value


class ProcessSeeds(NamedTuple):
    """A SeedSequence for every random process of a channel."""

    fading: np.random.SeedSequence
    noise: np.random.SeedSequence
    phase: np.random.SeedSequence
    csi_error: np.random.SeedSequence
    delay: np.random.SeedSequence
    interferer: np.random.SeedSequence


Finite = Annotated[float, Field(allow_inf_nan=False)]
Numbers = Annotated[tuple[Finite, ...], BeforeValidator(_as_list)]


class StreamChannelConfig(BaseModel):
    """The 2 x 2 radio channel between two front ends, sample by sample.

    Tx IQ -> Tx clip -> fading taps and delay -> sampling clock -> carrier and phase noise ->
    interferer -> noise -> Rx IQ -> DC -> quantiser.

    Levels are relative to `signal_power`, the mean power of the transmitted samples while a burst
    lasts, both antennas together; fading has E||H||_F^2 = 4, so that each receive antenna gets
    that power on average. `config.build(StreamChannelConfig, {...})` gives one-line errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate_hz: float = Field(1e6, gt=0, allow_inf_nan=False)
    signal_power: float = Field(1.0, gt=0, allow_inf_nan=False)
    carrier_share: float = Field(52 / 64, gt=0, le=1)  # used carriers / FFT size

    model: Literal[
        "awgn", "rayleigh", "rician", "exp", "tdl", "cdl", "nonstationary", "taps", "file"
    ] = "rayleigh"
    profile: Literal["A", "B", "C", "D", "E"] = "A"  # of tdl and cdl
    delay_spread_ns: float = Field(50.0, ge=0, le=1e5)  # rms, of exp, tdl and cdl
    rician_k_db: Finite = Field(9.0, ge=-60, le=60)
    delays_ns: Numbers = ()  # of model taps
    powers_db: Numbers = ()
    channel_file: str | None = None  # of model file
    correlation_tx: float = Field(0.0, ge=0, lt=1)
    correlation_rx: float = Field(0.0, ge=0, lt=1)

    block: Annotated[str, AfterValidator(_check_block)] = "per_frame"  # or samples:<n>, doppler
    doppler_hz: float = Field(0.0, ge=0, le=1e5)  # with block doppler

    snr_db: Finite = Field(9.0, ge=-50, le=200)
    snr_def: Literal["pz_n0", "rx_ant"] = "pz_n0"
    noise_var: float | None = Field(None, ge=0, allow_inf_nan=False)  # N0 in link units

    delay_samples: Annotated[str, BeforeValidator(str), AfterValidator(_check_delay)] = "0"
    delay_frac: float = Field(0.0, ge=0, lt=1)
    sfo_ppm: Finite = Field(0.0, ge=-1000, le=1000)
    cfo_hz: Finite = 0.0
    phase_noise: float = Field(0.0, ge=0, le=1)  # random walk, rad per sample

    tx_iq_gain_db: Finite = Field(0.0, ge=-10, le=10)
    tx_iq_phase_deg: Finite = Field(0.0, ge=-45, le=45)
    rx_iq_gain_db: Finite = Field(0.0, ge=-10, le=10)
    rx_iq_phase_deg: Finite = Field(0.0, ge=-45, le=45)
    tx_clip_dbfs: float | None = Field(None, ge=-40, le=20)
    dc_dbc: float | None = Field(None, ge=-150, le=40)
    cw_db: float | None = Field(None, ge=-150, le=60)
    cw_hz: Finite = 0.0
    quant_bits: int | None = Field(None, ge=2, le=16)

    csi_error: float = Field(0.0, ge=0, le=1)  # variance of an entry of H_hat - H
    seed: int = Field(1, ge=0, lt=1 << 63)

    @model_validator(mode="after")
    def _check_combination(self) -> StreamChannelConfig:
        if (self.model == "file") != (self.channel_file is not None):
            raise ValueError(
                "channel_file must be given with model file, and only there; "
                f"got model {self.model}, channel_file {self.channel_file}"
            )
        if len(self.delays_ns) != len(self.powers_db) or (self.model == "taps") != bool(
            self.delays_ns
        ):
            raise ValueError(
                "delays_ns and powers_db must be given with model taps, and only there, as lists of "
                f"one length; got model {self.model}, {len(self.delays_ns)} and "
                f"{len(self.powers_db)} values"
            )
        if any(delay < 0 for delay in self.delays_ns):
            raise ValueError(f"delays_ns must be >= 0, got {min(self.delays_ns)}")
        if (self.block == "doppler") != (self.doppler_hz > 0):
            raise ValueError(
                "doppler_hz must be > 0 with block doppler, and 0 without; "
                f"got block {self.block}, doppler_hz {self.doppler_hz:g}"
            )
        if self.block == "doppler" and self.model in ("awgn", "file"):
            raise ValueError(f"block doppler needs a fading model, got model {self.model}")
        if self.model not in CORRELATED_MODELS and (self.correlation_tx or self.correlation_rx):
            raise ValueError(
                f"correlation_tx and correlation_rx need model {', '.join(CORRELATED_MODELS)}, "
                f"got model {self.model}"
            )
        if self.doppler_hz > self.sample_rate_hz / 1000:
            raise ValueError(
                f"doppler_hz must be at most sample_rate_hz / 1000, got {self.doppler_hz:g}"
            )
        for name in ("cfo_hz", "cw_hz"):
            if abs(getattr(self, name)) > self.sample_rate_hz / 2:
                raise ValueError(
                    f"{name} must be within +-sample_rate_hz / 2, got {getattr(self, name):g}"
                )
        return self

    def process_seeds(self) -> ProcessSeeds:
        """Seeds spawned from `seed`: no process disturbs another's draws."""
        return ProcessSeeds(*np.random.SeedSequence(self.seed).spawn(len(ProcessSeeds._fields)))

    @property
    def link_noise_var(self) -> float:
        """N0 in link units (Pz = 1 per transmit antenna and used carrier)."""
        if self.noise_var is not None:
            return self.noise_var
        return noise_variance(self.snr_db, self.snr_def, 2)

    @property
    def sample_noise_var(self) -> float:
        """Noise variance of a received sample: N0 / Ptot per used carrier, spread over all carriers.

        A carrier of unit power has amplitude sqrt(n_fft / used) in a sample of unit power.
        """
        return self.link_noise_var / 2 / self.carrier_share * self.signal_power

    @property
    def rx_full_scale(self) -> float:
        """Full scale of the receiver's converters: its mean signal is at an rms of 0.30 of it."""
        return math.sqrt(self.signal_power) / 0.30

    @property
    def tx_full_scale(self) -> float:
        """Full scale of a transmitter's converter: one antenna is at an rms of 0.30 of it."""
        return math.sqrt(self.signal_power / 2) / 0.30
