# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs that grcc made, in one process: PROGRAMS OPTIONS CONTROLS WANTED RUNS, as JSON.

OPTIONS has a dict for each program. Sets the controls, waits until each (block, counter, least)
holds, counted from the start of the run, and stops the flowgraphs; so many times. Prints the
counters, and which threads and sockets each run left behind.
"""

import importlib.util
import json
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from PyQt5 import QtCore, QtWidgets

LOOK_MS = 20
GRACE_S = 3.0
OF_THE_PROCESS = ("ZMQbg/Reaper", "ZMQbg/IO/0")  # of ZeroMQ's context: two, however many sockets
LIMIT_MS = 90_000


def load(program):
    """The top block class of a generated program."""
    name = Path(program).stem
    spec = importlib.util.spec_from_file_location(name, program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def held():
    """How many threads of each name and how many sockets this process has."""
    tasks = Counter()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # ended since it was listed
            tasks[(task / "comm").read_text().strip()] += 1
    for name in OF_THE_PROCESS:
        del tasks[name]
    files = (os.path.realpath(file) for file in Path("/proc/self/fd").iterdir())
    return tasks + Counter("socket" for file in files if "/socket:[" in file)


def still_held(before):
    """What is held now and was not before; what is about to go has some time."""
    deadline = time.monotonic() + GRACE_S
    while (left := held() - before) and time.monotonic() < deadline:
        time.sleep(0.01)  # a joined thread and a closed socket of ZeroMQ go a little later
    return dict(left)


def block(flowgraphs, name):
    """The block of that name in the first flowgraph that has one."""
    return next(getattr(flowgraph, name) for flowgraph in flowgraphs if hasattr(flowgraph, name))


def run_once(app, flowgraphs, controls, counters, wanted):
    """Start, wait, stop; what is held afterwards and was not before."""
    before = held()
    base = {(name, key): counters[name].get(key, 0) for name, key, _ in wanted}
    for flowgraph in flowgraphs:
        flowgraph.start()
    for control, value in controls:
        block(flowgraphs, f"set_{control}")(value)

    def look():
        if all(counters[n].get(key, 0) - base[n, key] >= least for n, key, least in wanted):
            app.quit()

    timer, limit = QtCore.QTimer(), QtCore.QTimer()
    timer.timeout.connect(look)
    timer.start(LOOK_MS)
    limit.setSingleShot(True)
    limit.timeout.connect(app.quit)
    limit.start(LIMIT_MS)
    app.exec_()
    timer.stop()
    for flowgraph in flowgraphs:
        flowgraph.stop()
        flowgraph.wait()
    return still_held(before)


def main():
    """Command line."""
    programs, options, controls, wanted, runs = map(json.loads, sys.argv[1:6])
    makers = [load(program) for program in programs]
    app = QtWidgets.QApplication(["generated"])
    flowgraphs = [make(**chosen) for make, chosen in zip(makers, options)]
    counters = {name: block(flowgraphs, name).counters for name, _, _ in wanted}
    left = [run_once(app, flowgraphs, controls, counters, wanted) for _ in range(runs)]
    print("REPORT", json.dumps({"counters": counters, "left": left}, default=str))


if __name__ == "__main__":
    main()
