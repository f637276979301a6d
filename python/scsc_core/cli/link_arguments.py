# SPDX-License-Identifier: GPL-3.0-or-later
"""Command-line flags of a link configuration, for every program that runs a link.

Each key of LinkConfig is a flag of the same name with dashes; values are checked by the model, so a
flag, a YAML key and a constructor argument mean and refuse the same.
"""

import argparse
import difflib
import sys
from typing import NoReturn

from ..config import LinkConfig, load_config

_HELP = {
    "codec": "bpg, jpeg or jpeg2000",
    "qp": "quality on the codec's own scale",
    "mode": "fixed, rate_matched or adaptive",
    "ppen": "none, a PPEN model's name (scsc models list) or a .safetensors file",
    "cbr_target": "channel uses per source sample to stay under",
    "code_rate": "such as 1/2, 1/10..0.95",
    "modulation": "bpsk, qpsk, 16qam, 64qam or 256qam",
    "fec": "nr_ldpc, polar or gallager",
    "precoder": "none, svd_wf, rank_adaptive, pcen ...",
    "detector": "ml, mmse, zf or mf",
    "channel": "awgn, rayleigh, rician, tdl, cdl, nonstationary or file",
    "fading": "per_image, per_codeword or per_uses",
    "snr_db": "signal-to-noise ratio in dB",
    "seed": "of fading, noise and channel estimates",
}


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaints are one line with close matches, and exit code 2."""

    def parse_args(self, args=None, namespace=None):
        """As argparse; an unknown option names those that it resembles."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            flags = [flag for action in self._actions for flag in action.option_strings]
            close = difflib.get_close_matches(unknown[0].split("=")[0], flags, 2, 0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else "see --help"
            self.error(f"unknown argument {unknown[0]}; {hint}")
        return options

    def error(self, message: str) -> NoReturn:
        """One line on stderr instead of the whole usage."""
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        sys.exit(2)


def add_link_arguments(parser: argparse.ArgumentParser, without: tuple[str, ...] = ()) -> None:
    """Add --config and one flag per key of LinkConfig, except those in `without`."""
    group = parser.add_argument_group("link")
    group.add_argument(
        "--config", action="append", default=[], metavar="YAML", help="layered files, later win"
    )
    for name, field in LinkConfig.model_fields.items():
        if name not in without:
            text = f"{_HELP.get(name, '')} (default {field.default})".strip().replace("%", "%%")
            flag = f"--{name.replace('_', '-')}"
            group.add_argument(flag, dest=f"link_{name}", help=text, metavar="V")


def link_config(options: argparse.Namespace) -> LinkConfig:
    """Configuration of the files and the flags on top; ConfigError names the first fault."""
    flags = {name: getattr(options, f"link_{name}", None) for name in LinkConfig.model_fields}
    if flags["mean_colour"] is not None:
        flags["mean_colour"] = tuple(flags["mean_colour"].split(","))
    return load_config(LinkConfig, options.config, flags)
