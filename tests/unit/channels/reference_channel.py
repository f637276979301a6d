# SPDX-License-Identifier: GPL-3.0-or-later
"""The native kernels of the sample channel as their headers define them, in NumPy and double."""

import numpy as np

_FACTORS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_STEPS = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_LOW = np.uint64(0xFFFFFFFF)


def philox(counters, key):
    """Words uint64 [n, 4] of counters uint64 [n, 4] and a key of two words; each below 2^32."""
    c, key = np.array(counters, np.uint64), np.array(key, np.uint64)
    for _ in range(10):
        product = c[:, [0, 2]] * _FACTORS
        high, low = product >> np.uint64(32), product & _LOW
        c = np.stack(
            [high[:, 1] ^ c[:, 1] ^ key[0], low[:, 1], high[:, 0] ^ c[:, 3] ^ key[1], low[:, 0]], 1
        )
        key = (key + _STEPS) & _LOW
    return c


def white_noise(key, first, n, deviation):
    """What add_noise adds, complex128 [2, n]."""
    index = np.uint64(first) + np.arange(n, dtype=np.uint64)
    counters = np.zeros((n, 4), np.uint64)
    counters[:, 0], counters[:, 1] = index & _LOW, index >> np.uint64(32)
    words = philox(counters, [key & 0xFFFFFFFF, key >> 32])
    u = ((words[:, ::2] >> np.uint64(1)) + 0.5) * 2.0**-31
    v = words[:, 1::2].astype(np.uint32).view(np.int32) * 2.0**-32
    return (deviation * np.sqrt(-2 * np.log(u)) * np.exp(2j * np.pi * v)).T


def filter_taps(x, n, first, last, lag, taps, change, ramp_start, ramp_step):
    """What filter_taps adds to y, complex128 [2, n]."""
    y = np.zeros((2, n), complex)
    m = np.arange(first, last)
    for tap in range(len(taps)):
        h = np.broadcast_to(taps[tap][:, :, None], (2, 2, m.size)).astype(complex)
        if change is not None:
            h = h + change[tap][:, :, None] * ((m - ramp_start) * ramp_step)
        i = m - lag + tap
        inside = (i >= 0) & (i < n)
        y[:, i[inside]] += np.einsum("rtm,tm->rm", h, x[:, m])[:, inside]
    return y


def interpolate(x, starts, fractions, polynomials):
    """Samples complex128 [rows, n] between samples x."""
    powers = fractions[:, None] ** np.arange(len(polynomials) - 1, -1, -1)
    weights = powers @ polynomials
    return np.einsum("rnk,nk->rn", x[:, starts[:, None] + np.arange(weights.shape[1])], weights)
