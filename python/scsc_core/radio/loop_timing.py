# SPDX-License-Identifier: GPL-3.0-or-later
"""How old channel reports and acknowledgements are when they are used, and limits that leave room for it.

Where time goes on by itself, a burst is handed over before it leaves: its lead counts into the age of all
that it was made with. A limit below that age would keep the loop open for ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..config import ConfigError
from ..waveform.configuration import WaveformConfig
from ..waveform.csi_reporter import HISTORY
from .options import FrontEndOptions
from .transmit_station import AHEAD_S

# From the last sample of a frame to its feedback at the transmitter: a read, the receiver, the network.
ANSWER_S = 0.010
_CONSEQUENCES = {
    "csi_max_age_s": "older reports are not used: frames go out in open loop",
    "harq_timeout_s": "frames are sent again before their answer can have come",
}


@dataclass(frozen=True)
class LoopTiming:
    """Times of a closed loop whose samples follow a clock.

    least = lead + frame, first = least + ahead + answer, limit = 2 first: at half the limit without another
    frame a sounding goes out, and its report comes in time.

    Attributes:
        lead_s, frame_s: float, from now to a burst; of a full frame.
        kept_s: float, reports that are older the receiver has forgotten, tables and all.
    Source: ours; ages as in closed_loop.md section 3.
    """

    lead_s: float
    frame_s: float
    kept_s: float

    @property
    def least_s(self) -> float:
        """No report can be younger at the burst that uses it, whatever the other end does."""
        return self.lead_s + self.frame_s

    @property
    def first_s(self) -> float:
        """Age of a report at the first burst that uses it, when its answer takes 10 ms."""
        return self.least_s + AHEAD_S + ANSWER_S

    @property
    def limit_s(self) -> float:
        """Age that reports stay below while the other end answers, in whole milliseconds."""
        return math.ceil(2e3 * self.first_s) / 1e3


def loop_timing(config: WaveformConfig, options: FrontEndOptions) -> LoopTiming:
    """LoopTiming of a link over a front end with these options."""
    frame_s = config.carriers.frame_samples(config.full_nsym) / options.rate_hz
    period_s = frame_s + options.gap_samples / options.rate_hz
    kept_s = HISTORY * max(config.csi_report_interval_s, period_s)
    return LoopTiming(getattr(options, "lead_s", 0.0), frame_s, kept_s)


def with_loop_limits(
    config: WaveformConfig, options: FrontEndOptions
) -> tuple[WaveformConfig, list[str]]:
    """The configuration with limits that fit the front end, and what speaks against those it names.

    `csi_max_age_s` and `harq_timeout_s` rise to the limit of LoopTiming where the configuration does not
    name them.

    Args:
        config: WaveformConfig, as `load_config` gives it: it knows which keys were named.
        options: of a front end whose samples follow a clock (uhd, or `realtime`).
    Returns:
        (WaveformConfig, warnings, a sentence each).
    Raises:
        ConfigError: no report can ever be used.
    """
    timing = loop_timing(config, options)
    limits = {"csi_max_age_s": config.closed_loop, "harq_timeout_s": config.harq}
    limits = [name for name, used in limits.items() if used]
    raised = {
        name: max(getattr(config, name), timing.limit_s)
        for name in limits
        if name not in config.model_fields_set
    }
    if config.closed_loop:
        _check_reports_can_be_used(config, timing)
    warnings = [
        f"{name} = {getattr(config, name):g} is short: feedback of this link is {timing.first_s:.3f} to "
        f"{timing.limit_s:g} s old when it is used, and {_CONSEQUENCES[name]}; lower lead_s, or leave "
        f"{name} out"
        for name in limits
        if name not in raised and getattr(config, name) < timing.limit_s
    ]
    return (config.with_changes(**raised) if raised else config), warnings


def _check_reports_can_be_used(config: WaveformConfig, timing: LoopTiming) -> None:
    named = "csi_max_age_s" in config.model_fields_set
    if named and config.csi_max_age_s <= timing.least_s:
        raise ConfigError(
            f"csi_max_age_s must be above lead_s and a frame together, {timing.least_s:.4g} s, or no "
            f"channel report is ever used; got {config.csi_max_age_s:g}"
        )
    room_s = timing.kept_s - ANSWER_S - timing.frame_s
    if timing.lead_s >= room_s:
        raise ConfigError(
            f"lead_s must be below {room_s:.3g} s in a closed loop, or the receiver has forgotten a "
            f"report when it is used (it keeps {HISTORY}); got {timing.lead_s:g}; lower it, raise "
            "csi_report_interval_s at both ends, or take precoder none"
        )
