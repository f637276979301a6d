# SPDX-License-Identifier: GPL-3.0-or-later
"""A two-channel USRP, set up step by step; every step tells what it did or what is wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scsc_core.doctor import Finding
from scsc_core.radio.front_end import FrontEndError
from scsc_core.radio.options import UhdOptions
from scsc_core.radio.usrp_host import socket_buffers

from .uhd_blocks import LENGTH_TAG

CHANNELS = (0, 1)
_LOCK_WAIT_S = 2.0
_RATE_TOLERANCE = 1e-6
_FREQUENCY_TOLERANCE_HZ = 1000.0
_USB2_BYTES_S = 30e6


def gr_uhd() -> Any:
    """gnuradio.uhd, quiet: its letters on stderr are counted as events instead."""
    os.environ.setdefault("UHD_LOG_FASTPATH_DISABLE", "1")
    os.environ.setdefault("UHD_LOG_CONSOLE_LEVEL", "error")
    try:
        from gnuradio import uhd
    except ImportError as error:
        raise FrontEndError(
            "uhd", f"gr-uhd cannot be loaded: {error}", "apt-get install gnuradio uhd-host"
        ) from error
    return uhd


class UhdDevice:
    """Source and sink of one USRP with both antennas in each.

    Args:
        options: UhdOptions.
        api: gnuradio.uhd, or a stand-in for tests.
    Attributes:
        source, sink: usrp_source and usrp_sink, None when that direction is not wanted.
        STEPS: names and methods of the set-up, in order; each gives a line of text.
    Source: waveform.md section 13, rules of uhd; the order is that of UHD's documentation.
    """

    def __init__(self, options: UhdOptions, api: Any):
        self.options, self._api = options, api
        self.source: Any = None
        self.sink: Any = None

    @property
    def sides(self) -> list[tuple[str, Any]]:
        """("receive", source) and ("transmit", sink), those that are wanted."""
        pairs = (("receive", self.source), ("transmit", self.sink))
        return [(name, block) for name, block in pairs if block is not None]

    def find(self) -> str:
        """A device answers to the address."""
        try:
            found = self._api.find(self._api.device_addr(self.options.args))
        except RuntimeError as error:
            raise _error(f"args {self.options.args!r}: {_reason(error)}", "as type=b200") from None
        if not found:
            named = f" for args {self.options.args!r}" if self.options.args else ""
            raise _error(
                f"no device found{named}",
                "connect it and try uhd_find_devices, or take another front end, such as sim",
            )
        return " | ".join(" ".join(device.to_string().split()) for device in found)

    def claim(self) -> str:
        """It has two channels in each direction."""
        options, api = self.options, self._api
        args = options.args
        if options.master_clock_hz is not None:
            args = ",".join(filter(None, (args, f"master_clock_rate={options.master_clock_hz:g}")))
        stream = api.stream_args(
            cpu_format="fc32", args=options.stream_args, channels=list(CHANNELS)
        )
        try:
            if options.receives:
                self.source = api.usrp_source(args, stream)
                if options.rx_subdev:
                    self.source.set_subdev_spec(options.rx_subdev, 0)
            if options.sends:
                self.sink = api.usrp_sink(args, stream, LENGTH_TAG)
                if options.tx_subdev:
                    self.sink.set_subdev_spec(options.tx_subdev, 0)
            for _, block in self.sides:
                for channel in CHANNELS:
                    block.get_antennas(channel)
        except (RuntimeError, IndexError) as error:
            raise _error(
                f"two channels cannot be opened: {_reason(error)}",
                "use a device with two channels (B210, X310, N310 or a pair), and check subdev",
            ) from None
        return f"two channels each to {' and '.join(name for name, _ in self.sides)}"

    def set_clock(self) -> str:
        """Clock and time source are there and locked; the time starts at 0."""
        options, api = self.options, self._api
        for name, block in self.sides:
            for kind, wanted, offered in (
                ("clock_source", options.clock_source, block.get_clock_sources(0)),
                ("time_source", options.time_source, (*block.get_time_sources(0), "none")),
            ):
                if wanted not in offered:
                    raise _error(f"{kind} {wanted!r} is not offered", f"use {', '.join(offered)}")
            boards = range(block.get_num_mboards())
            for board in boards:
                block.set_clock_source(options.clock_source, board)
                if options.time_source != "none":
                    block.set_time_source(options.time_source, board)
            if len(boards) > 1 and options.time_source == "none":
                raise _error(
                    f"{len(boards)} devices have no common time to {name}",
                    "set clock_source and time_source, as external",
                )
        block = self.sides[0][1]
        if options.clock_source != "internal" and "ref_locked" in block.get_mboard_sensor_names(0):
            self._wait_for_lock(
                lambda: block.get_mboard_sensor("ref_locked", 0).to_bool(),
                f"clock source {options.clock_source} does not lock",
                "check the reference cable and its level",
            )
        # Source and sink are the same device: one of them sets its time.
        if options.time_source == "none":
            block.set_time_now(api.time_spec(0.0))
        else:
            block.set_time_unknown_pps(api.time_spec(0.0))
        return (
            f"clock {options.clock_source}, time {options.time_source}, "
            f"master clock {block.get_clock_rate(0) / 1e6:g} MHz"
        )

    def set_rate(self) -> str:
        """The rate is reached exactly, with the same on both sides."""
        wanted = self.options.rate_hz
        for name, block in self.sides:
            block.set_samp_rate(wanted)
            actual = block.get_samp_rate()
            if abs(actual / wanted - 1) > _RATE_TOLERANCE:
                clock = block.get_clock_rate(0)
                near = _reachable(clock, wanted)
                raise _error(
                    f"rate {wanted:g} Hz is not reachable to {name}, the device takes {actual:g}",
                    f"use one of {', '.join(f'{rate:g}' for rate in near)}, "
                    f"or another master_clock_hz than {clock:g}",
                )
        return f"{wanted:g} Hz"

    def tune(self) -> str:
        """Both channels are on the carrier with the oscillator outside the band."""
        options, results = self.options, []
        for name, block in self.sides:
            for channel in CHANNELS:
                request = self._api.tune_request(options.frequency_hz, options.lo_offset)
                block.set_center_freq(request, channel)
                actual = block.get_center_freq(channel)
                if abs(actual - options.frequency_hz) > _FREQUENCY_TOLERANCE_HZ:
                    raise _error(
                        f"{options.frequency_hz:g} Hz is outside the range to {name}, "
                        f"the device takes {actual:g}",
                        "choose a frequency that the device covers",
                    )
                if options.bandwidth_hz is not None:
                    block.set_bandwidth(options.bandwidth_hz, channel)
                results.append((block, channel, name))
        for block, channel, name in results:
            if "lo_locked" in block.get_sensor_names(channel):
                self._wait_for_lock(
                    lambda b=block, c=channel: b.get_sensor("lo_locked", c).to_bool(),
                    f"the oscillator of channel {channel} to {name} does not lock",
                    "choose another frequency_hz or lo_offset_hz",
                )
        return f"{options.frequency_hz:g} Hz, oscillator {options.lo_offset:+g} Hz away"

    def set_antennas(self) -> str:
        """The ports exist."""
        options = self.options
        for name, block in self.sides:
            wanted = options.rx_antennas if name == "receive" else options.tx_antennas
            for channel, port in zip(CHANNELS, wanted):
                offered = tuple(block.get_antennas(channel))
                if port not in offered:
                    key = "rx_antennas" if name == "receive" else "tx_antennas"
                    raise _error(
                        f"channel {channel} has no port {port!r} to {name}",
                        f"set {key} to two of {', '.join(offered)}",
                    )
                block.set_antenna(port, channel)
        parts = [f"rx {','.join(options.rx_antennas)}"] * options.receives
        parts += [f"tx {','.join(options.tx_antennas)}"] * options.sends
        return ", ".join(parts)

    def set_gains(self, tx_db: float | None = None, rx_db: float | None = None) -> str:
        """The gains are inside their ranges; both channels of a side get the same."""
        options, told = self.options, []
        for name, block in self.sides:
            key = "rx_gain_db" if name == "receive" else "tx_gain_db"
            asked = rx_db if name == "receive" else tx_db
            gain = getattr(options, key) if asked is None else asked
            for channel in CHANNELS:
                limits = block.get_gain_range(channel)
                if not limits.start() <= gain <= limits.stop():
                    raise _error(
                        f"{key} {gain:g} is out of range",
                        f"use {limits.start():g}..{limits.stop():g} dB",
                    )
                block.set_gain(gain, channel)
            told.append(f"{key} {gain:g} of {limits.start():g}..{limits.stop():g}")
        return ", ".join(told)

    STEPS: tuple[tuple[str, Callable[[UhdDevice], str]], ...] = (
        ("device", find),
        ("channels", claim),
        ("clock and time", set_clock),
        ("sample rate", set_rate),
        ("frequency", tune),
        ("antenna ports", set_antennas),
        ("gains", set_gains),
    )

    def open(self) -> None:
        """All steps; FrontEndError for the first that fails."""
        for _, step in self.STEPS:
            step(self)

    def connection(self) -> Finding:
        """What the way to the device must carry."""
        if "addr" in self.options.args:
            return replace(socket_buffers(), name="connection")
        bytes_s = len(CHANNELS) * 4 * self.options.rate_hz  # 16-bit I and Q on the wire
        detail = f"{bytes_s / 1e6:g} MB/s each way"
        if bytes_s > _USB2_BYTES_S:
            return Finding("connection", "note", detail, "USB 3, where it is USB")
        return Finding("connection", "ok", detail)

    def _wait_for_lock(self, locked: Callable[[], bool], reason: str, cure: str) -> None:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while not locked():
            if time.monotonic() > deadline:
                raise _error(reason, cure)
            time.sleep(0.05)


def _reachable(clock_hz: float, rate_hz: float) -> list[float]:
    """The two rates of even decimations, or of none, next to the wanted one; ascending."""
    decimations = sorted([1, *range(2, 514, 2)], key=lambda n: abs(n - clock_hz / rate_hz))
    return sorted(clock_hz / n for n in decimations[:2])


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())


def _error(reason: str, cure: str) -> FrontEndError:
    return FrontEndError("uhd", reason, cure)
