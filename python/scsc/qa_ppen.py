# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from gnuradio.scsc.ppen import ppen
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import run_block


def items(count):
    shape = {"height": 2, "width": 2, "channels": 3}
    return [
        (
            np.full((2, 2, 3), n, np.uint8),
            {**shape, "frame": n, "last": n == count - 1, "mine": 1.5},
        )
        for n in range(count)
    ]


def test_pictures_pass_unchanged_and_in_order():
    Supervisor()

    sink = run_block(ppen(), "image", items(30), "image")

    assert [int(image[0, 0, 0]) for image, _ in sink.items] == list(range(30))
    assert all(meta["mine"] == 1.5 and "time_ppen_ms" in meta for _, meta in sink.items)


def test_what_was_lost_before_keeps_its_place():
    Supervisor()
    sent = items(3)
    sent[1] = np.empty(0, np.uint8), {"frame": 1, "last": False}
    sent[2] = np.empty(0, np.uint8), {"frame": 2, "last": True}

    sink = run_block(ppen(), "image", sent, "image")

    assert len(sink.items) == 1 and [meta["frame"] for meta in sink.lost] == [1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"model": "huge"}, "huge"), ({"queue": 0}, "queue"), ({"overflow": "x"}, "overflow")],
)
def test_bad_argument_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        ppen(**options)
