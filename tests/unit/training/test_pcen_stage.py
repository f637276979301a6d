# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import dataclasses

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch")

from scsc_core import mimo, zoo  # noqa: E402
from scsc_core.mimo import pcen_unfolded  # noqa: E402
from scsc_core.mimo.pcen_paper import PaperPcen  # noqa: E402
from scsc_core.mimo.pcen_unfolded import UnfoldedPcen, bicm_error  # noqa: E402
from scsc_core.training import information, pcen_models, pcen_stage  # noqa: E402
from scsc_core.training.loop import TrainingFailed  # noqa: E402


def gains(count, seed=0):
    return information.channel_gains(count, torch.Generator().manual_seed(seed))


def use_small_batches(monkeypatch, **values):
    """The recipes with 48 channels a step and 200 channels of validation, and further values."""
    for name, recipe in pcen_stage.RECIPES.items():
        small = dataclasses.replace(recipe, batch=48, validation_channels=200, **values)
        monkeypatch.setitem(pcen_stage.RECIPES, name, small)
    monkeypatch.setattr(pcen_stage, "_LABEL_MAP_SAMPLES", 32)


def test_information_equals_the_numpy_one():
    g = gains(5)
    noise = mimo.information.antithetic_noise(64, 2, 0)
    real_noise = torch.from_numpy(np.concatenate([noise.real, noise.imag], 1))
    matrix = torch.complex(*torch.randn(2, 5, 2, 2, generator=torch.Generator().manual_seed(1)))
    points = pcen_models.received_points(matrix.to(torch.complex128), g, 1)

    found = information.bicm_information(points, real_noise)

    table = mimo.pcen.label_maps()[1] @ matrix.numpy().astype(complex).swapaxes(1, 2)
    h = np.sqrt(g.numpy())[:, :, None] * np.eye(2)
    expected = mimo.mutual_information(h, table, 1.0, 64)[1]
    assert np.abs(found.numpy() - expected).max() < 1e-10


def test_training_noise_is_antithetic_with_unit_power():
    noise = information.sobol_noise(32, 3)

    assert torch.allclose(noise[:16], -noise[16:])
    assert torch.allclose((noise**2).mean(0), torch.full((4,), 0.5, dtype=torch.float64))


def test_unfolded_module_equals_its_run_time(monkeypatch):
    monkeypatch.setattr(pcen_models, "_LAYER_SAMPLES", 64)
    module, g = pcen_models.UnfoldedModule(), gains(4)
    runtime = UnfoldedPcen(module.tensors(None))
    noise = mimo.information.antithetic_noise(256, 2, 0)
    real_noise = torch.from_numpy(np.concatenate([noise.real, noise.imag], 1))

    trained = module.information(g, real_noise).detach().numpy()

    for kappa in (0, 1):
        matrix = runtime.precoder(g.numpy(), kappa)
        h = np.sqrt(g.numpy())[:, :, None] * matrix
        expected = mimo.mutual_information(h, mimo.pcen.label_maps()[kappa], 1.0, 256)[1]
        # float32 scalars at run time
        assert np.abs(trained[kappa] - expected).max() < 1e-5


def test_gradient_of_the_unfolded_layer_is_that_of_information(monkeypatch):
    # dI/dC* is proportional to diag(g) C Et: directional derivative by central differences
    monkeypatch.setattr(pcen_unfolded, "NOISE_SAMPLES", 8192)
    rng = np.random.default_rng(2)
    matrix = (rng.standard_normal((1, 2, 2)) + 1j * rng.standard_normal((1, 2, 2))) / 2
    step = rng.standard_normal((1, 2, 2)) + 1j * rng.standard_normal((1, 2, 2))
    g = np.array([[6.0, 2.0]])
    slope = []
    for sign in (1, -1):
        h = np.sqrt(g)[:, :, None] * (matrix + sign * 1e-4 * step)
        slope.append(mimo.mutual_information(h, mimo.pcen.label_maps()[1], 1.0, 8192)[1][0])
    numeric = (slope[0] - slope[1]) / 2e-4

    direction = g[:, :, None] * (matrix @ bicm_error(matrix, g, 1))

    predicted = 2 * (direction.conj() * step).sum().real / np.log(2)
    # different noise in the two expectations: a few hundredths
    assert numeric == pytest.approx(predicted, abs=0.06)
    assert abs(predicted) > 0.2


def test_paper_module_equals_its_run_time():
    generator = torch.Generator().manual_seed(0)
    h = torch.complex(*torch.randn(2, 20, 2, 2, generator=generator, dtype=torch.float64))
    noise_var = torch.full((20,), 0.2, dtype=torch.float64)
    module = pcen_models.PaperModule("soft")
    target = mimo.transmit_table(h.numpy(), 0.2, "svd_wf")

    trained = module(torch.from_numpy(target), h, noise_var)[0].detach().numpy()

    runtime = PaperPcen(module.tensors(None), "soft")
    expected = runtime.table(target, h.numpy(), noise_var.numpy(), 2.0)
    assert np.abs(trained - expected).max() < 1e-5  # float32 scalars at run time


def test_paper_loss_falls_and_power_holds():
    losses = []
    generator = torch.Generator().manual_seed(0)
    module = pcen_models.PaperModule()
    optimiser = torch.optim.Adam(module.parameters(), lr=2e-2)
    recipe = pcen_stage.RECIPES["pcen-paper"]
    for step in range(40):
        loss = pcen_stage._paper_batch(module, recipe, generator, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())

    assert np.mean(losses[-10:]) < np.mean(losses[:5])
    h = mimo.canonical_svd(np.eye(2)[None])[0]
    table = PaperPcen(module.tensors(None)).table(
        mimo.transmit_table(h, 0.2, "svd_wf"), h, np.array([0.2]), 2.0
    )
    assert (np.abs(table) ** 2).sum(-1).mean() == pytest.approx(2)


def test_training_publishes_a_usable_model(tmp_path, monkeypatch):
    seen = []

    result = pcen_stage.train(
        "pcen", tmp_path, seed=3, steps=25, progress=lambda *a: seen.append(a)
    )

    assert len(seen) == 25 and seen[-1][:2] == (25, 25)
    assert result.losses[-5:].mean() < result.losses[:3].mean()
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path))
    assert zoo.load("pcen").kappa.shape == (55, 55)
    assert zoo.entry("pcen")["trained_with"]["seed"] == 3
    with (tmp_path / "logs" / "pcen.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["value"]) for row in rows if row["kind"] == "train"]
    assert losses == pytest.approx(list(result.losses), rel=1e-5)
    assert [row["name"] for row in rows[25:]] == [f"information_{s}_db" for s in (2, 6, 10)]
    with Image.open(tmp_path / "curves" / "pcen.png") as curve:
        assert curve.width > 600
    card = (tmp_path / "cards" / "pcen.md").read_text(encoding="utf-8")
    assert "25 steps" in card and f"{result.seconds:.0f} s of" in card
    assert zoo.entry("pcen")["trained_with"]["config_hash"] in card
    # 25 steps already beat water-filling by a wide margin at 6 dB (2.86)
    assert result.metrics["mean_bicm_information"][1] > 3.3


def test_same_seed_gives_the_same_file(tmp_path, monkeypatch):
    use_small_batches(monkeypatch)
    runs = [pcen_stage.train("pcen-paper", tmp_path / str(i), 5, 3) for i in range(2)]
    other = pcen_stage.train("pcen-paper", tmp_path / "other", 6, 3)

    digests = [zoo._sha256(r.weights, 0) for r in (*runs, other)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("model", pcen_stage.MODELS)
@pytest.mark.parametrize(
    ("steps", "told"),
    [(3, "(loss|gradient) is not finite at step 1"), (1, "not published: its .* is not finite")],
)
def test_weights_that_are_not_finite_are_not_published(tmp_path, monkeypatch, model, steps, told):
    use_small_batches(monkeypatch, learning_rate=float("inf"))

    with pytest.raises(TrainingFailed, match=told):
        pcen_stage.train(model, tmp_path / "models", steps=steps)

    assert list((tmp_path / "models").iterdir()) == []


def test_output_that_is_no_folder_is_told_before_training(tmp_path):
    file = tmp_path / "models"
    file.write_text("")

    with pytest.raises(ValueError, match=f"output must be a folder .*, got {file}: "):
        pcen_stage.train("pcen", file, progress=lambda *step: pytest.fail("it trains"))


def test_hash_follows_what_decides_about_the_weights(monkeypatch):
    found = pcen_stage.digest("pcen")

    assert found == pcen_stage.digest("pcen", 0, 1500)
    others = [("pcen-paper",), ("pcen", 1), ("pcen", 0, 1499)]
    assert len({found, *(pcen_stage.digest(*other) for other in others)}) == 4
    recipe = pcen_stage.RECIPES["pcen"]
    told = dataclasses.replace(recipe, purpose="other", limits="-", validation_channels=3)
    monkeypatch.setitem(pcen_stage.RECIPES, "pcen", told)
    assert pcen_stage.digest("pcen") == found
    monkeypatch.setitem(pcen_stage.RECIPES, "pcen", dataclasses.replace(recipe, batch=255))
    assert pcen_stage.digest("pcen") != found


def test_publishing_keeps_other_models(tmp_path, monkeypatch):
    use_small_batches(monkeypatch)
    pcen_stage.train("pcen-paper", tmp_path, steps=1)
    pcen_stage.train("pcen", tmp_path, steps=1)
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path))

    assert sorted(zoo.index()) == ["pcen", "pcen-paper"]


def test_main_reports_lines(tmp_path, monkeypatch):
    use_small_batches(monkeypatch)
    lines = []

    results = pcen_stage.main(tmp_path, ("pcen-paper",), steps=2, report=lines.append)

    assert results[0].steps == 2
    assert lines[-1].startswith("pcen-paper: BICM information at 2, 6, 10 dB")


@pytest.mark.parametrize(
    "model, steps, message",
    [("ppen", None, "model must be one of pcen"), ("pcen", 0, "steps must be >= 1")],
)
def test_bad_arguments_are_named(tmp_path, model, steps, message):
    with pytest.raises(ValueError, match=message):
        pcen_stage.train(model, tmp_path, steps=steps)
