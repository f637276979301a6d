# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs end: done, error, interrupted; each with its exit code and within its time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = ROOT / "apps" / "scsc_loopback.py"
LIMIT_S = 300.0  # against a hang; a busy machine may take its time
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "ramp.png"
    ramp = np.add.outer(np.arange(176), np.arange(192)) // 2
    Image.fromarray(np.stack([ramp, ramp[::-1], 200 - ramp], -1).astype(np.uint8)).save(path)
    return str(path)


def loopback(*arguments, **options):
    return subprocess.run(
        [sys.executable, str(LOOPBACK), *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=ENVIRONMENT,
        **options,
    )


def test_pictures_arrive_without_block_errors_at_20_db(picture, tmp_path):
    done = loopback(
        *("--image", picture, "--repeat", "5", "--snr-db", "20", "--precoder", "pcen", "--json"),
        *("--output", str(tmp_path / "out"), "--record", "test", "--run-root", str(tmp_path)),
    )

    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert (values["pictures"], values["delivered"], values["block_errors"]) == (5, 5, 0)
    assert values["psnr_db"] > 25 and 0 < values["cbr_k"] < 1
    assert len(list((tmp_path / "out").glob("*.png"))) == 5
    assert len(list(tmp_path.glob("*-test/metrics.json"))) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--image", "nowhere.png"], "nowhere.png"),
        (["--precoder", "pcem"], "pcen"),
        (["--snr-db", "loud"], "snr_db"),
        (["--code-rate", "1/50"], "code_rate"),
        (["--repeat", "0"], "repeat"),
        (["--modulation", "64qam", "--precoder", "pcen"], "64"),
        (["--qp", "99"], "qp"),
        (["--ppen", "ppen-not-here"], "no PPEN model 'ppen-not-here'"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--nonsense"], "nonsense"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_the_user_can_mend_is_one_line_and_code_2(arguments, words):
    done = loopback(*arguments)

    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


def test_help_and_version():
    assert "--code-rate" in loopback("--help").stdout
    assert loopback("--version").stdout.startswith("scsc ")


def test_companion_without_a_display_says_so():
    env = {k: v for k, v in ENVIRONMENT.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}

    done = subprocess.run(
        [sys.executable, str(ROOT / "apps" / "scsc_companion.py")],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=env,
    )

    assert done.returncode == 2 and "display" in done.stderr


# One program for all injected errors; the last line it prints is the time of the error.
INJECTED = """
import sys, time
import numpy as np
from gnuradio import blocks, gr, scsc
from gnuradio.scsc.supervisor import current
from scsc_core.config import LinkConfig

where, picture = sys.argv[1:]
flowgraph = scsc.loopback(LinkConfig(), picture, repeat=50, ms_ssim=False)

def fail(*arguments):
    print(time.time(), flush=True)
    raise RuntimeError("injected")

if where == "handler":
    flowgraph.detector.on_received = fail
elif where == "worker":
    flowgraph.ppen._worker._function = fail
elif where == "source":
    flowgraph.image_source._pictures = fail
elif where == "listener":
    flowgraph.link_metrics.listen(fail)
flowgraph.execute()
"""


@pytest.mark.parametrize("where", ["handler", "worker", "source", "listener"])
def test_error_in_a_block_ends_the_program_with_code_1(picture, where):
    done = subprocess.run(
        [sys.executable, "-c", INJECTED, where, picture],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=ENVIRONMENT,
    )

    assert done.returncode == 1
    assert done.stderr.strip().endswith("RuntimeError: injected")


SCRIPT = """
import sys
from gnuradio import gr, scsc
from scsc_core.config import LinkConfig

# As Companion generates it: no Supervisor, tb.start() and tb.wait().
top = gr.top_block()
source = scsc.image_source(sys.argv[1], max_in_flight=0, repeat=3)
encoder = scsc.source_encoder()
encoder.on_image = lambda image, meta: 1 / 0
top.msg_connect((source, "image"), (encoder, "image"))
top.start()
top.wait()
"""


def test_error_ends_a_script_without_a_supervisor_too(picture):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, picture],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=ENVIRONMENT,
    )

    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


RUNNING = """
import sys
from gnuradio import scsc
from scsc_core.config import LinkConfig

flowgraph = scsc.loopback(LinkConfig(), sys.argv[1], repeat=10**6, ms_ssim=False)
flowgraph.link_metrics.listen(lambda result: print("picture", flush=True))
results = flowgraph.execute()
print("ended", flowgraph.interrupted, flush=True)
sys.exit(0 if len(results) == flowgraph.expected else 4)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_signal_ends_a_running_link_with_code_4(picture, number):
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNING, picture], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        assert process.stdout.readline() == "picture\n"  # it runs
        process.send_signal(number)
        rest, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()

    # a forced end has another code
    assert process.returncode == 4 and rest.endswith("ended True\n")
