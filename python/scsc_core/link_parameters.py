# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities that follow from a link's configuration; transmitter and receiver derive the same ones."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from . import fec, mimo
from .channels import block_lengths, effective, noise_variance
from .config import ConfigError, LinkConfig

# Their tables are not linear in the QAM symbols: only the joint detector knows what to do with them.
_JOINT_ONLY = ("pcen", "pcen_unfolded", "pcen_paper")


def total_power(config: LinkConfig) -> float:
    """Ptot = n_tx Pz with Pz = 1."""
    return float(config.n_tx)


def bits_per_use(config: LinkConfig) -> int:
    """m_u = n_s m, coded bits that one channel use carries."""
    return config.streams * mimo.bits_per_symbol(config.modulation)


def coded_bits(config: LinkConfig, payload_bits: int) -> int:
    """G: payload over nominal code rate, filled up to whole channel uses."""
    m_u = bits_per_use(config)
    return m_u * math.ceil(payload_bits / (config.rate * m_u))


def channel_code(config: LinkConfig, payload_bits: int):
    """The channel code of `payload_bits` bits under this configuration (cached)."""
    if payload_bits < 1:
        raise ValueError(f"payload_bits must be at least 1, got {payload_bits}")
    return _channel_code(
        config.fec,
        payload_bits,
        coded_bits(config, payload_bits),
        mimo.bits_per_symbol(config.modulation),
        float(config.rate),
        config.streams,
        config.max_iterations,
    )


@lru_cache(maxsize=32)
def _channel_code(name, payload_bits, n_coded, m, rate, n_layers, max_iterations):
    options: dict[str, Any] = {}
    if name != "polar":
        options["max_iterations"] = max_iterations
    if name == "nr_ldpc":
        options["n_layers"] = n_layers
    return fec.create(name, payload_bits, n_coded, m, rate, **options)


def check_detector(config: LinkConfig) -> None:
    """ConfigError when the detector cannot work with the precoder's tables."""
    if config.detector != "ml" and config.precoder in _JOINT_ONLY:
        raise ConfigError(
            f"detector must be ml with precoder {config.precoder}, got {config.detector}; "
            "pcen_lite and the digital precoders work with linear detectors"
        )


def used_csi(config: LinkConfig, h_hat: np.ndarray) -> tuple[np.ndarray, float]:
    """Channel and noise variance that both ends compute with, given the estimate they share."""
    noise_var = noise_variance(config.snr_db, config.snr_def, config.n_tx)
    if config.csi_error == 0 or config.csi_handling == "naive":
        return h_hat, noise_var
    return effective(h_hat, noise_var, config.csi_error, total_power(config))


def transmit_tables(config: LinkConfig, h_hat: np.ndarray) -> np.ndarray:
    """Transmit tables complex128 [b, K, n_tx] of the shared channel estimates [b, n_rx, n_tx]."""
    h_used, noise_var = used_csi(config, h_hat)
    return mimo.transmit_table(
        h_used,
        noise_var,
        precoder=config.precoder,
        bits_per_symbol=mimo.bits_per_symbol(config.modulation),
        total_power=total_power(config),
        n_streams=config.streams,
    )


def payload_budget(config: LinkConfig, n_samples: int) -> int:
    """Payload bytes that keep R_k = k / n_samples at or below config.cbr_target."""
    k = math.floor(config.cbr_target * n_samples)
    return math.floor(k * bits_per_use(config) * config.rate) // 8


def fading_blocks(config: LinkConfig, block_bits: tuple[int, ...], n_bits: int) -> np.ndarray:
    """int64 [b]: channel uses per fading block; a use shared by two code blocks counts to the first."""
    m_u = bits_per_use(config)
    ends = -(-np.cumsum(block_bits) // m_u)
    codeword_uses = np.diff(ends, prepend=0)
    return block_lengths(n_bits // m_u, config.fading, codeword_uses, config.fading_uses)
