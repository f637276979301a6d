# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher ./scsc, on copies that are not prepared: what it answers before and without a set-up."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scsc_core import __version__

ROOT = Path(__file__).resolve().parents[2]
# What the launcher itself calls; a PATH with only these looks like a system without apt.
TOOLS = "bash env readlink awk sed sha256sum find sort xargs mkdir mv rm id flock wc tail grep df cat".split()


@pytest.fixture
def clone(tmp_path):
    """An unprepared clone, reduced to what the launcher reads, in a path with spaces."""
    folder = tmp_path / "my clone"
    folder.mkdir()
    for name in ("scsc", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def call(program: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [program, *words],
        capture_output=True,
        text=True,
        cwd="/",
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
    )


def test_version_needs_no_set_up(clone):
    done = call(clone / "scsc", "--version")

    assert (done.returncode, done.stdout) == (0, f"scsc {__version__}\n")
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_needs_no_set_up(clone, words):
    done = call(clone / "scsc", *words)

    assert done.returncode == 0 and "./scsc demo" in done.stdout
    assert not (clone / ".venv").exists()


def test_works_through_a_link_from_any_folder(clone, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(clone / "scsc")

    assert call(link, "--version").stdout == f"scsc {__version__}\n"


def test_system_without_apt_is_refused(clone, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))

    done = call(clone / "scsc", "demo", PATH=str(tools))

    assert done.returncode == 2
    assert "scsc: error: unsupported system" in done.stderr and "--no-apt" in done.stderr


def test_missing_tools_are_named_with_no_apt(clone, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))

    done = call(clone / "scsc", "--no-apt", "demo", PATH=str(tools))

    assert done.returncode == 2
    assert "missing with --no-apt: cmake" in done.stderr


def test_incomplete_clone_is_refused(clone):
    (clone / "pyproject.toml").unlink()

    done = call(clone / "scsc", "demo")

    assert done.returncode == 2 and "pyproject.toml" in done.stderr


@pytest.mark.parametrize("extra", [None, "dev", "train", "eval"])
def test_launcher_reads_the_requirements_as_a_toml_reader_does(extra):
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no TOML reader")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    expected = project["optional-dependencies"][extra] if extra else project["dependencies"]
    source = (ROOT / "scsc").read_text(encoding="utf-8")
    function = source[source.index("requirements() {") : source.index("source_files() {")]

    done = subprocess.run(
        [
            "bash",
            "-c",
            f'root="$1"\n{function}\nrequirements "$2"',
            "-",
            ROOT,
            extra or "dependencies",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == expected


def test_tools_for_tests_include_those_of_the_camera():
    """Else the tests of video files are skipped wherever only `./scsc test` installs."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no TOML reader")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    assert extras["camera"] and set(extras["camera"]) <= set(extras["dev"])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("train", True),
        ("evaluate", True),
        ("bench", True),
        ("test", True),
        ("demo", False),
        ("", False),
    ],
)
def test_extras_of_training_are_installed_for_what_needs_them(command, expected):
    source = (ROOT / "scsc").read_text(encoding="utf-8")
    function = next(line for line in source.splitlines() if line.startswith("learns() {"))

    done = subprocess.run(["bash", "-c", f'{function}\nlearns "$1"', "-", command])

    assert (done.returncode == 0) == expected
