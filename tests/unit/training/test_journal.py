# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run records: lines, curves, pictures."""

import numpy as np
import pytest
from PIL import Image

from scsc_core.training.journal import Journal, read_records


def test_records_survive_a_cut_and_hold_no_invalid_number(tmp_path):
    journal = Journal(tmp_path)
    journal.record(1, "train", {"loss": 2.0})
    journal.record(1, "validation", {"score": float("nan")})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "ki')

    found = read_records(tmp_path / "metrics.jsonl")

    assert found == [
        {"step": 1, "kind": "train", "loss": 2.0},
        {"step": 1, "kind": "validation", "score": None},
    ]


def test_resumed_run_drops_what_came_after_its_checkpoint(tmp_path):
    journal = Journal(tmp_path)
    for step in (1, 2, 3):
        journal.record(step, "train", {"loss": float(step)})

    Journal(tmp_path, resumed_at=2).record(3, "train", {"loss": 9.0})

    assert [r["loss"] for r in read_records(tmp_path / "metrics.jsonl")] == [1.0, 2.0, 9.0]


def test_curves_and_pictures_are_files(tmp_path):
    journal = Journal(tmp_path)
    for step in range(1, 5):
        journal.record(step, "train", {"loss": 1 / step, "rate": 0.5})
    journal.record(4, "validation", {"score": 1.0})
    journal.pictures(4, {"frame": np.full((4, 6, 3), 9, np.uint8)})
    journal.close()

    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.width > 3 * 250
    with Image.open(tmp_path / "pictures" / "frame-000004.png") as picture:
        assert np.array_equal(np.asarray(picture), np.full((4, 6, 3), 9, np.uint8))


def test_board_holds_scalars_and_pictures(tmp_path):
    pytest.importorskip("torch.utils.tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    journal = Journal(tmp_path)
    for step in (1, 2):
        journal.record(step, "train", {"loss": 1 / step, "broken": float("inf")})
    journal.record(2, "validation", {"score": 0.25})
    journal.pictures(2, {"frame": np.zeros((4, 6, 3), np.uint8)})
    journal.close()

    board = EventAccumulator(str(tmp_path / "tb"))
    board.Reload()
    assert set(board.Tags()["scalars"]) == {"train/loss", "validation/score"}
    assert [(e.step, e.value) for e in board.Scalars("train/loss")] == [(1, 1.0), (2, 0.5)]
    (picture,) = board.Images("frame")
    assert (picture.step, picture.width, picture.height) == (2, 6, 4)
