#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Screenshots for the documentation, made on a virtual display: flowgraph windows and Companion.

    tools/screenshot.py window flowgraphs/simulation/scsc_loopback.grc docs/images/scsc_loopback.png
    tools/screenshot.py window flowgraphs/simulation/scsc_segmentation.grc \\
        docs/images/scsc_segmentation.png --all-colours
    tools/screenshot.py companion flowgraphs/simulation/scsc_loopback.grc docs/images/companion.png

`window` compiles the flowgraph, runs it for some seconds and grabs its window; `companion` opens
it in GNU Radio Companion. Needs Xvfb; `companion` also needs xdotool and import (ImageMagick).
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRCC = "/usr/bin/grcc"
COMPANION = "/usr/bin/gnuradio-companion"


def compile_flowgraph(source: Path, folder: Path) -> Path:
    """The Python program that grcc makes of a flowgraph."""
    env = dict(os.environ, GRC_BLOCKS_PATH=str(ROOT / "grc"))
    env.pop("DISPLAY", None)
    subprocess.run([sys.executable, GRCC, "-o", str(folder), str(source)], check=True, env=env)
    return next(folder.glob("*.py"))


def grab_window(program: Path, target: Path, size: tuple[int, int], seconds: float) -> None:
    """Run a generated Qt program and save its window as PNG."""
    from PyQt5 import QtCore, QtWidgets

    spec = importlib.util.spec_from_file_location(program.stem, program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = QtWidgets.QApplication([program.stem])
    flowgraph = getattr(module, program.stem)()
    flowgraph.resize(*size)
    flowgraph.start()
    flowgraph.show()

    def finish():
        flowgraph.grab().save(str(target))
        flowgraph.stop()
        flowgraph.wait()
        app.quit()

    QtCore.QTimer.singleShot(int(1000 * seconds), finish)
    app.exec_()


def grab_companion(source: Path, target: Path, size: tuple[int, int], seconds: float) -> None:
    """Open a flowgraph in Companion and save its window as PNG."""
    env = dict(os.environ, GRC_BLOCKS_PATH=str(ROOT / "grc"))
    editor = subprocess.Popen([sys.executable, COMPANION, str(source)], env=env)
    try:
        time.sleep(seconds)
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", source.stem],
            capture_output=True,
            text=True,
            check=True,
        )
        window = found.stdout.split()[0]
        for action in (["windowsize", window, *map(str, size)], ["windowmove", window, "0", "0"]):
            subprocess.run(["xdotool", *action], check=True)
        time.sleep(2)
        subprocess.run(["import", "-window", "root", str(target)], check=True)
    finally:
        editor.terminate()
        editor.wait(10)


def make_smaller(png: Path) -> None:
    """256 colours are enough for a screenshot in the documentation."""
    from PIL import Image

    with Image.open(png) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(png, optimize=True)


def in_virtual_display(arguments: list[str], size: tuple[int, int]) -> int:
    """Run this script again inside Xvfb; returns its exit code."""
    read_end, write_end = os.pipe()
    screen = f"{size[0]}x{size[1]}x24"
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", screen, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(write_end,), stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        with os.fdopen(read_end) as pipe:
            display = f":{pipe.readline().strip()}"
        env = dict(os.environ, DISPLAY=display, QT_QPA_PLATFORM="xcb")
        return subprocess.run(
            [sys.executable, __file__, *arguments, "--inside"], env=env
        ).returncode
    finally:
        server.terminate()
        server.wait(10)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("window", "companion"))
    parser.add_argument("flowgraph", type=Path)
    parser.add_argument("png", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="before the picture is taken")
    parser.add_argument("--width", type=int, default=1500)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--all-colours", action="store_true", help="where 256 blur a legend")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = options.width, options.height
    if not options.inside:
        return in_virtual_display(sys.argv[1:], size)
    options.png.parent.mkdir(parents=True, exist_ok=True)
    if options.kind == "companion":
        grab_companion(options.flowgraph, options.png, size, options.seconds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            program = compile_flowgraph(options.flowgraph, Path(folder))
            grab_window(program, options.png, size, options.seconds)
    if not options.all_colours:
        make_smaller(options.png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
