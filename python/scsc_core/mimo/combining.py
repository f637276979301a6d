# SPDX-License-Identifier: GPL-3.0-or-later
"""The combiner enhancement (CEN): a linear map back to the transmit domain."""

from __future__ import annotations

import numpy as np

CEN_KINDS = ("closed", "identity", "shared")


def _moments(table, target, h, noise_var):
    n_points = table.shape[-2]
    conjugate = table.conj()
    z_z = table.swapaxes(-1, -2) @ conjugate / n_points
    t_z = z_z if target is table else target.swapaxes(-1, -2) @ conjugate / n_points
    h_h = h.conj().swapaxes(-1, -2)
    received = h @ z_z @ h_h + noise_var[..., None, None] * np.eye(h.shape[-2])
    return t_z @ h_h, received


def cen_matrix(table, h, noise_var, target="table", kind: str = "closed") -> np.ndarray:
    """The combiner U2 that estimates the transmitted vector from the received one.

    closed: U2 = E[t z^H] H^H (H E[z z^H] H^H + N0 I)^-1 per channel, means over the table.
    shared: the one matrix with the least mean square error over all given channels (the
        paper's literal reading, an ablation). identity: no combiner (n_rx = n_tx).

    Args:
        table: complex [..., K, n_tx], rows z_i.
        h: complex [..., n_rx, n_tx].
        noise_var: float or [...], > 0.
        target: "table" (t = z, default), or complex [..., K, n_tx] with the rows t_i, for
            example P x_i.
        kind: one of `CEN_KINDS`.
    Returns:
        complex128 [..., n_tx, n_rx].
    Raises:
        ValueError: shapes disagree, noise_var <= 0, unknown kind or target.
    Note:
        With a correct ML detector the combiner changes no LLR.
    Source: Han et al., Eq. (12), corrected; link.md section 6.
    """
    table, h = np.asarray(table, complex), np.asarray(h, complex)
    if table.ndim < 2 or h.ndim < 2 or table.shape[-1] != h.shape[-1]:
        raise ValueError(
            f"table [..., K, n_tx] and h [..., n_rx, n_tx] disagree: {table.shape}, {h.shape}"
        )
    noise_var = np.asarray(noise_var, float)
    if not (noise_var > 0).all():
        raise ValueError(f"noise_var must be > 0, got {noise_var}")
    if isinstance(target, str):
        if target != "table":
            raise ValueError(f'target must be "table" or an array of rows, got {target!r}')
        target = table
    target = np.asarray(target, complex)
    if target.shape[-2:] != table.shape[-2:]:
        raise ValueError(f"target must have the table's rows {table.shape}, got {target.shape}")
    lead = np.broadcast_shapes(table.shape[:-2], h.shape[:-2], noise_var.shape)
    n_rx, n_tx = h.shape[-2:]
    if kind == "identity":
        if n_rx != n_tx:
            raise ValueError(f"identity needs n_rx = n_tx, got {n_rx} and {n_tx}")
        return np.broadcast_to(np.eye(n_tx, dtype=complex), lead + (n_tx, n_tx)).copy()
    if kind not in CEN_KINDS:
        raise ValueError(f"kind must be one of {', '.join(CEN_KINDS)}, got {kind!r}")
    cross, received = _moments(table, target, h, np.broadcast_to(noise_var, lead))
    if kind == "shared":
        cross = np.broadcast_to(cross, lead + cross.shape[-2:])
        received = np.broadcast_to(received, lead + received.shape[-2:])
        cross = cross.reshape(-1, n_tx, n_rx).mean(0)
        received = received.reshape(-1, n_rx, n_rx).mean(0)
    # U R = C with R Hermitian: solve R U^H = C^H
    u2 = np.linalg.solve(received, cross.conj().swapaxes(-1, -2)).conj().swapaxes(-1, -2)
    return np.broadcast_to(u2, lead + u2.shape[-2:]).copy() if kind == "shared" else u2


def cen_loss(u2, table, h, noise_var, target="table") -> np.ndarray:
    """Mean square error E||t - U2 (H z + n)||^2 of a combiner, float64 [...]: Eq. (10)."""
    target = table if isinstance(target, str) else target
    estimate = table @ (u2 @ h).swapaxes(-1, -2)
    error = (np.abs(target - estimate) ** 2).sum(-1).mean(-1)
    return error + noise_var * (np.abs(u2) ** 2).sum((-1, -2))
