#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send pictures through the loopback flowgraph: transmitter, simulated channel, receiver, scores.

Exit codes: 0 done, 1 error, 2 usage, 3 forced end, 4 ended before every picture had arrived.
"""

import argparse
import json
import math
import sys

from scsc_core import __version__
from scsc_core.cli.link_arguments import OneLineParser, add_link_arguments, link_config


def parser() -> argparse.ArgumentParser:
    """The command line; every key of a link configuration is a flag."""
    result = OneLineParser(
        prog="scsc loopback",
        description=__doc__.splitlines()[0],
        epilog=__doc__.splitlines()[2],
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"scsc {__version__}")
    run = result.add_argument_group("run")
    run.add_argument("--image", action="append", metavar="PATH", help="picture file or folder")
    run.add_argument("--repeat", type=int, default=1, help="times the pictures are sent")
    run.add_argument("--max-images", type=int, default=0, help="end after so many; 0: all")
    run.add_argument("--output", metavar="FOLDER", help="write received pictures there")
    run.add_argument("--record", metavar="NAME", help="keep a run folder of that name")
    run.add_argument("--run-root", default="runs", metavar="FOLDER", help="folder of run folders")
    run.add_argument("--no-ms-ssim", action="store_true", help="PSNR only; does not load torch")
    run.add_argument("--timeout", type=float, metavar="S", help="give up after so many seconds")
    run.add_argument("--json", action="store_true", help="print one JSON object")
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    add_link_arguments(result)
    return result


def summary(results: list, expected: int) -> dict:
    """Means over the pictures that came back."""
    names = ("psnr_db", "ms_ssim", "cbr_k", "cbr_l", "bpp", "coded_bit_error_rate")
    means = {}
    for name in names:
        values = [getattr(result, name) for result in results]
        values = [value for value in values if value is not None and math.isfinite(value)]
        means[name] = sum(values) / len(values) if values else None
    delivered = sum(result.delivered for result in results)
    stages = sorted({stage for result in results for stage in result.seconds})
    return {
        "pictures": len(results),
        "expected": expected,
        "delivered": delivered,
        "block_errors": sum(result.block_errors for result in results),
        **means,
        "stage_ms": {
            stage: 1e3 * sum(r.seconds.get(stage, 0.0) for r in results) / max(len(results), 1)
            for stage in stages
        },
    }


def print_summary(values: dict) -> None:
    """The summary as lines of text."""
    print(f"delivered     {values['delivered']} of {values['pictures']} pictures")
    for name, label, form in (
        ("psnr_db", "PSNR", "{:.2f} dB"),
        ("ms_ssim", "MS-SSIM", "{:.4f}"),
        ("cbr_k", "R_k", "{:.5f}"),
        ("cbr_l", "R_L", "{:.5f}"),
        ("bpp", "bit/pixel", "{:.4f}"),
        ("coded_bit_error_rate", "bit errors", "{:.2e} before decoding"),
    ):
        if values[name] is not None:
            print(f"{label:<13} {form.format(values[name])}")
    times = "  ".join(f"{stage} {ms:.1f}" for stage, ms in values["stage_ms"].items())
    print(f"ms a picture  {times}")


def prepare(options: argparse.Namespace) -> tuple:
    """The flowgraph, not started; ValueError for anything that the user can mend."""
    config = link_config(options)
    from gnuradio import scsc

    flowgraph = scsc.loopback(
        config,
        options.image or [scsc.sample_image()],
        options.repeat,
        options.max_images,
        ms_ssim=not options.no_ms_ssim,
        keep_images=False,
        output=options.output,
        record=options.record,
        run_root=options.run_root,
    )
    return flowgraph, options


def run(flowgraph, options: argparse.Namespace) -> int:
    """Run the flowgraph to its end and print what came back."""
    results = flowgraph.execute(options.timeout)
    values = summary(results, flowgraph.expected)
    if options.json:
        config = flowgraph.config.model_dump(mode="json")
        print(json.dumps({"config": config, **values}, indent=1))
    else:
        print_summary(values)
    return 0 if len(results) >= flowgraph.expected else 4


def main() -> int:
    """Errors of the user are one line and exit code 2, errors of a block exit code 1."""
    options = parser().parse_args()
    if options.debug:
        return run(*prepare(options))
    try:
        flowgraph = prepare(options)
    except (ValueError, ImportError) as error:
        return _complain(error, 2)
    try:
        return run(*flowgraph)
    except Exception as error:
        return _complain(error, 1)


def _complain(error: Exception, code: int) -> int:
    print(f"scsc loopback: error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
