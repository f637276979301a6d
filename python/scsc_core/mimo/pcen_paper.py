# SPDX-License-Identifier: GPL-3.0-or-later
"""pcen_paper: Algorithm 1 of the paper in its self-consistent reading (numpy at run time)."""

from __future__ import annotations

from functools import cache

import numpy as np

from .combining import cen_matrix
from .constellation import product_alphabet
from .power import waterfill

LAYERS = 10
ALTERNATIONS = 2
PROJECTIONS = ("hard", "soft")


class PaperPcen:
    """The 2T trained scalars of Algorithm 1: step sizes gamma and damping alpha.

    Args:
        tensors: `gamma` [T], `alpha` [T] (logit), `log_beta` [1] (steepness of the soft
            projection).
        projection: "hard": per antenna and real dimension sign() sqrt(Pz/2);
            "soft": (a/beta) tanh(beta r / a), a = sqrt(Pz/2).
    Raises:
        ValueError: a tensor is missing or has the wrong shape; unknown projection.
    Source: Han et al., Algorithm 1; link.md section 5.4.
    """

    def __init__(self, tensors: dict[str, np.ndarray], projection: str = "hard"):
        shapes = {"gamma": (LAYERS,), "alpha": (LAYERS,), "log_beta": (1,)}
        for name, shape in shapes.items():
            found = tensors[name].shape if name in tensors else None
            if found != shape:
                raise ValueError(f"pcen_paper: {name} must have shape {shape}, got {found}")
        if projection not in PROJECTIONS:
            raise ValueError(
                f"projection must be one of {', '.join(PROJECTIONS)}, got {projection!r}"
            )
        self.gamma = np.asarray(tensors["gamma"], float)
        self.keep = 1 / (1 + np.exp(-np.asarray(tensors["alpha"], float)))
        self.beta = float(np.exp(tensors["log_beta"][0]))
        self.projection = projection

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> PaperPcen:
        """Build from the tensors and the `config` entry (projection) of a model."""
        return cls(tensors, config.get("projection", "hard"))

    def project(self, r: np.ndarray, total_power: float) -> np.ndarray:
        """Pi(r): onto the power-scaled QPSK set of each antenna, or its soft version."""
        level = np.sqrt(total_power / 4)
        if self.projection == "hard":
            return level * (np.sign(r.real) + 1j * np.sign(r.imag))
        steep = self.beta / level
        return (np.tanh(steep * r.real) + 1j * np.tanh(steep * r.imag)) * (level / self.beta)

    def table(self, target: np.ndarray, h: np.ndarray, noise_var: np.ndarray, total_power: float):
        """Table [b, K, 2] for targets x_p [b, K, 2] of channels h [b, 2, 2], noise_var [b].

        A channel of zeros (A = 0) leaves z = 0; its table is x_p itself.
        """
        table = target
        for _ in range(ALTERNATIONS):
            a = cen_matrix(table, h, noise_var, target) @ h
            energy = np.maximum((np.abs(a) ** 2).sum(1), 1e-6)
            w_t = (a.conj() / energy[:, None, :]).copy()  # transpose of diag(A^H A)^-1 A^H
            a_t = a.swapaxes(1, 2)
            z = np.zeros_like(target)
            for t in range(LAYERS):
                r = z + self.gamma[t] * ((target - z @ a_t) @ w_t)
                z = self.keep[t] * z + (1 - self.keep[t]) * self.project(r, total_power)
            power = (np.abs(z) ** 2).sum(-1).mean(1)[:, None, None]
            dead = power < 1e-9
            table = np.where(dead, target, z * np.sqrt(total_power / np.where(dead, 1, power)))
        return table


@cache
def _bundled() -> PaperPcen:
    from .. import zoo

    return zoo.load("pcen-paper")


def paper_table(s, model: PaperPcen | None = None):
    """Table [b, 16, 2] and info of Algorithm 1 around the water-filled SVD precoder.

    Not linear in the symbols: a receiver needs all 16 centroids.
    """
    model = _bundled() if model is None else model
    power = waterfill(s.gains)
    scaled = s.v * np.sqrt(power * s.total_power)[:, None, :]
    target = product_alphabet(2, 2)[0] @ scaled.swapaxes(1, 2)
    return model.table(target, s.h, s.noise_var, s.total_power), {"p": power}
