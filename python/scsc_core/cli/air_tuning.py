# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run over the air would tune and how large its frames are, without opening anything."""

from __future__ import annotations

from typing import Any

from ..channels.stream_config import StreamChannelConfig
from ..radio.feedback_link import NONE
from ..radio.options import FrontEndOptions
from ..waveform.configuration import WaveformConfig
from ..waveform.frame_code import frame_code


def summary(
    kind: str,
    radio: FrontEndOptions,
    config: WaveformConfig,
    channel: StreamChannelConfig | None = None,
    feedback: str = NONE,
) -> str:
    """What runs and where, in one line."""
    quality = "" if config.qp is None else f" QP {config.qp:g}"
    link = [f"{config.codec}{quality}", f"{config.modulation} {config.nominal_rate}"]
    link += [f"precoder {config.precoder}"] + ["HARQ"] * config.harq
    parts = [f"{_where(kind, radio)} at {radio.rate_hz / 1e6:g} Msps", ", ".join(link)]
    if feedback != NONE:
        parts.append(f"feedback {feedback}")
    if channel is not None:
        parts.append(channel_summary(channel))
    return "; ".join(parts)


def _where(kind: str, radio: FrontEndOptions) -> str:
    if kind == "zmq":
        return f"zmq {radio.tx_address if radio.sends else radio.rx_address}"
    if kind == "file":
        return f"file {radio.sigmf}"
    if kind == "uhd":
        return f"uhd {radio.args or 'first device'}, {radio.frequency_hz / 1e6:g} MHz"
    return kind


def channel_summary(channel: StreamChannelConfig) -> str:
    """A simulated channel in some words, its impairments left out."""
    words = {
        "tdl": f"TDL-{channel.profile} {channel.delay_spread_ns:g} ns",
        "cdl": f"CDL-{channel.profile} {channel.delay_spread_ns:g} ns",
        "exp": f"exponential profile {channel.delay_spread_ns:g} ns",
        "rician": f"rician {channel.rician_k_db:g} dB",
    }
    fading = f"{channel.doppler_hz:g} Hz Doppler" if channel.block == "doppler" else channel.block
    still = channel.model in ("awgn", "file")
    noise = f"SNR {channel.snr_db:g} dB ({channel.snr_def})"
    if channel.noise_var is not None:
        noise = f"noise_var {channel.noise_var:g}"
    name = words.get(channel.model, channel.model)
    return ", ".join([f"channel {name}", *([] if still else [fading]), noise])


def tuning(kind: str, radio: FrontEndOptions, config: WaveformConfig) -> dict[str, Any]:
    """Carrier, rate, gains, addresses, and the frame of a link.

    Args:
        kind: "sim", "zmq", "file" or "uhd".
    """
    carriers = config.carriers
    samples = carriers.frame_samples(config.full_nsym)
    code = frame_code(config.frame_format(), config.interleaver, config.max_iterations)
    period_s = (samples + radio.gap_samples) / radio.rate_hz
    values: dict[str, Any] = {
        "rate_hz": radio.rate_hz,
        "frequency_hz": radio.frequency_hz,
        "carrier_spacing_hz": radio.rate_hz / carriers.n_fft,
        "occupied_hz": radio.rate_hz * (carriers.n_used + 1) / carriers.n_fft,
        "frame_samples": samples,
        "frame_ms": round(1e3 * samples / radio.rate_hz, 4),
        "frame_bytes": code.payload_bytes,
        "bits_per_second": round(8 * code.payload_bytes / period_s),
    }
    if kind == "uhd":
        names = ("args", "clock_source", "time_source", "lead_s")
        sides = [side for side in ("tx", "rx") if radio.direction in (side, "both")]
        names += tuple(
            f"{side}_{name}" for side in sides for name in ("gain_db", "antennas", "subdev")
        )
        values |= {name: getattr(radio, name) for name in names}
        values["lo_frequency_hz"] = radio.frequency_hz + radio.lo_offset
    if kind == "zmq":
        values |= {"tx_address": radio.tx_address, "rx_address": radio.rx_address}
    if kind == "file":
        values["recording"] = radio.sigmf
    return values
