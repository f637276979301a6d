# SPDX-License-Identifier: GPL-3.0-or-later
"""Data frames by Alamouti's code: one stream, both antennas, no channel knowledge at the transmitter.

Of the QAM symbols a, b of two neighbouring OFDM symbols on one carrier the antennas send (a, b), then
(-b*, a*). Both rows are functions of the joint index (a, b), so a frame is one table again: the first
half of its rows for even symbols, the second for odd ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .. import mimo


@lru_cache(maxsize=8)
def alamouti_tables(modulation: str) -> np.ndarray:
    """complex128 [1, 2 M^2, 2], mean row energy 2, for all carriers alike."""
    pairs = mimo.product_alphabet(mimo.bits_per_symbol(modulation), 2)[0]
    second = np.stack([-pairs[:, 1].conj(), pairs[:, 0].conj()], axis=1)
    tables = np.concatenate([pairs, second])[None]
    tables.flags.writeable = False
    return tables


def alamouti_index(index: np.ndarray, modulation: str, n_data: int) -> np.ndarray:
    """Rows of `alamouti_tables` for the QAM symbols of a frame.

    Args:
        index: uint16 [nsym n_data], QAM symbol of each channel use, nsym even.
        modulation: "bpsk", "qpsk", "16qam" or "64qam".
        n_data: data carriers.
    Returns:
        uint16 [nsym n_data].
    """
    m = mimo.bits_per_symbol(modulation)
    symbols = np.asarray(index).reshape(-1, 2, n_data).astype(np.uint16)
    joint = symbols[:, 0] << m | symbols[:, 1]
    return np.stack([joint, joint + (1 << 2 * m)], axis=1).reshape(-1).astype(np.uint16)


def alamouti_llr(y: np.ndarray, h: np.ndarray, noise_var: float, modulation: str) -> np.ndarray:
    """LLRs of a frame, positive means bit 0.

    With both symbols stacked, [y_0; y_1*] = [h_1, h_2; h_2*, -h_1*] [a; b] + n: an orthogonal channel.

    Args:
        y: complex [n_data, 2, nsym], received vectors, nsym even.
        h: complex [n_data, 2, 2], row = receive antenna.
        noise_var: N0.
        modulation: as the header says.
    Returns:
        float32 [nsym n_data m].
    """
    n_data, _, nsym = y.shape
    m = mimo.bits_per_symbol(modulation)
    stacked = np.concatenate([y[..., 0::2], y[..., 1::2].conj()], axis=1)
    h1, h2 = h[..., 0], h[..., 1]
    channel = np.concatenate(
        [np.stack([h1, h2], axis=-1), np.stack([h2.conj(), -h1.conj()], axis=-1)], axis=1
    )
    llr = mimo.soft_bits(
        stacked.transpose(1, 0, 2).reshape(4, -1),
        channel,
        mimo.product_alphabet(m, 2)[0],
        noise_var,
        cen=False,
        detector="mmse",  # exact on an orthogonal channel, and M + M points instead of M^2
        block_uses=np.full(n_data, nsym // 2),
        bits_per_symbol=m,
    )
    return llr.reshape(n_data, nsym // 2, 2, m).transpose(1, 2, 0, 3).reshape(-1)
