#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one picture over a simulated 2x2 fading channel by several schemes and compare what the task sees.

Every scheme goes through the same GNU Radio flowgraph, over the same fading, within the same budget of
channel uses: --cbr-target with --mode rate_matched, else what the codec alone needs at --qp. Exit
codes: 0 done, 1 error, 2 usage, 4 ended before every picture had arrived.
"""

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from scsc_core import __version__
from scsc_core.cli.link_arguments import OneLineParser, add_link_arguments, link_config
from scsc_core.config import LinkConfig

SCENE_SIZE = (480, 352)  # width, height of the street scene


class Incomplete(Exception):
    """The flowgraph ended before every picture had arrived, for example by Ctrl-C."""


def parser() -> argparse.ArgumentParser:
    """The command line; every key of a link configuration but precoder and PPEN is a flag."""
    result = OneLineParser(
        prog="scsc demo",
        description=" ".join(__doc__.split("\n\n")[0].split()),
        epilog=" ".join(__doc__.split("\n\n")[1].split()),
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"scsc {__version__}")
    run = result.add_argument_group("run")
    run.add_argument(
        "--image", metavar="PATH", help="picture file; default: a rendered street scene with labels"
    )
    run.add_argument(
        "--scene-seed", type=int, default=1, metavar="N", help="which street scene (default 1)"
    )
    run.add_argument(
        "--ppen",
        default="ppen-small-streets",
        metavar="MODEL",
        help="pre-processor, a name or a .safetensors file; none leaves its schemes out "
        "(default ppen-small-streets)",
    )
    run.add_argument(
        "--task-model",
        default="erf-pspnet-streets-7",
        metavar="MODEL",
        help="segmentation network of the receiver (default erf-pspnet-streets-7)",
    )
    run.add_argument(
        "--count", type=int, default=100, help="transmissions per scheme (default 100)"
    )
    run.add_argument("--run-root", default="runs", metavar="FOLDER", help="folder of run folders")
    run.add_argument("--no-run", action="store_true", help="write no run folder and no panel")
    run.add_argument("--json", action="store_true", help="print one JSON object")
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    add_link_arguments(result, without=("precoder", "ppen"))
    return result


class Demo:
    """One comparison: its inputs, checked before anything is sent.

    Attributes:
        config: link of all schemes.
        source: what the picture is, a path or the name of a scene.
        image, truth: uint8 [H, W, 3] and its labels uint8 [H, W], None for a picture file.
        progress: None, or a function (scheme name or "fit", done, total).
    """

    def __init__(self, options: argparse.Namespace):
        from scsc_core import model_choice, preprocessing
        from scsc_core.evaluation.picture_scores import PictureScorer

        if not 1 <= options.count <= 100000:
            raise ValueError(f"count must be in 1..100000, got {options.count}")
        if options.scene_seed < 0:
            raise ValueError(f"scene_seed must be >= 0, got {options.scene_seed}")
        self.config: LinkConfig = link_config(options)
        if self.config.mode == "adaptive":
            raise ValueError("mode must be fixed or rate_matched: schemes share one code rate")
        preprocessing.check(options.ppen)
        self.source, self.image, self.truth = _picture(options)
        self.count, self.ppen, self.task_model = options.count, options.ppen, options.task_model
        segmenter = model_choice.load_segmenter(options.task_model)
        self.scorer = PictureScorer(self.image, segmenter, self.truth)
        self.progress = None

    def send(self, scheme, config: LinkConfig, image, count: int, keep: set[int]) -> list:
        """`count` copies of a picture through the flowgraph; received ones of `keep` come back too."""
        from gnuradio import scsc
        from PIL import Image

        from scsc_core.evaluation.comparison import Received

        received = []

        def take(result) -> None:
            received.append(
                Received(
                    result.delivered,
                    self.scorer.score(result.image),
                    result.channel_uses,
                    result.block_errors,
                    result.seconds,
                    result.image if len(received) in keep else None,
                )
            )
            self.report(scheme.name, len(received), count)

        with TemporaryDirectory(prefix="scsc-demo-") as folder:
            path = Path(folder) / "picture.png"
            Image.fromarray(image).save(path)
            flowgraph = scsc.loopback(
                config, [str(path)], repeat=count, ms_ssim=False, keep_images=False, listener=take
            )
            flowgraph.execute()
        if len(received) < count:
            raise Incomplete(f"{len(received)} of {count} pictures arrived; no table is shown")
        return received

    def report(self, name: str, done: int, total: int) -> None:
        """Pass progress on to whoever shows it."""
        if self.progress is not None:
            self.progress(name, done, total)

    def run(self):
        """The comparison of all schemes."""
        from scsc_core.evaluation.comparison import compare

        return compare(
            self.config,
            self.scorer,
            self.count,
            self.send,
            self.ppen,
            on_fit=lambda done, total: self.report("fit", done, total),
        )


def _picture(options: argparse.Namespace) -> tuple:
    """What the picture is called, the picture, and its labels where there are some."""
    if options.image:
        from scsc_core import codecs

        return options.image, codecs.load_image(Path(options.image)), None
    from scsc_core.data import streets

    image, label = streets.render(options.scene_seed, SCENE_SIZE, "pinhole", "test")
    return f"street scene {options.scene_seed}", image, label


def show_progress(demo: Demo, stack: ExitStack) -> None:
    """Bars on stderr: the pictures of each scheme, and in front of them the search for the quality."""
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
    tasks = {"fit": bars.add_task("quality for the budget", total=None)}
    for scheme in SCHEMES:
        if demo.ppen != "none" or scheme.preparation != "ppen":
            tasks[scheme.name] = bars.add_task(scheme.title, total=demo.count, start=False)

    def update(name: str, done: int, total: int) -> None:
        if done == 1:
            bars.start_task(tasks[name])
        bars.update(tasks[name], completed=done, total=total)

    demo.progress = update


def run(options: argparse.Namespace) -> int:
    """The whole demo."""
    from scsc_core.cli.comparison_table import print_comparison
    from scsc_core.runs import create_run

    start = time.monotonic()
    demo = Demo(options)
    folder = None if options.no_run else create_run("demo", options.run_root)
    with ExitStack() as stack:
        if folder is not None:
            stack.callback(folder.discard_if_empty)
        if not options.json:
            show_progress(demo, stack)
        comparison = demo.run()
        if folder is not None:
            save(folder, demo, comparison)
    seconds = time.monotonic() - start
    if options.json:
        report = {
            "config": demo.config.model_dump(mode="json"),
            **inputs(demo),
            **results(comparison),
            "seconds": seconds,
            "run": None if folder is None else str(folder.path),
        }
        print(json.dumps(report, indent=1))
    else:
        print_comparison(comparison, seconds)
        if folder is not None:
            print(f"panel: {folder.path / 'panel.png'}")
    return 0


def inputs(demo: Demo) -> dict:
    """What the demo was given besides the link's configuration."""
    return {
        "image": demo.source,
        "count": demo.count,
        "ppen": demo.ppen,
        "task_model": demo.task_model,
    }


def results(comparison) -> dict:
    """What the demo found."""
    from scsc_core.evaluation.findings import findings

    return {**comparison.to_dict(), "findings": findings(comparison)}


def save(folder, demo: Demo, comparison) -> None:
    """Fill the run folder."""
    from scsc_core.evaluation.comparison_panel import draw_comparison

    draw_comparison(folder.path / "panel.png", comparison, demo.scorer)
    folder.save_config(demo.config, **inputs(demo))
    folder.save_metrics(results(comparison))
    folder.save_image("sent", demo.image)


def main() -> int:
    """Errors of the user are one line and exit code 2, errors of a block exit code 1."""
    options = parser().parse_args()
    try:
        return run(options)
    except Incomplete as error:
        return _complain(error, 4)
    except KeyboardInterrupt:  # outside the flowgraph, which ends in order by itself
        return _complain("ended before every picture had arrived; no table is shown", 4)
    except (ValueError, ImportError, OSError) as error:
        if options.debug:
            raise
        return _complain(error, 2)
    except Exception as error:
        if options.debug:
            raise
        return _complain(error, 1)


def _complain(error: Exception | str, code: int) -> int:
    print(f"scsc demo: error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
