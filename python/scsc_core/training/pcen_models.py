# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainable twins (torch) of the run-time precoder enhancements in `scsc_core.mimo`."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..mimo import pcen, pcen_paper, pcen_unfolded
from ..mimo.constellation import product_alphabet
from ..mimo.information import antithetic_noise
from .information import bicm_information

_LAYER_SAMPLES = 32  # noise draws inside the unfolded layers: half of the run-time's, for speed
_LABEL_MAP_CELLS = 275  # cells of the label map judged at once: 30 MB of sums


def _waterfill(gains: torch.Tensor) -> torch.Tensor:
    return (0.5 * (1 + 1 / gains[:, 1] - 1 / gains[:, 0])).clamp(max=1.0)


def _rotated(p, psi, phi) -> torch.Tensor:
    turn = torch.polar(torch.ones_like(phi), phi)
    cosine, sine = torch.cos(psi) + 0j, torch.sin(psi) + 0j
    rows = [torch.stack([cosine, sine * turn], -1), torch.stack([-sine, cosine * turn], -1)]
    root = torch.stack([p, 1 - p], -1).clamp(min=1e-12).sqrt()
    return root[:, :, None] * torch.stack(rows, -2)


def received_points(matrix: torch.Tensor, gains: torch.Tensor, kappa: int) -> torch.Tensor:
    """Real coordinates [b, 16, 4] of diag(sqrt g) C kappa(x_i), C complex128 [b, 2, 2]."""
    symbols = torch.from_numpy(pcen.label_maps()[kappa].copy())
    points = (symbols @ matrix.mT) * gains.sqrt()[:, None]
    return torch.cat([points.real, points.imag], 2)


class PcenModule(torch.nn.Module):
    """Two perceptrons 2-32-32-3 (tanh), one per label map; see `mimo.pcen.PcenNetwork`."""

    def __init__(self):
        super().__init__()
        self.nets = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Linear(2, 32),
                torch.nn.Tanh(),
                torch.nn.Linear(32, 32),
                torch.nn.Tanh(),
                torch.nn.Linear(32, 3),
            )
            for _ in range(2)
        ).double()
        with torch.no_grad():
            for net in self.nets:
                net[4].weight.mul_(0.1)
                net[4].bias.zero_()

    def information(self, gains: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """BICM information [2, b] under both label maps."""
        start = _waterfill(gains).clamp(0.05, 0.95)
        inputs = 10 * torch.log10(gains) / pcen.INPUT_SCALE_DB
        information = []
        for kappa, net in enumerate(self.nets):
            out = net(inputs)
            p = torch.sigmoid(torch.logit(start) + 3 * out[:, 0])
            psi, phi = pcen.PSI_START[kappa] + out[:, 1], pcen.PHI_START[kappa] + out[:, 2]
            points = received_points(_rotated(p, psi, phi), gains, kappa)
            information.append(bicm_information(points, noise))
        return torch.stack(information)

    @torch.no_grad()
    def tensors(self, noise: torch.Tensor) -> dict[str, np.ndarray]:
        """Weights float32 and the label map kappa int8 [55, 55], xor where it gains 1e-4 bit."""
        gains_db = torch.arange(-24.0, 31.0, dtype=torch.float64)
        grid = 10 ** (torch.cartesian_prod(gains_db, gains_db) / 10)
        parts = [self.information(cells, noise) for cells in grid.split(_LABEL_MAP_CELLS)]
        information = torch.cat(parts, 1)
        kappa = (information[1] > information[0] + 1e-4).reshape(55, 55)
        out = {"kappa": kappa.numpy().astype(np.int8)}
        for k, net in enumerate(self.nets):
            for layer in range(3):
                out[f"w{k}{layer}"] = net[2 * layer].weight.numpy().astype(np.float32)
                out[f"b{k}{layer}"] = net[2 * layer].bias.numpy().astype(np.float32)
        return out


def _unit(matrix: torch.Tensor) -> torch.Tensor:
    return matrix / (matrix.abs().pow(2).sum((1, 2), keepdim=True) + 1e-12).sqrt()


class UnfoldedModule(torch.nn.Module):
    """28 trained scalars of six gradient layers; see `mimo.pcen_unfolded.UnfoldedPcen`."""

    def __init__(self):
        super().__init__()
        layers = pcen_unfolded.LAYERS
        self.gam = torch.nn.Parameter(torch.zeros(2, layers, dtype=torch.float64))
        self.al = torch.nn.Parameter(torch.full((2, layers), -1.0, dtype=torch.float64))
        self.psi = torch.nn.Parameter(torch.tensor([0.35, 1.1], dtype=torch.float64))
        self.phi = torch.nn.Parameter(torch.tensor([0.2, 0.0], dtype=torch.float64))
        self._symbols = torch.from_numpy(product_alphabet(2, 2)[0].copy())
        noise = antithetic_noise(_LAYER_SAMPLES, 2, pcen_unfolded.NOISE_SEED)
        self._noise = torch.from_numpy(np.concatenate([noise.real, noise.imag], 1))

    def _bicm_error(self, matrix, gains, kappa):
        masks, weights = (torch.from_numpy(a) for a in pcen_unfolded.group_masks(kappa))
        points = (self._symbols @ matrix.mT) * gains.sqrt()[:, None]
        points = torch.cat([points.real, points.imag], 2)
        energy = (points * points).sum(2)
        distance = energy[:, :, None] + energy[:, None] - 2 * points @ points.mT
        kernel = torch.exp(-distance.clamp(min=0))
        columns = kernel[:, None, None] * masks[:, None] * weights.T[None, None, :, None]
        sums = torch.exp(2 * self._noise @ points.mT) @ columns.flatten(1, 3).mT
        sums = sums.unflatten(2, (5, 5, 16))
        mean = sums[:, :, :, 1:] / sums[:, :, :, :1]
        error = self._symbols.T - torch.complex(mean[:, :, :, :2], mean[:, :, :, 2:])
        error = error.permute(0, 2, 3, 1, 4).flatten(3)
        covariance = error @ error.mH / error.shape[-1]
        return 4 * covariance[:, 0] - covariance[:, 1:].sum(1)

    def information(self, gains: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """BICM information [2, b] after the last layer, under both label maps."""
        share = 1 / (1 + math.exp(pcen_unfolded.MIX_OFFSET))
        p = ((1 - share) * _waterfill(gains) + share * 0.5).clamp(0.001, 0.999)
        information = []
        for kappa in (0, 1):
            matrix = _rotated(p, self.psi[kappa].expand_as(p), self.phi[kappa].expand_as(p))
            for t in range(pcen_unfolded.LAYERS):
                gradient = gains[:, :, None] * (matrix @ self._bicm_error(matrix, gains, kappa))
                keep = torch.sigmoid(self.al[kappa, t])
                moved = _unit(matrix + torch.exp(self.gam[kappa, t]) * _unit(gradient))
                matrix = _unit(keep * matrix + (1 - keep) * moved)
            information.append(bicm_information(received_points(matrix, gains, kappa), noise))
        return torch.stack(information)

    @torch.no_grad()
    def tensors(self, noise: torch.Tensor) -> dict[str, np.ndarray]:
        """The scalars float32; the start's mix stays at its fixed value."""
        names = ("gam", "al", "psi", "phi")
        out = {name: getattr(self, name).numpy().astype(np.float32) for name in names}
        return out | {"mix": np.zeros(2, np.float32)}


class PaperModule(torch.nn.Module):
    """Algorithm 1 with trained gamma and alpha; see `mimo.pcen_paper.PaperPcen`.

    Args:
        projection: "hard" (straight-through gradient of the soft one) or "soft".
    """

    def __init__(self, projection: str = "hard"):
        super().__init__()
        layers = pcen_paper.LAYERS
        self.projection = projection
        self.gamma = torch.nn.Parameter(torch.ones(layers, dtype=torch.float64))
        start = torch.full((layers,), math.log(0.95 / 0.05), dtype=torch.float64)
        self.alpha = torch.nn.Parameter(start)
        self.log_beta = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def _project(self, r, level):
        beta = self.log_beta.exp()
        soft = torch.complex(torch.tanh(beta * r.real / level), torch.tanh(beta * r.imag / level))
        soft = soft * level / beta
        if self.projection == "soft":
            return soft
        hard = level * torch.complex(torch.sign(r.real), torch.sign(r.imag))
        return soft + (hard - soft).detach()

    @staticmethod
    def _combiner(target, table, h, noise_var):
        cross = target.mT @ table.conj() / table.shape[1] @ h.mH
        received = h @ (table.mT @ table.conj() / table.shape[1]) @ h.mH
        received = received + noise_var[:, None, None] * torch.eye(2)
        return torch.linalg.solve(received, cross.mH).mH

    def forward(self, target, h, noise_var, total_power: float = 2.0):
        """(table [b, 16, 2], U2 [b, 2, 2]) for targets x_p [b, 16, 2], h [b, 2, 2], N0 [b]."""
        table, level = target, math.sqrt(total_power / 4)
        for _ in range(pcen_paper.ALTERNATIONS):
            a = self._combiner(target, table, h, noise_var) @ h
            w_t = a.conj() / a.abs().pow(2).sum(1).clamp(min=1e-6)[:, None]
            z = torch.zeros_like(target)
            for gamma, alpha in zip(self.gamma, torch.sigmoid(self.alpha), strict=True):
                r = z + gamma * ((target - z @ a.mT) @ w_t)
                z = alpha * z + (1 - alpha) * self._project(r, level)
            power = z.abs().pow(2).sum(-1).mean(1).clamp(min=1e-9)
            table = z * (total_power / power).sqrt()[:, None, None]
        return table, self._combiner(target, table, h, noise_var)

    def loss(self, target, h, noise_var) -> torch.Tensor:
        """Mean of E||x_p - U2 (H z + n)||^2: Eq. (10) with the noise term."""
        table, u2 = self(target, h, noise_var)
        error = (target - table @ (u2 @ h).mT).abs().pow(2).sum(-1).mean(1)
        return (error + noise_var * u2.abs().pow(2).sum((1, 2))).mean()

    @torch.no_grad()
    def tensors(self, noise: torch.Tensor) -> dict[str, np.ndarray]:
        """gamma, alpha (logit) and log_beta, float32."""
        names = ("gamma", "alpha", "log_beta")
        return {name: getattr(self, name).numpy().astype(np.float32) for name in names}
