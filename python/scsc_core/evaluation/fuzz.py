# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzing of everything that reads received bytes, with fixed seeds: `run` drives thousands of cases.

Each target gets a valid input, damages it in one of the ways of `damage`, and must answer with a
result or with its documented error. Anything else, a result that differs when repeated, or a case
that takes longer than `MAX_SECONDS` is a finding.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .. import codecs, fec, framing

MAX_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One case that broke the contract, with what is needed to see it again."""

    target: str
    seed: int
    kind: str
    problem: str


@dataclass(frozen=True)
class Target:
    """Something that reads hostile bytes.

    `valid` makes an input from a generator; `check` reads one and returns a comparable outcome.
    """

    name: str
    valid: Callable[[np.random.Generator], bytes]
    check: Callable[[bytes], object]


def damage(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """(kind, damaged copy) of some bytes: the ways that links and attackers damage data."""
    array = np.frombuffer(data, np.uint8).copy()
    size = len(array)
    kind = str(rng.choice(_KINDS))
    position = int(rng.integers(size))
    if kind == "flip":
        array[position] ^= 1 << int(rng.integers(8))
    elif kind == "flips":
        hit = rng.integers(size, size=max(1, size // 50))
        array[hit] ^= (1 << rng.integers(8, size=len(hit))).astype(np.uint8)
    elif kind == "truncate":
        array = array[:position]
    elif kind == "zeros":
        array[position : position + int(rng.integers(1, 64))] = 0
    elif kind == "ones":
        array[position : position + int(rng.integers(1, 16))] = 255
    elif kind == "head":
        array[: min(size, 32)] = rng.integers(256, size=min(size, 32), dtype=np.uint8)
    elif kind == "head_byte":
        array[int(rng.integers(min(size, 24)))] = int(rng.integers(256))
    elif kind == "drop":
        array = np.delete(array, slice(position, position + int(rng.integers(1, 32))))
    elif kind == "repeat":
        array = np.concatenate([array[: position + 1], array[position // 2 :]])
    else:
        array = rng.integers(256, size=int(rng.integers(size + 1)), dtype=np.uint8)
    return kind, array.tobytes()


_KINDS = (
    "flip",
    "flips",
    "truncate",
    "zeros",
    "ones",
    "head",
    "head_byte",
    "drop",
    "repeat",
    "garbage",
)


def targets() -> list[Target]:
    """All readers of received bytes: framing, each codec's decoders, the channel decoder."""
    found = [
        Target("framing", _valid_payload, lambda data: framing.unpack(data)),
        Target("framing-sequence", _valid_sequence, lambda data: list(_sequence(data))),
        Target("ldpc", _valid_llr, _decode_llr),
    ]
    for name in codecs.names():
        codec = codecs.get(name)
        found.append(Target(name, _encoder(codec), _decoder(codec)))
        found.append(Target(f"{name}-damaged", _encoder(codec), _damaged_decoder(codec)))
    return found


def run(
    cases: int = 1000, seed: int = 0, only: str | None = None, progress=None
) -> tuple[dict[str, int], list[Finding]]:
    """Drive `cases` damaged inputs through each target.

    Args:
        cases: inputs per target, >= 1.
        seed: case i of a target uses the generator of (seed, i): each can be repeated alone.
        only: name of a single target; None takes all.
        progress: called with (target name, case index), for a progress bar.
    Returns:
        cases run by target, and the findings.
    """
    if cases < 1:
        raise ValueError(f"cases must be at least 1, got {cases}")
    chosen = [target for target in targets() if only in (None, target.name)]
    if not chosen:
        names = ", ".join(target.name for target in targets())
        raise ValueError(f"target must be one of {names}, got {only}")
    findings: list[Finding] = []
    for target in chosen:
        original = target.valid(np.random.default_rng(seed))
        for case in range(cases):
            if progress:
                progress(target.name, case)
            rng = np.random.default_rng((seed, case))
            kind, data = damage(original, rng)
            problem = _try(target, data, repeat=case % 16 == 0)
            if problem:
                findings.append(Finding(target.name, case, kind, problem))
    return {target.name: cases for target in chosen}, findings


def _try(target: Target, data: bytes, repeat: bool) -> str | None:
    start = time.monotonic()
    try:
        first = target.check(data)
        second = target.check(data) if repeat else first
    except Exception as error:  # noqa: BLE001  a fuzzer reports every kind of escape
        return f"{type(error).__name__}: {error}"
    if first != second:
        return "two runs on the same bytes differ"
    taken = time.monotonic() - start
    return f"took {taken:.1f} s" if taken > MAX_SECONDS else None


def _picture(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(256, size=(7, 9, 3)).astype(np.float64)
    smooth = np.kron(coarse, np.ones((8, 8, 1)))
    return np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


def _encoder(codec):
    return lambda rng: codec.encode(_picture(rng), qp=codec.default_qp)


def _decoder(codec):
    def check(data: bytes):
        try:
            return _digest(codec.decode(data))
        except codecs.DecodeError:
            return "refused"

    return check


def _damaged_decoder(codec):
    def check(data: bytes):
        image, mask = codec.decode_damaged(data, size=(56, 72))
        if image.shape[:2] != mask.shape or image.dtype != np.uint8:
            raise AssertionError(f"picture {image.shape} {image.dtype}, mask {mask.shape}")
        return _digest(image), _digest(mask)

    return check


def _digest(array: np.ndarray) -> tuple:
    return array.shape, hash(np.ascontiguousarray(array).tobytes())


def _valid_payload(rng: np.random.Generator) -> bytes:
    header = framing.PayloadHeader(7, 48, 64, "bpg", 37)
    return framing.pack(rng.bytes(200), header)


def _valid_sequence(rng: np.random.Generator) -> bytes:
    headers = [framing.PayloadHeader(i, 8, 8, "jpeg", 50) for i in range(4)]
    return b"".join(framing.pack(rng.bytes(60), header) for header in headers)


def _sequence(data: bytes) -> Iterator[tuple]:
    for unpacked in framing.unpack_sequence(data):
        yield unpacked.header, unpacked.data, unpacked.problem


def _ldpc_code():
    return fec.create("nr_ldpc", 1000, 2400, 2, 0.42)


def _valid_llr(rng: np.random.Generator) -> bytes:
    bits = _ldpc_code().encode(rng.integers(2, size=1000).astype(np.uint8))
    return (4.0 * (1 - 2.0 * bits)).astype(np.float32).tobytes()


def _decode_llr(data: bytes):
    """Any bytes read as float32 LLRs, infinities and NaN among them, cut or filled to the block."""
    code = _ldpc_code()
    llr = np.zeros(2400, np.float32)
    whole = np.frombuffer(data[: len(data) // 4 * 4], np.float32)[:2400]
    llr[: len(whole)] = whole
    decoded = code.decode(llr)
    return _digest(decoded.bits), bool(decoded.ok)
