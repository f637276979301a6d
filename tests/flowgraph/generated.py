# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of flowgraphs share: compiling them, and running the programs that come out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FLOWGRAPHS = sorted((ROOT / "flowgraphs").rglob("*.grc"))
GRCC = Path("/usr/bin/grcc")
RUNNER = Path(__file__).with_name("run_generated.py")
LIMIT_S = 300.0  # against a hang; a busy machine may take its time


def document(folder, name):
    """What a .grc file holds."""
    return yaml.safe_load((ROOT / "flowgraphs" / folder / f"{name}.grc").read_text())


def environment():
    """Of programs that find our blocks and no display, and compute without pools of threads.

    A pool starts at its first use, stays with the process and bears the name of who began it: it
    could not be told from a thread that a run left behind.
    """
    env = dict(os.environ, GRC_BLOCKS_PATH=str(ROOT / "grc"), QT_QPA_PLATFORM="offscreen")
    env |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SCSC_THREADS"), "1")
    env.pop("DISPLAY", None)
    return env


def compile_flowgraphs(folder, *paths):
    """Let grcc write the programs of flowgraphs into a folder; the finished process."""
    command = [sys.executable, str(GRCC), "-o", str(folder), *map(str, paths)]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S
    )


def start(folder, flowgraphs, controls=(), wanted=(), runs=1):
    """The process that runs generated programs.

    Args:
        folder: where grcc wrote them.
        flowgraphs: dict, their names and parameters.
        controls: (variable, value) that are set while they run, in order.
        wanted: (block, counter, least): they end when each holds.
        runs: times they are started and stopped.
    """
    programs = [str(Path(folder) / f"{name}.py") for name in flowgraphs]
    words = programs, list(flowgraphs.values()), controls, wanted, runs
    return subprocess.Popen(
        [sys.executable, str(RUNNER), *map(json.dumps, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """Counters of the blocks that were waited for, and the whole output of a program that ended.

    No run may leave a thread or a socket behind.
    """
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(process.communicate()[0]) from None
    assert process.returncode == 0, output
    report = json.loads(output.split("REPORT ")[1])
    assert not any(report["left"]), output
    return report["counters"], output


def run(*arguments, **options):
    """`start` and `finish`."""
    return finish(start(*arguments, **options))
