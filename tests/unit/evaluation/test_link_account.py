# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of a run over the virtual radio: every picture has an outcome and a reason."""

import pytest

from scsc_core.evaluation import link_account
from scsc_core.evaluation.link_account import Sent
from scsc_core.evaluation.virtual_radio import Transcript

SENT = Sent(1000, 30.004)


def picture(image_id, delivered=True, **values):
    line = {"type": "picture", "image_id": image_id, "delivered": delivered, "psnr_db": 30.0}
    line |= {"problem": None if delivered else "CRC-32 of the picture differs", "trusted": 1.0}
    return line | {"frames": 5, "frames_lost": 0, "block_errors": 0, "snr_db": 9.0} | values


def transcript(pictures, n_sent, last_id, tx=(), rx=(), outcome="done"):
    sent = {"number": n_sent, "image_id": last_id} if n_sent else None
    shown = {"sent": sent} if sent else {}
    return Transcript(
        tx=[
            {"type": "counters", "tx": dict(tx), "pictures": shown},
            {"type": "end", "outcome": outcome},
        ],
        rx=[*pictures, {"type": "counters", "rx": {"frames_end": 3, **dict(rx)}, "pictures": {}}],
        channel=[{"type": "counters", "samples": 5}],
    )


def judge(lines, count, **options):
    return link_account.account(lines, [SENT] * count, False, 1e6, 128, **options)


def states(run):
    return [outcome.state for outcome in run.outcomes]


def test_every_picture_has_its_outcome_in_order_of_sending():
    lines = [
        picture(254),
        picture(0, False, frames_lost=2, trusted=0.4),
        picture(255, psnr_db=12.0),
        picture(2, False, block_errors=1),
    ]

    run = judge(transcript(lines, 5, 2), 6)

    assert states(run) == ["delivered", "wrong", "damaged", "lost", "damaged", "lost"]
    reasons = [outcome.reason for outcome in run.outcomes]
    assert reasons[0] == "" and reasons[1].startswith("PSNR 12.0 dB")
    assert reasons[2] == "2 of 5 frames not heard"
    assert reasons[3] == link_account.NOTHING_HEARD
    assert reasons[4] == "1 code blocks with a wrong CRC"
    assert reasons[5] == link_account.NOT_SENT
    assert run.outcomes[2].trusted == 0.4 and run.outcomes[2].image_id == 0
    assert sum(run.reasons.values()) == 5


def test_both_kinds_of_loss_and_an_unknown_one_are_told():
    lines = [picture(0, False, frames_lost=1, block_errors=2), picture(1, False)]

    run = judge(transcript(lines, 2, 1), 2)

    assert run.outcomes[0].reason == "1 of 5 frames not heard, 2 code blocks with a wrong CRC"
    assert run.outcomes[1].reason == "CRC-32 of the picture differs"
    assert list(run.reasons) == [
        "frames not heard and code blocks with a wrong CRC",
        "CRC-32 of the picture differs",
    ]


def test_ids_that_come_again_are_other_pictures():
    lines = [picture(k % 256) for k in range(600) if k not in (300, 301)]

    run = judge(transcript(lines, 600, 599 % 256), 600)

    assert [o.number for o in run.outcomes if o.state == "lost"] == [301, 302]
    assert run.count("delivered") == 598


def test_pictures_out_of_order_and_shown_twice_count_once():
    lines = [picture(11), picture(10, False, trusted=0.2), picture(12), picture(10)]

    run = judge(transcript(lines, 3, 12), 3)

    assert states(run) == ["delivered"] * 3


def test_a_receiver_without_an_end_frame_may_still_have_waited():
    run = judge(transcript([picture(0)], 2, 1, rx={"frames_end": 0}), 2)

    assert run.outcomes[1].reason == link_account.NO_ANSWER


def test_nothing_sent_is_told_as_such():
    run = judge(transcript([], 0, 0, outcome="stalled"), 2)

    assert states(run) == ["lost", "lost"] and run.reasons == {link_account.NOT_SENT: 2}
    assert (run.air_s, run.goodput_bits, run.data_frames) == (0, 0, 0)


def test_a_picture_without_loss_of_any_kind_is_no_wrong_one():
    same = Sent(10, float("inf"))  # JSON has no infinity: the receiver says null

    run = link_account.account(
        transcript([picture(0, psnr_db=None)], 1, 0), [same], False, 1e6, 128
    )

    assert states(run) == ["delivered"]


def test_totals_count_frames_time_and_bits():
    tx = {"bursts": 20, "soundings": 2, "samples": 98_720, "harq_retransmissions": 4}
    rx = {"frames_data": 14, "block_errors": 1}
    lines = transcript([picture(0), picture(1, False, block_errors=1)], 2, 1, tx, rx)

    run = judge(lines, 2)

    assert run.data_frames == 20 - 2 - 3 and run.data_frames_heard == 14
    # 98720 samples and 20 gaps of 128 at 1 Msps; 1000 bytes arrived
    assert run.air_s == pytest.approx(0.10128)
    assert run.goodput_bits == pytest.approx(8000 / 0.10128)
    assert run.total("tx", "harq_retransmissions") == 4 and run.total("rx", "never_seen") == 0
    # 1 of 2: closed form of Wilson's interval
    assert run.interval == pytest.approx((0.0945, 0.9055), abs=1e-3)


def test_json_lists_what_was_not_delivered():
    content = link_account.as_content(judge(transcript([picture(0)], 2, 1), 2))

    assert (content["offered"], content["delivered"], content["lost"]) == (2, 1, 1)
    assert [entry["number"] for entry in content["undelivered"]] == [2]
    assert content["counters"]["channel"]["samples"] == 5
