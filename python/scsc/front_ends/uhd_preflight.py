# SPDX-License-Identifier: GPL-3.0-or-later
"""What to look at before a USRP is used: every line is ok, a note, or a problem with its cure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from scsc_core.doctor import Finding
from scsc_core.radio.front_end import FrontEndError
from scsc_core.radio.levels import advice, measure_levels
from scsc_core.radio.options import UhdOptions
from scsc_core.radio.usrp_host import host_findings

from .uhd import UhdFrontEnd
from .uhd_device import UhdDevice, gr_uhd

_CHUNK = 1 << 16
_QUIET_RMS = 0.05  # below it there is nothing but noise, and its level says nothing


def preflight(
    options: UhdOptions | None = None, api: Any = None, seconds: float = 1.0
) -> Iterator[Finding]:
    """The checks of a USRP in order; ends after the first problem of the device, which explains the rest.

    What the computer lacks is told in front and ends nothing. Nothing is transmitted.

    Args:
        options: UhdOptions.
        api: gnuradio.uhd, or a stand-in for tests.
        seconds: float >= 0, of reception at the end; 0 leaves it out.
    Yields:
        doctor.Finding, each as soon as it is known.
    Source: gnuradio.md section 8.
    """
    options = options or UhdOptions()
    try:
        api = api or gr_uhd()
    except FrontEndError as error:
        yield Finding("gr-uhd", "problem", error.reason, error.cure)
        return
    yield Finding("gr-uhd", "ok", f"UHD {api.get_version_string()}")
    yield from host_findings()
    device = UhdDevice(options, api)
    for name, step in UhdDevice.STEPS:
        try:
            yield Finding(name, "ok", step(device))
        except FrontEndError as error:
            yield Finding(name, "problem", error.reason, error.cure)
            return
    if options.lo_offset == 0:
        yield Finding(
            "oscillator",
            "note",
            "its leakage lies inside the band",
            f"lo_offset_hz above {0.6 * options.rate_hz:g}",
        )
    yield device.connection()
    del device
    if seconds and options.receives:
        yield from _reception(options, api, seconds)


def _reception(options: UhdOptions, api: Any, seconds: float) -> Iterator[Finding]:
    front_end = UhdFrontEnd(options.model_copy(update={"direction": "rx"}), api)
    samples = []
    try:
        front_end.open()
        deadline = time.monotonic() + seconds + 1.0
        wanted = int(seconds * options.rate_hz)
        while wanted > 0 and time.monotonic() < deadline:
            chunk = front_end.read(_CHUNK, 0.2)
            wanted -= chunk.samples.shape[1]
            samples.append(chunk.samples)
        events = front_end.events()
    except FrontEndError as error:
        yield Finding("reception", "problem", error.reason, error.cure)
        return
    finally:
        front_end.close()
    if wanted > 0:
        got = sum(part.shape[1] for part in samples)
        yield Finding(
            "reception", "problem", f"{got} samples within {seconds + 1:g} s", "reset the device"
        )
        return
    if events:
        yield Finding("reception", "problem", str(events[0]), "lower rate_hz or raise buffers")
    else:
        yield Finding("reception", "ok", f"{seconds:g} s without a lost sample")
    yield _level_finding(np.concatenate(samples, axis=1))


def _level_finding(samples: np.ndarray) -> Finding:
    levels = measure_levels(samples)
    detail = (
        f"rms {levels.rms[0]:.4f} {levels.rms[1]:.4f}, peak {max(levels.peak):.3f}, "
        f"{sum(levels.clip_count)} at full scale, DC {max(levels.dc_db):.0f} dB"
    )
    advised = advice(levels)
    if max(levels.rms) < _QUIET_RMS and not sum(levels.clip_count):
        # Nobody sends: a low level is right, an antenna that gives exact zeros is not.
        advised = [line for line in advised if "no signal" in line or "silent" in line]
    return Finding("levels", "note" if advised else "ok", detail, "; ".join(advised))
