# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc doctor`: the checks of an installation, each with its cure."""

import json as json_format
from dataclasses import asdict
from typing import Annotated

import typer

_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[red]problem[/]"}


def command(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Check the installation and print the cure for each problem.

    A note concerns only some uses (a display, radios). Exit code 1 when there is a problem.
    """
    from rich.markup import escape

    from .. import doctor
    from .output import console

    screen = console()
    findings = []
    for finding in doctor.examine():
        findings.append(finding)
        if json:
            continue
        line = f"{_MARKS[finding.status]}{' ' * (8 - len(finding.status))} {finding.name:18}"
        screen.print(f"{line} {escape(finding.detail)}", soft_wrap=True)
        if finding.cure:
            screen.print(f"{'':9}{'cure:':>18} {escape(finding.cure)}", soft_wrap=True)
    problems = sum(finding.status == "problem" for finding in findings)
    if json:
        checks = [asdict(finding) for finding in findings]
        typer.echo(json_format.dumps({"problems": problems, "checks": checks}, indent=1))
    else:
        screen.print(f"{len(findings)} checks, {problems or 'no'} problem{'s' * (problems != 1)}")
    if problems:
        raise typer.Exit(1)
