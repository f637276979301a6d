# SPDX-License-Identifier: GPL-3.0-or-later
"""Block fading of a narrow-band MIMO link: identity, Rayleigh, Rician, correlated, and recorded."""

from pathlib import Path

import numpy as np

CHANNELS = ("awgn", "rayleigh", "rician")
FADING_MODES = ("per_image", "per_codeword", "per_uses")
_MAX_RECORDED_BYTES = 1 << 30


class FadingChannel:
    """Seeded sequence of independent channel matrices H_b [n_rx, n_tx].

    rayleigh: H = R_r^(1/2) W R_t^(1/2), W i.i.d. CN(0, 1), R_pq = rho^|p - q| at each end;
    rician:   H = sqrt(K/(K+1)) L + sqrt(1/(K+1)) H_rayleigh, L = 1 1^T (broadside line of sight);
    awgn:     H = I (rectangular: ones on the diagonal).

    The ensemble mean of |H_qp|^2 is 1 for both fading models. The sequence does not depend on how
    many matrices each call draws.

    Args:
        model: "awgn", "rayleigh" or "rician".
        n_tx, n_rx: antennas, >= 1.
        rician_k_db: K, power of the line of sight over that of the scattered part, dB.
        correlation_tx, correlation_rx: rho in [0, 1), exponential correlation at each end.
        seed: int or numpy SeedSequence.
    Source: link.md sections 1, 3 and 9; waveform.md section 10.
    """

    def __init__(
        self,
        model: str = "rayleigh",
        n_tx: int = 2,
        n_rx: int = 2,
        rician_k_db: float = 9.0,
        correlation_tx: float = 0.0,
        correlation_rx: float = 0.0,
        seed: int | np.random.SeedSequence = 1,
    ):
        if model not in CHANNELS:
            raise ValueError(f"channel must be one of {', '.join(CHANNELS)}, got {model!r}")
        for name, value in (("n_tx", n_tx), ("n_rx", n_rx)):
            if not value >= 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not np.isfinite(rician_k_db):
            raise ValueError(f"rician_k_db must be finite, got {rician_k_db}")
        self._root_tx = _correlation_root("correlation_tx", correlation_tx, n_tx)
        self._root_rx = _correlation_root("correlation_rx", correlation_rx, n_rx)
        k = 10 ** (rician_k_db / 10) if model == "rician" else 0.0
        self._line_of_sight = np.sqrt(k / (k + 1))
        self._scattered = np.sqrt(1 / (k + 1) / 2)  # of each real dimension
        self._shape = n_rx, n_tx
        self._identity = model == "awgn"
        self._rng = np.random.default_rng(seed)

    def draw(self, n_blocks: int) -> np.ndarray:
        """The next matrices of the sequence, complex128 [n_blocks, n_rx, n_tx]."""
        if n_blocks < 0:
            raise ValueError(f"n_blocks must be >= 0, got {n_blocks}")
        if self._identity:
            return np.broadcast_to(np.eye(*self._shape) + 0j, (n_blocks, *self._shape)).copy()
        w = self._rng.standard_normal((n_blocks, *self._shape, 2)).view(np.complex128)[..., 0]
        return self._line_of_sight + self._scattered * (self._root_rx @ w @ self._root_tx)


def _correlation_root(name: str, rho: float, n: int) -> np.ndarray:
    if not 0 <= rho < 1:
        raise ValueError(f"{name} must be in [0, 1), got {rho}")
    lags = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    values, vectors = np.linalg.eigh(np.power(float(rho), lags))
    return (vectors * np.sqrt(values)) @ vectors.T


def block_lengths(
    k: int, fading: str, codeword_uses: np.ndarray | None = None, uses: int | None = None
) -> np.ndarray:
    """Channel uses of each fading block of a transmission of k uses, int64 [b], sum k.

    Args:
        k: channel uses, >= 1.
        fading: "per_image" (one H), "per_codeword" (one H per code block) or "per_uses".
        codeword_uses: int [C], uses of each code block; for per_codeword. Uses behind the last code
            block belong to it.
        uses: uses of a block for per_uses, >= 1; the last block may be shorter.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if fading == "per_image":
        return np.array([k])
    if fading == "per_codeword":
        lengths = np.array(codeword_uses, np.int64)
        lengths[-1] += k - lengths.sum()
        if (lengths < 0).any():
            raise ValueError(f"codeword_uses must sum to at most k = {k}")
        return lengths
    if fading == "per_uses":
        if uses is None or uses < 1:
            raise ValueError(f"fading_uses must be at least 1, got {uses}")
        lengths = np.full(-(-k // uses), uses, np.int64)
        lengths[-1] = k - uses * (len(lengths) - 1)
        return lengths
    raise ValueError(f"fading must be one of {', '.join(FADING_MODES)}, got {fading!r}")


def load_channels(path: str | Path) -> np.ndarray:
    """Recorded matrices complex128 [b, n_rx, n_tx] from .npy, or .npz with the array `h`.

    Raises ValueError, naming the file, for anything else: missing, pickled, wrong shape, not finite.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_RECORDED_BYTES:
            raise ValueError(f"channel file {path} is larger than 1 GiB")
        loaded = np.load(path, allow_pickle=False)
        h = loaded["h"] if isinstance(loaded, np.lib.npyio.NpzFile) else loaded
    except OSError as error:
        raise ValueError(f"channel file {path} cannot be read: {error.strerror or error}") from None
    except KeyError:
        raise ValueError(f"channel file {path} has no array h") from None
    except (EOFError, ValueError) as error:
        raise ValueError(f"channel file {path} is no .npy or .npz of numbers: {error}") from None
    if h.ndim != 3 or 0 in h.shape or h.dtype.kind not in "fc":
        raise ValueError(
            f"channel file {path} must hold complex [blocks, n_rx, n_tx], got {h.dtype} {h.shape}"
        )
    if not np.isfinite(h).all():
        raise ValueError(f"channel file {path} holds values that are not finite")
    return h.astype(np.complex128)
