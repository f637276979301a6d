# SPDX-License-Identifier: GPL-3.0-or-later
"""Singular value decomposition with canonical phases, equal at both ends of the link."""

from __future__ import annotations

import numpy as np


def _right_2x2(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # One exact Jacobi rotation: the column Gram matrix is [[a, c], [c*, b]], its eigenvectors
    # are (cos t, sin t e^{-j arg c}) and (sin t, -cos t e^{-j arg c}), tan 2t = 2|c| / (a - b).
    h00, h01, h10, h11 = h[..., 0, 0], h[..., 0, 1], h[..., 1, 0], h[..., 1, 1]
    re, im = h.real, h.imag
    energy = re * re + im * im
    columns = energy[..., 0, :] + energy[..., 1, :]
    cross = h00 * h01.conj() + h10 * h11.conj()
    size = np.abs(cross)
    difference = columns[..., 0] - columns[..., 1]
    angle = 0.5 * np.arctan2(2 * size, difference)
    cosine, sine = np.cos(angle), np.sin(angle)
    parallel = size == 0
    phase = np.where(parallel, 1.0, cross) / np.where(parallel, 1.0, size)
    v = np.empty(h.shape, complex)
    v[..., 0, 0] = cosine
    v[..., 0, 1] = sine
    v[..., 1, 0] = sine * phase
    # orthogonal columns: the second right vector is a unit vector, taken positive
    v[..., 1, 1] = cosine * np.where(parallel, 1.0, -phase)
    s = np.empty(h.shape[:-1])
    total = columns[..., 0] + columns[..., 1]
    s[..., 0] = np.sqrt(0.5 * (total + np.hypot(difference, 2 * size)))
    s[..., 1] = np.abs(h00 * h11 - h01 * h10) / np.maximum(s[..., 0], 1e-300)
    return s, v


def _left_2x2(h: np.ndarray, v: np.ndarray) -> np.ndarray:
    image = h @ v
    norm = np.sqrt((np.abs(image[..., 0]) ** 2).sum(-1))
    u = np.empty(h.shape, complex)
    u[..., 0] = np.where(norm > 0, 1, 0)[..., None] * image[..., 0]
    u[..., 0] /= np.where(norm > 0, norm, 1)[..., None]
    u[..., 0, 0] += norm == 0
    # the second column is the complement of the first; its phase follows H v2, which is
    # meaningless (and taken as zero) when the second singular value vanishes
    u[..., 0, 1] = -u[..., 1, 0].conj()
    u[..., 1, 1] = u[..., 0, 0].conj()
    projection = (u[..., 1].conj() * image[..., 1]).sum(-1)
    size = np.abs(projection)
    u[..., 1] *= (np.where(size > 0, projection, 1) / np.where(size > 0, size, 1))[..., None]
    return u


def _canonical_lapack(h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    u, s, vh = np.linalg.svd(h, full_matrices=False)
    v = vh.conj().swapaxes(-1, -2)
    first = v[..., :1, :]
    size = np.abs(first)
    phase = np.where(size > 0, first.conj(), 1) / np.where(size > 0, size, 1)
    return u * phase, s, v * phase


def canonical_right(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and canonical right vectors: what the transmitter needs of the SVD.

    Args:
        h: complex128 [..., n_rx, n_tx], row = receive antenna.
    Returns:
        s float64 [..., r] in falling order, V1 complex128 [..., n_tx, r], r = min(n_rx, n_tx).
    """
    if h.shape[-2:] == (2, 2):
        return _right_2x2(h)
    return _canonical_lapack(h)[1:]


def canonical_svd(h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """SVD whose column phases do not depend on the LAPACK build.

    H = U1 diag(s) V1^H, s1 >= s2 >= ..., first row of V1 real and >= 0 (arg 0 = 0).
    Two-by-two channels use a closed form, others LAPACK.

    Args:
        h: complex128 [..., n_rx, n_tx], row = receive antenna.
    Returns:
        U1 complex128 [..., n_rx, r], s float64 [..., r], V1 complex128 [..., n_tx, r],
        r = min(n_rx, n_tx).
    Note:
        For a nearly rank-one channel the second column of V1 is well defined, that of U1 is
        not: its phase follows H v2.
    Source: link.md section 4.3.
    """
    h = np.asarray(h, complex)
    if h.shape[-2:] == (2, 2):
        s, v = _right_2x2(h)
        return _left_2x2(h, v), s, v
    return _canonical_lapack(h)
