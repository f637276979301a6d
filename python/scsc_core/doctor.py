# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of an installation: what is wrong, and what cures it.

GNU Radio is examined in processes of their own: the library never imports it, and an import that
crashes (numpy 2, mixed conda) must not take the examination with it.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

DEPENDENCIES = {
    "numpy": "numpy<2", "torch": "torch", "PIL": "pillow", "yaml": "pyyaml",
    "pydantic": "pydantic>=2", "typer": "typer", "rich": "rich", "safetensors": "safetensors", "torchmetrics": "torchmetrics",
    "matplotlib": "matplotlib", "sigmf": "sigmf",
}  # fmt: skip
_REINSTALL = "run ./scsc doctor in the clone, or cmake --install build again"


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        name: what was checked.
        status: "ok", "problem" (something will fail), or "note" (fails only for some uses).
        detail: what was found, one line.
        cure: what to do; empty when ok.
    """

    name: str
    status: str
    detail: str
    cure: str = ""


def _ok(name: str, detail: str) -> Finding:
    return Finding(name, "ok", detail)


def examine() -> Iterator[Finding]:
    """All checks, in an order in which an earlier problem explains later ones."""
    for check in CHECKS:
        try:
            yield check()
        except Exception as error:  # a check that breaks is itself a finding, with its reason
            name = check.__name__.replace("_", " ")
            yield Finding(name, "problem", f"{type(error).__name__}: {error}", _REINSTALL)


def interpreter() -> Finding:
    """This Python, and that GNU Radio belongs to it."""
    name, detail = "interpreter", f"{sys.executable} ({sys.version.split()[0]})"
    if importlib.util.find_spec("gnuradio") is None:
        return Finding(
            name, "problem", f"{detail} has no gnuradio",
            "apt-get install gnuradio; use ./scsc, or a venv made by /usr/bin/python3 with "
            "--system-site-packages (pyenv and conda Pythons do not see apt's GNU Radio)",
        )  # fmt: skip
    conda = os.environ.get("CONDA_PREFIX")
    if conda and not sys.prefix.startswith(conda):
        return Finding(
            name, "problem", f"{detail}, but conda {conda} is active", "conda deactivate"
        )
    return _ok(name, detail)


def numpy_version() -> Finding:
    """numpy below 2: GNU Radio 3.10.5 is compiled against numpy 1."""
    version = importlib.metadata.version("numpy")
    if int(version.split(".")[0]) >= 2:
        cure = f"{sys.executable} -m pip install 'numpy<2'"
        return Finding("numpy", "problem", f"{version} breaks GNU Radio 3.10", cure)
    return _ok("numpy", version)


def gnuradio_version() -> Finding:
    """GNU Radio imports and is 3.10.1 or later."""
    status, output = _python("from gnuradio import gr; print(gr.version())")
    if status:
        cure = "apt-get install gnuradio; check the lines interpreter and numpy"
        return Finding("GNU Radio", "problem", output, cure)
    numbers = tuple(map(int, re.findall(r"\d+", output)[:3]))
    if numbers < (3, 10, 1):
        return Finding("GNU Radio", "problem", output, "use Debian 12, Ubuntu 22.04 or later")
    return _ok("GNU Radio", output)


def dependencies() -> Finding:
    """Python libraries of pyproject.toml."""
    missing = [
        need for module, need in DEPENDENCIES.items() if not importlib.util.find_spec(module)
    ]
    name = "Python libraries"
    if missing:
        cure = f"{sys.executable} -m pip install {' '.join(map(repr, missing))}"
        return Finding(name, "problem", f"missing: {', '.join(missing)}", cure)
    import pydantic

    if int(pydantic.VERSION.split(".")[0]) < 2:
        cure = f"{sys.executable} -m pip install 'pydantic>=2'"
        return Finding(name, "problem", f"pydantic {pydantic.VERSION} is too old", cure)
    return _ok(name, f"{len(DEPENDENCIES)} found")


def native_module() -> Finding:
    """The native module loads, with the instruction set it chose."""
    try:
        from . import _native
    except ImportError as error:
        return Finding("native module", "problem", str(error), _REINSTALL)
    isas = ", ".join(_native.available_isas())
    return _ok("native module", f"kernels {_native.isa()} (this processor runs {isas})")


def kernels() -> Finding:
    """Self-test of the kernels."""
    from . import self_test

    done = []
    for check in self_test.CHECKS:
        try:
            done.append(check())
        except ValueError as error:
            cure = (
                "apt-get install libx265-dev libde265-dev, then configure and build again"
                if check is self_test.bpg_round_trip
                else "set SCSC_ISA=generic and report the processor with the output of scsc doctor"
            )
            return Finding("kernel self-test", "problem", str(error), cure)
    return _ok("kernel self-test", ", ".join(done))


def torch_version() -> Finding:
    """torch imports; its device and threads."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return _ok("torch", f"{torch.__version__}, {device}, {torch.get_num_threads()} threads")


def one_installation() -> Finding:
    """Only one copy of the module is in reach; two shadow each other."""
    found = []
    for package in ("scsc_core", "gnuradio/scsc"):
        folders = {
            (Path(entry or ".") / package / "__init__.py").resolve().parent
            for entry in sys.path
            if (Path(entry or ".") / package / "__init__.py").is_file()
        }
        if len(folders) > 1:
            listed = " and ".join(sorted(map(str, folders)))
            cure = "uninstall one (cmake --build build --target uninstall) or unset PYTHONPATH"
            return Finding("one installation", "problem", f"{package} is in {listed}", cure)
        found += folders
    if len(found) < 2:
        cure = f"{_REINSTALL}; a prefix of your own needs PYTHONPATH"
        return Finding("one installation", "problem", "gnuradio.scsc is not installed", cure)
    return _ok("one installation", str(found[0].parent))


def blocks() -> Finding:
    """`gnuradio.scsc` imports."""
    status, output = _python("from gnuradio import scsc; print(scsc.__file__)")
    if status:
        return Finding("blocks", "problem", output, _REINSTALL)
    return _ok("blocks", output)


def companion_blocks() -> Finding:
    """Companion finds the block descriptions and compiles the loopback flowgraph."""
    name = "Companion blocks"
    folders = block_folders()
    described = {path.name for folder in folders for path in folder.glob("scsc_*.block.yml")}
    if not described:
        cure = "export GRC_BLOCKS_PATH=<prefix>/share/gnuradio/grc/blocks, or use ./scsc companion"
        return Finding(name, "problem", "no scsc_*.block.yml in its search path", cure)
    flowgraph = next(
        (
            path
            for folder in folders
            for path in folder.parents[1].glob(_LOOPBACK)
            if path.is_file()
        ),
        None,
    )
    grcc = shutil.which("grcc")
    if flowgraph is None or grcc is None:
        missing = "grcc" if grcc is None else "the loopback flowgraph"
        return Finding(name, "problem", f"{missing} is not installed", _REINSTALL)
    with tempfile.TemporaryDirectory() as folder:
        status, output = _run([sys.executable, grcc, "-o", folder, str(flowgraph)])
        scripts = list(Path(folder).glob("*.py"))
        # grcc drops blocks that it does not know and still returns 0.
        if status or not any("scsc." in path.read_text(encoding="utf-8") for path in scripts):
            return Finding(
                name, "problem", f"{flowgraph.name} does not compile: {output}", _REINSTALL
            )
    return _ok(name, f"{len(described)} found, {flowgraph.name} compiles")


_LOOPBACK = "examples/scsc/simulation/scsc_loopback.grc"


def block_folders() -> list[Path]:
    """Folders that Companion searches, in its order, and the shared one of this prefix if named."""
    named = os.environ.get("GRC_BLOCKS_PATH", "").split(":")
    folders = [Path.home() / ".grc_gnuradio", *(Path(entry) for entry in named if entry)]
    folders += [Path(prefix) / "share/gnuradio/grc/blocks" for prefix in ("/usr/local", "/usr")]
    resolved = [
        path.resolve().parent
        for folder in folders
        for path in [*folder.glob("scsc_*.block.yml")][:1]
    ]
    return list(dict.fromkeys([*folders, *resolved]))


def gtk() -> Finding:
    """Gtk bindings, which Companion needs."""
    code = "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk"
    status, output = _python(code)
    if status and "Namespace" in output:
        cure = "apt-get install gir1.2-gtk-3.0 python3-gi-cairo"
        return Finding("Gtk", "problem", f"Companion cannot start: {output}", cure)
    if status and "display" not in output:
        return Finding("Gtk", "problem", output, "apt-get install python3-gi gir1.2-gtk-3.0")
    return _ok("Gtk", "3.0")


def qt() -> Finding:
    """PyQt5 for the views, and a display."""
    if importlib.util.find_spec("PyQt5") is None:
        return Finding("PyQt5", "problem", "missing", "apt-get install python3-pyqt5")
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        cure = "for windows: log in to a desktop, ssh -X, or xvfb-run; commands work without"
        return Finding("PyQt5", "note", "present, but there is no display", cure)
    return _ok("PyQt5", "present, display found")


def home() -> Finding:
    """HOME is writable; flowgraphs do not start otherwise."""
    folder = Path(os.environ.get("HOME", "~")).expanduser()
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        cure = "export HOME=/a/folder/of/yours"
        return Finding("HOME", "problem", f"{folder}: {error.strerror}", cure)
    return _ok("HOME", f"{folder} is writable")


def uhd() -> Finding:
    """UHD's bindings, images and devices; only radios need them."""
    status, output = _python("from gnuradio import uhd; print(uhd.get_version_string())")
    if status:
        cure = "apt-get install gnuradio uhd-host (only for radios)"
        return Finding("UHD", "note", output, cure)
    from .radio import usrp_host

    images = usrp_host.images()
    if images.status != "ok":
        detail = f"{output}, images: {images.detail}"
        return Finding("UHD", "note", detail, f"{images.cure} (only for radios)")
    status, devices = _python(
        "from gnuradio import uhd; print(*(d.to_string() for d in uhd.find_devices()), sep=' | ')"
    )
    if status or not devices:
        cure = "only for radios: scsc doctor --usrp"
        return Finding("UHD", "note", f"{output}, no radio found", cure)
    return _ok("UHD", f"{output}: {devices}; scsc doctor --usrp looks closer")


def weights() -> Finding:
    """Every trained model is there and has the hash of the index."""
    from . import zoo

    try:
        names = sorted(zoo.index())
        for name in names:
            zoo.path(name)
    except ValueError as error:
        return Finding("trained models", "problem", str(error), f"git checkout; {_REINSTALL}")
    return _ok("trained models", f"{', '.join(names)}: hashes agree")


def _python(code: str) -> tuple[int, str]:
    return _run([sys.executable, "-c", code])


def _run(command: list[str]) -> tuple[int, str]:
    """(exit status, last line of the output that says something)."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return 1, f"{Path(command[0]).name} did not answer within 60 s"
    lines = [
        line.strip() for line in (done.stdout if not done.returncode else done.stderr).splitlines()
    ]
    return done.returncode, next((line for line in reversed(lines) if line), "")


CHECKS: tuple[Callable[[], Finding], ...] = (
    interpreter, numpy_version, gnuradio_version, dependencies, native_module, kernels,
    torch_version, one_installation, blocks, companion_blocks, gtk, qt, home, uhd, weights,
)  # fmt: skip
