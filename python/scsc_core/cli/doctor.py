# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc doctor`: the checks of an installation or of a USRP, each with its cure."""

import importlib
import json as json_format
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[red]problem[/]"}
_PREFLIGHT = "gnuradio.scsc.front_ends.uhd_preflight"  # imported when it is asked for
# Without them there is no radio to speak of: as a front end that cannot be used, code 2.
_NO_RADIO = ("gr-uhd", "device")


def command(
    args: Annotated[
        str | None, typer.Argument(help="Device address for --usrp, such as type=b200.")
    ] = None,
    usrp: Annotated[
        bool, typer.Option("--usrp", help="Check a USRP and this computer's way to it instead.")
    ] = False,
    radio_config: Annotated[
        list[Path] | None,
        typer.Option(metavar="YAML", help="Layered files of front-end options, for --usrp."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Check the installation, or with --usrp a radio, and print the cure for each problem.

    A note concerns only some uses (a display, radios). Exit code 1 when there is a problem, 2 when
    --usrp finds no device. Nothing is transmitted.
    """
    from .. import doctor

    if not usrp and (args is not None or radio_config):
        raise ValueError(f"{args or '--radio-config'} is for --usrp: scsc doctor --usrp ARGS")
    checks = _usrp_checks(args or "", radio_config or []) if usrp else doctor.examine()
    findings = _show(checks, json)
    problems = [finding for finding in findings if finding.status == "problem"]
    if problems:
        raise typer.Exit(2 if usrp and problems[-1].name in _NO_RADIO else 1)


def _usrp_checks(args: str, files: list[Path]) -> Iterator[Any]:
    from ..config import load_config
    from ..doctor import Finding
    from ..radio.options import UhdOptions

    options = load_config(UhdOptions, files, {"args": args or None, "direction": "both"})
    try:
        module = importlib.import_module(_PREFLIGHT)
    except ImportError as error:
        return iter([Finding("gr-uhd", "problem", str(error), "apt-get install gnuradio uhd-host")])
    return module.preflight(options)


def _show(checks: Iterable[Any], json: bool) -> list[Any]:
    """Print each finding as soon as it is known, or all as JSON; the findings."""
    from rich.markup import escape

    from .output import console

    screen, findings = console(), []
    for finding in checks:
        findings.append(finding)
        if json:
            continue
        line = f"{_MARKS[finding.status]}{' ' * (8 - len(finding.status))} {finding.name:18}"
        screen.print(f"{line} {escape(finding.detail)}", soft_wrap=True)
        if finding.cure:
            screen.print(f"{'':9}{'cure:':>18} {escape(finding.cure)}", soft_wrap=True)
    problems = sum(finding.status == "problem" for finding in findings)
    if json:
        content = {"problems": problems, "checks": [asdict(finding) for finding in findings]}
        typer.echo(json_format.dumps(content, indent=1))
    else:
        screen.print(f"{len(findings)} checks, {problems or 'no'} problem{'s' * (problems != 1)}")
    return findings
