# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual radio as three processes: `scsc tx --zmq`, `scsc channel`, `scsc rx --zmq` on loopback.

The programs are those that everybody starts by hand; this module only starts them, reads the JSON
lines that they print, and ends them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..channels.stream_config import StreamChannelConfig
from ..waveform.configuration import WaveformConfig

PROGRAMS = ("tx", "rx", "channel")
EXIT_DONE, EXIT_INCOMPLETE = 0, 4  # of scsc tx and scsc rx; others are faults
_LOOK_S = 0.05
_END_S = 10.0  # for a program to end in order
_INTERVAL_S = 0.25  # between two lines of counters


@dataclass(frozen=True)
class VirtualRadio:
    """What the three programs are told.

    Attributes:
        config: WaveformConfig of both ends.
        channel: StreamChannelConfig; its sample rate is that of the ends.
        pictures: files that are sent in turn; received ones are compared with them.
        count: pictures to be sent.
        timeout_s: an end gives up when nothing gets on for so long.
    """

    config: WaveformConfig
    channel: StreamChannelConfig
    pictures: Sequence[Path]
    count: int
    timeout_s: float = 30.0


@dataclass
class Transcript:
    """What a run has printed.

    Attributes:
        tx, rx, channel: JSON lines of each program, in order.
        seconds: of the clock, from the first received picture to the last.
    """

    tx: list[dict[str, Any]] = field(default_factory=list)
    rx: list[dict[str, Any]] = field(default_factory=list)
    channel: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class ProgramError(ValueError):
    """A program of the virtual radio that could not do its part; one line with its own words."""


def run(
    radio: VirtualRadio,
    programs: Mapping[str, Path],
    on_picture: Callable[[dict[str, Any]], None] = lambda values: None,
) -> Transcript:
    """Send the pictures over the virtual radio and wait for the end.

    Args:
        radio: VirtualRadio.
        programs: scsc_tx.py, scsc_rx.py and scsc_channel.py by "tx", "rx" and "channel".
        on_picture: function of the values of each received picture, called from another thread.
    Raises:
        ProgramError: one of the programs failed; one that only missed pictures did not.
    """
    transcript = Transcript()
    times: list[float] = []

    def note(values: dict[str, Any]) -> None:
        if values["type"] == "picture":
            times.append(time.monotonic())
            on_picture(values)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        words = _words(radio, folder)
        ends = {}
        for name in ("channel", "rx", "tx"):
            lines = getattr(transcript, name)
            ends[name] = _Program(name, programs[name], words[name], lines, folder, note)
            stack.callback(ends[name].kill)
        _wait(ends)
    if len(times) > 1:
        transcript.seconds = times[-1] - times[0]
    return transcript


def _wait(ends: Mapping[str, _Program]) -> None:
    """Until both ends are done; then the channel is ended."""
    allowed = (None, EXIT_DONE, EXIT_INCOMPLETE)
    while True:
        codes = {name: end.poll() for name, end in ends.items()}
        for name, code in codes.items():
            if code not in allowed or (name == "channel" and code is not None):
                raise ProgramError(ends[name].complaint())
        if codes["tx"] is not None and codes["rx"] is not None:
            break
        time.sleep(_LOOK_S)
    ends["channel"].interrupt()
    for end in ends.values():
        end.join()


def _words(radio: VirtualRadio, folder: Path) -> dict[str, list[str]]:
    """Arguments of each program; configurations pass as files."""
    sent_at, heard_at, feedback = _free_addresses(3)
    link, air = folder / "waveform.yaml", folder / "channel.yaml"
    link.write_text(yaml.safe_dump(radio.config.model_dump(mode="json")), encoding="utf-8")
    air.write_text(yaml.safe_dump(radio.channel.model_dump(mode="json")), encoding="utf-8")
    both = ["--config", str(link), "--rate-hz", str(radio.channel.sample_rate_hz), "--json"]
    both += ["--feedback", feedback, "--timeout", str(radio.timeout_s)]
    both += ["--interval", str(_INTERVAL_S)]
    pictures = {
        flag: [word for path in radio.pictures for word in (flag, str(path))]
        for flag in ("--image", "--reference")
    }
    repeat = -(-radio.count // len(radio.pictures))
    count = ["--repeat", str(repeat), "--max-images", str(radio.count)]
    channel = ["--config", str(air), "--tx-address", sent_at, "--rx-address", heard_at]
    return {
        "tx": ["--zmq", sent_at, *both, *pictures["--image"], *count],
        "rx": ["--zmq", heard_at, *both, *pictures["--reference"]],
        "channel": [*channel, "--json", "--interval", str(_INTERVAL_S)],
    }


def _free_addresses(count: int) -> list[str]:
    """Loopback addresses whose ports are free now."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [f"tcp://127.0.0.1:{s.getsockname()[1]}" for s in sockets]


class _Program:
    """One process and the thread that reads its lines."""

    def __init__(self, name, path, words, lines, folder, note):
        self._name, self._lines, self._note = name, lines, note
        self._errors = folder / f"{name}.err"
        with self._errors.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(path), *words],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._reader = threading.Thread(target=self._read, name=f"scsc_{name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            try:
                values = json.loads(line)
            except ValueError:  # something that a library of the program has printed
                continue
            if isinstance(values, dict):
                values.setdefault("type", "counters")
                self._lines.append(values)
                self._note(values)

    def poll(self) -> int | None:
        """Exit code, None while it runs."""
        return self._process.poll()

    def interrupt(self) -> None:
        """Ask it to end in order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def join(self) -> None:
        """Wait for its end and its last line."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            raise ProgramError(f"scsc {self._name} did not end within {_END_S:g} s") from None
        self._reader.join(_END_S)

    def kill(self) -> None:
        """End it whatever it does; nothing is left running or open."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_S)
        self._process.stdout.close()

    def complaint(self) -> str:
        """What went wrong in one line, in its own words."""
        said = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        words = said[-1] if said else "it said nothing"
        return f"scsc {self._name} ended with code {self._process.poll()}: {words}"
