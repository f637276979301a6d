# SPDX-License-Identifier: GPL-3.0-or-later
"""Complex symbols of learned joint source-channel codes: packing, power, parallel streams.

Symbols leave a network as reals [B, 2 L]: L real parts, then L imaginary parts. They go over two
parallel streams after SVD equalisation, y' = x + n / s_i, n ~ CN(0, N0): the first half of the L
symbols on the strong stream, the second on the weak one.
"""

from __future__ import annotations

import torch

STREAMS = 2


def pack(features: torch.Tensor) -> torch.Tensor:
    """Features [B,C,h,w] as symbols, reals [B, 2 L], L = C h w / 2.

    The first half of the channels are real parts, the second imaginary parts.

    Raises:
        ValueError: C is odd.
    """
    if features.shape[1] % 2:
        raise ValueError(f"channels of the features must be even, got {features.shape[1]}")
    return features.flatten(1)


def unpack(symbols: torch.Tensor, channels: int, height: int, width: int) -> torch.Tensor:
    """The features [B,channels,height,width] whose `pack` these symbols are."""
    return symbols.unflatten(1, (channels, height, width))


def normalise_power(symbols: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Symbols scaled to mean |s|^2 = 1 over each transmission, and the factor.

    Args:
        symbols: reals [B, 2 L]; computed in float32 (float64 stays).
    Returns:
        (symbols [B, 2 L], factor [B, 1]).
    """
    exact = symbols if symbols.dtype == torch.float64 else symbols.float()
    mean_power = 2 * exact.square().mean(1, keepdim=True)
    factor = torch.rsqrt(mean_power.clamp(min=1e-12))
    return exact * factor, factor


def restore_power(symbols: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Inverse of `normalise_power`."""
    return symbols / factor


def stream_noise(noise_var: torch.Tensor, gains: torch.Tensor, n_symbols: int) -> torch.Tensor:
    """Noise standard deviation sqrt(N0) / s_i of every symbol, laid out like the symbols.

    Args:
        noise_var: float [B], N0 per channel use.
        gains: float [B,2], amplitude s_i of the strong and the weak stream, > 0.
        n_symbols: L.
    Returns:
        float [B, 2 L]; the same value for the real and the imaginary part of a symbol.
    """
    deviation = noise_var.sqrt()[:, None] / gains
    first = (n_symbols + 1) // STREAMS
    per_symbol = deviation.repeat_interleave(
        torch.tensor([first, n_symbols - first], device=gains.device), dim=1
    )
    return per_symbol.repeat(1, 2)


def add_noise(symbols: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """y' = x + n / s_i: complex Gaussian noise, half its variance per real dimension."""
    return symbols + deviation / 2**0.5 * torch.randn_like(symbols)
