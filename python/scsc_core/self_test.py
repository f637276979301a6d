# SPDX-License-Identifier: GPL-3.0-or-later
"""A second's check that the native kernels compute what they should on this machine."""

from itertools import product

import numpy as np


def ldpc_block() -> str:
    """One NR LDPC block through Gaussian noise; a short report, or ValueError if it is wrong."""
    from . import fec

    rng = np.random.default_rng(1)
    code = fec.NrLdpc(payload_bits=1000, coded_bits=2000, bits_per_symbol=2)
    bits = rng.integers(2, size=1000).astype(np.uint8)
    noise_var = 10 ** (-4 / 10)  # 4 dB, well above the threshold of rate 1/2 with BPSK
    received = 1 - 2.0 * code.encode(bits) + rng.normal(0, np.sqrt(noise_var / 2), 2000)
    decoded = code.decode((4 * received / noise_var).astype(np.float32))
    if not (decoded.ok and np.array_equal(decoded.bits, bits)):
        raise ValueError("a rate 1/2 LDPC block at 4 dB was not decoded")
    return "LDPC block decoded"


def bpg_round_trip() -> str:
    """A gradient through BPG; a short report, or ValueError if it is wrong."""
    from . import codecs

    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    image = np.stack(np.broadcast_arrays(ramp[:, None], ramp, np.uint8(128)), axis=-1)
    codec = codecs.get("bpg")
    decoded = codec.decode(codec.encode(np.ascontiguousarray(image), qp=20))
    error = (
        np.mean((decoded.astype(float) - image) ** 2) if decoded.shape == image.shape else np.inf
    )
    if error > 20:  # 35 dB; a gradient at QP 20 has above 40 dB
        raise ValueError(f"a gradient came back from BPG with mean square error {error:.1f}")
    return "BPG round trip"


def detector_samples() -> str:
    """Soft bits of a 2x2 QPSK link against the definition; ValueError if they differ."""
    from . import mimo

    rng = np.random.default_rng(2)
    h = (rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))) / np.sqrt(2)
    noise_var = 0.3
    table = mimo.transmit_table(h, noise_var, precoder="none", bits_per_symbol=2, total_power=2.0)
    y = (rng.normal(size=(2, 8)) + 1j * rng.normal(size=(2, 8))).astype(np.complex64)
    found = mimo.soft_bits(y, h, table, noise_var)
    metric = -np.sum(np.abs(y.T[:, None, :] - table @ h.T) ** 2, axis=-1) / noise_var
    labels = np.array(list(product((0, 1), repeat=found.shape[1])))
    weight = np.exp(metric - metric.max(axis=1, keepdims=True))
    expected = np.log(weight @ (labels == 0)) - np.log(weight @ (labels == 1))
    # float32 sums of 16 terms; LLRs of this size (|L| < 40) agree to a few 1e-3.
    if not np.allclose(found, expected, rtol=2e-3, atol=2e-2):
        raise ValueError(f"soft bits differ by {np.abs(found - expected).max():.3g}")
    return "detector equals its definition"


CHECKS = (ldpc_block, bpg_round_trip, detector_samples)
