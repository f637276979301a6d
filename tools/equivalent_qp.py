#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure which BPG QP gives the mean bpp of a JPEG or JPEG 2000 quality, on a folder of pictures.

    tools/equivalent_qp.py ../shared/data/kodak

Prints the nodes of `EQUIVALENT_QP` in scsc_core/codecs/equivalent_qp.py: for each quality the mean
bits per pixel over the pictures, and the BPG slice QP of the same mean, interpolated in log bpp.
"""

import argparse
from pathlib import Path

import numpy as np

from scsc_core import codecs, data
from scsc_core.codecs.equivalent_qp import EQUIVALENT_QP

BPG_QPS = (12, 16, 20, 24, 28, 31, 34, 37, 41, 44, 47, 51)


def mean_bpp(codec: str, pictures: list[np.ndarray], qps: tuple) -> np.ndarray:
    """Mean bits per pixel over the pictures for each quality."""
    coder = codecs.get(codec)
    sizes = [
        [8 * len(coder.encode(picture, qp)) / picture[..., 0].size for picture in pictures]
        for qp in qps
    ]
    return np.mean(sizes, axis=1)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=int, default=1, help="take every so many pictures")
    options = parser.parse_args()
    paths = data.list_pictures([options.folder])[:: options.step]
    pictures = [codecs.load_image(path) for path in paths]
    bpg = mean_bpp("bpg", pictures, BPG_QPS)
    print("bpg", {qp: round(float(bpp), 4) for qp, bpp in zip(BPG_QPS, bpg)})
    for codec, nodes in EQUIVALENT_QP.items():
        qps = tuple(qp for qp, _ in nodes)
        bpp = mean_bpp(codec, pictures, qps)
        # np.interp wants rising abscissae: bpp falls with QP
        equal = np.interp(np.log(bpp), np.log(bpg[::-1]), BPG_QPS[::-1])
        for qp, value, found in zip(qps, bpp, equal):
            print(f"{codec:<9} {qp:>7g}  {value:8.4f} bpp  QP {found:5.1f}")


if __name__ == "__main__":
    main()
