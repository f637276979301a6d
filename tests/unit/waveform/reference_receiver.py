# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy definitions of what the receiver computes in native code, in double and without short cuts."""

from types import SimpleNamespace

import numpy as np

from scsc_core import mimo
from scsc_core.waveform import demodulator, estimation, synchroniser
from scsc_core.waveform.demodulator import symbol_starts
from scsc_core.waveform.header import code_bits, decode_header, unpack
from scsc_core.waveform.numerology import (
    N_TX,
    STF_REPEATS,
    STF_SAMPLES,
    TOTAL_POWER,
    Numerology,
)
from scsc_core.waveform.sequences import (
    cover_products,
    ltf_signs,
    ltf_symbol,
    pilots,
    stf_period,
    to_carriers,
)
from scsc_core.waveform.synchroniser import (
    HALF_PERIOD,
    PERIOD,
    TIMING_SEARCH,
    Synchronisation,
    ltf_windows,
)


# synchroniser ------------------------------------------------------------------------------------
def detection_metric(samples):
    """`synchroniser.detection_metric`."""
    n_out = samples.shape[1] - synchroniser.DETECTOR_SPAN + 1
    if n_out <= 0:
        return np.empty(0, np.complex64), np.empty(0, np.float32)
    taps = stf_period()[::-1].conj().astype(np.complex64)
    filtered = np.stack([np.convolve(row, taps, "valid") for row in samples.astype(np.complex64)])
    products = (filtered[:, PERIOD:] * filtered[:, :-PERIOD].conj()).sum(0)
    pairs = products[:-1] + products[1:]
    both = pairs[:-HALF_PERIOD] + pairs[HALF_PERIOD:]
    p = np.zeros(n_out, np.complex64)
    for k, sign in enumerate(cover_products()):
        part = both[PERIOD * k : PERIOD * k + n_out]
        p = p + part if sign > 0 else p - part
    energy = np.concatenate([[0.0], np.cumsum((np.abs(filtered) ** 2).sum(0), dtype=float)])
    half = STF_SAMPLES // 2
    halves = energy[half:] - energy[:-half]
    first, second = halves[:n_out], halves[half : half + n_out]
    whole = np.maximum(first + second, 2 * np.maximum(first, second))
    power = p.real.astype(float) ** 2 + p.imag.astype(float) ** 2
    return p, (power / np.maximum(whole, 1e-30) ** 2).astype(np.float32)


def synchronise(samples, near: int, p: complex, n: Numerology) -> Synchronisation:
    """`synchroniser.synchronise`."""
    coarse = float(np.angle(p)) / PERIOD
    candidates = [coarse]
    if abs(coarse) > synchroniser._WRAP_FROM:
        candidates.append(coarse - np.copysign(synchroniser._WRAP, coarse))
    begin = near - TIMING_SEARCH
    part = samples[:, begin : near + n.preamble_samples + TIMING_SEARCH].astype(complex)
    best = max((timing(part, omega, n) for omega in candidates), key=lambda found: found[1])
    offset, q, omega, correlations, strength = best
    fine = fine_frequency(part, omega, offset, correlations, strength, n)
    return Synchronisation(begin + offset, omega + fine, q)


def rotate(samples, omega: float, first: int = 0):
    """samples [..., n] times exp(-j omega t), t = first, first + 1, ..."""
    return samples * np.exp(-1j * omega * np.arange(first, first + samples.shape[-1]))


def timing(part, omega: float, n: Numerology):
    """(offset, q, omega, LTF correlations [4, 2, starts], their strength [starts])."""
    turned = rotate(part, omega)
    n_starts = 2 * TIMING_SEARCH + 1
    reference = ltf_symbol(n).conj()
    correlations = np.empty((4, len(part), n_starts), complex)
    energy = np.zeros(n_starts)
    for i, position in enumerate(ltf_windows(n)):
        piece = turned[:, position : position + n.n_fft + n_starts - 1]
        correlations[i] = np.lib.stride_tricks.sliding_window_view(piece, n.n_fft, 1) @ reference
        total = np.concatenate([[0.0], np.cumsum((np.abs(piece) ** 2).sum(0))])
        energy += total[n.n_fft :] - total[: -n.n_fft]
    blocks = correlations[0::2] + correlations[1::2]
    strength = (np.abs(blocks) ** 2).sum((0, 1))
    peak = int(strength.argmax())
    q = strength[peak] / max(2 * n.n_fft * energy[peak], 1e-30)
    before = max(0, peak - 10 * n.n_cp // 16)
    above = strength[before : peak + 1] > synchroniser._FIRST_PATH * strength[peak]
    return before + int(np.argmax(above)), float(q), omega, correlations, strength


def fine_frequency(part, omega, offset, correlations, strength, n: Numerology) -> float:
    """Offset left after `omega`: maximum of the power that both fields together collect.

    Per path and receive antenna, T_a(w) = sum_i known_i,a v_i exp(-j w t_i) over the segments i of
    the preamble (16 samples of STF or one long symbol; v_i their correlation, t_i their centre) for
    transmit antenna a; the estimate maximises the sum of |T_1|^2 + |T_2|^2.
    """
    reach = slice(max(0, offset - 1), offset + 3 * n.n_cp // 4)
    near = np.arange(len(strength))[reach]
    paths = near[strength[near] >= synchroniser._PATH_SHARE * strength.max()]
    paths = paths[np.argsort(-strength[paths], kind="stable")[: synchroniser._MAX_PATHS]]
    turned = rotate(part, omega)
    times, known = synchroniser._segments(n)
    steps = synchroniser._FINE_STEPS
    grid = np.linspace(-synchroniser._FINE_RANGE, synchroniser._FINE_RANGE, steps)
    power = np.zeros(steps)
    positions = np.arange(2 * STF_REPEATS - 1) * HALF_PERIOD
    for path in paths:
        at = path + positions[:, None] + np.arange(PERIOD)
        short = turned[:, at] @ stf_period().conj()
        values = np.concatenate([short, correlations[:, :, path].T], axis=1)
        steer = np.exp(-1j * grid[:, None] * times)
        power += (np.abs(np.einsum("wi,ai,ri->war", steer, known, values)) ** 2).sum((1, 2))
    return refined(grid, power)


def refined(grid, score) -> float:
    """Place of the largest score, between grid values by a parabola."""
    best = int(score.argmax())
    if not 0 < best < len(grid) - 1:
        return float(grid[best])
    left, middle, right = score[best - 1 : best + 2]
    step = grid[1] - grid[0]
    return float(grid[best] + step * 0.5 * (left - right) / (left - 2 * middle + right))


# estimation --------------------------------------------------------------------------------------
def ltf_estimate(windows, n: Numerology):
    """`estimation.ltf_estimate`."""
    signed = windows * ltf_signs(n)[:, None]
    a, b = signed[:2].mean(0), signed[2:].mean(0)
    h = np.stack([a - b, a + b], axis=-1) / np.sqrt(2)
    difference = np.stack([windows[0] - windows[1], windows[2] - windows[3]])
    return h, float(np.mean(np.abs(difference) ** 2)) / 2


def known_estimate(y, sent):
    """`estimation.known_estimate`."""
    h = np.einsum("tkr,tka->kra", y, sent.conj()) * (2 / len(y))
    left = y - np.einsum("kra,tka->tkr", h, sent)
    return h, float(np.sum(np.abs(left) ** 2))


def smooth(h, error_var: float, noise_var: float, n: Numerology) -> estimation.ChannelEstimate:
    """`estimation.smooth`."""
    transform = np.exp(-2j * np.pi / n.n_fft * np.outer(n.used, np.arange(n.n_cp)))
    gram = transform.conj().T @ transform
    matched = np.einsum("kl,kra->lra", transform.conj(), h)
    floor = error_var / n.n_used
    powers = (np.abs(matched) ** 2).mean((1, 2)) / n.n_used**2 - floor
    powers = np.maximum(powers, estimation._FIRST_FLOOR * floor)
    for step in range(estimation.SMOOTH_STEPS + 1):
        covariance = np.linalg.inv(gram / error_var + np.diag(1 / powers))
        taps = np.einsum("lm,mra->lra", covariance, matched) / error_var
        if step < estimation.SMOOTH_STEPS:
            powers = (np.abs(taps) ** 2).mean((1, 2)) + np.diag(covariance).real
            powers = np.maximum(powers, estimation._LAST_FLOOR * floor)
    smoothed = np.einsum("kl,lra->kra", transform, taps)
    error = float(np.einsum("lm,ml->", gram, covariance).real) / n.n_used
    return estimation.ChannelEstimate(smoothed, error / noise_var)


# header ------------------------------------------------------------------------------------------
def encode_header(bits, n: Numerology):
    """`header.encode_header`."""
    signs = 1.0 - 2.0 * code_bits(bits).reshape(-1, 2)
    qpsk = ((signs[:, 0] + 1j * signs[:, 1]) / np.sqrt(2)).reshape(n.header_symbols, n.n_data)
    grid = np.empty((n.header_symbols, n.n_used, N_TX), complex)
    a, b = qpsk[0::2], qpsk[1::2]
    grid[0::2, n.data_rows] = np.stack([a, b], axis=-1) / np.sqrt(2)
    grid[1::2, n.data_rows] = np.stack([-b.conj(), a.conj()], axis=-1) / np.sqrt(2)
    grid[:, n.pilot_rows] = pilots(n, n.header_symbols)
    return grid


def header_llr(y, h, noise_var: float, n: Numerology):
    """`header.header_llr`."""
    y, h = y[:, n.data_rows], h[n.data_rows]
    y0, y1 = y[0::2], y[1::2].conj()
    h1, h2 = h[..., 0], h[..., 1]
    a = (h1.conj() * y0 + h2 * y1).sum(-1)
    b = (h2.conj() * y0 - h1 * y1).sum(-1)
    symbols = np.stack([a, b], axis=1).reshape(n.header_symbols, n.n_data)
    return np.stack([symbols.real, symbols.imag], axis=-1).reshape(-1) * (2 / noise_var)


# demodulator -------------------------------------------------------------------------------------
def carriers(samples, starts, omega: float, origin: int, n: Numerology):
    """`demodulator.carriers`, complex128."""
    at = np.asarray(starts)[:, None] + np.arange(n.n_fft)
    windows = samples[:, at] * np.exp(-1j * omega * (at - origin))
    return to_carriers(windows, n).transpose(1, 2, 0)


def read_start(samples, at: Synchronisation, n: Numerology):
    """`demodulator.read_start` of a frame whose header is right."""
    centre = at.start + demodulator.training_middle(n)
    training = at.start + np.array(ltf_windows(n)) - n.window_advance
    h_ls, noise_var = ltf_estimate(carriers(samples, training, at.omega, centre, n), n)
    estimate = smooth(h_ls, noise_var / 2, noise_var, n)
    starts = at.start + symbol_starts(n.header_symbols, n)
    y = carriers(samples, starts, at.omega, centre, n)
    times = starts + n.n_fft / 2 - centre
    sent = pilots(n, n.header_symbols)
    drift = find_drift(pilot_products(y, estimate.h, sent, n).sum(1), times, n)
    llr = header_llr(turn(y, drift, times), estimate.h, noise_var * (1 + estimate.error_share), n)
    bits, ok = decode_header(llr)
    assert ok
    known = encode_header(bits, n)
    drift = find_drift(known_products(y, estimate.h, known).sum(1), times, n)
    turned = turn(y, drift, times)
    weight = n.header_symbols / 2
    h_header, residual = known_estimate(turned, known)
    noise_var = (2 * noise_var + residual / (2 * n.n_used)) / n.header_symbols
    h = (h_ls * 2 + h_header * weight) / (2 + weight)
    error_var = noise_var / (2 + weight)
    power = np.mean(np.abs(h) ** 2) - error_var
    estimate = smooth(h, error_var, noise_var, n)
    return demodulator.Start(unpack(bits), estimate, noise_var, power, drift, known, turned)


def read_data(samples, at: Synchronisation, start, n: Numerology) -> demodulator.Demodulated:
    """`demodulator.read_data`."""
    header, h = start.header, start.estimate.h
    omega, centre = at.omega + start.drift, at.start + demodulator.training_middle(n)
    starts = at.start + symbol_starts(n.header_symbols + header.nsym, n)
    y = carriers(samples, starts[n.header_symbols :], omega, centre, n)
    times = starts + n.n_fft / 2 - centre
    sent = pilots(n, len(times))[n.header_symbols :]
    products = np.zeros((len(times), n.n_used), complex)
    products[: n.header_symbols] = known_products(start.y, h, start.known)
    products[n.header_symbols :, n.pilot_rows] = pilot_products(y, h, sent, n)
    powers = np.zeros(products.shape)
    powers[: n.header_symbols] = expected_powers(h, start.known)
    powers[n.header_symbols :, n.pilot_rows] = expected_powers(h[n.pilot_rows], sent)
    levers = (times[:, None] - demodulator.channel_time(n)) * n.used
    common = np.angle(boxcar(products.sum(1), demodulator.PHASE_SYMBOLS))
    centres = boxcar((powers * levers).sum(1), demodulator.PHASE_SYMBOLS)
    centres /= boxcar(powers.sum(1), demodulator.PHASE_SYMBOLS)
    levers -= centres[:, None]
    slope = clock_slope(products * np.exp(-1j * common)[:, None], levers)
    phase = common[:, None] + slope * levers
    y = y * np.exp(-1j * phase[n.header_symbols :, :, None])
    common -= slope * centres
    rest = float(np.polyfit(times, np.unwrap(common), 1)[0]) if header.nsym else 0.0
    return demodulator.Demodulated(
        y=np.sqrt(TOTAL_POWER) * y[:, n.data_rows].transpose(1, 2, 0),
        h=h,
        noise_var=TOTAL_POWER * start.noise_var * (1 + start.estimate.error_share),
        snr_db=10 * np.log10(start.power / start.noise_var),
        omega=omega + rest,
        clock=-slope * n.n_fft / (2 * np.pi),
    )


def known_products(y, h, sent):
    """sum_r y conj(H z), complex [symbols, carriers]: its angle is the phase that H does not know."""
    expected = np.einsum("kra,tka->tkr", h, sent)
    return (y * expected.conj()).sum(-1)


def expected_powers(h, sent):
    """|H z|^2, what `known_products` are without noise, [symbols, carriers]."""
    return (np.abs(np.einsum("kra,tka->tkr", h, sent)) ** 2).sum(-1)


def pilot_products(y, h, sent, n: Numerology):
    """`known_products` at the pilots, complex [symbols, n_pilots]."""
    return known_products(y[:, n.pilot_rows], h[n.pilot_rows], sent)


def find_drift(values, times, n: Numerology) -> float:
    """w that maximises Re sum_t values_t exp(-j w t), radians per sample: the phase is 0 at t = 0."""
    limit = demodulator._DRIFT_RANGE * 2 * np.pi / n.symbol_samples
    grid = np.linspace(-limit, limit, demodulator._DRIFT_STEPS)
    return refined(grid, (values * np.exp(-1j * np.outer(grid, times))).real.sum(1))


def turn(y, omega: float, times):
    """y [symbols, ...] times exp(-j omega time)."""
    return y * np.exp(-1j * omega * times)[:, None, None]


def boxcar(values, length: int):
    """Sum over up to `length` neighbours along the first axis, fewer at the ends."""
    reach = length // 2
    total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    index = np.arange(len(values))
    high = np.minimum(index + reach + 1, len(values))
    low = np.maximum(index - reach, 0)
    return total[high] - total[low]


def clock_slope(products, levers) -> float:
    """Phase per carrier and sample of time, by weighted least squares through zero at lever 0.

    A sampling clock that is off by e moves windows by e t samples: a phase 2 pi k e t / N at carrier k.
    """
    known = products != 0
    smoothed, count, total = (
        boxcar(values, demodulator.SLOPE_SYMBOLS)
        for values in (products, known.astype(float), known * levers)
    )
    weight = np.abs(smoothed)
    lever = total / np.maximum(count, 1)  # a sum has the phase of its mean lever
    norm = float((weight * lever**2).sum())
    return float((weight * lever * np.angle(smoothed)).sum() / norm) if norm > 0 else 0.0


# detection ---------------------------------------------------------------------------------------
def frame_llr(frame, tables, llr: str = "maxlog"):
    """`detection.frame_llr`."""
    n_data, n_rx, nsym = frame.y.shape
    bits = mimo.soft_bits(
        frame.y.transpose(1, 0, 2).reshape(n_rx, n_data * nsym),
        frame.h_data,
        np.broadcast_to(tables, (n_data, *tables.shape[1:])),
        frame.noise_var,
        cen=False,  # a correct joint detector gives the same without it
        llr=llr,
        block_uses=np.full(n_data, nsym),
    )
    return bits.reshape(n_data, nsym, -1).transpose(1, 0, 2).reshape(-1)


def receive(samples, near: int, p: complex, n: Numerology) -> SimpleNamespace:
    """Everything of one frame: at, start, data."""
    at = synchronise(samples, near, p, n)
    start = read_start(samples, at, n)
    return SimpleNamespace(at=at, start=start, data=read_data(samples, at, start, n))
