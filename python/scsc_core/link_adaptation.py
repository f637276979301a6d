# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of modulation and code rate from mutual information; the quality follows from the budget.

A fading block carries code rate R_c without loss when its BICM information I(H), taken `margin_db`
below the working SNR for what a real code loses, is at least R_c m_u. The choice is the largest R_c m_u
whose outage P(I < R_c m_u) stays under a target; the codec then takes the best quality that fits the
channel uses (`mode="rate_matched"`).
"""

from dataclasses import dataclass

import numpy as np

from . import mimo
from .channels.symbol_channel import SymbolChannel
from .config import MODULATIONS, LinkConfig, parse_code_rate
from .link_parameters import bits_per_use, transmit_tables, used_csi

CODE_RATES = ("1/10", "1/6", "1/3", "1/2", "2/3", "3/4", "5/6", "9/10")
MARGIN_DB = 1.0  # NR LDPC, K = 8448, 12 iterations: about 1 dB from the BICM limit at BLER 1e-2
OUTAGE_TARGET = 0.1
_MAX_TABLE_ROWS = 256  # a joint detector and its information cost K^2
_DRAWS = {True: 400, False: 60}  # channels drawn for small and for large tables


@dataclass(frozen=True)
class Choice:
    """One operating point: `efficiency` = R_c m_u payload bits per channel use."""

    modulation: str
    code_rate: str
    efficiency: float
    outage: float


def block_information(config: LinkConfig, h_hat: np.ndarray, margin_db: float) -> np.ndarray:
    """BICM information [b], bits per channel use, of channel blocks at SNR less `margin_db`.

    The table is the one that the link would send at its true SNR; only the noise is raised.
    """
    h_used, noise_var = used_csi(config, h_hat)
    table = transmit_tables(config, h_hat)
    _, bicm = mimo.mutual_information(h_used, table, noise_var * 10 ** (margin_db / 10))
    return np.asarray(bicm)


def operating_points(
    config: LinkConfig, h_hat: np.ndarray | None = None, margin_db: float = MARGIN_DB
) -> list[Choice]:
    """Every usable pair of modulation and code rate with its outage, by falling efficiency.

    Args:
        config: link whose codec, modulation and code rate are left open.
        h_hat: complex [b, n_rx, n_tx] channels to judge by; None draws some from the configured model,
            with a seed of their own so that the run's channel is not looked at.
        margin_db: SNR margin for the loss of the real code, >= 0.
    """
    if not margin_db >= 0:
        raise ValueError(f"margin_db must be >= 0, got {margin_db}")
    choices = []
    for modulation in MODULATIONS:
        candidate = config.with_changes(modulation=modulation, mode="fixed", cbr_target=None)
        rows = 2 ** bits_per_use(candidate)
        if rows > _MAX_TABLE_ROWS or not mimo.supports(
            config.precoder, mimo.bits_per_symbol(modulation)
        ):
            continue
        drawn = _draw(candidate, _DRAWS[rows <= 16]) if h_hat is None else h_hat
        information = block_information(candidate, drawn, margin_db)
        for code_rate in CODE_RATES:
            efficiency = float(parse_code_rate(code_rate)) * bits_per_use(candidate)
            outage = float(np.mean(information < efficiency))
            choices.append(Choice(modulation, code_rate, efficiency, outage))
    return sorted(choices, key=lambda choice: (-choice.efficiency, choice.outage))


def choose(
    config: LinkConfig,
    h_hat: np.ndarray | None = None,
    outage_target: float = OUTAGE_TARGET,
    margin_db: float = MARGIN_DB,
) -> Choice:
    """The most efficient operating point whose outage is at most `outage_target`.

    When none reaches the target, the one that is lost least often.
    """
    if not 0 <= outage_target < 1:
        raise ValueError(f"outage_target must be in [0, 1), got {outage_target}")
    points = operating_points(config, h_hat, margin_db)
    allowed = [point for point in points if point.outage <= outage_target]
    return (
        allowed[0] if allowed else min(points, key=lambda point: (point.outage, point.efficiency))
    )


def adapt(config: LinkConfig, outage_target: float = OUTAGE_TARGET) -> LinkConfig:
    """Configuration of mode "adaptive" -> "rate_matched" with modulation and code rate chosen."""
    choice = choose(config, outage_target=outage_target)
    return config.with_changes(
        mode="rate_matched", modulation=choice.modulation, code_rate=choice.code_rate
    )


def _draw(config: LinkConfig, n_draws: int) -> np.ndarray:
    seed = (config.seed + 0x5C5C) % (1 << 63)
    return SymbolChannel(config.with_changes(seed=seed)).sound(n_draws)[1]
