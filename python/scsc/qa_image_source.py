# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from gnuradio import gr
from gnuradio.scsc.image_source import image_source
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector
from PIL import Image

TIMEOUT_S = 10.0


def picture(value, size=(4, 3)):
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture
def folder(tmp_path):
    for name, value in (("b", 20), ("a", 10)):
        Image.fromarray(picture(value)).save(tmp_path / f"{name}.png")
    return tmp_path


def send(credits=True, **options):
    supervisor, top = Supervisor(), gr.top_block()
    source, sink = image_source(**options), collector("image")
    keep = sink.on_image

    def keep_and_credit(image, meta):
        sink.in_flight.append(source._in_flight)
        keep(image, meta)
        if credits:
            source.on_credit(meta)

    sink.on_image, sink.in_flight = keep_and_credit, []
    top.msg_connect((source, "image"), (sink, "image"))
    supervisor.run(top, TIMEOUT_S)
    return sink


def test_folder_is_sent_by_name_and_ends_with_last(folder):
    sink = send(paths=str(folder), repeat=2)

    values = [int(image[0, 0, 0]) for image, _ in sink.items]
    assert values == [10, 20, 10, 20]
    assert [meta["last"] for _, meta in sink.items] == [False, False, False, True]
    assert [meta["frame"] for _, meta in sink.items] == [0, 1, 2, 3]
    assert sink.items[0][1]["name"] == "a" and sink.items[0][0].shape == (4, 3, 3)


def test_second_run_sends_the_list_again_under_new_numbers(folder):
    Supervisor()
    top = gr.top_block()
    source, sink = image_source(str(folder)), collector("image")
    top.msg_connect((source, "image"), (sink, "image"))

    for _ in range(2):
        top.start()
        top.wait()

    sent = [(meta["frame"], meta["name"], meta["last"]) for _, meta in sink.items]
    assert sent == [(0, "a", False), (1, "b", True), (2, "a", False), (3, "b", True)]


def test_credit_bounds_what_is_on_its_way(folder):
    sink = send(paths=str(folder), repeat=20, max_in_flight=2)

    assert len(sink.items) == 40 and max(sink.in_flight) <= 2


def test_max_images_ends_an_endless_source(folder):
    sink = send(paths=str(folder), repeat=0, max_images=3)

    assert len(sink.items) == 3 and sink.items[-1][1]["last"]


def test_no_back_pressure_needs_no_credit(folder):
    sink = send(credits=False, paths=str(folder), repeat=10, max_in_flight=0)

    assert len(sink.items) == 20


def test_street_scenes_come_with_their_labels_and_again():
    from scsc_core.data import streets

    supervisor, top = Supervisor(), gr.top_block()
    source = image_source(
        "streets", 2, max_images=3, max_in_flight=0, seed=7, size=(48, 32), scenes=2
    )
    images, labels = collector("image"), collector("labels")
    top.msg_connect((source, "image"), (images, "image"))
    top.msg_connect((source, "labels"), (labels, "labels"))

    supervisor.run(top, 60.0)

    assert [meta["name"] for _, meta in images.items] == ["street-7", "street-8", "street-7"]
    for (image, meta), (label, label_meta), seed in zip(images.items, labels.items, (7, 8, 7)):
        expected = streets.render(seed, (48, 32), pool="test")
        assert np.array_equal(image, expected[0]) and np.array_equal(label, expected[1])
        assert meta["frame"] == label_meta["frame"] and image.shape == (32, 48, 3)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16"])
def test_any_picture_becomes_rgb(tmp_path, mode):
    image = Image.fromarray(picture(90)).convert("L") if mode == "I;16" else None
    path = tmp_path / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    if mode == "I;16":
        Image.fromarray(np.asarray(image).astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(picture(90)).convert(mode).save(path)

    ((image, _),) = send(paths=str(path)).items

    assert image.shape == (4, 3, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - 90).max() <= 1  # CMYK rounds


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"repeat": -1}, "repeat"),
        ({"rate": -1.0}, "rate"),
        ({"max_in_flight": -1}, "max_in_flight"),
        ({"seed": -1}, "seed"),
        ({"repeat": 0, "max_in_flight": 0}, "max_in_flight"),
    ],
)
def test_bad_number_is_named(folder, options, words):
    with pytest.raises(ValueError, match=words):
        image_source(str(folder), **options)


def test_bad_path_and_bad_file_are_named(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")

    with pytest.raises(ValueError, match="nowhere"):
        image_source(str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=r"x\.png"):
        image_source(str(tmp_path / "x.png"))


def test_rate_can_change_and_is_checked(folder):
    source = image_source(str(folder))

    source.on_cmd({"rate": 5.0, "nonsense": 1})

    assert source._rate == 5.0
    with pytest.raises(ValueError, match="-1"):
        source.set_rate(-1)
