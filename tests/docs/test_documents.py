# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents against the program: commands, options, links and names that they mention exist."""

import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scsc_core import __version__
from scsc_core.cli.application import COMMANDS, LAUNCHER_COMMANDS, load
from scsc_core.config import LinkConfig

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
_CALL = re.compile(r"(?:^ {4}|`)(?:[A-Z_]+=\S+ )*(\./scsc(?: [^#`\n]*)?)", re.MULTILINE)


def mentioned_calls() -> list[tuple[str, ...]]:
    """Every `./scsc ...` of an indented example or of inline code, as words."""
    calls = set()
    for document in DOCUMENTS:
        for text in _CALL.findall(document.read_text(encoding="utf-8")):
            words = tuple(shlex.split(text)[1:])
            calls.add(words[1:] if words[:1] == ("--no-apt",) else words)
    return sorted(calls)


CALLS = mentioned_calls()


@functools.cache
def shown_help(*prefix: str) -> str:
    """Help of a command, from a process of its own: some commands replace theirs by a program."""
    code = "import sys; from scsc_core.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *prefix, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_readme_shows_the_main_commands():
    assert {("demo",), ("test",), ("doctor",)} <= set(CALLS)


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_named_command_and_options_exist(words):
    name = words[0] if words else "--help"
    if name in ("COMMAND", "--help", "--version") or name in LAUNCHER_COMMANDS:
        return
    assert name in COMMANDS

    group = load(name)
    subcommands = getattr(group, "commands", {})
    prefix = [name]
    if len(words) > 1 and not words[1].startswith("-") and subcommands:
        assert words[1] in subcommands
        prefix.append(words[1])
    shown = shown_help(*prefix)
    for word in words[1:]:
        if word.startswith("--"):
            assert word in shown, f"{' '.join(prefix)} has no {word}"


@pytest.mark.parametrize(
    "words", [w for w in CALLS if "--help" in w or "--version" in w], ids=" ".join
)
def test_cheap_example_runs(words):
    code = "import sys; from scsc_core.cli import main; sys.exit(main())"

    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)

    assert done.returncode == 0 and done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#\s]+)\)", document.read_text(encoding="utf-8"))

    missing = [
        target
        for target in targets
        if "://" not in target and not (document.parent / target).exists()
    ]

    assert missing == []


@pytest.mark.parametrize("key", LinkConfig.model_fields)
def test_glossary_explains_every_key(key):
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")

    assert re.search(rf"^\|[^|]*`{key}`", glossary, re.MULTILINE), f"add {key} to docs/glossary.md"


def test_files_agree_on_the_version():
    texts = {
        "pyproject.toml": r'^version = "(.*)"',
        "CITATION.cff": r"^version: (.*)",
        "CMakeLists.txt": r"^project\(gr-scsc VERSION (\S+)",
    }
    found = {
        name: re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)[1]
        for name, pattern in texts.items()
    }

    assert set(found.values()) == {__version__}, found


def test_readme_example_of_the_library_runs():
    import numpy as np

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    names = {
        "image": np.ascontiguousarray(np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp), -1))
    }

    exec(compile(code, "README.md", "exec"), names)

    assert names["result"].image.shape == (64, 64, 3)
