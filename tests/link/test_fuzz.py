# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of damaged inputs with fixed seeds; `scsc fuzz` runs as many more as wanted."""

import numpy as np
import pytest

from scsc_core.evaluation import fuzz

CASES = {"framing": 3000, "framing-sequence": 1000, "ldpc": 300}


@pytest.mark.parametrize("target", [target.name for target in fuzz.targets()])
def test_no_damaged_input_breaks(target):
    _, findings = fuzz.run(CASES.get(target, 150), seed=20, only=target)

    assert findings == []


def test_a_broken_reader_is_found():
    def fragile(data):
        if len(data) < 20:
            raise IndexError("short")
        return len(data)

    target = fuzz.Target("fragile", lambda rng: rng.bytes(40), fragile)
    rng = np.random.default_rng(0)

    problems = [fuzz._try(target, fuzz.damage(rng.bytes(40), rng)[1], False) for _ in range(200)]

    assert any(problem and "IndexError" in problem for problem in problems)


def test_unknown_target_lists_the_allowed_ones():
    with pytest.raises(ValueError, match="framing.*got nothing"):
        fuzz.run(1, only="nothing")
