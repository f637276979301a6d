# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels import nonstationary_sets
from scsc_core.channels.nonstationary import GeometricChannel, Geometry
from scsc_core.channels.nonstationary_sets import SETS, channel_set, generate
from scsc_core.evaluation.channel_acceptance import Moments

SHA256 = {
    "nonstationary-v1": "1346e1656fb1e4e0236a8e8161d7afd1b00e3d36e82ff495964c97b851781199",
    "nonstationary-track-v1": "98238c4459e521f43c8f61e55a424056e3ce16568edf1312e9b773ea08ab12d2",
}


def _scenes(k, n=300):
    return np.stack([GeometricChannel(np.random.default_rng(s), k).matrix() for s in range(n)])


@pytest.mark.parametrize(
    "k, condition_db, capacity, correlation",
    [(0.0, 11.0, 5.27, (0.39, 0.05)), (10**0.9, 19.2, 4.71, (0.93, 0.88))],
)
def test_scenes_have_the_moments_of_the_model(k, condition_db, capacity, correlation):
    moments = Moments.of(_scenes(k))

    # 99.9 % of 300 draws: 1.5 dB of a median, 0.25 bit of a mean, 0.17 of a correlation
    assert moments.condition_db[1] == pytest.approx(condition_db, abs=1.5)
    assert moments.capacity == pytest.approx(capacity, abs=0.25)
    assert moments.correlation_tx == pytest.approx(correlation[0], abs=0.17)
    assert moments.correlation_rx == pytest.approx(correlation[1], abs=0.17)
    assert moments.power == pytest.approx(1, abs=0.15)


def test_frequency_decorrelates_over_the_inverse_of_the_delay_spread():
    scenes = [GeometricChannel(np.random.default_rng(seed), 0.0) for seed in range(150)]
    here, near, far = (np.stack([s.matrix(f) for s in scenes]) for f in (0.0, 1e4, 2e7))

    assert abs(np.mean(here.conj() * near)) > 0.93
    assert abs(np.mean(here.conj() * far)) < 0.15


def test_neighbours_in_time_are_alike_and_distant_instants_are_not():
    start, near, far = [], [], []
    for seed in range(60):
        scene = GeometricChannel(np.random.default_rng(seed), 0.0)
        start.append(scene.matrix())
        scene.advance(1e-3)  # 1.5 mm, a fiftieth of a wavelength
        near.append(scene.matrix())
        scene.advance(1.0)
        far.append(scene.matrix())
    start, near, far = map(np.stack, (start, near, far))

    assert abs(np.mean(start.conj() * near)) > 0.9
    assert abs(np.mean(start.conj() * far)) < 0.35


def test_clusters_are_replaced_as_time_goes_on():
    scene = GeometricChannel(np.random.default_rng(1), 0.0)

    counts = []
    for _ in range(200):
        scene.advance(5.0)
        counts.append(len(scene._clusters.phases))

    assert min(counts) >= 1
    assert np.mean(counts) == pytest.approx(20, abs=3)


def test_distant_antennas_do_not_see_all_clusters():
    wide = Geometry(carrier_hz=1e7)  # half a wavelength is 15 m
    scene = GeometricChannel(np.random.default_rng(2), 0.0, n_rx=4, geometry=wide)

    seen = np.concatenate([scene._visible(50, 4) for _ in range(20)])

    assert seen.any(1).all()  # every cluster is seen somewhere
    # neighbours survive with exp(-4 * 15 / 30)
    both = (seen[:, 1] & seen[:, 2]).sum() / np.maximum(seen[:, 1].sum(), 1)
    assert both < 0.4


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: GeometricChannel(np.random.default_rng(0), -1.0), "k must be >= 0, got -1"),
        (lambda: Geometry(rays=0), "rays must be a number > 0"),
        (lambda: Geometry(delay_ratio=1.0), "delay_ratio must be > 1"),
        (lambda: Geometry(carrier_hz=np.nan), "carrier_hz must be a number > 0"),
        (lambda: GeometricChannel(np.random.default_rng(0)).advance(0.0), "step_s must be > 0"),
        (lambda: generate("nonstationary-v2"), "nonstationary-track-v1, got 'nonstationary-v2'"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", [SETS[0], pytest.param(SETS[1], marks=pytest.mark.slow)])
def test_sets_are_the_published_ones(name, tmp_path):
    made = channel_set(name, tmp_path)

    assert made.sha256 == SHA256[name]
    assert made.train.shape == (1000, 2, 2) and made.test.shape == (200, 2, 2)
    power = np.mean(np.abs(np.concatenate([made.train, made.test])) ** 2)
    assert power == pytest.approx(1, abs=1e-5)


def test_set_is_made_once_and_a_damaged_file_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(nonstationary_sets, "N_TRAIN", 6)
    monkeypatch.setattr(nonstationary_sets, "N_TEST", 2)
    read = channel_set.__wrapped__  # without the memory of earlier calls
    made = read("nonstationary-v1", tmp_path)
    (file,) = (tmp_path / "channels").iterdir()
    with monkeypatch.context() as broken:
        broken.setattr(nonstationary_sets, "generate", None)
        np.testing.assert_array_equal(read("nonstationary-v1", tmp_path).test, made.test)

    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)

    np.testing.assert_array_equal(read("nonstationary-v1", tmp_path).train, made.train)


def test_set_works_without_a_folder_to_keep_it(tmp_path, monkeypatch):
    monkeypatch.setattr(nonstationary_sets, "N_TRAIN", 2)
    monkeypatch.setattr(nonstationary_sets, "N_TEST", 1)
    (tmp_path / "file").write_text("")

    made = channel_set.__wrapped__("nonstationary-v1", tmp_path / "file" / "below")

    assert made.split("train").shape == (2, 2, 2)
    with pytest.raises(ValueError, match="split must be one of train, test, got 'val'"):
        made.split("val")
