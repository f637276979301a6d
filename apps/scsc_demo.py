#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one photograph over a simulated 2x2 fading channel by several schemes and compare them.

Every scheme goes through the same GNU Radio flowgraph, over the same fading blocks and with the same
number of channel uses. Exit codes: 0 done, 1 error, 2 usage, 4 ended before every picture had arrived.
"""

import argparse
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from scsc_core import __version__
from scsc_core.cli.link_arguments import OneLineParser, add_link_arguments, link_config
from scsc_core.config import LinkConfig

STAGES = ("compress", "encode", "precode", "channel", "detect", "decode", "reconstruct")


class Incomplete(Exception):
    """The flowgraph ended before every picture had arrived, for example by Ctrl-C."""


def parser() -> argparse.ArgumentParser:
    """The command line; every key of a link configuration but the precoder is a flag."""
    result = OneLineParser(
        prog="scsc demo",
        description=" ".join(__doc__.split("\n\n")[0].split()),
        epilog=" ".join(__doc__.split("\n\n")[1].split()),
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"scsc {__version__}")
    run = result.add_argument_group("run")
    run.add_argument("--image", metavar="PATH", help="picture file; default: a sample photograph")
    run.add_argument(
        "--count", type=int, default=100, help="transmissions per scheme (default 100)"
    )
    run.add_argument("--run-root", default="runs", metavar="FOLDER", help="folder of run folders")
    run.add_argument("--no-run", action="store_true", help="write no run folder and no panel")
    run.add_argument("--json", action="store_true", help="print one JSON object")
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    add_link_arguments(result, without=("precoder",))
    return result


class Demo:
    """One comparison: its inputs, checked before anything is sent."""

    def __init__(self, options: argparse.Namespace):
        from scsc_core import codecs
        from scsc_core.data import sample_image

        if not 1 <= options.count <= 100000:
            raise ValueError(f"count must be in 1..100000, got {options.count}")
        self.config: LinkConfig = link_config(options)
        if self.config.mode == "adaptive":
            raise ValueError("mode must be fixed or rate_matched: schemes share one code rate")
        self.path = Path(options.image) if options.image else sample_image()
        self.image = codecs.load_image(self.path)
        self.count = options.count
        self.progress = None

    def send(self, config: LinkConfig, image, count: int, keep: set[int]) -> list:
        """`count` copies of the picture through the flowgraph; pictures of `keep` come back too."""
        from gnuradio import scsc

        from scsc_core.evaluation.comparison import Received

        received = []

        def take(result) -> None:
            received.append(
                Received(
                    result.delivered,
                    result.psnr_db,
                    result.ms_ssim,
                    result.channel_uses,
                    result.block_errors,
                    result.seconds,
                    result.image if len(received) in keep else None,
                )
            )
            if self.progress is not None:
                self.progress(config.precoder, len(received))

        flowgraph = scsc.loopback(
            config, [str(self.path)], repeat=count, keep_images=False, listener=take
        )
        flowgraph.execute()
        if len(received) < count:
            raise Incomplete(f"{len(received)} of {count} pictures arrived; no table is shown")
        return received

    def run(self, panel: Path | None) -> list:
        """Summaries of all schemes; the panel is drawn when a path is given."""
        from scsc_core.evaluation.comparison import compare

        return compare(self.config, self.image, self.count, self.send, panel)


def show_progress(demo: Demo, stack: ExitStack) -> None:
    """A bar on stderr that counts the pictures of all schemes."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from scsc_core.evaluation.comparison import SCHEMES

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
    tasks = {s.precoder: bars.add_task(s.title, total=demo.count, start=False) for s in SCHEMES}

    def update(precoder: str, done: int) -> None:
        if done == 1:
            bars.start_task(tasks[precoder])
        bars.update(tasks[precoder], completed=done)

    demo.progress = update


def print_table(summaries: list, seconds: float) -> None:
    """One row per scheme."""
    from rich.table import Table

    from scsc_core.cli.output import console

    table = Table(title="Same picture, same channel uses, same fading", title_justify="left")
    for name in ("scheme", "delivered %", "PSNR dB", "MS-SSIM", "R_k", "bit/use", "ms a picture"):
        table.add_column(name, justify="left" if name in ("scheme", "ms a picture") else "right")
    for row in summaries:
        delivered_only = row.psnr_delivered_db
        table.add_row(
            f"{row.title}\n[dim]{row.note}[/dim]",
            f"{100 * row.share:.0f}\n[dim]{100 * row.interval[0]:.0f}..{100 * row.interval[1]:.0f}[/dim]",
            f"{row.psnr_db:.2f}\n[dim]{delivered_only:.2f} if delivered[/dim]"
            if delivered_only is not None
            else f"{row.psnr_db:.2f}",
            "-" if row.ms_ssim is None else f"{row.ms_ssim:.4f}",
            f"{row.cbr_k:.5f}",
            f"{row.bits_per_use:.2f}\n[dim]{row.goodput_bits_per_use:.2f} delivered[/dim]",
            _stage_text(row.milliseconds),
        )
    out = console()
    out.print(table)
    out.print(
        "[dim]Second lines: 95 % interval; mean of delivered pictures alone; bits that arrived. "
        "A lost picture is scored as its mean colour. Codec and scores run once for a repeated "
        f"picture; the times are means over all. {seconds:.1f} s in all.[/dim]"
    )


def _stage_text(milliseconds: dict[str, float]) -> str:
    texts = [f"{name} {milliseconds[name]:.1f}" for name in STAGES if name in milliseconds]
    middle = (len(texts) + 1) // 2
    return "  ".join(texts[:middle]) + "\n" + "  ".join(texts[middle:])


def run(options: argparse.Namespace) -> int:
    """The whole demo."""
    from scsc_core.runs import create_run

    start = time.monotonic()
    demo = Demo(options)
    folder = None if options.no_run else create_run("demo", options.run_root)
    panel = None if folder is None else folder.path / "panel.png"
    with ExitStack() as stack:
        if folder is not None:
            stack.callback(folder.discard_if_empty)
        if not options.json:
            show_progress(demo, stack)
        summaries = demo.run(panel)
    seconds = time.monotonic() - start
    if folder is not None:
        folder.save_config(demo.config, image=str(demo.path), count=demo.count)
        folder.save_metrics([asdict(summary) for summary in summaries])
        folder.save_image("sent", demo.image)
    if options.json:
        report = {
            "config": demo.config.model_dump(mode="json"),
            "image": str(demo.path),
            "schemes": [asdict(summary) for summary in summaries],
            "seconds": seconds,
            "run": None if folder is None else str(folder.path),
        }
        print(json.dumps(report, indent=1))
    else:
        print_table(summaries, seconds)
        if folder is not None:
            print(f"panel: {panel}")
    return 0


def main() -> int:
    """Errors of the user are one line and exit code 2, errors of a block exit code 1."""
    options = parser().parse_args()
    try:
        return run(options)
    except Incomplete as error:
        return _complain(error, 4)
    except (ValueError, ImportError, OSError) as error:
        if options.debug:
            raise
        return _complain(error, 2)
    except Exception as error:
        if options.debug:
            raise
        return _complain(error, 1)


def _complain(error: Exception, code: int) -> int:
    print(f"scsc demo: error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
