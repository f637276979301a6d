# SPDX-License-Identifier: GPL-3.0-or-later
"""The default precoder enhancement: two small networks from the canonical gains to a precoder."""

from __future__ import annotations

from functools import cache

import numpy as np

from .constellation import product_alphabet, xor_permutation
from .grids import grid_index, grids, nearest_cell
from .power import two_streams, waterfill

# Network output 0 is centred on these, per label map (identity, xor).
PSI_START = np.array([0.35, 1.1])
PHI_START = np.array([0.2, 0.0])
INPUT_SCALE_DB = 15.0
LOWEST_GAIN, HIGHEST_GAIN = 10**-2.4, 1e3


class PcenNetwork:
    """Two perceptrons 2-32-32-3 (tanh), one per label map, and the stored map kappa(g1, g2).

    p = sigmoid(logit(clip(p1_WF, .05, .95)) + 3 o0), psi = psi0 + o1, phi = phi0 + o2 from
    (10 log10 g1, 10 log10 g2) / 15, gains clipped to -24 .. 30 dB.

    Args:
        tensors: w{k}{l}, b{k}{l} for label map k = 0, 1 and layer l = 0, 1, 2 (float32) and
            kappa int8 [55, 55].
    Raises:
        ValueError: a tensor is missing or has the wrong shape.
    Source: link.md section 5.1.
    """

    def __init__(self, tensors: dict[str, np.ndarray]):
        shapes = {"kappa": (55, 55)}
        for k in (0, 1):
            for layer, (rows, columns) in enumerate(((32, 2), (32, 32), (3, 32))):
                shapes[f"w{k}{layer}"] = (rows, columns)
                shapes[f"b{k}{layer}"] = (rows,)
        for name, shape in shapes.items():
            found = tensors[name].shape if name in tensors else None
            if found != shape:
                raise ValueError(f"pcen weights: {name} must have shape {shape}, got {found}")
        t = {name: np.asarray(tensors[name], float) for name in shapes if name != "kappa"}
        self.kappa = np.asarray(tensors["kappa"], np.intp)
        # both networks as one with block-diagonal layers: half the calls for one channel
        self._weights = [np.concatenate([t["w00"], t["w10"]]).T]
        for layer in (1, 2):
            first, second = t[f"w0{layer}"], t[f"w1{layer}"]
            above = np.concatenate([first, np.zeros(second.shape)], 1)
            below = np.concatenate([np.zeros(first.shape), second], 1)
            self._weights.append(np.concatenate([above, below]).T.copy())
        self._biases = [np.concatenate([t[f"b0{layer}"], t[f"b1{layer}"]]) for layer in range(3)]

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> PcenNetwork:
        """Build from the tensors of a model file (no configuration is needed)."""
        return cls(tensors)

    def parameters(self, gains: np.ndarray):
        """(p, psi, phi, kappa), each [b], for gains float64 [b, 2]."""
        gains = np.minimum(np.maximum(gains, LOWEST_GAIN), HIGHEST_GAIN)
        gains_db = 10 * np.log10(gains)
        hidden = gains_db / INPUT_SCALE_DB
        for layer in (0, 1):
            hidden = np.tanh(hidden @ self._weights[layer] + self._biases[layer])
        out = (hidden @ self._weights[2] + self._biases[2]).reshape(-1, 2, 3)
        kappa = self.kappa[nearest_cell(gains_db)]
        out = out[np.arange(len(out)), kappa]
        start = np.minimum(np.maximum(waterfill(gains)[:, 0], 0.05), 0.95)
        p = 1 / (1 + (1 - start) / start * np.exp(-3 * out[:, 0]))
        psi = PSI_START[kappa] + out[:, 1]
        phi = PHI_START[kappa] + out[:, 2]
        return p, psi, phi, kappa


@cache
def _bundled() -> PcenNetwork:
    from .. import zoo

    return zoo.load("pcen")


@cache
def label_maps() -> np.ndarray:
    """QPSK x QPSK symbol vectors [2, 16, 2] under the label maps identity and xor."""
    symbols = product_alphabet(2, 2)[0]
    return np.stack([symbols, symbols[xor_permutation()]])


def rotation(psi, phi) -> np.ndarray:
    """R = [[cos psi, sin psi e^{j phi}], [-sin psi, cos psi e^{j phi}]]: [..., 2, 2]."""
    cosine, sine, turn = np.cos(psi), np.sin(psi), np.exp(1j * np.asarray(phi))
    out = np.empty(np.shape(psi) + (2, 2), complex)
    out[..., 0, 0] = cosine
    out[..., 0, 1] = sine * turn
    out[..., 1, 0] = -sine
    out[..., 1, 1] = cosine * turn
    return out


def rotated_table(s, p, psi, phi, kappa):
    """Z_i = V1 diag(sqrt(p Ptot), sqrt((1-p) Ptot)) R(psi, phi) kappa(x_i), and its info."""
    power = two_streams(p)
    scaled = rotation(psi, phi) * np.sqrt(np.maximum(power, 0) * s.total_power)[:, :, None]
    matrix = s.v @ scaled
    table = label_maps()[kappa] @ matrix.swapaxes(-1, -2)
    info = {"p": power, "psi": psi, "phi": phi, "kappa": kappa, "matrix": matrix}
    return table, info


def pcen_table(s, network: PcenNetwork | None = None):
    """Table [b, 16, 2] and info of the default enhancement (bundled weights if None)."""
    network = _bundled() if network is None else network
    return rotated_table(s, *network.parameters(s.gains))


def oracle_table(s, which: str = "bicm"):
    """Table and info of `pcen_lut`: parameters optimised per 1-dB cell, for evaluation.

    Args:
        s: `precoding.Situation`, 2 x 2, QPSK.
        which: "bicm", or "cm": optimal for coded modulation (2.4 dB worse at rate 2 in BICM).
    Source: link.md section 5.1.
    """
    i, j = grid_index(s.gains)
    stored = grids()["par" if which == "bicm" else "par_cm"][i, j].astype(float)
    kappa = grids()["kappa"][i, j].astype(np.intp)
    if which == "cm":
        kappa = np.zeros_like(kappa)
    return rotated_table(s, stored[:, 0], stored[:, 1], stored[:, 2], kappa)
