# SPDX-License-Identifier: GPL-3.0-or-later
"""One command-line flag per key of a configuration model; the model checks the values."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

_HELP = {
    "codec": "bpg, jpeg or jpeg2000",
    "qp": "quality on the codec's own scale",
    "mode": "fixed or rate_matched",
    "ppen": "none, a PPEN model's name (scsc models list) or a .safetensors file",
    "cbr_target": "channel uses per source sample to stay under",
    "code_rate": "such as 1/2",
    "modulation": "bpsk, qpsk, 16qam or 64qam",
    "fec": "nr_ldpc, polar, gallager or none",
    "precoder": "none, svd_wf, pcen ...; all but none want feedback",
    "slices": "that a picture is coded in",
    "numerology": "FFT size, and cyclic prefix where it is not a quarter: 64, 128, 256, 64-cp8",
    "nsym": "data symbols of a full frame",
    "open_loop": "none, alamouti or drop: without a usable channel report",
    "csi_max_age_s": "older channel reports are not used",
    "harq": "send again what did not arrive",
    "rate_hz": "sample rate",
    "frequency_hz": "carrier",
    "backoff_db": "lowers the transmit level",
    "gap_samples": "between bursts",
    "realtime": "samples pass at the rate of the wall clock (sim, file, zmq)",
    "loop": "replay from the start at the end (file)",
    "tx_address": "bound by the transmitter (zmq)",
    "rx_address": "where the receiver asks for samples (zmq)",
    "tx_gain_db": "(usrp)",
    "rx_gain_db": "(usrp)",
    "clock_source": "internal, external, gpsdo (usrp)",
    "time_source": "none, external, gpsdo (usrp)",
    "lo_offset_hz": "of the oscillator from the carrier (usrp)",
    "lead_s": "from now to the earliest burst (usrp)",
    "model": "awgn, rayleigh, rician, exp, tdl, cdl, nonstationary, taps or file",
    "profile": "A to E, of tdl and cdl",
    "delay_spread_ns": "rms, of exp, tdl and cdl",
    "snr_db": "see snr_def",
    "block": "per_frame, samples:N or doppler",
    "doppler_hz": "with --block doppler",
    "seed": "of fading and noise",
}


def add_config_flags(group: Any, fields: Mapping[str, FieldInfo], prefix: str) -> None:
    """A flag `--some-key` for each key; those that are true or false may stand without a value."""
    for name, field in fields.items():
        default = "" if field.is_required() else f"(default {field.default})"
        text = f"{_HELP.get(name, '')} {default}".strip().replace("%", "%%")
        switch = {"nargs": "?", "const": "true"} if field.annotation is bool else {}
        flag = f"--{name.replace('_', '-')}"
        group.add_argument(flag, dest=f"{prefix}_{name}", metavar="V", help=text, **switch)


def given_flags(options: argparse.Namespace, prefix: str) -> dict[str, Any]:
    """The values of the flags that were given, by key."""
    start = f"{prefix}_"
    given = {
        name.removeprefix(start): value
        for name, value in vars(options).items()
        if name.startswith(start) and value is not None
    }
    if isinstance(given.get("mean_colour"), str):
        given["mean_colour"] = tuple(given["mean_colour"].split(","))
    return given
