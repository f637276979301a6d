# SPDX-License-Identifier: GPL-3.0-or-later
"""Block error rate of one NR LDPC codeword per fading block, per precoder, on equal channels.

The coded counterpart of the 10 % outage of `precoder_table` (link.md section 10, row 10): two QPSK
streams over i.i.d. Rayleigh 2 x 2 channels, one H per codeword, perfect CSI, joint ML detection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import mimo
from ..channels import noise_variance, transmit
from ..fec import NrLdpc
from ..scrambling import permutation
from .precoder_table import build_table, rayleigh

SCHEMES = ("svd_wf", "mercury", "none", "rank_adaptive", "pcen")
BITS_PER_USE = 4  # two QPSK streams
CODED_BITS = 1296
CODE_RATES = (0.5, 0.75)
TARGET_BLER = 0.1
SNR_GRID_DB = np.arange(-6.0, 25.0)
_BOOTSTRAP_DRAWS = 1000
_INTERVAL = (2.5, 97.5)  # per cent: 95 %


@dataclass(frozen=True)
class CodedRow:
    """One precoder at one code rate.

    Attributes: scheme; code_rate; payload_bits_per_use: code_rate times 4; channels: codewords per
    SNR point; bler: block error rate by SNR in dB; snr_db: SNR at 10 % BLER (infinite if out of range)
    and its 95 % bootstrap interval; gain_db: SNR saved against svd_wf, with its paired interval.
    """

    scheme: str
    code_rate: float
    payload_bits_per_use: float
    channels: int
    bler: dict[float, float]
    snr_db: float
    snr_interval_db: tuple[float, float]
    gain_db: float
    gain_interval_db: tuple[float, float]


def block_errors(
    scheme: str, h: np.ndarray, noise_var: float, code: NrLdpc, seed: int
) -> np.ndarray:
    """Codewords lost, bool [b]: random payloads, the link's bit interleaver, one H per codeword.

    Payload and noise depend on the seed and the sizes only, so equal seeds pair the schemes.

    Args:
        scheme: a precoder of `mimo.PRECODERS`, or "pcen_lut".
        h: complex [b, 2, 2].
        noise_var: N0 per receive antenna.
        code: with coded_bits a multiple of 4.
        seed: of payloads and noise.
    """
    rng = np.random.default_rng(seed)
    order = permutation(code.coded_bits)
    payload = rng.integers(0, 2, (len(h), code.payload_bits), dtype=np.uint8)
    bits = code.encode(payload)[:, order].reshape(-1, BITS_PER_USE)
    index = bits @ (1 << np.arange(BITS_PER_USE)[::-1])
    uses = np.full(len(h), code.coded_bits // BITS_PER_USE, np.int64)
    table = build_table(scheme, h, noise_var)
    z = table[np.repeat(np.arange(len(h)), uses), index].T
    y = transmit(z, h, uses, noise_var, rng)
    llr = mimo.soft_bits(y, h, table, noise_var, block_uses=uses)
    received = np.empty((len(h), code.coded_bits), np.float32)
    received[:, order] = llr.reshape(received.shape)
    decoded = code.decode(received)
    # a false CRC match is an error as well
    return ~decoded.ok | (decoded.bits != payload).any(1)


def crossing(snr_db: np.ndarray, bler: np.ndarray, target: float = TARGET_BLER) -> float:
    """Lowest SNR from which the BLER stays at or below a target; log BLER linear between points.

    Args:
        snr_db: float [n], rising.
        bler: float [n]; zero counts as a tenth of the target in the interpolation.
        target: BLER in (0, 1).
    Returns:
        SNR in dB; -inf if every point is at or below the target, +inf if the last one is above.
    """
    above = np.flatnonzero(np.asarray(bler) > target)
    if not len(above):
        return float("-inf")
    i = int(above[-1])
    if i == len(snr_db) - 1:
        return float("inf")
    logs = np.log(np.maximum(np.asarray(bler, float)[i : i + 2], target / 10))
    share = (logs[0] - np.log(target)) / (logs[0] - logs[1])
    return float(snr_db[i] + share * (snr_db[i + 1] - snr_db[i]))


def _resampled(snr_db, errors, seed):
    """Crossings of bootstrap resamples of the channels; equal seeds resample alike (paired)."""
    rng = np.random.default_rng(seed)
    n = errors.shape[1]
    draws = rng.integers(0, n, (_BOOTSTRAP_DRAWS, n))
    weights = np.stack([np.bincount(draw, minlength=n) for draw in draws])
    rates = weights @ errors.T.astype(float) / n
    return np.array([crossing(snr_db, rate) for rate in rates])


def _interval(values) -> tuple[float, float]:
    # order statistics, as infinite crossings cannot be interpolated
    low, high = np.percentile(values, _INTERVAL, method="nearest")
    return float(low), float(high)


def run(
    channels: int = 1000,
    seed: int = 7,
    schemes: tuple[str, ...] = SCHEMES,
    code_rates: tuple[float, ...] = CODE_RATES,
    snr_db: np.ndarray = SNR_GRID_DB,
    progress: Callable[[str], None] | None = None,
) -> list[CodedRow]:
    """SNR at 10 % block error rate of the precoders, and what they save against svd_wf.

    Channels, payloads and noise draws are the same for all schemes and SNRs (paired), so that a
    gain is known better than the SNRs that it is the difference of.

    Args:
        channels: codewords per point, at least 40.
        seed: of channels, payloads, noise and the bootstrap.
        schemes: precoders; svd_wf is always measured, first.
        code_rates: payload bits per coded bit.
        snr_db: float [n], rising; the crossing is interpolated between these points.
        progress: called with one line per finished row.
    Raises:
        ValueError: fewer than 40 channels.
    """
    if channels < 40:
        raise ValueError(f"channels must be at least 40, got {channels}")
    h = rayleigh(channels, seed)
    rows = []
    for rate in code_rates:
        code = NrLdpc(round(rate * CODED_BITS), CODED_BITS, bits_per_symbol=2, rate=rate)
        for scheme in dict.fromkeys(("svd_wf", *schemes)):
            errors = np.stack(
                [block_errors(scheme, h, noise_variance(s), code, seed + 1) for s in snr_db]
            )
            found, spread = crossing(snr_db, errors.mean(1)), _resampled(snr_db, errors, seed + 2)
            if scheme == "svd_wf":
                baseline, baseline_spread = found, spread
            with np.errstate(invalid="ignore"):  # both out of range: no number
                gain, gain_spread = baseline - found, baseline_spread - spread
            rows.append(
                CodedRow(
                    scheme,
                    rate,
                    rate * BITS_PER_USE,
                    channels,
                    {float(s): float(e) for s, e in zip(snr_db, errors.mean(1))},
                    found,
                    _interval(spread),
                    gain,
                    _interval(gain_spread),
                )
            )
            if progress is not None:
                progress(f"{scheme}, code rate {rate:g}")
    return rows


def lines(rows: list[CodedRow]) -> list[str]:
    """The rows as plain text lines for a terminal."""
    out = [
        f"NR LDPC, {CODED_BITS} coded bits, one H per codeword, {rows[0].channels} codewords per "
        "SNR; SNR = Pz / N0; 95 % bootstrap intervals",
        f"{'scheme':14s} {'bits per use':>12s}   {'SNR (dB) at 10 % BLER':>24s}   "
        f"{'gain over svd_wf (dB)':>24s}",
    ]
    for row in rows:
        snr, gain = (
            f"{value:.2f} ({low:.2f} .. {high:.2f})"
            for value, (low, high) in (
                (row.snr_db, row.snr_interval_db),
                (row.gain_db, row.gain_interval_db),
            )
        )
        out.append(f"{row.scheme:14s} {row.payload_bits_per_use:12g}   {snr:>24s}   {gain:>24s}")
    return out
