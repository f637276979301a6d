# SPDX-License-Identifier: GPL-3.0-or-later
"""All precoders on the same channels: information, SNR for a rate, outage, CSI error.

The experiment behind link.md section 9; no pictures, no codes. Every row is BICM information of
two QPSK streams over 2 x 2 channels, joint ML detection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .. import mimo
from ..mimo.information import mi_qam_interpolated
from ..mimo.pcen import oracle_table
from ..mimo.pcen_lite import MODES
from ..mimo.precoding import situation

SCHEMES = ("capacity", *mimo.PRECODERS, "pcen_lut")
SNR_GRID_DB = np.arange(-10.0, 21.0)
TABLE_SNR_DB = (2.0, 6.0, 10.0)
RATES = (1.0, 2.0, 3.0)
QAM16_SCHEMES = ("capacity", "svd_wf", "mercury", "pcen_lite")
QAM16_RATES = (3.0, 4.0, 5.0, 6.0)
CSI_SCHEMES = ("svd_wf", "none", "pcen_paper", "pcen_lite", "pcen")
CORRELATION_SCHEMES = ("svd_wf", "pcen", "pcen_lut")
OUTAGE = 0.1
# antithetic, power-normalised draws read high: about .025 bit with 64, .006 with 256
SAMPLES = 256
DECOUPLED = ("svd_wf", "svd_equal", "mercury", "rank_adaptive", "pcen_lite")  # exact, no draws
# Only rounding is forgiven. A saturated pair of bits approaches 2 exponentially slowly, so the
# outage SNR of svd_wf at exactly 2 bits is a matter of convention (100 000 channels, exact
# information: 7.7, 5.6, 4.8, 3.6 dB with 1e-9, 1e-4, 1e-3, 1e-2 bit forgiven; at 3 bits 14.68
# to 14.63 dB). The table therefore holds it for FORGIVEN_BITS as well.
OUTAGE_TOLERANCE_BITS = 1e-9
FORGIVEN_BITS = 1e-3
_SLOW = "pcen_unfolded"  # 5 ms per channel: a tenth of the channels


@dataclass(frozen=True)
class SchemeRow:
    """One scheme in one condition.

    Attributes: scheme; condition; channels (how many); mean and error (standard error), both
    by SNR in dB; snr_for_mean and snr_for_outage: SNR in dB by rate, infinite if out of range;
    quantile: rate at 10 % outage by SNR in dB; snr_for_outage_forgiving: as snr_for_outage with
    FORGIVEN_BITS forgiven.
    """

    scheme: str
    condition: str
    channels: int
    mean: dict[float, float]
    error: dict[float, float]
    snr_for_mean: dict[float, float]
    snr_for_outage: dict[float, float] = field(default_factory=dict)
    quantile: dict[float, float] = field(default_factory=dict)
    snr_for_outage_forgiving: dict[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PrecoderTable:
    """Rows of all conditions and the setting they were measured in."""

    rows: list[SchemeRow]
    channels: int
    seed: int

    def find(self, scheme: str, condition: str = "perfect CSI") -> SchemeRow:
        """The row of a scheme in a condition; KeyError if it was not measured."""
        for row in self.rows:
            if (row.scheme, row.condition) == (scheme, condition):
                return row
        raise KeyError(f"no row for {scheme}, {condition}")


def rayleigh(channels: int, seed: int = 7) -> np.ndarray:
    """Channels complex128 [channels, 2, 2], i.i.d. CN(0, 1), from one default_rng(seed)."""
    rng = np.random.default_rng(seed)
    shape = (channels, 2, 2)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)


def build_table(scheme: str, h: np.ndarray, noise_var: float) -> np.ndarray:
    """QPSK transmit tables [b, 16, 2] of a precoder, or of the oracle pcen_lut.

    svd_codebook selects V_g by information here (the stronger baseline).
    """
    if scheme == "pcen_lut":
        return oracle_table(situation(h, np.full(len(h), noise_var)))[0]
    return mimo.transmit_table(h, noise_var, scheme, selection="mi")


def capacity(h: np.ndarray, noise_var: float, total_power: float = 2.0) -> np.ndarray:
    """Water-filling capacity [b] in bits per channel use (Gaussian input, not capped)."""
    gains = mimo.canonical_svd(h)[1] ** 2 * total_power / noise_var
    return np.log2(1 + mimo.waterfill(gains) * gains).sum(-1)


def information(scheme: str, h: np.ndarray, noise_var: float) -> np.ndarray:
    """BICM information [b] of a scheme with perfect CSI (capacity for "capacity")."""
    if scheme == "capacity":
        return capacity(h, noise_var)
    if scheme in DECOUPLED:
        return decoupled_information(scheme, h, noise_var, 2)
    table = build_table(scheme, h, noise_var)
    return mimo.mutual_information(h, table, noise_var, SAMPLES)[1]


def imperfect_information(
    scheme: str, h: np.ndarray, noise_var: float, error_variance: float, seed: int
) -> np.ndarray:
    """Information [b] of the LLRs when both ends share one noisy estimate and know its quality.

    H_used = Hhat / (1 + s^2), N0_eff = N0 + Ptot s^2 / (1 + s^2); the payload passes H.
    Source: link.md section 8.
    """
    rng = np.random.default_rng(seed)
    error = rng.standard_normal(h.shape) + 1j * rng.standard_normal(h.shape)
    h_used = (h + np.sqrt(error_variance / 2) * error) / (1 + error_variance)
    noise_used = noise_var + 2 * error_variance / (1 + error_variance)
    table = build_table(scheme, h_used, noise_used)
    return mimo.mismatched_information(h, h_used, table, noise_var, noise_used, SAMPLES)


def decoupled_information(scheme: str, h: np.ndarray, noise_var: float, bits: int) -> np.ndarray:
    """BICM information [b] of a scheme whose streams do not meet: Gauss-Hermite, no sampling.

    Args:
        scheme: one of `DECOUPLED`.
        h: complex [b, 2, 2].
        noise_var: N0.
        bits: per QAM symbol of the class, 2 or 4.
    """
    _, info = mimo.transmit_table(h, noise_var, scheme, bits, return_info=True)
    snr = info["p"] * info["gains"]
    modes, chosen = ((bits, bits), (2 * bits, 0)), np.zeros(len(h), np.intp)
    if scheme == "pcen_lite":
        modes, chosen = MODES[2 * bits], info["mode"]
    elif scheme == "rank_adaptive":
        chosen = 2 - info["rank"]
    by_mode = [
        mi_qam_interpolated(m1, snr[:, 0]) + mi_qam_interpolated(m2, snr[:, 1]) for m1, m2 in modes
    ]
    return np.stack(by_mode)[chosen, np.arange(len(h))]


def qam16_information(scheme: str, h: np.ndarray, noise_var: float) -> np.ndarray:
    """BICM information [b] of two 16QAM streams, or the capacity."""
    if scheme == "capacity":
        return capacity(h, noise_var)
    return decoupled_information(scheme, h, noise_var, 4)


def correlated(h: np.ndarray, correlation: float) -> np.ndarray:
    """R^(1/2) H R^(1/2) with the exponential correlation R_ij = correlation^|i-j| at both ends."""
    values, vectors = np.linalg.eigh(np.array([[1, correlation], [correlation, 1]]))
    root = (vectors * np.sqrt(values)) @ vectors.T
    return root @ h @ root


def summarise(
    scheme: str, condition: str, curves: np.ndarray, snr_grid_db: np.ndarray, rates=RATES
) -> SchemeRow:
    """Row from information [n_snr, channels] on a grid of SNRs that contains TABLE_SNR_DB."""
    means = curves.mean(1)
    errors = curves.std(1) / np.sqrt(curves.shape[1])
    quantiles = mimo.rate_at_outage(curves, OUTAGE)
    at = {snr: int(np.flatnonzero(snr_grid_db == snr)[0]) for snr in TABLE_SNR_DB}

    def outage_snr(tolerance):
        return {rate: mimo.snr_at_rate(snr_grid_db, quantiles + tolerance, rate) for rate in rates}

    return SchemeRow(
        scheme,
        condition,
        curves.shape[1],
        {snr: float(means[i]) for snr, i in at.items()},
        {snr: float(errors[i]) for snr, i in at.items()},
        {rate: mimo.snr_at_rate(snr_grid_db, means, rate) for rate in rates},
        outage_snr(OUTAGE_TOLERANCE_BITS),
        {snr: float(quantiles[i]) for snr, i in at.items()},
        outage_snr(FORGIVEN_BITS),
    )


def run(
    channels: int = 2000,
    quick: bool = False,
    seed: int = 7,
    progress: Callable[[str], None] | None = None,
) -> PrecoderTable:
    """Measure all schemes and conditions of link.md section 9.

    Args:
        channels: Rayleigh channels (pcen_unfolded: a tenth of them, at least 40).
        quick: 200 channels.
        seed: of the channels; 7 and 2000 are those of the reference means.
        progress: called with one line per finished row.
    Raises:
        ValueError: fewer than 40 channels.
    """
    channels = 200 if quick else channels
    if channels < 40:
        raise ValueError(f"channels must be at least 40, got {channels}")
    h = rayleigh(channels, seed)
    rows = []

    def add(scheme, condition, function, rates=RATES):
        used = h[: max(40, channels // 10)] if scheme == _SLOW else h
        curves = np.stack([function(scheme, used, 10 ** (-snr / 10)) for snr in SNR_GRID_DB])
        rows.append(summarise(scheme, condition, curves, SNR_GRID_DB, rates))
        if progress is not None:
            progress(f"{condition}: {scheme}")

    for scheme in SCHEMES:
        add(scheme, "perfect CSI", information)
    for scheme in CSI_SCHEMES:
        add(
            scheme,
            "CSI error 0.1",
            lambda name, used, noise_var: imperfect_information(
                name, used, noise_var, 0.1, seed + 1
            ),
        )
    for scheme in CORRELATION_SCHEMES:
        add(
            scheme,
            "correlation 0.9",
            lambda name, used, noise_var: information(name, correlated(used, 0.9), noise_var),
        )
    for scheme in QAM16_SCHEMES:
        add(scheme, "16QAM", qam16_information, QAM16_RATES)
    return PrecoderTable(rows, channels, seed)


def lines(table: PrecoderTable) -> list[str]:
    """The table as plain text lines for a terminal."""

    def numbers(values, width, digits):
        shown = (f"{v:.{digits}f}" if np.isfinite(v) else "-" for v in values.values())
        return " ".join(text.rjust(width) for text in shown)

    out = [
        f"{table.channels} channels, seed {table.seed}; SNR = Pz / N0; BICM information",
        f"{'scheme':14s} {'condition':16s} {'mean at 2, 6, 10 dB':>20s} {'std. error':>20s}"
        "   SNR (dB) for mean rate   SNR (dB) for 10 % outage",
    ]
    for row in table.rows:
        out.append(
            f"{row.scheme:14s} {row.condition:16s} {numbers(row.mean, 6, 3)} "
            f"{numbers(row.error, 6, 3)}   {numbers(row.snr_for_mean, 7, 2)}   "
            f"{numbers(row.snr_for_outage, 7, 2)}"
        )
    return out
