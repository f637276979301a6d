# SPDX-License-Identifier: GPL-3.0-or-later
"""BICM information with gradients, for the training of precoders (torch)."""

from __future__ import annotations

import math
from functools import cache

import torch

from ..mimo.constellation import label_bits


def sobol_noise(samples: int, seed: int) -> torch.Tensor:
    """Low-discrepancy draws of CN(0, I_2) as reals, antithetic, sample power exactly one.

    Args:
        samples: even number of draws.
        seed: of the scrambled Sobol sequence.
    Returns:
        float64 [samples, 4]: Re n1, Re n2, Im n1, Im n2, variance 1/2 each.
    """
    engine = torch.quasirandom.SobolEngine(4, scramble=True, seed=seed)
    uniform = engine.draw(samples // 2, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)
    normal = torch.erfinv(2 * uniform - 1)
    normal = normal / (2 * (normal**2).mean(0)).sqrt()
    return torch.cat([normal, -normal])


@cache
def _masks(n_bits: int) -> torch.Tensor:
    bits = torch.from_numpy(label_bits(1 << n_bits, n_bits).T.copy()).bool()
    same = bits[:, :, None] == bits[:, None]
    return torch.cat([torch.ones((1,) + same.shape[1:]), same]).double()


def bicm_information(points: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """BICM information [b] in bits per use of noise-free received points, N0 = 1.

    sum_j exp(-|S_i + w - S_j|^2) factors into exp(2 Re w^H S_j) and exp(-|S_i - S_j|^2), so
    that matrix products replace K^2 exponentials per noise draw.

    Args:
        points: float64 [b, K, d], real coordinates of H Z_i / sqrt(N0), row index = bits.
            Energies below about 35 dB: the exponentials are not rescaled.
        noise: float64 [n, d], variance 1/2 per real dimension, antithetic.
    Source: link.md section 5.1.
    """
    n_bits = points.shape[1].bit_length() - 1
    energy = (points * points).sum(2)
    distance = energy[:, :, None] + energy[:, None] - 2 * points @ points.mT
    kernel = torch.exp(-distance.clamp(min=0))
    columns = (kernel[:, None] * _masks(n_bits)).flatten(1, 2)
    sums = torch.exp(2 * noise @ points.mT) @ columns.mT
    logs = torch.log2(sums).mean(1).unflatten(1, (n_bits + 1, -1)).mean(2)
    return n_bits - n_bits * logs[:, 0] + logs[:, 1:].sum(1)


def information_loss(information: torch.Tensor) -> torch.Tensor:
    """-E[max_k I_k + 0.3 min_k I_k] over the label maps k: information [2, b].

    The small weight keeps the map that is not chosen useful near the border of the choice.
    """
    return -(information.max(0).values + 0.3 * information.min(0).values).mean()


def channel_gains(count: int, generator: torch.Generator, snr_db=(-10.0, 12.0)) -> torch.Tensor:
    """Canonical gains float64 [count, 2] of 2 x 2 i.i.d. Rayleigh channels, SNR uniform in dB.

    Clipped to -24 .. 30 dB, Ptot = 2.
    """
    parts = torch.randn((2, count, 2, 2), generator=generator, dtype=torch.float64) / math.sqrt(2)
    s = torch.linalg.svdvals(torch.complex(parts[0], parts[1]))
    low, high = snr_db
    snr = low + (high - low) * torch.rand(count, generator=generator, dtype=torch.float64)
    return (s * s * (2 * 10 ** (snr / 10))[:, None]).clamp(10**-2.4, 1e3)
