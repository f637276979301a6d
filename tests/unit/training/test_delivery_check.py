# SPDX-License-Identifier: GPL-3.0-or-later
"""The short cut for delivery beside the whole link: counts, extremes, what is refused."""

import pytest

from scsc_core import cli
from scsc_core.training import delivery_check


def test_every_link_is_counted_once_and_extremes_agree():
    high = delivery_check.run(4, 200, ("1/6",), (30.0, 30.0))
    low = delivery_check.run(4, 200, ("3/4",), (-20.0, -20.0))

    assert (high.both, high.neither, high.only_abstract, high.only_full) == (4, 0, 0, 0)
    assert (low.both, low.neither, low.only_abstract, low.only_full) == (0, 4, 0, 0)


def test_a_short_cut_that_is_wrong_is_seen(monkeypatch):
    monkeypatch.setattr(delivery_check, "abstract_delivery", lambda draw: False)

    check = delivery_check.run(3, 200, ("1/6",), (30.0, 30.0))

    assert check.only_full == 3 and check.both == check.only_abstract == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--code-rates", ""], "code_rates must name at least one rate"),
        (["--code-rates", "5/4"], "code_rate must be in 1/10..0.95, got 5/4"),
        (["--snr-low", "9", "--snr-high", "3"], "snr_db must be low, high"),
    ],
)
def test_bad_argument_is_named(arguments, told, capsys):
    assert cli.main(["evaluate", "delivery", *arguments]) == 2

    assert told in capsys.readouterr().err
