# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned proxy of codec and link: a conditioned joint source-channel autoencoder with a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from . import symbols
from .inference import load_weights
from .layers import GDN, FiLM, init_kaiming, pad_to_multiple
from .proxy_output import ProxyOutput
from .rate_model import RateLine, RateModel

STRIDE = 16
CONDITIONINGS = ("on", "off")
VARIANTS = {"small": (48, 64), "medium": (64, 96), "large": (128, 192)}  # (N, M)
GAIN_MIN = 0.05  # a stream weaker than this carries nothing, and 1 / s must stay finite
_DOWN = {"kernel_size": 5, "stride": 2, "padding": 2}
_UP = _DOWN | {"output_padding": 1}


@dataclass(frozen=True)
class ProxyConfig:
    """Sizes of a proxy.

    Attributes:
        variant: "small", "medium" or "large": widths N, M.
        conditioning: "on", or "off" for one proxy per operating point (ablation).
        channels: C, reals for each block of 16 x 16; 1536 R_L, a multiple of 4.
    Raises:
        ValueError: a value that is not allowed.
    """

    variant: str = "small"
    conditioning: str = "on"
    channels: int = 128

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {self.variant!r}")
        if self.conditioning not in CONDITIONINGS:
            raise ValueError(f"conditioning must be on or off, got {self.conditioning!r}")
        if self.channels < 4 or self.channels % 4:
            raise ValueError(f"channels must be a positive multiple of 4, got {self.channels}")


class LinkState(NamedTuple):
    """What the proxy knows of the link, one value for each picture.

    Attributes:
        code_rate: float [B], R_c.
        snr_db: float [B], Pz / N0, link.md section 1.
        gains: float [B,2], stream amplitudes of the precoder in use, the strong stream first (the
            singular values of H for a plain SVD precoder).
    """

    code_rate: torch.Tensor
    snr_db: torch.Tensor
    gains: torch.Tensor

    @staticmethod
    def nominal(batch: int, like: torch.Tensor) -> LinkState:
        """R_c 1/2 at 12 dB over the root mean square gains of 2 x 2 Rayleigh channels."""
        gains = like.new_tensor([3.5**0.5, 0.5**0.5], dtype=torch.float32)
        values = [like.new_full((batch,), v, dtype=torch.float32) for v in (0.5, 12.0)]
        return LinkState(*values, gains.expand(batch, 2))


class Condition(nn.Sequential):
    """[(Q - 34.5) / 6.5, R_c, SNR / 10, log10 s1, log10 s2] -> 64 values."""

    def __init__(self):
        super().__init__(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, q: torch.Tensor, link: LinkState) -> torch.Tensor:
        """The condition [B,64] of slice QPs q [B] and the links."""
        rows = [(q - 34.5) / 6.5, link.code_rate, link.snr_db / 10]
        gains = torch.log10(link.gains.clamp(min=GAIN_MIN))
        return super().forward(torch.cat([torch.stack(rows, 1), gains], 1).float())


class _Unconditioned(nn.Module):
    """Takes the place of FiLM where nothing is conditioned."""

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        return x


def _film(config: ProxyConfig, channels: int) -> nn.Module:
    return FiLM(channels) if config.conditioning == "on" else _Unconditioned()


class Encoder(nn.Module):
    """f_phi: picture -> features y at 1/16 -> C reals for each block.

    Three times conv5 s2, GDN, FiLM; conv5 s2 N->M, FiLM -> y; conv3, ReLU, conv1 M->C.
    """

    def __init__(self, config: ProxyConfig):
        super().__init__()
        n, m = VARIANTS[config.variant]
        widths = (3, n, n, n, m)
        self.convs = nn.ModuleList(nn.Conv2d(i, o, **_DOWN) for i, o in zip(widths, widths[1:]))
        self.norms = nn.ModuleList([GDN(n), GDN(n), GDN(n), nn.Identity()])
        self.films = nn.ModuleList(_film(config, o) for o in widths[1:])
        self.head = nn.Sequential(
            nn.Conv2d(m, m, 3, padding=1), nn.ReLU(), nn.Conv2d(m, config.channels, 1)
        )

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None) -> tuple:
        """(y [B,M,H/16,W/16], features [B,C,H/16,W/16]) of x [B,3,H,W], sides multiples of 16."""
        for conv, norm, film in zip(self.convs, self.norms, self.films):
            x = film(norm(conv(x)), condition)
        return x, self.head(x)


class Decoder(nn.Module):
    """g_psi: received reals and noise map -> picture.

    conv1 2C->M, ReLU, conv3, FiLM; three times tconv5 s2, IGDN, FiLM; tconv5 s2 N->3, sigmoid.
    """

    def __init__(self, config: ProxyConfig):
        super().__init__()
        n, m = VARIANTS[config.variant]
        self.head = nn.Sequential(
            nn.Conv2d(2 * config.channels, m, 1), nn.ReLU(), nn.Conv2d(m, m, 3, padding=1)
        )
        widths = (m, n, n, n)
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(i, o, **_UP) for i, o in zip(widths, widths[1:])
        )
        self.norms = nn.ModuleList(GDN(n, inverse=True) for _ in range(3))
        self.films = nn.ModuleList(_film(config, o) for o in widths)
        self.last = nn.ConvTranspose2d(n, 3, **_UP)

    def forward(self, received, noise_map, condition) -> torch.Tensor:
        """Picture [B,3,H,W] in [0,1] of received, noise_map [B,C,H/16,W/16]."""
        x = self.films[0](self.head(torch.cat([received, noise_map], 1)), condition)
        for conv, norm, film in zip(self.convs, self.norms, self.films[1:]):
            x = film(norm(conv(x)), condition)
        return torch.sigmoid(self.last(x).float())


class Proxy(nn.Module):
    """Differentiable stand-in for codec and link: x, Q, link -> decoded picture and rate.

    x -> f_phi -> symbols of unit power -> y' = s + n / s_i -> g_psi -> picture;
    bpp = `RateLine` of bits / (h w), bits of the `RateModel` on f_phi's features.

    Noise is drawn in training only; in evaluation the decoder receives the
    clean symbols with the same noise map.

    Source: networks.md section 5.
    """

    def __init__(self, config: ProxyConfig = ProxyConfig()):
        super().__init__()
        self.config = config
        self.condition = Condition() if config.conditioning == "on" else None
        self.encoder = Encoder(config)
        self.rate = RateModel(*VARIANTS[config.variant])
        self.decoder = Decoder(config)
        self.line = RateLine()
        init_kaiming(self)

    @property
    def variant(self) -> str:
        """Name of the size."""
        return self.config.variant

    @classmethod
    def from_config(cls, config: dict) -> Proxy:
        """Proxy of a configuration dictionary, random weights."""
        return cls(ProxyConfig(**config))

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> Proxy:
        """Frozen proxy in evaluation mode with these weights (for `zoo.load`).

        Raises:
            ValueError: the configuration is wrong.
            WeightsError: names or shapes of the weights differ, or they are not finite.
        """
        proxy = cls.from_config(config)
        load_weights(proxy, tensors)
        return proxy.eval().requires_grad_(False)

    def forward(
        self, x: torch.Tensor, q: torch.Tensor, link: LinkState | None = None
    ) -> ProxyOutput:
        """Estimate of the decoded picture and its rate.

        Args:
            x: float [B,3,H,W] in [0,1], any H, W (padded to multiples of 16 by replication).
            q: float [B], slice QP.
            link: `LinkState`; None: `LinkState.nominal`.
        """
        image, rate = self.estimate(x, q, link)
        return ProxyOutput(image, self.line(rate, q))

    def estimate(
        self, x: torch.Tensor, q: torch.Tensor, link: LinkState | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(picture [B,3,H,W], bits / (H W) [B] of the rate model before the fit)."""
        if link is None:
            link = LinkState.nominal(len(x), x)
        height, width = x.shape[-2:]
        q = q.to(x.device, torch.float32)
        condition = None if self.condition is None else self.condition(q, link)
        y, features = self.encoder(pad_to_multiple(x, STRIDE), condition)
        received, noise_map = self._transmitted(features, link)
        image = self.decoder(received, noise_map, condition)[..., :height, :width]
        return image, self.rate(y) / (height * width)

    def _transmitted(self, features, link):
        """Received features and noise map; the symbols' power is 1 over each whole picture."""
        shape, kind = features.shape[1:], features.dtype
        sent, _ = symbols.normalise_power(symbols.pack(features))
        noise_var = 10 ** (-link.snr_db.to(sent) / 10)
        gains = link.gains.to(sent).clamp(min=GAIN_MIN)
        deviation = symbols.stream_noise(noise_var, gains, sent.shape[1] // 2)
        received = symbols.add_noise(sent, deviation) if self.training else sent
        return (symbols.unpack(v, *shape).to(kind) for v in (received, deviation))
