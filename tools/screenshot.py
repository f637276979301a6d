#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Screenshots for the documentation, made on a virtual display: flowgraph windows and Companion.

    tools/screenshot.py window flowgraphs/simulation/scsc_loopback.grc docs/images/scsc_loopback.png
    tools/screenshot.py window flowgraphs/simulation/scsc_waveform.grc \\
        docs/images/scsc_waveform_light.png theme=light --height 1160
    tools/screenshot.py companion flowgraphs/simulation/scsc_loopback.grc docs/images/companion.png

`window` compiles the flowgraph, runs it for some seconds with the given parameters and grabs its
window; `companion` opens it in GNU Radio Companion. Needs Xvfb.
"""

import argparse
import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRCC = "/usr/bin/grcc"
COMPANION = "/usr/bin/gnuradio-companion"
_TREE_WIDTH = 300
_SETTLE_MS = 3000


def compile_flowgraph(source: Path, folder: Path) -> Path:
    """The Python program that grcc makes of a flowgraph."""
    env = dict(os.environ, GRC_BLOCKS_PATH=str(ROOT / "grc"))
    env.pop("DISPLAY", None)
    subprocess.run([sys.executable, GRCC, "-o", str(folder), str(source)], check=True, env=env)
    return next(folder.glob("*.py"))


def grab_window(
    program: Path,
    target: Path,
    size: tuple[int, int],
    seconds: float,
    parameters: dict[str, object],
) -> None:
    """Run a generated Qt program and save its window as PNG."""
    from PyQt5 import QtCore, QtWidgets

    spec = importlib.util.spec_from_file_location(program.stem, program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = QtWidgets.QApplication([program.stem])
    flowgraph = getattr(module, program.stem)(**parameters)
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
    """Open a flowgraph in Companion, in this process, and save its window as PNG; does not return."""
    import gi

    gi.require_version("Gdk", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import Gdk, GLib, Gtk

    os.environ["GRC_BLOCKS_PATH"] = str(ROOT / "grc")
    os.environ["HOME"] = tempfile.mkdtemp()  # Companion remembers its window and its files there
    from gnuradio.grc.main import main as companion

    def window():
        return next(w for w in Gtk.Window.list_toplevels() if isinstance(w, Gtk.ApplicationWindow))

    def arrange():
        editor = window()
        editor.move(0, 0)
        editor.resize(*size)
        for panel in (editor.CONSOLE, editor.VARIABLES):
            editor.update_panel_visibility(panel, False)
        GLib.timeout_add(_SETTLE_MS, show_our_blocks)

    def show_our_blocks():
        editor = window()
        editor.main.set_position(size[0] - _TREE_WIDTH)
        tree = editor.btwin.treeview
        for row in tree.get_model():
            if row[0] == "SCSC":
                tree.expand_row(row.path, True)
                tree.scroll_to_cell(row.path, None, True, 0.0, 0.0)
            else:
                tree.collapse_row(row.path)
        GLib.timeout_add(_SETTLE_MS, shoot)

    def shoot():
        picture = Gdk.pixbuf_get_from_window(Gdk.get_default_root_window(), 0, 0, *size)
        picture.savev(str(target), "png", [], [])
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)
        os._exit(0)

    GLib.timeout_add(int(1000 * seconds), arrange)
    sys.argv = [COMPANION, str(source)]
    companion()


def parse_parameter(word: str) -> tuple[str, object]:
    """Name and value of NAME=VALUE; what is no literal of Python is a str."""
    name, _, value = word.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def make_smaller(png: Path) -> None:
    """256 colours are enough for a screenshot, if the rare ones of thin lines are among them."""
    from PIL import Image

    with Image.open(png) as image:
        small = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2)
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
    parser.add_argument("parameters", nargs="*", help="NAME=VALUE of the flowgraph")
    parser.add_argument("--seconds", type=float, default=20.0, help="before the picture is taken")
    parser.add_argument("--width", type=int, default=1500)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = options.width, options.height
    if not options.inside:
        code = in_virtual_display(sys.argv[1:], size)
        if code == 0:
            make_smaller(options.png)
        return code
    options.png.parent.mkdir(parents=True, exist_ok=True)
    if options.kind == "companion":
        grab_companion(options.flowgraph, options.png, size, options.seconds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            program = compile_flowgraph(options.flowgraph, Path(folder))
            parameters = dict(map(parse_parameter, options.parameters))
            grab_window(program, options.png, size, options.seconds, parameters)
    return 0


if __name__ == "__main__":
    sys.exit(main())
