# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program that grcc made: PROGRAM OPTIONS CONTROLS WANTED RUNS, all but the first as JSON.

Sets the controls, waits until each (block, counter, least) holds, counted from the start of the run,
and stops the flowgraph; so many times. Prints the counters, and what each run left behind.
"""

import importlib.util
import json
import os
import sys
from collections import Counter
from pathlib import Path

from PyQt5 import QtCore, QtWidgets

LOOK_MS = 20
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
        tasks[(task / "comm").read_text().strip()] += 1
    files = (os.path.realpath(file) for file in Path("/proc/self/fd").iterdir())
    return tasks + Counter("socket" for file in files if "/socket:[" in file)


def run_once(app, flowgraph, controls, wanted):
    """Start, wait, stop; what is held afterwards and was not before."""
    before = held()
    base = {(name, key): getattr(flowgraph, name).counters.get(key, 0) for name, key, _ in wanted}
    flowgraph.start()
    for control, value in controls:
        getattr(flowgraph, f"set_{control}")(value)

    def look():
        counters = {name: getattr(flowgraph, name).counters for name, _, _ in wanted}
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
    flowgraph.stop()
    flowgraph.wait()
    return dict(held() - before)


def main():
    """Command line."""
    options, controls, wanted, runs = map(json.loads, sys.argv[2:6])
    make = load(sys.argv[1])
    app = QtWidgets.QApplication(["generated"])
    flowgraph = make(**options)
    left = [run_once(app, flowgraph, controls, wanted) for _ in range(runs)]
    counters = {name: getattr(flowgraph, name).counters for name, _, _ in wanted}
    print("REPORT", json.dumps({"counters": counters, "left": left}, default=str))


if __name__ == "__main__":
    main()
