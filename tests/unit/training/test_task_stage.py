# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `task`: crops, class weights, loss, and data that is refused before training."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from scsc_core.config import build
from scsc_core.data import DataError
from scsc_core.data.sample import IGNORE
from scsc_core.training import loop
from scsc_core.training.task_stage import TaskSettings, TaskStage


def make(root, **options):
    values = {
        "steps": 4,
        "batch": 2,
        "small_batch": 4,
        "small_crop": [32, 32],
        "crop": [32, 48],
        "precision": "32-true",
        "data": {"name": "camvid", "root": str(root)},
    }
    return TaskStage(build(TaskSettings, values | options))


@pytest.fixture
def own_frames(frames, tmp_path):
    """A copy of the frames that a test may damage."""
    return shutil.copytree(frames, tmp_path / "frames")


def test_first_steps_see_small_crops(frames):
    stage = make(frames, small_share=0.5)

    shapes = [tuple(stage.batch(step, 0, 1)[0].shape) for step in range(4)]

    assert shapes == [(4, 3, 32, 32)] * 2 + [(2, 3, 32, 48)] * 2


def test_sample_depends_on_neither_batch_size_nor_processes(frames):
    stage, larger = make(frames), make(frames, small_batch=8)

    x, y = stage.batch(0, 0, 1)
    parts = [stage.batch(0, rank, 2) for rank in (0, 1)]

    assert torch.equal(torch.cat([p[0] for p in parts]), x)
    assert torch.equal(torch.cat([p[1] for p in parts]), y)
    assert torch.equal(larger.batch(0, 0, 1)[0][:4], x)


def test_rare_classes_weigh_more(frames):
    stage = make(frames)

    counts = np.zeros(7)
    for index in range(3):
        label = stage.training[index].label
        counts += [np.sum(label == c) for c in range(7)]
    weights = 1 / np.log(1.1 + counts / counts.sum())
    assert stage.weights.tolist() == pytest.approx(list(weights / weights.mean()), rel=1e-5)


@pytest.mark.parametrize("step", [0, 2])
def test_loss_adds_the_auxiliary_head_and_from_half_time_the_jaccard_index(frames, step):
    stage = make(frames, auxiliary=0.3, dropout=0.0)
    stage.network.eval()
    x, y = stage.batch(step, 0, 1)

    loss, terms = stage.loss(stage.network, (x, y), step)

    logits, auxiliary = stage.network(x)
    main = F.cross_entropy(logits, y, stage.weights, ignore_index=IGNORE).item()
    assert (terms["segmentation"] == pytest.approx(main, rel=1e-5)) == (step == 0)
    coarse = y[:, 4::8, 4::8]
    assert coarse.shape[-2:] == auxiliary.shape[-2:]
    side = F.cross_entropy(auxiliary, coarse, stage.weights, ignore_index=IGNORE).item()
    assert terms["auxiliary"] == pytest.approx(side, rel=1e-5)
    assert loss.item() == pytest.approx(terms["segmentation"] + 0.3 * side, rel=1e-5)


def test_stage_trains_and_scores_every_class(frames, tmp_path):
    stage = make(frames, steps=2)
    before = [p.detach().clone() for p in stage.network.parameters()]
    (tmp_path / "run").mkdir()

    outcome = loop.train(stage, tmp_path / "run")

    assert set(outcome.scores) == {"score", "pixel_accuracy", *(f"iou_{c}" for c in range(7))}
    assert 0 <= outcome.scores["score"] <= 1
    changed = [not torch.equal(a, b) for a, b in zip(outcome.network.parameters(), before)]
    # biases before ReLU units that stay silent have no gradient
    assert sum(changed) > 0.9 * len(changed)
    assert sorted(p.name for p in (tmp_path / "run" / "pictures").iterdir()) == [
        "sample-0-000002.png",
        "sample-1-000002.png",
    ]


def test_other_seed_gives_other_weights_and_crops(frames):
    first, same, other = make(frames), make(frames), make(frames, seed=1)

    key = next(k for k, v in first.network.state_dict().items() if v.dim() == 4)
    weights = [stage.network.state_dict()[key] for stage in (first, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    crops = [stage.batch(0, 0, 1)[0] for stage in (first, same, other)]
    assert torch.equal(crops[0], crops[1]) and not torch.equal(crops[0], crops[2])


def spoil_class(root):
    path = root / "trainannot" / "f_1.png"
    label = np.array(Image.open(path))
    label[3, 4] = 77
    Image.fromarray(label).save(path)


def spoil_size(root):
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(root / "trainannot" / "f_1.png")


def spoil_end(root):
    path = root / "train" / "f_2.png"
    path.write_bytes(path.read_bytes()[:-40])


def empty(root):
    for folder in ("train", "trainannot"):
        shutil.rmtree(root / folder)
        (root / folder).mkdir()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_class, "f_1.png.*77"),
        (spoil_size, "f_1.png: label is 80x64, its picture 96x64"),
        (spoil_end, "f_2.png"),
        (empty, "names no picture"),
        (lambda root: shutil.rmtree(root / "train"), "holds no CamVid split 'train'"),
    ],
    ids=["class", "size", "unreadable", "empty", "missing"],
)
def test_faulty_data_is_refused_before_training(own_frames, spoil, told):
    spoil(own_frames)

    with pytest.raises(DataError, match=told):
        make(own_frames)


def test_pictures_without_labels_are_refused(own_frames):
    with pytest.raises(DataError, match="data set folder has no labels, which this stage needs"):
        make(own_frames, data={"name": "folder", "root": str(own_frames)})
