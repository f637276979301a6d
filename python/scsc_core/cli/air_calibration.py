# SPDX-License-Identifier: GPL-3.0-or-later
"""What `scsc calibrate` measures, step by step, and how it says so."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from .. import __version__
from ..doctor import Finding
from ..radio import calibration
from ..radio.front_end import open_front_end
from ..radio.levels import advice, measure_levels
from ..waveform.modulator import Modulator
from . import air_arguments as arguments
from .air_exit import EXIT_DONE, EXIT_INCOMPLETE, exit_code
from .link_arguments import OneLineParser
from .output import require_folder, write_whole

MIN_ATTENUATION_DB = 30.0
MIN_SNR_DB = 10.0
MAX_CONDITION_DB = 30.0
_LEAD_S = 0.005  # from now to a burst where there is no radio
GUIDE = """\
Cables before antennas: a receive port that gets the full transmit power is destroyed.

  1. Switch the transmitter off. Terminate or leave open every port that is not in use.
  2. TX 1 -- attenuator 30 to 40 dB -- RX 1, and TX 2 -- attenuator 30 to 40 dB -- RX 2. For a channel
     that mixes both, a 2x2 hybrid or two splitters and two combiners behind the attenuators.
  3. Check the power that the attenuators may take (transmit power of most devices: up to 20 dBm).
  4. Begin with small gains: --tx-gain-db 0 --rx-gain-db 0. The sweep goes up from there.
  5. scsc calibrate --usrp ARGS --attenuation-db 30 (what is in each path, in dB). Without that
     option nothing is transmitted, and only the noise floor is measured.
  6. Antennas only when the cable works, in a band and at a power that you may use."""


def parser(doc: str) -> argparse.ArgumentParser:
    """The command line."""
    result = OneLineParser(
        prog="scsc calibrate",
        usage=arguments.USAGE,
        description=doc.splitlines()[0],
        epilog=" ".join(doc.split("\n\n")[1].split()),
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"scsc {__version__}")
    run = result.add_argument_group("run")
    run.add_argument("--guide", action="store_true", help="say how to connect the cables, and end")
    run.add_argument("--dry-run", action="store_true", help="print the configuration and end")
    run.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of noise (1)")
    run.add_argument("--count", type=int, default=20, metavar="N", help="sounding frames (20)")
    run.add_argument(
        "--gains", default="0:60:10", metavar="LO:HI:STEP", help="receive gains in dB (0:60:10)"
    )
    run.add_argument(
        "--attenuation-db",
        type=float,
        metavar="DB",
        help="in every path; needed for --usrp to send",
    )
    run.add_argument(
        "--save",
        type=Path,
        metavar="YAML",
        help="write gains and settings found good, for --radio-config of scsc tx and rx",
    )
    run.add_argument("--json", action="store_true", help="print one JSON object")
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    arguments.add_front_end_arguments(result, "both")
    arguments.add_waveform_arguments(result)
    arguments.add_channel_arguments(result)
    return result


def parse_gains(text: str) -> list[float]:
    """The gains of "lo:hi:step"; ValueError for anything else."""
    try:
        low, high, step = (float(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(f"gains must be LO:HI:STEP in dB, such as 0:60:10, got {text!r}") from None
    if not (low <= high and step > 0 and (high - low) / step <= 200):
        raise ValueError(f"gains must ascend with at most 200 steps, got {text!r}")
    return np.arange(low, high + step / 2, step).tolist()


class CalibrationProgram:
    """One calibration, checked before anything is opened.

    Args:
        options: of `parser`.
    Attributes:
        results: what was measured, as JSON has it.
    Raises:
        ValueError: anything that the user can mend.
    """

    def __init__(self, options: argparse.Namespace):
        arguments.check_positive(options, ("seconds", "count"))
        self.options, self.kind = options, arguments.front_end_kind(options)
        self.gains = parse_gains(options.gains)
        attenuation = options.attenuation_db
        if attenuation is not None and not MIN_ATTENUATION_DB <= attenuation <= 200:
            raise ValueError(
                f"attenuation_db must be in {MIN_ATTENUATION_DB:g}..200, got {attenuation:g}; "
                "see scsc calibrate --guide"
            )
        if options.save is not None and self.kind != "uhd":
            raise ValueError(f"--save keeps the gains of a radio, {self.kind} has none to keep")
        require_folder(options.save)
        safe = self.kind in ("sim", "zmq") or (self.kind == "uhd" and attenuation is not None)
        self.sends = safe
        direction = "rx" if not safe else "both"
        self.radio = arguments.front_end_config(options, direction)
        self.config = arguments.waveform_config(options)
        self.channel = arguments.channel_config(options, self.radio, self.config)
        self.results: dict[str, Any] = {"front_end": self.kind, "rate_hz": self.radio.rate_hz}

    def run(self) -> Iterator[Finding]:
        """The steps in order; each is told as soon as it is known."""
        parts = arguments.front_end_parts(self.channel)
        front_end = open_front_end(self.kind, self.radio, **parts)
        try:
            yield self._noise(front_end)
            if not self.sends:
                yield Finding(
                    "sounding", "problem", "nothing was transmitted", "scsc calibrate --guide"
                )
                return
            burst = Modulator(self.config.carriers).sounding()
            lead_s = getattr(self.radio, "lead_s", 0.0) + _LEAD_S
            yield self._gain(front_end, burst, lead_s)
            yield from self._loopback(front_end, burst, lead_s)
            if self.options.save is not None:
                yield self._save()
        finally:
            front_end.close()

    def _noise(self, front_end: Any) -> Finding:
        samples = calibration.capture(
            front_end, max(1, int(self.options.seconds * front_end.rate_hz))
        )
        if samples is None:
            cure = "with --zmq add --realtime: else samples pass only while somebody sends"
            return Finding("noise floor", "problem", "too few samples came", cure)
        levels = measure_levels(samples)
        values = calibration.level_values(levels)
        self.results["noise"] = values
        detail = ", ".join(
            f"antenna {k} {rms:.1f} dBFS (DC {dc:.0f} dB)"
            for k, (rms, dc) in enumerate(zip(values["rms_dbfs"], levels.dc_db), 1)
        )
        if min(levels.rms) == 0 and self.kind == "uhd":
            return Finding("noise floor", "problem", detail, "an antenna that gives zeros is off")
        if sum(levels.clip_count):
            return Finding("noise floor", "problem", detail, "somebody sends: lower rx_gain_db")
        return Finding("noise floor", "ok", detail)

    def _gain(self, front_end: Any, burst: np.ndarray, lead_s: float) -> Finding:
        radio = self.radio
        if self.kind == "uhd":
            gains, tx_gain_db = self.gains, radio.tx_gain_db
        else:  # there is no gain to set: one point shows the level
            gains, tx_gain_db = [0.0], 0.0
        points = calibration.sweep_gain(front_end, burst, tx_gain_db, gains, lead_s)
        self.results["gains"] = [point.__dict__ for point in points]
        best = calibration.recommend_gain(points)
        self.results["recommended_rx_gain_db"] = best if self.kind == "uhd" else None
        if best is None:
            cure = "check cables and ports; raise tx_gain_db; less attenuation, not below 30 dB"
            return Finding("gain", "problem", "no sounding frame was heard", cure)
        if self.kind != "uhd":
            return Finding("gain", "ok", f"none to set; bursts at {points[0].rms:.3f} rms")
        front_end.set_gain(tx_gain_db, best)
        return Finding("gain", "ok", f"use --rx-gain-db {best:g} with --tx-gain-db {tx_gain_db:g}")

    def _loopback(self, front_end: Any, burst: np.ndarray, lead_s: float) -> Iterator[Finding]:
        """Sounding frames again and again: is each found, how late, how strong, how separable?"""
        count = self.options.count
        fits = [calibration.sound(front_end, burst, lead_s) for _ in range(count)]
        found = [fit for fit in fits if fit is not None]
        self.results |= {"sent": count, "found": len(found)}
        detail = f"{len(found)} of {count} sounding frames found"
        if not found:
            yield Finding("loopback", "problem", detail, "check cables, ports and gains")
            return
        if len(found) < count:
            yield Finding("loopback", "problem", detail, "raise the gain; look for overflows")
        else:
            yield Finding("loopback", "ok", detail)
        yield self._delay(front_end, found)
        snr_db = np.mean([fit.snr_db for fit in found], axis=0)
        condition_db = float(np.median([fit.condition_db for fit in found]))
        self.results |= {"snr_db": snr_db.round(2).tolist(), "condition_db": round(condition_db, 2)}
        detail = f"antenna 1 {snr_db[0]:.1f} dB, antenna 2 {snr_db[1]:.1f} dB"
        cure = "; ".join(advice(found[-1].levels)) or "raise tx_gain_db"
        good = snr_db.min() >= MIN_SNR_DB
        yield Finding("SNR", "ok" if good else "problem", detail, "" if good else cure)
        good = condition_db <= MAX_CONDITION_DB
        yield Finding(
            "condition of H",
            "ok" if good else "problem",
            f"{condition_db:.1f} dB",
            "" if good else "both transmit ports must reach the receiver on different ways",
        )

    def _delay(self, front_end: Any, found: list[calibration.SoundingFit]) -> Finding:
        """Of no use to the link, which finds its frames by itself; but one that varies tells of bursts
        that do not leave at their times."""
        delays = np.array([fit.delay_samples for fit in found])
        median, spread = float(np.median(delays)), int(delays.max() - delays.min())
        delay_s = median / front_end.rate_hz
        self.results["delay"] = {
            "delay_samples": median,
            "delay_s": delay_s,
            "spread_samples": spread,
            "count": len(found),
        }
        detail = f"{median:g} samples = {1e6 * delay_s:.2f} us, spread {spread}"
        if spread > 1:
            cure = "bursts do not leave at their times: raise lead_s, look for late bursts"
            return Finding("delay", "problem", detail, cure)
        return Finding("delay", "ok", detail)

    def _save(self) -> Finding:
        """Keep what was set and the gain found, as a file for --radio-config; the delay as a comment,
        because no program uses it."""
        gain = self.results["recommended_rx_gain_db"]
        if gain is None:
            return Finding("settings", "problem", "no gain to keep", "see the lines above")
        named = self.radio.model_fields_set - set(arguments.NOT_FLAGS)
        values = self.radio.model_dump(mode="json", include=named | {"tx_gain_db"})
        settings = yaml.safe_dump({**values, "rx_gain_db": gain})
        write_whole(self.options.save, self._delay_comment() + settings)
        detail = f"use --radio-config {self.options.save} with scsc tx and scsc rx"
        return Finding("settings", "ok", detail)

    def _delay_comment(self) -> str:
        """A comment of YAML, empty without a measurement."""
        delay = self.results.get("delay")
        if delay is None:
            return ""
        return (
            f"# measured delay: {delay['delay_samples']:g} samples at {self.results['rate_hz']:g} Hz "
            f"= {1e6 * delay['delay_s']:.2f} us, spread {delay['spread_samples']}, "
            f"of {delay['count']} frames\n"
        )


def run_calibration(doc: str, words: list[str] | None = None) -> int:
    """`scsc calibrate`; the exit code."""
    given = sys.argv[1:] if words is None else words
    if "--guide" in given:
        print(GUIDE)
        return EXIT_DONE
    options = parser(doc).parse_args(words)

    def run() -> int:
        program = CalibrationProgram(options)
        if options.dry_run:
            content = {"options": arguments.as_plain(program.radio), "sends": program.sends}
            print(json.dumps({"front_end": program.kind, **content}, indent=1))
            return EXIT_DONE
        good = True
        for finding in program.run():
            good = good and finding.status != "problem"
            if not options.json:
                cure = f"; {finding.cure}" if finding.cure else ""
                print(f"{finding.status:<8} {finding.name:<14} {finding.detail}{cure}", flush=True)
        if options.json:
            print(json.dumps({**program.results, "good": good}, indent=1))
        return EXIT_DONE if good else EXIT_INCOMPLETE

    return exit_code("scsc calibrate", run, options.debug)
