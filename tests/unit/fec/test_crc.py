# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core import fec
from scsc_core.fec.crc import KINDS

POLYNOMIALS = {"24a": (24, 0x864CFB), "24b": (24, 0x800063), "16": (16, 0x1021), "11": (11, 0x621)}


def long_division(kind, bits):
    length, taps = POLYNOMIALS[kind]
    state = 0
    for bit in bits:
        top = (state >> (length - 1)) ^ int(bit)
        state = ((state << 1) ^ (taps if top else 0)) & ((1 << length) - 1)
    return [(state >> (length - 1 - i)) & 1 for i in range(length)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 7, 8, 9, 63, 64, 65, 71, 200, 1001])
def test_crc_equals_long_division(kind, n):
    bits = np.random.default_rng(n).integers(0, 2, n, dtype=np.uint8)

    assert fec.crc(kind, bits).tolist() == long_division(kind, bits)


@pytest.mark.parametrize("kind", KINDS)
def test_word_with_its_check_bits_has_remainder_zero(kind):
    bits = np.random.default_rng(5).integers(0, 2, 333, dtype=np.uint8)

    assert not fec.crc(kind, np.concatenate([bits, fec.crc(kind, bits)])).any()


def test_crc_of_nothing_is_zero():
    assert fec.crc("16", np.zeros(0, np.uint8)).tolist() == [0] * 16


@pytest.mark.parametrize(
    "kind, bits, message",
    [
        ("32", np.zeros(8, np.uint8), "CRC kind must be one of"),
        ("16", np.full(8, 2, np.uint8), "0 and 1"),
        ("16", np.full(8, -1), "0 and 1"),
        ("16", np.zeros((2, 4), np.uint8), "axes"),
        ("16", np.zeros(8), "integers"),
    ],
)
def test_bad_arguments_are_named(kind, bits, message):
    with pytest.raises(ValueError, match=message):
        fec.crc(kind, bits)
