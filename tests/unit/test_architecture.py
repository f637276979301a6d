# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the house: imports go down only, licence lines, file sizes, no unfinished text."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_SUFFIXES = {".py", ".cc", ".h", ".cmake"}
LIBRARY = sorted((ROOT / "python" / "scsc_core").rglob("*.py"))
SOURCES = sorted(
    path
    for folder in ("python", "gr-scsc", "apps", "tests", "tools", "cmake")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in SOURCE_SUFFIXES
)


def imported_names(path: Path) -> set[str]:
    """First parts of all absolute imports of a file, those inside functions included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_never_imports_gnuradio(path):
    assert not imported_names(path) & {"gnuradio", "pmt"}


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_uses_relative_imports_inside_itself(path):
    absolute = [
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level
    ]

    assert not [module for module in absolute if module.split(".")[0] == "scsc_core"]


@pytest.mark.parametrize("path", sorted((ROOT / "gr-scsc").rglob("*.[ch]*")), ids=name)
def test_kernels_know_neither_python_nor_gnuradio(path):
    text = path.read_text(encoding="utf-8")

    assert "#include <gnuradio" not in text
    if "bindings" not in path.parts:
        assert "pybind11" not in text and "Python.h" not in text


def test_library_imports_with_gnuradio_blocked_and_without_torch():
    modules = [
        ".".join(path.relative_to(ROOT / "python").with_suffix("").parts).removesuffix(".__init__")
        for path in LIBRARY
        if not {"training", "nets", "tasks"} & set(path.parts)
    ]
    code = (
        "import sys, importlib\n"
        "sys.modules['gnuradio'] = sys.modules['pmt'] = sys.modules['torch'] = None\n"
        f"for module in {modules!r}: importlib.import_module(module)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_source_names_its_licence(path):
    head = path.read_text(encoding="utf-8")[:200]

    assert "SPDX-License-Identifier: GPL-3.0-or-later" in head


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_source_is_within_its_size(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= _size_limit(path), "split it by concept"


def _size_limit(path: Path) -> int:
    """Limits of the house: block 250 lines, public header 200, program 300, others 400."""
    if "include" in path.parts:
        return 200
    if path.parent == ROOT / "apps":
        return 300
    if path.parent == ROOT / "python" / "scsc" and not path.name.startswith("qa_"):
        return 250
    return 400


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_source_has_no_unfinished_text(path):
    # Spelled in halves, so that this file passes its own test.
    words = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"]

    found = re.findall(r"\b(?:" + "|".join(words) + r")\b", path.read_text(encoding="utf-8"))

    assert found == []


def test_the_tree_has_sources_to_check():
    assert len(SOURCES) > 20 and len(LIBRARY) > 10
