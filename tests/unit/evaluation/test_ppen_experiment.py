# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from scsc_core import cli, codecs, data
from scsc_core.evaluation import ppen_figure, ppen_inputs, ppen_report
from scsc_core.evaluation.best_control import MIXED, ChoiceFile
from scsc_core.evaluation.point_store import PointStore
from scsc_core.evaluation.ppen_experiment import Experiment, Settings
from scsc_core.evaluation.ppen_points import Judge
from scsc_core.tasks.scores import confusion

QPS = (28, 34, 40, 46)


def settings(folder, **changes):
    return Settings(
        **{
            "output": folder,
            "data": "synthetic",
            "split": "val",
            "controls": ("gaussian-1.0", "downscale-0.75"),
            "judges": ("brightness",),
            "qps": QPS,
            "block": 2,
            "resamples": 200,
            **changes,
        }
    )


def run(
    folder, frames, judge, sources=(), progress=lambda done, total: None, tuned=None, **changes
):
    experiment = Experiment(
        settings(folder, **changes),
        frames=frames,
        sources=list(sources),
        judges=[judge],
        tuned=tuned,
    )
    return experiment.run(progress)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, frames, classify, flattener):
    """A whole run on val: its result and its folder."""
    folder = tmp_path_factory.mktemp("ppen")
    judge = Judge("brightness", "brightness-1", classify)
    return run(folder, frames, judge, [flattener]), folder


def stored(folder):
    lines = (folder / "points.jsonl").read_text().splitlines()
    return {point["key"]: point for point in map(json.loads, lines)}


def test_every_point_is_there_once(finished):
    result, folder = finished
    lines = (folder / "points.jsonl").read_text().splitlines()

    # plain and two controls: 4 QPs and once not coded; the model: 4 QPs, at 3 of them not coded
    assert len(lines) == len(stored(folder)) == 12 * (3 * 5 + 7)


def test_point_agrees_with_the_codec_by_hand(finished, frames, classify):
    result, _ = finished
    codec = codecs.get("bpg")
    data_bytes = codec.encode(frames[3].image, 34)
    decoded = codec.decode(data_bytes)

    curve = result.judges[0].curves["plain"]

    assert curve.bits[3, 1] == 8 * len(data_bytes)
    expected = np.mean((frames[3].image.astype(float) - decoded) ** 2)
    assert curve.mse[3, 1] == pytest.approx(expected)
    matrix = confusion(frames[3].label, classify(decoded), 7)
    np.testing.assert_array_equal(curve.confusion[3, 1], matrix)


def test_helpful_pre_processor_saves_bits(finished):
    result, _ = finished
    found = {(role, c.test, c.figure): c for role, c in result.judges[0].sets[0].comparisons}

    task, picture = (found["plain", "flattener", name] for name in ("bd_miou", "bd_psnr"))

    assert task.value > 0 and task.interval[0] < task.value < task.interval[1]
    # twelve frames show no gain of the task beyond doubt; that of the picture they do
    assert picture.value > 0 and picture.interval[0] > 0


def test_scaled_control_is_judged_in_the_frames_size(finished, frames):
    result, _ = finished

    curve = result.judges[0].curves["downscale-0.75"]

    scored = sum(int((frame.label != 255).sum()) for frame in frames)
    assert curve.confusion[:, 0].sum() == scored


def test_second_run_computes_nothing(finished, frames, judge, flattener):
    _, folder = finished
    before = (folder / "points.jsonl").read_bytes()

    again = run(folder, frames, judge, [flattener])

    assert judge.calls == []
    assert (folder / "points.jsonl").read_bytes() == before
    assert again.judges[0].curves["plain"].bits.shape == (12, 4)


def test_killed_run_goes_on_where_it_ended(tmp_path, finished, frames, judge, flattener):
    _, folder = finished
    whole = (folder / "points.jsonl").read_bytes()
    (tmp_path / "points.jsonl").write_bytes(whole[: len(whole) // 2])  # ends inside a line

    run(tmp_path, frames, judge, [flattener])

    kept = whole[: len(whole) // 2].count(b"\n")
    assert len(judge.calls) == len(stored(folder)) - kept
    assert stored(tmp_path) == stored(folder)


def test_interrupted_run_keeps_what_it_finished(tmp_path, frames, judge):
    def stop(done, total):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, frames, judge, progress=stop)

    assert len(stored(tmp_path)) == 10


def test_points_do_not_depend_on_workers(tmp_path, finished, frames, judge, flattener):
    _, folder = finished

    run(tmp_path, frames, judge, [flattener], workers=3)

    assert stored(tmp_path) == stored(folder)


def test_new_judge_shares_nothing_of_the_old_one(tmp_path, finished, frames, judge):
    _, folder = finished
    (tmp_path / "points.jsonl").write_bytes((folder / "points.jsonl").read_bytes())

    other = replace(judge, name="other", identity="brightness-2")
    run(tmp_path, frames, other, controls="none")

    assert len(stored(tmp_path)) == len(stored(folder)) + 12 * 5


def test_choice_of_val_is_read_on_test(tmp_path, frames, judge, flattener):
    run(tmp_path, frames[:6], judge)
    chosen = json.loads((tmp_path / "best-control-synthetic.json").read_text())

    result = run(tmp_path, frames[6:], judge, [flattener], split="test", controls="auto")

    part = result.judges[0].sets[0]
    assert part.choice.best == chosen["brightness at 28,34,40,46"]["best"]
    assert part.choice.frames == 6
    assert "best control" in {role for role, _ in part.comparisons}
    assert json.loads((tmp_path / "best-control-synthetic.json").read_text()) == chosen


def test_test_split_never_chooses(tmp_path, frames, judge, flattener):
    result = run(tmp_path, frames, judge, [flattener], split="test")

    assert result.judges[0].sets[0].choice is None
    assert not (tmp_path / "best-control-synthetic.json").exists()
    assert "none chosen; run with --split val first" in "\n".join(ppen_report.lines(result))


def test_choice_of_another_judge_is_not_used(tmp_path, frames, judge):
    run(tmp_path, frames, judge)
    identity = Experiment(settings(tmp_path), frames=frames, judges=[judge], sources=[]).identity
    choices = ChoiceFile(tmp_path / "best-control-synthetic.json", identity)

    assert choices.read("brightness", "brightness-1", QPS) is not None
    assert choices.read("brightness", "brightness-2", QPS) is None
    assert choices.read("brightness", "brightness-1", QPS[:3]) is None


def test_tuned_task_network_is_compared_with_the_first_ones_plain_curve(
    tmp_path, frames, judge, flattener, classify
):
    def no_better(image):
        return classify(image)

    def blind(image):
        return np.zeros(image.shape[:2], np.uint8)

    found = {}
    for name, segment in (("same", no_better), ("blind", blind)):
        tuned = Judge(name, f"{name}-1", segment)
        result = run(tmp_path, frames, judge, [flattener], controls="none", tuned=tuned)
        (part,) = result.tuned
        found[name] = {(c.test, c.figure): c for c in part.comparisons}
        assert f"For information: {name} instead of brightness" in "\n".join(
            ppen_report.lines(result)
        )
        roles = {r["judge"]: r["role"] for r in ppen_report.comparison_records(result)}
        assert roles == {"brightness": "plain", name: "tuned"}

    frozen = {c.figure: c for _, c in result.judges[0].sets[0].comparisons}
    assert found["same"]["plain", "bd_miou"].pooled == pytest.approx(0, abs=1e-9)
    assert found["same"]["flattener", "bd_rate_miou"].pooled == frozen["bd_rate_miou"].pooled
    assert found["blind"]["plain", "bd_miou"].pooled < -10
    assert found["blind"]["plain", "bd_psnr"].pooled == pytest.approx(0, abs=1e-9)


def test_mixed_control_is_at_least_as_good_as_each(finished):
    result, _ = finished
    candidates = result.judges[0].sets[0].choice.candidates

    best = min(candidates.values(), key=lambda c: c.bd_rate)
    assert candidates[MIXED].bd_rate <= best.bd_rate + 5  # a choice per QP is no optimum over all


def test_report_holds_every_row_and_writes_its_files(finished, tmp_path):
    result, _ = finished

    files = ppen_report.write(result, tmp_path, 1.0)

    text = (tmp_path / "table.md").read_text()
    assert "| flattener " in text and "not coded" in text and "vehicle" in text
    with (tmp_path / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 5 + 7
    plain = next(r for r in rows if r["source"] == "plain" and r["qp"] == "28")
    assert float(plain["bpp_low"]) < float(plain["bpp"]) < float(plain["bpp_high"])
    assert 0 <= float(plain["iou_flat"]) <= 1
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["sources"]["flattener"] == ["model", "flattener-1"]
    assert {file.suffix for file in files} == {".md", ".csv", ".json", ".svg", ".png"}
    assert all(file.stat().st_size > 100 for file in files)


def test_figure_shows_a_choice_that_was_made_qp_by_qp(finished, tmp_path):
    result, _ = finished
    part = result.judges[0].sets[0]
    gains = {**part.gains, MIXED: next(iter(part.gains.values()))}
    mixed = replace(part, choice=replace(part.choice, best=MIXED), gains=gains)
    judged = replace(result.judges[0], sets=[mixed])

    files = ppen_figure.draw(result, judged, tmp_path / "figure")

    assert [file.stat().st_size > 10_000 for file in files] == [True, True]


def test_tradeoff_shows_every_source_with_both_figures(finished, tmp_path, monkeypatch):
    result, _ = finished
    drawn = []
    monkeypatch.setattr(ppen_figure, "_saved", lambda figure, stem: drawn.append(figure) or [stem])

    files = ppen_figure.draw_tradeoff(result, result.judges[0], tmp_path / "tradeoff")

    (axis,) = drawn[0].axes
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    both = {
        c.test
        for _, c in result.judges[0].sets[0].comparisons
        if c.figure == "bd_rate_miou" and c.interval is not None
    }
    assert set(labels) == both | {"plain BPG"}
    assert files == [tmp_path / "tradeoff"]


def test_store_refuses_a_second_writer_and_foreign_lines(tmp_path):
    path = tmp_path / "points.jsonl"
    with PointStore(path):
        with pytest.raises(ValueError, match="in use by another run"):
            PointStore(path)
    path.write_text('{"no": "key"}\n')
    with pytest.raises(ValueError, match="line 1 is no point"):
        PointStore(path)


def test_failing_point_names_its_place(tmp_path, frames, judge):
    def fail(image):
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match=r"plain, frame a_000, QP 28\): no memory"):
        run(tmp_path, frames[:1], replace(judge, segment=fail), workers=1)


def test_command_runs_from_names_to_tables(untrained_models, tmp_path, capsys):
    words = "--data streets --frames 1 --models ppen-tiny-streets --controls none --qps 41,43,45,47"

    status = cli.main(
        ["evaluate", "ppen", *words.split(), "--judges", "erf-pspnet-streets-7"]
        + ["--output", str(tmp_path), "--json"]
    )

    shown = capsys.readouterr()
    content = json.loads(shown.out)
    assert status == 0 and "points: 12 of 12" in shown.err
    assert len(content["points"]) == 12
    assert {c["test"] for c in content["comparisons"]} == {"ppen-tiny-streets"}
    assert (tmp_path / "streets-test" / "figure-erf-pspnet-streets-7.svg").is_file()


def test_models_of_one_name_are_told_apart(untrained_models, tmp_path):
    copy = tmp_path / "ppen-tiny-streets.safetensors"
    copy.write_bytes((untrained_models / "ppen-small-streets.safetensors").read_bytes())

    found = ppen_inputs.models(["ppen-tiny-streets", str(copy)])

    assert [source.name.partition("@")[0] for source in found] == ["ppen-tiny-streets"] * 2
    assert len({source.name for source in found}) == 2


def test_rows_are_cropped_to_multiples_of_16():
    assert ppen_inputs.cropped(np.zeros((360, 480, 3))).shape == (352, 480, 3)
    assert ppen_inputs.cropped(np.zeros((8, 17))).shape == (8, 16)


def test_empty_split_is_refused(monkeypatch):
    empty = data.Dataset("camvid", "test", 7, "none", (), lambda index: None)
    monkeypatch.setattr(ppen_inputs.data, "open", lambda *_, **__: empty)

    with pytest.raises(data.DataError, match="split test has no frames"):
        ppen_inputs.frames("camvid", "test")


def test_unknown_data_set_is_refused():
    with pytest.raises(data.DataError, match="data set must be one of"):
        ppen_inputs.frames("mars", "test")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--models", "ppen-huge"], "no model 'ppen-huge'"),
        (["--judges", "erf-pspnet-mars-9"], "no segmentation model 'erf-pspnet-mars-9'"),
        (["--judges", "pcen"], "pcen holds a network 'pcen', not a segmentation model"),
        (["--models", "pcen"], "model must be a picture pre-processor"),
        (["--qps", "28,60"], "qps must rise without repeats in 1..51, got 28,60"),
        (["--qps", "31,28"], "qps must rise"),
        (["--qps", "low"], "qps must be integers"),
        (["--split", "validation"], "split must be one of train, val, test"),
        (["--controls", "sharpen-2"], "control must be one of"),
        (["--judges", ""], "judges must name at least one"),
    ],
)
def test_bad_input_gets_one_line(words, told, tmp_path, capsys):
    status = cli.main(["evaluate", "ppen", "--output", str(tmp_path), *words])

    shown = capsys.readouterr().err
    assert status == 2 and shown.count("\n") == 1
    assert told in shown
