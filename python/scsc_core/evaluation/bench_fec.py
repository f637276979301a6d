# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed and error rate of the NR LDPC coder, beside targets and a sum-product decoder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass

import numpy as np

from .. import _native, fec
from .benchmark import Row, measure
from .sum_product import SumProduct

_SEED = 3


@dataclass(frozen=True)
class Code:
    """A code block of K' / R coded bits and the Es/N0 of its BLER 1e-2 (channel_coding.md section 8)."""

    label: str
    payload_bits: int
    coded_bits: int
    snr_db: float
    max_iterations: int
    rate: float = 0.0
    base_graph: int = 0
    target_mbit_s: float | None = None


# QPSK over AWGN. The target speed is for AVX2.
_CODES = (
    Code("BG1 8448 R=1/3", 8424, 25344, -1.09, 12),
    Code("BG1 8448 R=1/2", 8424, 16896, 1.21, 12, target_mbit_s=120.0),
    Code("BG1 8448 R=1/2", 8424, 16896, 1.01, 20, target_mbit_s=120.0),
    Code("BG1 8448 R=2/3", 8424, 12672, 3.24, 12),
    Code("BG1 8448 R=3/4", 8424, 11264, 4.25, 12),
    Code("BG1 8448 R=5/6", 8424, 10138, 5.44, 12),
    Code("BG2 3840 R=1/2", 3816, 7680, 1.39, 12, rate=0.5),
    Code("BG2 3840 R=1/6", 3816, 23040, -4.16, 12),
    Code("BG2 640 R=1/2", 624, 1280, 1.75, 12),
    Code("BG2 640 R=1/5", 624, 3200, -3.11, 12),
    Code("BG1 1408 R=1/2", 1384, 2816, 1.51, 12, base_graph=1),
)
_QUICK_CODES = _CODES[1:3]


def run(quick: bool = False) -> list[Row]:
    """All figures; quick leaves out the sum-product reference and most codes."""
    rows = []
    for isa in _native.available_isas():
        rows += _kernel_rows_of(isa, quick)
    rows += _chain_rows(quick)
    rows.append(_encoder_row())
    if not quick:
        rows.append(_loss_row())
    return rows


def kernel_rows(quick: bool) -> list[Row]:
    """Decoder speed, error rate and iterations with the instruction set of this process."""
    rows = []
    for code in _QUICK_CODES if quick else _CODES:
        tb, bits, llr = _noisy_blocks(code, _n_frames(code, quick))
        decoded, _, ok, iterations = tb.decode(llr)
        timing = measure(lambda tb=tb, llr=llr: tb.decode(llr), repeat=3 if quick else 5)
        rate = bits.size / 1e6
        where = f"{_native.isa()}, Es/N0 {code.snr_db} dB, cap {code.max_iterations}"
        target = code.target_mbit_s if _native.isa() in ("avx2", "avx512") else None
        rows.append(
            Row(
                f"LDPC decoder {code.label}",
                rate / timing.median_s,
                "Mbit/s",
                target,
                condition=where,
                spread=(rate / timing.max_s, rate / timing.min_s),
            )
        )
        # Same bits on every instruction set: the error rate is reported once.
        if _native.isa() == _native.available_isas()[-1]:
            errors = float(np.mean(~ok | (decoded != bits).any(axis=1)))
            name = f"LDPC {code.label}"
            count = f"{where}, {len(bits)} blocks"
            rows.append(Row(f"{name} block error rate", errors, "", None, False, count))
            mean = float(iterations.mean())
            rows.append(Row(f"{name} iterations", mean, "per block", None, False, count))
    return rows


def _n_frames(code: Code, quick: bool) -> int:
    return (600_000 if quick else 4_000_000) // code.payload_bits


def _qpsk_llr(coded: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    snr = 10 ** (snr_db / 10)
    noise = rng.standard_normal(coded.shape, np.float32) / np.float32(np.sqrt(snr))
    return np.float32(2 * snr) * (np.float32(1) - np.float32(2) * coded + noise)


def _noisy_blocks(code: Code, n_frames: int):
    rng = np.random.default_rng(_SEED)
    tb = _native.LdpcTb(
        code.payload_bits,
        code.coded_bits,
        2,
        rate=code.rate,
        bg=code.base_graph,
        max_iter=code.max_iterations,
    )
    bits = rng.integers(0, 2, (n_frames, code.payload_bits), dtype=np.uint8)
    return tb, bits, _qpsk_llr(tb.encode(bits), code.snr_db, rng)


def _kernel_rows_of(isa: str, quick: bool) -> list[Row]:
    """kernel_rows in a process of its own: the instruction set is chosen when a process starts."""
    script = (
        "import json; from dataclasses import asdict; from scsc_core.evaluation import bench_fec;"
        f"print(json.dumps([asdict(r) for r in bench_fec.kernel_rows({quick!r})]))"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "SCSC_ISA": isa, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)
    return [Row(**{**r, "spread": tuple(r["spread"]) if r["spread"] else None}) for r in rows]


def _chain_rows(quick: bool) -> list[Row]:
    """Whole transport blocks of 404 kbit through numpy, 0.2 dB above the cap-12 threshold."""
    cases = [("1/6", 1 / 6, -3.96, 70.0), ("1/3", 1 / 3, -0.89, None), ("1/2", 0.5, 1.41, 140.0)]
    cases += [("3/4", 0.75, 4.45, 140.0), ("5/6", 5 / 6, 5.64, 140.0)]
    rng = np.random.default_rng(_SEED)
    n_bits = 404_000
    bits = rng.integers(0, 2, n_bits, dtype=np.uint8)
    rows = []
    for label, rate, snr_db, target in cases[2:3] if quick else cases:
        code = fec.NrLdpc(n_bits, int(n_bits / rate) // 2 * 2, 2, rate=rate)
        coded = code.encode(bits)
        llr = _qpsk_llr(coded, snr_db, rng)
        where = f"A=404k R={label} QPSK Es/N0 {snr_db} dB, {_native.isa()}"
        rows.append(
            _speed_row("LDPC chain encode", n_bits, lambda c=code: c.encode(bits), 400.0, where)
        )
        rows.append(
            _speed_row(
                "LDPC chain decode", n_bits, lambda c=code, x=llr: c.decode(x), target, where
            )
        )
    return rows


def _speed_row(name: str, n_bits: int, function, target: float | None, condition: str) -> Row:
    timing = measure(function)
    spread = (n_bits / timing.max_s / 1e6, n_bits / timing.min_s / 1e6)
    speed = n_bits / timing.median_s / 1e6
    return Row(name, speed, "Mbit/s", target, condition=condition, spread=spread)


def _encoder_row() -> Row:
    words = np.random.default_rng(_SEED).integers(0, 2, (64, 8448), dtype=np.uint8)
    where = f"BG1 Z=384, all 46 rows, 64 words through numpy, {_native.isa()}"
    return _speed_row(
        "LDPC encoder", words.size, lambda: _native.ldpc_encode(1, 384, words), 300.0, where
    )


def _loss_row() -> Row:
    """Loss of the int8 decoder against float layered sum-product, BG1 R = 1/2, cap 20."""
    ours = [(0.94, 600), (1.04, 1500)]
    reference = [(0.74, 300), (0.84, 500)]
    thresholds = [
        _threshold([_block_error_rate(snr_db, n, native) for snr_db, n in points], points)
        for points, native in ((ours, True), (reference, False))
    ]
    where = "BG1 8448 R=1/2, cap 20, Es/N0 at BLER 1e-2 from two points each, about +-0.05 dB"
    return Row(
        "LDPC loss to float sum-product", thresholds[0] - thresholds[1], "dB", 0.2, False, where
    )


def _block_error_rate(snr_db: float, n_frames: int, native: bool) -> float:
    code = Code("", 8424, 16896, snr_db, 20)
    tb, bits, llr = _noisy_blocks(code, n_frames)
    if native:
        return float(np.mean((tb.decode(llr)[0] != bits).any(axis=1)))
    # K' = K and E < N: one run from the start of the buffer, interleaved by two.
    deinterleaved = llr.reshape(n_frames, -1, 2).transpose(0, 2, 1).reshape(n_frames, -1)
    buffer = np.zeros((n_frames, tb.N), np.float32)
    buffer[:, : code.coded_bits] = deinterleaved
    decoder = SumProduct(tb.bg, tb.Z, code.coded_bits)
    decoded = np.concatenate(
        [decoder.decode(buffer[i : i + 50], code.max_iterations) for i in range(0, n_frames, 50)]
    )
    return float(np.mean((decoded[:, : code.payload_bits] != bits).any(axis=1)))


def _threshold(rates: list[float], points: list[tuple[float, int]]) -> float:
    """Es/N0 of BLER 1e-2 on the line through two points of log BLER; no error counts as half."""
    logs = [np.log10(max(r, 0.5 / n)) for r, (_, n) in zip(rates, points, strict=True)]
    (low, _), (high, _) = points
    slope = (logs[1] - logs[0]) / (high - low)
    if slope >= 0:
        raise RuntimeError(f"block error rates {rates} do not fall from {low} dB to {high} dB")
    return low + (-2 - logs[0]) / slope


def main() -> None:
    """Print every row as JSON, one a line."""
    for row in run("--quick" in sys.argv[1:]):
        print(json.dumps(asdict(row)))


if __name__ == "__main__":
    main()
