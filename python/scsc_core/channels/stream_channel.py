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

_PASS = 4096  # samples of one pass: its planes stay in the processor's cache


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
        latency_samples: output sample n belongs to input sample n - latency_samples; 0 for flat
            channels with one clock, else the interpolation's.
        clip_count: transmit samples that were clipped so far.
    Raises:
        ValueError: the channel file cannot be used.
    Source: waveform.md section 8.
    """

    def __init__(self, config: StreamChannelConfig):
        self.config = config
        fading, noise, phase, csi, delay, tone = np.random.SeedSequence(config.seed).spawn(6)
        self._noise, self._csi = np.random.default_rng(noise), np.random.default_rng(csi)
        rate = config.sample_rate_hz
        self._oscillator = impairments.PhaseOscillator(
            config.cfo_hz / rate, config.phase_noise, np.random.default_rng(phase)
        )
        self._tone = None
        if config.cw_db is not None:
            amplitude = np.sqrt(config.signal_power * 10 ** (config.cw_db / 10))
            rng = np.random.default_rng(tone)
            self._tone = impairments.Tone(amplitude, config.cw_hz / rate, 2, rng)
        self._clock = DriftingClock(config.sfo_ppm, planes=4) if config.sfo_ppm else None
        clock_latency = self._clock.latency if self._clock else 0
        self._schedule = BlockSchedule(config, fading, delay, clock_latency)
        self.latency_samples = self._schedule.latency_samples
        self._filter = TapFilter(2, 2, self._schedule.memory)
        self._looks_for_bursts = self._clock is not None or self._schedule.needs_bursts
        self._finder = impairments.BurstFinder()
        self._next = 0
        self.clip_count = 0

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
        samples = np.asarray(samples)
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
            y = self._one_pass(samples[:, a:b], inside)
            out.real[:, a:b], out.imag[:, a:b] = y[:, 0], y[:, 1]
        return out

    def flush(self) -> np.ndarray:
        """What silence brings out after the last samples: latency and echoes, complex64 [2, n]."""
        rest = self._schedule.memory + self.latency_samples - self._schedule.lead
        return self.apply(np.zeros((2, rest), np.complex64))

    def _one_pass(self, samples: np.ndarray, starts: np.ndarray | None) -> np.ndarray:
        config = self.config
        x = np.empty((2, 2, samples.shape[1]), np.float32)
        x[:, 0], x[:, 1] = samples.real, samples.imag
        found = self._finder.push(x) if starts is None and self._looks_for_bursts else starts
        if config.tx_iq_gain_db or config.tx_iq_phase_deg:
            x = impairments.iq_imbalance(x, config.tx_iq_gain_db, config.tx_iq_phase_deg)
        if config.tx_clip_dbfs is not None:
            level = config.tx_full_scale * 10 ** (config.tx_clip_dbfs / 20)
            x, count = impairments.clip_envelope(x, level)
            self.clip_count += count
        bursts = [] if found is None else (self._next + found).tolist()
        stretches, arrivals = self._schedule.advance(self._next, x.shape[2], bursts)
        y = self._filter.push(x, stretches)
        if self._clock is not None:
            y = self._clock.resample(y.reshape(4, -1), arrivals).reshape(2, 2, -1)
        self._next += x.shape[2]
        return self._receive(y)

    def _receive(self, y: np.ndarray) -> np.ndarray:
        config, n = self.config, y.shape[2]
        if config.cfo_hz or config.phase_noise:
            y = impairments.rotate(y, self._oscillator.phase(n))
        if self._tone is not None:
            self._tone.add_to(y)
        if config.sample_noise_var > 0:
            noise = self._noise.standard_normal((n, 2, 2), dtype=np.float32)
            noise *= np.float32(np.sqrt(config.sample_noise_var / 2))
            y += noise.transpose(1, 2, 0)
        if config.rx_iq_gain_db or config.rx_iq_phase_deg:
            y = impairments.iq_imbalance(y, config.rx_iq_gain_db, config.rx_iq_phase_deg)
        if config.dc_dbc is not None:
            # real and imaginary part alike, so that each is 3 dB lower
            y += np.float32(np.sqrt(config.signal_power / 2) * 10 ** (config.dc_dbc / 20))
        if config.quant_bits is not None:
            y = impairments.quantise(y, config.quant_bits, config.rx_full_scale)
        return y
