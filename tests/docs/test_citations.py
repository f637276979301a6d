# SPDX-License-Identifier: GPL-3.0-or-later
"""Every `<name>.md section N` in the sources names a document in docs/ and a section that it has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("apps", "cmake", "configs", "docs", "flowgraphs", "gr-scsc", "grc", "python", "tests")
SUFFIXES = {".py", ".cc", ".h", ".yml", ".yaml", ".md", ".grc", ".cmake", ".txt"}
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CMakeLists.txt", "pyproject.toml", "scsc")

# A citation may go on in the next line of a comment; a list or a range of sections counts as each.
_GAP = r"(?:\s|#|//+|\*|,)*"
_LINK = rf"(?:{_GAP}(?:,|and|or|to|-){_GAP})"
_NUMBER = r"\d+(?:\.\d+)?"
_CITATION = re.compile(
    rf"(?P<name>\w+)\.md{_GAP}sections?{_GAP}(?P<numbers>{_NUMBER}(?:{_LINK}{_NUMBER})*)"
)
_HEADING = re.compile(rf"^#+ ({_NUMBER})\.? ", re.MULTILINE)
# Not in quotes: those are files that a program writes or reads.
_MARKDOWN_NAME = re.compile(r"(?<![\w./*\"'-])(?:docs/)?(?P<name>[a-z_]+)\.md\b")


def sources() -> list[Path]:
    """Text files of the project; this file's own examples are left out."""
    found = [ROOT / name for name in TOP]
    for folder in FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return [path for path in found if path != Path(__file__).resolve()]


def citations(text: str) -> list[tuple[str, str]]:
    """(name of the document, section) of every citation in a text."""
    return [
        (match["name"], number)
        for match in _CITATION.finditer(text)
        for number in re.findall(_NUMBER, match["numbers"])
    ]


def sections(name: str) -> set[str]:
    """Numbers of the headings of a document in docs/, empty when there is no such document."""
    path = ROOT / "docs" / f"{name}.md"
    return set(_HEADING.findall(path.read_text(encoding="utf-8"))) if path.is_file() else set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Source: link.md section 7.", [("link", "7")]),
        ("link.md sections 5.1, 5.3 and 5.4; ours", [("link", n) for n in ("5.1", "5.3", "5.4")]),
        ("# (see bpg.md\n    # section 8)", [("bpg", "8")]),
        ("channel_coding.md sections 2 - 7.", [("channel_coding", "2"), ("channel_coding", "7")]),
        ("link.md section 10, row 6", [("link", "10")]),
    ],
)
def test_citations_are_found(text, found):
    assert citations(text) == found


@pytest.mark.parametrize("name", ["link", "channel_coding", "bpg", "gnuradio", "training"])
def test_references_number_their_sections_without_a_gap(name):
    main = sorted(int(number) for number in sections(name) if "." not in number)

    assert main and main == list(range(1, len(main) + 1))


def test_every_cited_section_exists():
    dangling, seen = [], 0
    for path in sources():
        for name, number in citations(path.read_text(encoding="utf-8")):
            seen += 1
            if number not in sections(name):
                dangling.append(f"{path.relative_to(ROOT)}: {name}.md section {number}")

    assert dangling == [] and seen > 50


def test_sources_name_no_document_that_is_not_there():
    known = {path.stem for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]}
    missing = [
        f"{path.relative_to(ROOT)}: {match['name']}.md"
        for path in sources()
        if path.suffix in {".py", ".cc", ".h", ".yml"}
        for match in _MARKDOWN_NAME.finditer(path.read_text(encoding="utf-8"))
        if match["name"] not in known
    ]

    assert missing == []
