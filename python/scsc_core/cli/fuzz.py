# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc fuzz`: many damaged inputs through every reader of received data."""

from typing import Annotated

import typer


def command(
    cases: Annotated[int, typer.Option(min=1, help="Damaged inputs for each reader.")] = 10000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same inputs.")] = 0,
    target: Annotated[str | None, typer.Option(help="Only this reader.")] = None,
) -> None:
    """Drive framing, the image decoders and the channel decoder with damaged input.

    Each case must end with a result or with the documented error, in time and repeatably. Exit
    code 1 when one does not; each finding names the seed that shows it again.
    """
    from rich.progress import Progress

    from ..evaluation import fuzz
    from .output import console

    with Progress(transient=True) as bar:
        tasks: dict[str, object] = {}

        def progress(name: str, case: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=cases)
            bar.update(tasks[name], completed=case + 1)

        counts, findings = fuzz.run(cases, seed, only=target, progress=progress)
    screen = console()
    for name, count in counts.items():
        screen.print(f"{name:24} {count} cases")
    for finding in findings:
        screen.print(
            f"{finding.target}: seed {finding.seed}, {finding.kind}: {finding.problem}",
            markup=False,
            soft_wrap=True,
        )
    screen.print(f"{len(findings) or 'no'} finding{'s' * (len(findings) != 1)}")
    if findings:
        raise typer.Exit(1)
