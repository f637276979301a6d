# SPDX-License-Identifier: GPL-3.0-or-later
"""pcen_unfolded: six unfolded gradient steps on BICM information with trained step sizes."""

from __future__ import annotations

from functools import cache

import numpy as np

from .constellation import label_bits, product_alphabet
from .information import antithetic_noise
from .pcen import HIGHEST_GAIN, LOWEST_GAIN, label_maps, rotation
from .power import waterfill

LAYERS = 6
NOISE_SAMPLES, NOISE_SEED = 64, 4
MIX_OFFSET = 1.5  # sigmoid(-1.5) = .18: the share of equal power in the start
_CHOICE_SAMPLES = 256
_CHUNK = 6  # channels whose sums stay in the cache


class UnfoldedPcen:
    """The trained scalars of the unfolded enhancement.

    Per label map k: `gam` [2, 6] (log step), `al` [2, 6] (logit of the damping), `psi`, `phi`
    [2] (rotation of the start) and `mix` [2] (logit + 1.5 of the equal-power share).

    Raises:
        ValueError: a tensor is missing or has the wrong shape.
    Source: link.md section 5.3.
    """

    def __init__(self, tensors: dict[str, np.ndarray]):
        shapes = {"gam": (2, LAYERS), "al": (2, LAYERS), "psi": (2,), "phi": (2,), "mix": (2,)}
        for name, shape in shapes.items():
            found = tensors[name].shape if name in tensors else None
            if found != shape:
                raise ValueError(f"pcen_unfolded: {name} must have shape {shape}, got {found}")
            setattr(self, name, np.asarray(tensors[name], float))

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> UnfoldedPcen:
        """Build from the tensors of a model file (no configuration is needed)."""
        return cls(tensors)

    def precoder(self, gains: np.ndarray, kappa: int) -> np.ndarray:
        """Unit-norm C [b, 2, 2] with P = V1 C sqrt(Ptot), for one label map.

        C <- unit(a C + (1 - a) unit(C + e^gamma unit(diag(g) C Et))), Et = 4 E - sum_k E_k.
        """
        share = 1 / (1 + np.exp(MIX_OFFSET - self.mix[kappa]))
        p = (1 - share) * waterfill(gains)[:, 0] + share * 0.5
        p = np.minimum(np.maximum(p, 0.001), 0.999)
        start = rotation(self.psi[kappa], self.phi[kappa])
        matrix = np.sqrt(np.stack([p, 1 - p], -1))[:, :, None] * start
        for t in range(LAYERS):
            gradient = gains[:, :, None] * (matrix @ bicm_error(matrix, gains, kappa))
            keep = 1 / (1 + np.exp(-self.al[kappa, t]))
            moved = _unit(matrix + np.exp(self.gam[kappa, t]) * _unit(gradient))
            matrix = _unit(keep * matrix + (1 - keep) * moved)
        return matrix


def _unit(matrix: np.ndarray) -> np.ndarray:
    norm = (matrix.real**2 + matrix.imag**2).sum((1, 2))
    return matrix / np.sqrt(norm + 1e-12)[:, None, None]


@cache
def group_masks(kappa: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks [5, 16, 16] (all, equal bit k) and weights [16, 5]: 1, Re x1, Re x2, Im x1, Im x2."""
    symbols = product_alphabet(2, 2)[0]
    # row i of the label map sends symbols[order[i]]; the order is its own inverse
    order = np.argmin(np.abs(label_maps()[kappa][:, None] - symbols).sum(-1), 1)
    bits = label_bits(16, 4)[order].T
    masks = np.concatenate([np.ones((1, 16, 16)), bits[:, :, None] == bits[:, None]])
    return masks, np.concatenate([np.ones((16, 1)), symbols.real, symbols.imag], 1)


@cache
def _sums_of(kappa: int) -> np.ndarray:
    """What sums over j weigh term (i, j) with, [5 moments, 5 groups, 8, 16]; see `group_masks`.

    Rows i and 15 - i are antipodal and the noise comes in antithetic pairs: half of the rows suffice.
    """
    masks, weights = group_masks(kappa)
    return masks[:, :8] * weights.T[:, None, None]


@cache
def _real_noise(samples: int, seed: int) -> np.ndarray:
    """2 (Re, Im) of the noise, [4, samples]."""
    noise = antithetic_noise(samples, 2, seed)
    return 2 * np.concatenate([noise.real, noise.imag], 1).T


def _kernel(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reals r [b, 16, 4] of points S [b, 16, 2], and exp(-|S_i - S_j|^2) [b, 8, 16]."""
    reals = np.concatenate([points.real, points.imag], 2)
    energy = (reals * reals).sum(2)
    distance = energy[:, :8, None] + energy[:, None] - 2 * reals[:, :8] @ reals.swapaxes(1, 2)
    return reals, np.exp(-np.maximum(distance, 0))


def bicm_error(matrix: np.ndarray, gains: np.ndarray, kappa: int) -> np.ndarray:
    """Et = 4 E - sum_k E_k [b, 2, 2]: the error matrix of the gradient of BICM information.

    E is the error covariance of x given r = diag(sqrt g) C x + n, E_k that given bit k too.

    Args:
        matrix: complex128 [b, 2, 2], C.
        gains: float64 [b, 2], at most 30 dB.
        kappa: label map, 0 (identity) or 1 (xor).
    """
    symbols = product_alphabet(2, 2)[0]
    sent = np.concatenate([symbols[:8].real, symbols[:8].imag], 1).T
    sent = np.tile(np.repeat(sent, NOISE_SAMPLES, 1), 5)
    n_terms = 8 * NOISE_SAMPLES
    reals, kernel = _kernel((symbols @ matrix.swapaxes(1, 2)) * np.sqrt(gains)[:, None])
    tilt = np.exp(reals @ _real_noise(NOISE_SAMPLES, NOISE_SEED))
    total = np.empty((len(matrix), 4, 4))
    for start in range(0, len(matrix), _CHUNK):
        part = slice(start, start + _CHUNK)
        # row (moment, group, i): sum_j exp(a_j) E_ij [same bit] (1, x_j), for every noise sample
        rows = kernel[part, None, None] * _sums_of(kappa)
        sums = (rows.reshape(len(rows), -1, 16) @ tilt[part]).reshape(len(rows), 5, -1)
        error = sums[:, 1:]
        error /= sums[:, :1]
        error -= sent
        whole, given = error[:, :, :n_terms], error[:, :, n_terms:]
        total[part] = 4 * whole @ whole.swapaxes(1, 2) - given @ given.swapaxes(1, 2)
    total /= n_terms
    return (total[:, :2, :2] + total[:, 2:, 2:]) + 1j * (total[:, 2:, :2] - total[:, :2, 2:])


def _bicm_information(points: np.ndarray, kappa: int) -> np.ndarray:
    """BICM information [b] of points S [b, 16, 2] in unit noise, up to a constant.

    As `mutual_information` with as many draws, from half of the rows: Sum_k log2 of the sums given
    bit k, less 4 log2 of the whole sum.
    """
    reals, kernel = _kernel(points)
    tilt = np.exp(reals @ _real_noise(_CHOICE_SAMPLES, 0))
    information = np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        part = slice(start, start + _CHUNK)
        rows = kernel[part, None] * _sums_of(kappa)[0]
        logs = np.log2(rows.reshape(len(rows), -1, 16) @ tilt[part])
        means = logs.reshape(len(rows), 5, -1).mean(2)
        information[part] = means[:, 1:].sum(1) - 4 * means[:, 0]
    return information


@cache
def _bundled() -> UnfoldedPcen:
    from .. import zoo

    return zoo.load("pcen-unfolded")


def unfolded_table(s, model: UnfoldedPcen | None = None):
    """Table [b, 16, 2] and info of the unfolded enhancement (bundled scalars if None).

    Both label maps are unfolded; the one with the larger BICM information is kept.
    Gains are clipped to -24 .. 30 dB.
    """
    model = _bundled() if model is None else model
    gains = np.minimum(np.maximum(s.gains, LOWEST_GAIN), HIGHEST_GAIN)
    matrices, tables, information = [], [], []
    for kappa in (0, 1):
        canonical = model.precoder(gains, kappa)
        # judged on diag(sqrt g) C, so that the choice depends on the gains only
        effective = np.sqrt(gains)[:, :, None] * canonical
        points = product_alphabet(2, 2)[0] @ effective.swapaxes(1, 2)
        information.append(_bicm_information(points, kappa))
        matrices.append(s.v @ canonical * np.sqrt(s.total_power))
        tables.append(label_maps()[kappa] @ matrices[-1].swapaxes(1, 2))
    # equal ones, at high gains, differ by rounding: every machine must choose the same
    kappa = (information[1] > information[0] + 1e-9).astype(np.intp)
    rows = np.arange(len(s.h))
    return np.stack(tables)[kappa, rows], {
        "kappa": kappa,
        "matrix": np.stack(matrices)[kappa, rows],
    }
