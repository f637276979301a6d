# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmit tables of all precoders, and the linear baselines.

Every memoryless precoder is a table Z(H, N0) [K, n_tx]: z_t = Z[i_t], i_t the coded bits of the
channel use (stream 1 first, MSB first). This module validates, finds the canonical gains and
hands over to one builder per precoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .constellation import mixed_alphabet, product_alphabet
from .information import mi_qam_interpolated, mutual_information
from .power import mercury, waterfill
from .svd import canonical_right

SELECTION_SAMPLES = 256


@dataclass(frozen=True)
class Situation:
    """What a table builder may look at: a batch of channels with canonical gains.

    Attributes: h [b, n_rx, n_tx]; noise_var [b]; v [b, n_tx, n_s] and gains [b, n_s] of the
    n_s strongest directions, g_i = s_i^2 Ptot / N0; bits (per symbol); total_power; selection.
    """

    h: np.ndarray
    noise_var: np.ndarray
    v: np.ndarray
    gains: np.ndarray
    bits: int
    total_power: float
    selection: str

    @property
    def n_streams(self) -> int:
        return self.v.shape[-1]


def linear_table(matrix: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Z_i = G x_i for G [..., n_tx, n_s] and symbols [K, n_s] or [..., K, n_s]."""
    return symbols @ matrix.swapaxes(-1, -2)


def normalise(table: np.ndarray, total_power: float) -> np.ndarray:
    """Scale tables [..., K, n_tx] so that the mean row energy is total_power.

    Source: link.md section 1, "Power".
    """
    energy = (np.abs(table) ** 2).sum(-1).mean(-1)
    return table * np.sqrt(total_power / np.maximum(energy, 1e-300))[..., None, None]


def directions(s: Situation, power: np.ndarray) -> np.ndarray:
    """V1 diag(sqrt(p_i Ptot)): complex128 [b, n_tx, n_s]."""
    return s.v * np.sqrt(np.maximum(power, 0) * s.total_power)[:, None, :]


def rotation_codebook(n_streams: int) -> list[np.ndarray]:
    """The unitary V_g [n_s, n_s] that `svd_codebook` chooses from.

    Two streams: sqrt(2) times TPMI 0, 1, 2 of TS 38.211 6.3.1.5 (two layers, two ports).
    Other sizes (ours): the identity and the normalised DFT.
    """
    if n_streams == 2:
        second = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
        third = np.array([[1, 1], [1j, -1j]]) / np.sqrt(2)
        return [np.eye(2, dtype=complex), second.astype(complex), third]
    n = np.arange(n_streams)
    dft = np.exp(-2j * np.pi * np.outer(n, n) / n_streams) / np.sqrt(n_streams)
    return [np.eye(n_streams, dtype=complex), dft]


def _none(s: Situation):
    n_tx = s.h.shape[-1]
    symbols = product_alphabet(s.bits, s.n_streams)[0]
    table = np.zeros((len(s.h), len(symbols), n_tx), complex)
    table[:, :, : s.n_streams] = np.sqrt(s.total_power / s.n_streams) * symbols
    return table, {}


def _linear(s: Situation, power: np.ndarray):
    matrix = directions(s, power)
    table = linear_table(matrix, product_alphabet(s.bits, s.n_streams)[0])
    return table, {"p": power, "matrix": matrix}


def _svd_wf(s: Situation):
    return _linear(s, waterfill(s.gains))


def _svd_equal(s: Situation):
    return _linear(s, np.full(s.gains.shape, 1 / s.n_streams))


def _mercury(s: Situation):
    return _linear(s, mercury(s.gains, s.bits))


def _minimum_distance(matrix: np.ndarray, n_bits: int) -> np.ndarray:
    # squared minimum distance of the points A x for A [b, n_rx, n_s]: minimum over the
    # distinct differences of symbol vectors, half of them by symmetry
    one = product_alphabet(n_bits, 1)[0][:, 0]
    gaps = np.unique(np.round(one[:, None] - one, 9))
    mesh = np.meshgrid(*[gaps] * matrix.shape[-1], indexing="ij")
    differences = np.stack(mesh, -1).reshape(-1, matrix.shape[-1])
    key = differences @ (1000.0 ** np.arange(matrix.shape[-1]))
    half = (key.real > 1e-6) | ((np.abs(key.real) <= 1e-6) & (key.imag > 1e-6))
    differences = differences[half]
    best = np.full(len(matrix), np.inf)
    step = max(1, (1 << 21) // len(matrix))
    for start in range(0, len(differences), step):
        image = differences[start : start + step] @ matrix.swapaxes(-1, -2)
        best = np.minimum(best, (image.real**2 + image.imag**2).sum(-1).min(-1))
    return best


def _svd_codebook(s: Situation):
    power = waterfill(s.gains)
    base = directions(s, power)
    symbols = product_alphabet(s.bits, s.n_streams)[0]
    candidates = [base @ vg.conj().T for vg in rotation_codebook(s.n_streams)]
    # TPMI 1 and 2 are equivalent for square QAM (x2 -> j x2): the tie takes the lower index
    n_distinct = 2 if s.n_streams == 2 and s.bits % 2 == 0 else len(candidates)
    scores = []
    for matrix in candidates[:n_distinct]:
        if s.selection == "dmin":
            scores.append(_minimum_distance(s.h @ matrix, s.bits))
        else:
            table = linear_table(matrix, symbols)
            scores.append(mutual_information(s.h, table, s.noise_var, SELECTION_SAMPLES)[1])
    choice = np.argmax(np.round(np.stack(scores), 9), 0)
    matrix = np.stack(candidates)[choice, np.arange(len(s.h))]
    return linear_table(matrix, symbols), {"p": power, "matrix": matrix, "vg": choice}


def _rank_adaptive(s: Situation):
    # rank r carries n_s m / r bits on each of the r strongest directions, water-filled
    n_streams, total_bits = s.n_streams, s.n_streams * s.bits
    tables, scores, powers, ranks = [], [], [], []
    for rank in range(n_streams, 0, -1):
        each, rest = divmod(total_bits, rank)
        if rest or (each > 1 and each % 2):
            continue
        power = np.zeros(s.gains.shape)
        power[:, :rank] = waterfill(s.gains[:, :rank])
        scores.append(mi_qam_interpolated(each, power[:, :rank] * s.gains[:, :rank]).sum(-1))
        powers.append(power)
        ranks.append(rank)
        tables.append(mixed_alphabet((each,) * rank + (0,) * (n_streams - rank)))
    choice = np.argmax(np.stack(scores), 0)
    power = np.stack(powers)[choice, np.arange(len(s.h))]
    table = np.stack(tables)[choice] @ directions(s, power).swapaxes(-1, -2)
    return table, {"p": power, "rank": np.array(ranks)[choice]}


def _pcen(s: Situation):
    from .pcen import pcen_table

    return pcen_table(s)


def _pcen_lite(s: Situation):
    from .pcen_lite import lite_table

    return lite_table(s)


def _pcen_unfolded(s: Situation):
    from .pcen_unfolded import unfolded_table

    return unfolded_table(s)


def _pcen_paper(s: Situation):
    from .pcen_paper import paper_table

    return paper_table(s)


_BUILDERS = {
    "none": _none,
    "svd_wf": _svd_wf,
    "svd_equal": _svd_equal,
    "svd_codebook": _svd_codebook,
    "mercury": _mercury,
    "rank_adaptive": _rank_adaptive,
    "pcen": _pcen,
    "pcen_lite": _pcen_lite,
    "pcen_unfolded": _pcen_unfolded,
    "pcen_paper": _pcen_paper,
}
PRECODERS = tuple(_BUILDERS)
SELECTIONS = ("dmin", "mi")
# the enhancement variants are parametrised (or trained) for these alphabets only
_PEN_BITS = {"pcen": (2,), "pcen_unfolded": (2,), "pcen_paper": (2,), "pcen_lite": (2, 4, 6)}
_BIT_NAMES = {1: "bpsk", 2: "qpsk", 4: "16qam", 6: "64qam", 8: "256qam"}


def supports(
    precoder: str, bits_per_symbol: int, n_tx: int = 2, n_rx: int = 2, n_streams: int | None = None
) -> bool:
    """Whether a precoder is made for this alphabet and these numbers of antennas and streams."""
    n_streams = min(n_tx, n_rx) if n_streams is None else n_streams
    if precoder not in _BUILDERS or bits_per_symbol not in _BIT_NAMES:
        return False
    if not 1 <= n_streams <= min(n_tx, n_rx):
        return False
    allowed = _PEN_BITS.get(precoder)
    return allowed is None or ((n_tx, n_rx, n_streams) == (2, 2, 2) and bits_per_symbol in allowed)


def _check(h, noise_var, precoder, bits, total_power, n_streams, selection):
    if precoder not in _BUILDERS:
        raise ValueError(f"precoder must be one of {', '.join(PRECODERS)}, got {precoder!r}")
    if h.ndim < 2:
        raise ValueError(f"h must be [..., n_rx, n_tx], got shape {h.shape}")
    if not np.isfinite(h).all():
        raise ValueError("h must be finite, got nan or infinity")
    if not (noise_var > 0).all() or not np.isfinite(noise_var).all():
        raise ValueError(f"noise_var must be > 0 and finite, got {noise_var}")
    if not 0 < total_power < np.inf:
        raise ValueError(f"total_power must be > 0, got {total_power}")
    if bits not in _BIT_NAMES:
        raise ValueError(f"bits_per_symbol must be 1, 2, 4, 6 or 8, got {bits}")
    largest = min(h.shape[-2:])
    if not 1 <= n_streams <= largest:
        raise ValueError(f"n_streams must be 1 .. min(n_tx, n_rx) = {largest}, got {n_streams}")
    if selection not in SELECTIONS:
        raise ValueError(f"selection must be one of {', '.join(SELECTIONS)}, got {selection!r}")
    if supports(precoder, bits, h.shape[-1], h.shape[-2], n_streams):
        return
    allowed = _PEN_BITS[precoder]
    if h.shape[-2:] != (2, 2) or n_streams != 2:
        raise ValueError(
            f"precoder {precoder} works for n_tx = n_rx = n_streams = 2 only, "
            f"got {h.shape[-1]}, {h.shape[-2]}, {n_streams}"
        )
    if bits not in allowed:
        names = ", ".join(_BIT_NAMES[b] for b in allowed)
        raise ValueError(
            f"precoder {precoder} works for {names} only, "
            f"got bits_per_symbol {bits} ({_BIT_NAMES[bits]})"
        )


def situation(h, noise_var, bits=2, total_power=2.0, n_streams=None, selection="dmin"):
    """`Situation` of h [b, n_rx, n_tx] and noise_var [b]: canonical directions and gains."""
    s, v = canonical_right(h)
    n_streams = s.shape[-1] if n_streams is None else n_streams
    s, v = s[:, :n_streams], v[:, :, :n_streams]
    gains = s * s * (total_power / noise_var)[:, None]
    return Situation(h, noise_var, v, gains, bits, total_power, selection)


def transmit_table(
    h,
    noise_var,
    precoder: str = "pcen",
    bits_per_symbol: int = 2,
    total_power: float = 2.0,
    n_streams: int | None = None,
    return_info: bool = False,
    selection: str = "dmin",
):
    """The K vectors a precoder can put on the air for this channel, in order of their bits.

    mean_i ||Z_i||^2 = total_power; row i belongs to the coded bits with integer value i.

    Args:
        h: complex [..., n_rx, n_tx], row = receive antenna.
        noise_var: float or [...], > 0, N0 per receive antenna.
        precoder: one of `PRECODERS`. The pcen family works for 2 x 2 and two streams only:
            pcen, pcen_unfolded, pcen_paper for QPSK; pcen_lite for QPSK, 16QAM, 64QAM.
        bits_per_symbol: m = 1, 2, 4, 6 or 8.
        total_power: Ptot over all transmit antennas.
        n_streams: n_s; None means min(n_rx, n_tx).
        return_info: also return a dictionary of what was decided per channel.
        selection: how svd_codebook chooses V_g: "dmin" (largest minimum distance) or "mi".
    Returns:
        complex128 [..., K, n_tx], K = 2^(n_s m). With return_info: (table, info); info holds
        gains [..., n_s] and, where they exist, p [..., n_s], matrix [..., n_tx, n_s] (of
        linear precoders), kappa, mode, rank, vg [...].
    Raises:
        ValueError: unknown name, bad shape or value, or a size the precoder is not made for.
    Source: link.md sections 4 and 5.
    """
    h = np.asarray(h, complex)
    noise_var = np.asarray(noise_var, float)
    if n_streams is None and h.ndim >= 2:
        n_streams = min(h.shape[-2:])
    _check(h, noise_var, precoder, bits_per_symbol, total_power, n_streams, selection)
    lead = h.shape[:-2]
    if noise_var.shape not in ((), lead):
        raise ValueError(f"noise_var must be a number or {list(lead)}, got {noise_var.shape}")
    flat = h.reshape((-1,) + h.shape[-2:])
    noise_var = noise_var.reshape(-1) if noise_var.ndim else np.full(len(flat), noise_var)
    s = situation(flat, noise_var, bits_per_symbol, total_power, n_streams, selection)
    table, info = _BUILDERS[precoder](s)
    table = np.ascontiguousarray(table).reshape(lead + table.shape[1:])
    if not return_info:
        return table
    info["gains"] = s.gains
    return table, {key: value.reshape(lead + value.shape[1:]) for key, value in info.items()}
