# SPDX-License-Identifier: GPL-3.0-or-later
"""link_metrics, image_sink and run_recorder."""

import json

import numpy as np
import pytest
import yaml
from gnuradio import gr, scsc
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder
from PIL import Image

from scsc_core.config import LinkConfig

SHAPE = {"height": 16, "width": 8, "channels": 3}
TIMEOUT_S = 10.0


def picture(value):
    return np.full((16, 8, 3), value, np.uint8)


def items(values, **more):
    return [
        (
            picture(value),
            {**SHAPE, "frame": n, "last": n + 1 == len(values), "name": f"p{n}", **more},
        )
        for n, value in enumerate(values)
    ]


def score(sent, results):
    supervisor, top = Supervisor(), gr.top_block()
    metrics = scsc.link_metrics(ms_ssim=False)
    record = collector("metrics", dicts=True)
    sources = [feeder("sent", sent), feeder("result", results)]
    for source in sources:
        top.msg_connect((source, source._port), (metrics, source._port))
    top.msg_connect((metrics, "metrics"), (record, "metrics"))
    supervisor.run(top, TIMEOUT_S)
    return metrics, record


def test_picture_is_compared_with_the_one_that_was_sent():
    meta = {"k": 96, "n_streams": 2, "n_bytes": 12, "delivered": True, "n_info": 192}

    metrics, record = score(items([100, 50]), items([110, 50], **meta))

    first, second = metrics.results
    assert first.psnr_db == pytest.approx(20 * np.log10(25.5))
    assert second.psnr_db == float("inf")
    assert first.cbr_k == 96 / 384 and first.cbr_l == 2 * 96 / 384 and first.bpp == 96 / 128
    assert [line["frame"] for line in record.items] == [0, 1]


def test_bit_errors_are_counted_before_decoding():
    bits = np.tile(np.array([0, 1], np.uint8), 50)
    llr = (1.0 - 2.0 * bits).astype(np.float32)
    llr[:10] *= -1
    meta = {"frame": 0, "last": True}

    Supervisor()
    metrics = scsc.link_metrics(ms_ssim=False)
    metrics.on_codeword(bits, meta)
    metrics.on_frames(llr, meta)
    metrics.on_sent(*items([1])[0])
    metrics.on_result(*items([1])[0])

    assert metrics.results[0].coded_bit_error_rate == pytest.approx(0.1)


def test_lost_frame_counts_and_gives_credit_back():
    lost = np.empty(0, np.uint8), {"frame": 1, "last": True}

    metrics, record = score(items([1, 2]), [items([1, 2])[0], lost])

    assert metrics.counters["lost_frames"] == 1 and len(metrics.results) == 1
    assert record.items[-1]["delivered"] is False


def run_sink(sink, port_items, metrics_items=()):
    supervisor, top = sink.supervisor, gr.top_block()
    source = feeder("result", port_items)
    top.msg_connect((source, "result"), (sink, "result"))
    if metrics_items:
        from gnuradio.scsc.pdu import to_dict

        lines = feeder("metrics", [to_dict(line) for line in metrics_items])
        top.msg_connect((lines, "metrics"), (sink, "metrics"))
        supervisor.run(top, TIMEOUT_S)
        return
    supervisor.run(top, TIMEOUT_S)


def test_image_sink_writes_every_picture(tmp_path):
    Supervisor()
    sink = scsc.image_sink(str(tmp_path / "new" / "folder"))

    run_sink(sink, items([5, 6, 7]))

    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [file.name for file in files] == ["00000-p0.png", "00001-p1.png", "00002-p2.png"]
    assert np.array_equal(np.asarray(Image.open(files[2])), picture(7))


def test_image_sink_can_leave_lost_pictures_out(tmp_path):
    Supervisor()

    run_sink(scsc.image_sink(str(tmp_path), only_delivered=True), items([5], delivered=False))

    assert list(tmp_path.iterdir()) == []


def test_image_sink_names_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ValueError, match="file"):
        scsc.image_sink(str(tmp_path / "file"))


def test_run_folder_holds_configuration_log_summary_and_pictures(tmp_path):
    Supervisor()
    recorder = scsc.run_recorder("test", str(tmp_path), LinkConfig(snr_db=3.5), max_pictures=1)
    lines = [
        {"frame": 0, "psnr_db": 30.0, "delivered": True, "last": False},
        {"frame": 1, "psnr_db": 20.0, "delivered": False, "last": True},
    ]

    run_sink(recorder, items([5, 6]), lines)

    config = yaml.safe_load((recorder.path / "config.yaml").read_text())
    summary = json.loads((recorder.path / "metrics.json").read_text())
    log = (recorder.path / "log.jsonl").read_text().splitlines()
    assert config["config"]["snr_db"] == 3.5
    assert summary["pictures"] == 2 and summary["delivered_share"] == 0.5
    assert summary["mean"]["psnr_db"] == 25.0
    assert [json.loads(line)["frame"] for line in log] == [0, 1]
    assert [file.name for file in recorder.path.glob("*.png")] == ["00000.png"]


def test_run_recorder_checks_its_name(tmp_path):
    with pytest.raises(ValueError, match="name"):
        scsc.run_recorder("a/b", str(tmp_path))
