# SPDX-License-Identifier: GPL-3.0-or-later
"""The `scsc` command line: help, version, and what wrong input gets."""

import subprocess
import sys

import pytest

from scsc_core import __version__, cli
from scsc_core.cli.application import COMMANDS, load


def test_help_lists_every_command(capsys):
    status = cli.main(["--help"])

    shown = capsys.readouterr().out
    assert status == 0
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_prints_its_help(name):
    """In a process of its own, as some commands replace theirs by an installed program."""
    code = "import sys; from scsc_core.cli import main; sys.exit(main())"

    done = subprocess.run(
        [sys.executable, "-c", code, name, "--help"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "--help" in done.stdout


def test_version_is_the_package_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"scsc {__version__}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["docter"], "did you mean doctor"),
        (["bench", "ldcp"], "unknown benchmark 'ldcp'"),
        (["bench", "fec", "--qick"], "--quick"),
        (["bench"], "Missing argument"),
        (["fuzz", "--cases", "many"], "--cases"),
        (["fuzz", "--cases", "0"], "--cases"),
        (["models", "info", "pcem"], "no model 'pcem'"),
        (["bench", "fec", "--output", "no/such/folder/x.json"], "no/such/folder"),
        (["test"], "./scsc test"),
    ],
)
def test_wrong_input_gets_one_line_and_code_2(words, told, capsys):
    status = cli.main(words)

    shown = capsys.readouterr()
    assert status == 2
    assert shown.out == ""
    assert shown.err.startswith("scsc: error: ") and shown.err.count("\n") == 1
    assert told in shown.err


def test_debug_shows_the_exception_itself():
    with pytest.raises(ValueError, match="unknown benchmark"):
        cli.main(["bench", "ldcp", "--debug"])


def test_interrupt_ends_with_code_130(monkeypatch, capsys):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("scsc_core.cli.application.load", interrupted)

    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "scsc: interrupted\n"


def test_a_bug_passes_through(monkeypatch):
    def broken(name):
        raise ZeroDivisionError

    monkeypatch.setattr("scsc_core.cli.application.load", broken)

    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_commands_without_their_library_say_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scsc_core.cli.bench", None)

    assert cli.main(["bench", "fec"]) == 2
    assert "cannot be loaded" in capsys.readouterr().err


def test_help_imports_neither_torch_nor_numpy():
    code = (
        "import sys; from scsc_core.cli import main; main(['--help']);"
        "sys.exit(bool({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module(name):
    assert load(name).name == name
