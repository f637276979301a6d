# SPDX-License-Identifier: GPL-3.0-or-later
"""Command-line flags of the programs over the air: front end, waveform, simulated channel."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..channels.stream_config import StreamChannelConfig
from ..config import load_config, read_yaml
from ..radio.feedback_link import DEFAULT_ADDRESS, check_feedback
from ..radio.options import OPTIONS, FrontEndOptions
from ..waveform.configuration import WaveformConfig
from .config_flags import add_config_flags, given_flags

KINDS = ("sim", "zmq", "file", "usrp")
USAGE = "%(prog)s (--usrp [ARGS] | --zmq [ADDR] | --file NAME | --sim) [options]"
# Set by the programs themselves, or by the option that names the front end.
NOT_FLAGS = ("direction", "timeout_s", "args", "sigmf", "overwrite")
# Keys of a LinkConfig for its simulated channel and its detector: over the air there are two antennas,
# the channel is what it is, and detection is always ML.
_NOT_OVER_THE_AIR = {
    *("channel", "channel_profile", "channel_set", "channel_split", "fading", "fading_uses"),
    *("csi_handling", "detector", "llr", "cen", "n_tx", "n_rx"),
    *(set(StreamChannelConfig.model_fields) & set(WaveformConfig.model_fields)),
}
WAVEFORM_KEYS = tuple(key for key in WaveformConfig.model_fields if key not in _NOT_OVER_THE_AIR)
_NOT_OF_CHANNEL = ("sample_rate_hz", "signal_power", "carrier_share")
_ROOM_TIMEOUT_S = 5.0  # for room in a transmit buffer; the stations never fill it


def add_front_end_arguments(parser: argparse.ArgumentParser, side: str) -> None:
    """Which front end, and every option of every front end."""
    group = parser.add_argument_group("front end", "one of them is needed")
    kinds = group.add_mutually_exclusive_group(required=True)
    usrp = "two-channel USRP; ARGS as for uhd_find_devices"
    kinds.add_argument("--usrp", nargs="?", const="", metavar="ARGS", help=usrp)
    address = OPTIONS["zmq"].model_fields[f"{'rx' if side == 'rx' else 'tx'}_address"].default
    kinds.add_argument(
        "--zmq", nargs="?", const=address, metavar="ADDR", help=f"virtual radio ({address})"
    )
    what = "replay" if side == "rx" else "write"
    kinds.add_argument("--file", metavar="NAME", help=f"SigMF recording to {what}")
    kinds.add_argument(
        "--sim", action="store_true", help="both ends in this process, over a simulated channel"
    )
    group.add_argument(
        "--radio-config", action="append", default=[], metavar="YAML", help="layered files of these"
    )
    options: dict[str, Any] = {}
    for model in OPTIONS.values():
        for name, field in model.model_fields.items():
            if name not in NOT_FLAGS:
                options.setdefault(name, field)
    add_config_flags(group, options, "front_end")


def add_waveform_arguments(parser: argparse.ArgumentParser) -> None:
    """--config and the keys of WaveformConfig, those of a simulated channel left out."""
    group = parser.add_argument_group("link over the air")
    group.add_argument(
        "--config", action="append", default=[], metavar="YAML", help="layered files, later win"
    )
    fields = WaveformConfig.model_fields
    add_config_flags(group, {key: fields[key] for key in WAVEFORM_KEYS}, "waveform")


def add_channel_arguments(parser: argparse.ArgumentParser) -> None:
    """--channel-config and the keys of StreamChannelConfig."""
    group = parser.add_argument_group("simulated channel", "with --sim only")
    group.add_argument(
        "--channel-config", action="append", default=[], metavar="YAML", help="layered files"
    )
    add_air_flags(group, without=_NOT_OF_CHANNEL)


def add_air_flags(group: Any, without: tuple[str, ...] = ()) -> None:
    """One flag per key of StreamChannelConfig, with the defaults of programs."""
    fields = dict(StreamChannelConfig.model_fields)
    for name, value in air_defaults({}).items():
        fields[name] = copy(fields[name])
        fields[name].default = value
    kept = {name: field for name, field in fields.items() if name not in without}
    add_config_flags(group, kept, "air")


def air_defaults(named: dict[str, Any]) -> dict[str, Any]:
    """What programs add to the keys of a channel that were named: TDL-A, 30 ns, 5 Hz Doppler, 15 dB.

    A channel of one's own choice gets no delay spread, and none that stands still gets Doppler.
    """
    values: dict[str, Any] = {"snr_db": 15.0}
    if "model" not in named:
        values |= {"model": "tdl", "profile": "A", "delay_spread_ns": 30.0}
    if "block" not in named and named.get("model") not in ("awgn", "file"):
        values |= {"block": "doppler", "doppler_hz": 5.0}
    return {key: value for key, value in values.items() if key not in named}


def air_config(
    files: list[str], flags: dict[str, Any], fixed: dict[str, Any] | None = None
) -> StreamChannelConfig:
    """The channel of files and flags, with the defaults of programs where neither names a key.

    Args:
        fixed: values that the caller knows.
    Raises:
        ConfigError: an unreadable file, an unknown key, an impossible value.
    """
    named = {key: value for file in files for key, value in read_yaml(Path(file)).items()} | flags
    values = {**air_defaults(named), **flags, **(fixed or {})}
    return load_config(StreamChannelConfig, files, values)


def add_feedback_argument(group: Any, side: str) -> None:
    """--feedback."""
    what = "where to send feedback to" if side == "rx" else "bound for feedback"
    group.add_argument(
        "--feedback",
        default=None,
        metavar="ADDR",
        help=f"{what}, or none (default {DEFAULT_ADDRESS}; none with --file)",
    )


def front_end_kind(options: argparse.Namespace) -> str:
    """ "sim", "zmq", "file" or "uhd"."""
    chosen = next(kind for kind in KINDS if getattr(options, kind) not in (None, False))
    return "uhd" if chosen == "usrp" else chosen


def front_end_config(options: argparse.Namespace, direction: str) -> FrontEndOptions:
    """Options of the chosen front end; ConfigError for one that it does not have."""
    kind = front_end_kind(options)
    values = given_flags(options, "front_end")
    values["direction"] = "both" if kind == "sim" else direction
    if kind == "zmq":
        name = "rx_address" if direction == "rx" else "tx_address"
        values.setdefault(name, options.zmq)
    if kind == "file":
        values["sigmf"] = options.file
        values["overwrite"] = options.overwrite
    if kind == "uhd":
        values["args"] = options.usrp
    model = load_config(OPTIONS[kind], options.radio_config, values)
    # Who waits for a peer waits as long as --timeout says, not as long as the front end would.
    waits = kind == "zmq" and direction != "tx"
    return model.model_copy(update={"timeout_s": None if waits else _ROOM_TIMEOUT_S})


def waveform_config(options: argparse.Namespace) -> WaveformConfig:
    """Configuration of the files and the flags on top."""
    return load_config(WaveformConfig, options.config, given_flags(options, "waveform"))


def channel_config(
    options: argparse.Namespace, radio: FrontEndOptions, waveform: WaveformConfig
) -> StreamChannelConfig | None:
    """Configuration of the simulated channel; None without --sim, where its flags are refused.

    Raises:
        ConfigError: an impossible value.
        ValueError: a flag of the channel with another front end.
    """
    flags = given_flags(options, "air")
    if not options.sim:
        if flags or options.channel_config:
            name = next(iter(flags), "channel_config")
            raise ValueError(
                f"--{name.replace('_', '-')} is for --sim; elsewhere the channel is what it is "
                "(scsc channel simulates one for --zmq)"
            )
        return None
    carriers = waveform.carriers
    fixed = {
        "sample_rate_hz": radio.rate_hz,
        "carrier_share": carriers.n_used / carriers.n_fft,
    }
    return air_config(options.channel_config, flags, fixed)


def front_end_parts(channel: StreamChannelConfig | None) -> dict[str, Any]:
    """What a front end's constructor wants beside its options: the simulated channel."""
    if channel is None:
        return {}
    from ..channels.stream_channel import StreamChannel

    return {"channel": StreamChannel(channel)}


def feedback_address(options: argparse.Namespace) -> str:
    """The address of the feedback path, or "none"."""
    kind = front_end_kind(options)
    if options.feedback is None:
        return "none" if kind in ("file", "sim") else DEFAULT_ADDRESS
    if kind in ("file", "sim"):
        raise ValueError(f"--feedback has no meaning with --{kind}, got {options.feedback}")
    return check_feedback(options.feedback)


def check_positive(options: argparse.Namespace, names: Iterable[str]) -> None:
    """ValueError unless each of these, where given, is above 0."""
    for name in names:
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be > 0, got {value}")


def as_plain(model: BaseModel | None) -> dict[str, Any] | None:
    """A model as JSON has it."""
    return None if model is None else model.model_dump(mode="json")
