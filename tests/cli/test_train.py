# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc train`: what is refused before any training, and how a training ends."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from scsc_core import cli
from scsc_core.training import checkpoint, loop, pcen_stage, stages
from scsc_core.training.settings import parse_assignments

TINY = ["steps=3", "batch=2", "small_batch=2", "small_crop=[32, 32]", "crop=[32, 48]"]
TINY += ["precision=32-true", "data.name=camvid", "picture_every=0"]


@pytest.fixture
def own_frames(frames, tmp_path):
    """A copy of the frames that a test may damage."""
    return shutil.copytree(frames, tmp_path / "frames")


def words(tmp_path, frames, *more, stage="task"):
    folders = ["--data-root", str(frames), "--run-root", str(tmp_path / "runs")]
    return ["train", stage, *TINY, *folders, *map(str, more)]


def refused(tmp_path, capsys, arguments):
    """The line that a command ends with, which must come before any training."""
    status = cli.main(arguments)

    shown = capsys.readouterr()
    assert status == 2
    assert shown.err.startswith("scsc: error: ") and shown.err.count("\n") == 1, shown.err
    assert not list(tmp_path.rglob("metrics.jsonl"))
    return shown.err


def replace_label(root, label):
    Image.fromarray(label).save(root / "trainannot" / "f_1.png")


def spoil_class(root):
    replace_label(root, np.full((64, 96), 99, np.uint8))


def spoil_size(root):
    replace_label(root, np.zeros((64, 80), np.uint8))


def spoil_picture(root):
    (root / "val" / "f_0.png").write_bytes(b"no picture")


def empty(root):
    for name in ("train", "trainannot"):
        shutil.rmtree(root / name)
        (root / name).mkdir()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_class, "f_1.png: class 99 is not allowed"),
        (spoil_size, "f_1.png: label is 80x64, its picture 96x64"),
        (spoil_picture, "val/f_0.png"),
        (empty, "names no picture"),
        (shutil.rmtree, "does not exist"),
    ],
    ids=["class", "size", "unreadable", "empty", "missing"],
)
def test_faulty_data_are_refused(tmp_path, own_frames, capsys, spoil, told):
    spoil(own_frames)

    assert told in refused(tmp_path, capsys, words(tmp_path, own_frames))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["steps=0"], "steps must be greater than or equal to 1, got 0"),
        (["stepz=3"], "unknown key 'stepz'; did you mean steps"),
        (["steps"], "an override must be key=value, got 'steps'"),
        (["data.name=camvit"], "data set must be one of camvid, "),
        (["data.classes=9"], "classes must be 7 or 11, got 9"),
        (["data.options.size=3"], "data set camvid has no option 'size'"),
        (["crop=[0, 8]"], "crop must be sides in 1..8192, got [0, 8]"),
        (["scale=[2, 1]"], "scale must be 0 < low <= high"),
        (["batch=6", "--devices", "4"], "batch must be a multiple of devices = 4, got 6"),
        (["-c", "none.yaml"], "configuration file none.yaml cannot be read"),
        (["--resume", "none"], "--resume wants a run folder, none does not exist"),
    ],
)
def test_impossible_setting_is_refused(tmp_path, frames, capsys, more, told):
    assert told in refused(tmp_path, capsys, words(tmp_path, frames, *more))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stepz: 3", "mine.yaml: unknown key 'stepz'"),
        ("steps: [", "mine.yaml is not YAML"),
        ("- steps", "mine.yaml must hold key: value lines"),
    ],
)
def test_faulty_configuration_file_is_refused(tmp_path, frames, capsys, text, told):
    file = tmp_path / "mine.yaml"
    file.write_text(text)

    assert told in refused(tmp_path, capsys, words(tmp_path, frames, "-c", file))


def saved_run(tmp_path, frames):
    """A run folder whose checkpoint is of another network, with the right configuration."""
    keys = parse_assignments(TINY)
    keys["data"]["root"] = str(frames)
    state = {"stage": "task", "config": stages.configure("task", [], keys).digest()}
    run = tmp_path / "old"
    checkpoint.save(run, 1, {"model": torch.nn.Linear(2, 2).state_dict()}, state)
    return run


def pickle_file(run):
    path = run / "old.ckpt"
    torch.save({"w": torch.ones(1)}, path)
    return path


def cut(run):
    path = run / "ckpt" / "step-1" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    return run


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda run: run, "is of another architecture"),
        (cut, "is damaged"),
        (pickle_file, "pickled checkpoints are refused, since loading one can run code"),
        (lambda run: run / "ckpt" / "step-1", "wants the run folder"),
        (lambda run: run / "ckpt" / "step-1" / "model.safetensors", "is a file"),
        (lambda run: run / "..", "holds no checkpoint"),
    ],
    ids=["architecture", "damaged", "pickle", "inner folder", "tensors", "other folder"],
)
def test_checkpoint_that_cannot_be_used_is_refused(tmp_path, frames, capsys, spoil, told):
    resumed = spoil(saved_run(tmp_path, frames))

    assert told in refused(tmp_path, capsys, words(tmp_path, frames, "--resume", resumed))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("start=mine.pth", "mine.pth is a pickle, and loading one can run code: refused"),
        ("start=mine.safetensors", "mine.safetensors does not exist"),
        ("proxy=mine.ckpt", "mine.ckpt is a pickle"),
        ("tasks=[mine.pt]", "mine.pt is a pickle"),
        ("tasks=[nothing]", "no segmentation model 'nothing'"),
        ("tasks=[ppen-tiny-streets]", "ppen-tiny-streets holds a network 'ppen'"),
    ],
)
def test_model_that_cannot_be_used_is_refused(
    tmp_path, frames, capsys, untrained_models, key, told
):
    arguments = ["train", "ppen", "data.name=camvid", "crop=[32, 32]", key]
    arguments += ["--data-root", str(frames), "--run-root", str(tmp_path / "runs")]

    assert told in refused(tmp_path, capsys, arguments)


def test_loss_that_is_not_finite_ends_with_code_3(tmp_path, frames, capsys):
    status = cli.main(words(tmp_path, frames, "auxiliary=1e308"))

    assert status == 3
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == "scsc: error: loss is not finite at step 0; the state was saved"
    (run,) = (tmp_path / "runs").iterdir()
    assert checkpoint.latest(run).name == "step-0"


def test_precoder_that_is_not_finite_ends_with_code_3(tmp_path, monkeypatch, capsys):
    recipe = dataclasses.replace(pcen_stage.RECIPES["pcen-paper"], learning_rate=float("inf"))
    monkeypatch.setitem(pcen_stage.RECIPES, "pcen-paper", recipe)

    status = cli.main(["train", "pcen", "--model", "pcen-paper", "--output", str(tmp_path / "m")])

    line = capsys.readouterr().err.splitlines()[-1]
    assert status == 3 and line.startswith("scsc: error: ") and "is not finite at step 1" in line
    assert list((tmp_path / "m").iterdir()) == []


def test_interrupted_precoder_ends_with_one_line_and_code_130(tmp_path, monkeypatch, capsys):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(pcen_stage, "information_loss", interrupted)

    status = cli.main(["train", "pcen", "--output", str(tmp_path / "m")])

    assert status == 130 and capsys.readouterr().err == "scsc: interrupted\n"
    assert list((tmp_path / "m").iterdir()) == []


def test_interrupted_chain_says_how_it_goes_on(tmp_path, monkeypatch, capsys):
    def interrupted(*args):
        raise loop.Interrupted("stopped after step 2; the state was saved")

    monkeypatch.setattr(stages, "run_chain", interrupted)

    status = cli.main(["train", "smoke", "--output", str(tmp_path)])

    told = "scsc: stopped after step 2; the state was saved; the same command goes on from there\n"
    assert status == 130 and capsys.readouterr().err.startswith(told)


def test_finished_training_tells_scores_and_weights(tmp_path, frames, capsys):
    status = cli.main(words(tmp_path, frames, "--output", tmp_path / "models"))

    shown = capsys.readouterr()
    assert status == 0
    assert "erf-pspnet-streets-7: 3 steps in" in shown.out and "pixel_accuracy:" in shown.out
    assert ": 3 of 3, " in shown.err
    assert (tmp_path / "models" / "erf-pspnet-streets-7.safetensors").is_file()


def test_interrupted_training_ends_with_code_130_and_goes_on(tmp_path, frames, capsys):
    arguments = words(tmp_path, frames, "steps=400", "--log-every", "1")
    code = "import sys; from scsc_core.cli import main; sys.exit(main())"
    running = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    for line in running.stderr:  # the first step has been made
        if ": 1 of 400, " in line:
            running.send_signal(signal.SIGINT)
            break
    rest = running.stderr.read()

    assert running.wait(timeout=300) == 130
    assert "go on with --resume" in rest and "Traceback" not in rest
    (run,) = (tmp_path / "runs").iterdir()
    step = int(checkpoint.latest(run).name.removeprefix("step-"))
    assert 1 <= step < 400

    # with fewer steps it would be another training
    told = cli.main(words(tmp_path, frames, "steps=500", "--resume", run))

    assert told == 2 and "made with another configuration" in capsys.readouterr().err
