# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward error correction: NR LDPC (default), polar and Gallager codes behind one interface.

Every code is built for one payload size and offers `encode(bits)`, `decode(llr) -> Decoded`,
`block_bits`, `n_blocks` and `decodable`; positive LLR means bit 0.
"""

from __future__ import annotations

from importlib import import_module

from .crc import crc
from .decoded import Decoded
from .nr_ldpc import NrLdpc

# Loaded on first use: they need packages or tables that the default code does not.
_LAZY = {"Polar": ".polar", "Gallager": ".gallager"}
_CLASSES = {"nr_ldpc": "NrLdpc", "polar": "Polar", "gallager": "Gallager"}

NAMES = tuple(_CLASSES)

__all__ = ["NAMES", "Decoded", "Gallager", "NrLdpc", "Polar", "crc", "create"]


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def create(
    name: str,
    payload_bits: int,
    coded_bits: int,
    bits_per_symbol: int,
    rate: float | None = None,
    **options,
):
    """The code of a name in `NAMES` for one payload size.

    Args:
        name: "nr_ldpc", "polar" or "gallager".
        payload_bits, coded_bits, bits_per_symbol: A, G, qm as in `NrLdpc`.
        rate: nominal code rate in (0, 1]; only "nr_ldpc" uses it (choice of the base graph).
        options: further arguments of the class, for example max_iterations.
    Raises:
        ValueError: unknown name or sizes that the code cannot take.
    """
    if name not in _CLASSES:
        raise ValueError(f"fec must be one of {', '.join(NAMES)}, got {name!r}")
    if name == "nr_ldpc":
        options["rate"] = rate
    code = NrLdpc if name == "nr_ldpc" else __getattr__(_CLASSES[name])
    return code(payload_bits, coded_bits, bits_per_symbol, **options)
