# SPDX-License-Identifier: GPL-3.0-or-later
"""The radio channel on streams of samples: fading, every front-end fault, noise, and the true H."""

from __future__ import annotations

import numpy as np

from . import impairments
from .block_schedule import BlockSchedule, TrueChannel
from .csi_error import csi_estimate
from .sample_grid import DriftingClock
from .stream_config import StreamChannelConfig
from .tap_filter import TapFilter

_PASS = 16384  # samples of one pass: they stay in the processor's cache
_KEPT = ("sample_rate_hz", "seed")  # of a channel that runs


class StreamChannel:
    """Two streams in, two out, sample by sample; any chunking gives the same samples.

    Seeds: one SeedSequence(seed), spawned in the order fading, noise, phase, CSI error, delay,
    interferer: no process disturbs another's draws.

    A new block begins with every burst (block per_frame), every n samples, or where the taps of a
    Doppler process are computed anew (they change linearly in between). Bursts also draw the
    delay and start the drift of the sampling clock anew. A burst begins where the caller says so,
    or else at the first sample that is not zero after at least 32 that are; block 0 begins with the
    first sample ever.

    Args:
        config: StreamChannelConfig.
    Attributes:
        config: StreamChannelConfig in use.
        clip_count: transmit samples that were clipped so far.
    Raises:
        ValueError: the channel file cannot be used.
    Source: waveform.md section 8.
    """

    def __init__(self, config: StreamChannelConfig):
        seeds = config.process_seeds()
        self.config = config
        self._noise = impairments.WhiteNoise(seeds.noise)
        self._csi = np.random.default_rng(seeds.csi_error)
        self._oscillator = impairments.PhaseOscillator(0.0, 0.0, np.random.default_rng(seeds.phase))
        self._tone = impairments.Tone(0.0, 0.0, 2, np.random.default_rng(seeds.interferer))
        self._schedule = BlockSchedule(config)
        self._filter = TapFilter(self._schedule.memory)
        self._finder = impairments.BurstFinder()
        self._clock: DriftingClock | None = None
        self._next = 0
        self.clip_count = 0
        self._tune()

    def reconfigure(self, config: StreamChannelConfig) -> None:
        """Another configuration from the next sample on, while everything goes on that can.

        Noise, carrier phase, interferer, clock drift and block numbers run on; echoes of earlier
        samples keep their taps. Another Doppler shift makes the same fading faster or slower. A
        change of the model, its parameters, the kind of block or the delay begins a block at once,
        with the draws that a new channel would begin with; a run in time (block doppler) goes on,
        so that a delay spread moves the same paths. Such a change, and the first sampling clock
        offset, may change `latency_samples`.

        Raises:
            ValueError: another sample_rate_hz or seed, or the channel file cannot be used; the
                channel goes on as it was.
        """
        for name in _KEPT:
            old, new = getattr(self.config, name), getattr(config, name)
            if new != old:
                raise ValueError(f"{name} of a running channel must stay {old}, got {new}")
        self._schedule.reconfigure(config, self._next)
        self._filter.lengthen(self._schedule.memory)
        self.config = config
        self._tune()

    def _tune(self) -> None:
        """Hand the parameters to what keeps a state."""
        config, rate_hz = self.config, self.config.sample_rate_hz
        self._oscillator.tune(config.cfo_hz / rate_hz, config.phase_noise)
        tone_power = 0.0 if config.cw_db is None else 10 ** (config.cw_db / 10)
        self._tone.tune(np.sqrt(config.signal_power * tone_power), config.cw_hz / rate_hz)
        if self._clock is not None:
            self._clock.tune(config.sfo_ppm)
        elif config.sfo_ppm:
            self._clock = DriftingClock(config.sfo_ppm, 2, self._next)
        self._looks_for_bursts = self._clock is not None or self._schedule.needs_bursts

    @property
    def latency_samples(self) -> int:
        """Output sample n belongs to input sample n - latency_samples.

        0 for flat channels with one clock, else the interpolation's.
        """
        return self._schedule.lead + self._clock_latency

    @property
    def _clock_latency(self) -> int:
        return self._clock.latency if self._clock else 0

    @property
    def truth(self) -> list[TrueChannel]:
        """The newest 1024 blocks' true channels, oldest first."""
        return list(self._schedule.truth)

    def csi_estimate(self, h: np.ndarray) -> np.ndarray:
        """H_hat = H + E of a genie with the configured `csi_error`, complex128 like h."""
        return csi_estimate(h, self.config.csi_error, self._csi)

    def apply(self, samples: np.ndarray, burst_starts: np.ndarray | None = None) -> np.ndarray:
        """The received samples complex64 [2, n] of the next transmitted samples.

        Args:
            samples: complex64 [2, n].
            burst_starts: ascending int [b], where bursts begin in these samples (0 is the first);
                None looks for them.
        Raises:
            ValueError: wrong shape, or burst_starts not ascending inside the samples.
        """
        samples = np.asarray(samples, np.complex64)
        if samples.ndim != 2 or samples.shape[0] != 2:
            raise ValueError(f"samples must be complex [2, n], got shape {samples.shape}")
        n = samples.shape[1]
        starts = None if burst_starts is None else np.asarray(burst_starts, np.int64).ravel()
        if starts is not None and starts.size:
            if starts[0] < 0 or starts[-1] >= n or (np.diff(starts) <= 0).any():
                raise ValueError(
                    f"burst_starts must ascend within 0..{n - 1}, got {starts.tolist()[:8]}"
                )
        out = np.empty((2, n), np.complex64)
        for a in range(0, n, _PASS):
            b = min(a + _PASS, n)
            inside = None if starts is None else starts[(starts >= a) & (starts < b)] - a
            out[:, a:b] = self._one_pass(samples[:, a:b], inside)
        return out

    def flush(self) -> np.ndarray:
        """What silence brings out after the last samples: latency and echoes, complex64 [2, n]."""
        rest = self._schedule.memory + self._clock_latency
        return self.apply(np.zeros((2, rest), np.complex64))

    def _one_pass(self, x: np.ndarray, starts: np.ndarray | None) -> np.ndarray:
        config, n = self.config, x.shape[1]
        found = self._finder.push(x) if starts is None and self._looks_for_bursts else starts
        if config.tx_iq_gain_db or config.tx_iq_phase_deg:
            x = impairments.iq_imbalance(x, config.tx_iq_gain_db, config.tx_iq_phase_deg)
        if config.tx_clip_dbfs is not None:
            level = config.tx_full_scale * 10 ** (config.tx_clip_dbfs / 20)
            x, count = impairments.clip_envelope(x, level)
            self.clip_count += count
        bursts = [] if found is None else (self._next + found).tolist()
        stretches, arrivals = self._schedule.advance(self._next, n, bursts, self._clock_latency)
        y = self._filter.push(x, stretches)
        if self._clock is not None:
            y = self._clock.resample(y, arrivals)
        self._next += n
        return self._receive(y)

    def _receive(self, y: np.ndarray) -> np.ndarray:
        config = self.config
        if not self._oscillator.idle:
            self._oscillator.turn(y)
        self._tone.add_to(y)
        self._noise.add_to(y, config.sample_noise_var)
        if config.rx_iq_gain_db or config.rx_iq_phase_deg:
            y = impairments.iq_imbalance(y, config.rx_iq_gain_db, config.rx_iq_phase_deg)
        if config.dc_dbc is not None:
            # real and imaginary part alike, so that each is 3 dB lower
            level = np.sqrt(config.signal_power / 2) * 10 ** (config.dc_dbc / 20)
            y += np.complex64(level * (1 + 1j))
        if config.quant_bits is not None:
            y = impairments.quantise(y, config.quant_bits, config.rx_full_scale)
        return y
