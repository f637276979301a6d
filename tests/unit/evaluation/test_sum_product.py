# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core import _native
from scsc_core.evaluation.sum_product import SumProduct


@pytest.mark.parametrize("base_graph, columns, snr", [(1, 22, 2.0), (2, 10, 1.0)])
def test_noisy_codewords_are_corrected(base_graph, columns, snr):
    rng = np.random.default_rng(base_graph)
    bits = rng.integers(0, 2, (4, columns * 32), dtype=np.uint8)
    sent = _native.ldpc_encode(base_graph, 32, bits)
    received = 1.0 - 2.0 * sent + rng.standard_normal(sent.shape) / np.sqrt(snr)
    llr = (2 * snr * received).astype(np.float32)
    assert ((llr < 0) != sent).any(axis=1).all()

    decoded = SumProduct(base_graph, 32, sent.shape[1]).decode(llr, 20)

    assert np.array_equal(decoded, bits)


def test_pure_noise_stays_undecided():
    llr = np.random.default_rng(0).standard_normal((2, 66 * 32)).astype(np.float32)
    decoder = SumProduct(1, 32, llr.shape[1])

    first, second = decoder.decode(llr, 2), decoder.decode(llr, 3)

    assert first.shape == (2, 22 * 32) and not np.array_equal(first, second)
