# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the reference encoder: header fields, planes and pictures must come out exactly."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scsc_core import codecs
from scsc_core.codecs import bpg

FOLDER = Path(__file__).parent / "bpg"
ROWS = list(csv.DictReader((FOLDER / "manifest.csv").open()))
RGB16 = {r["file"]: r["rgb16_sha256"] for r in csv.DictReader((FOLDER / "rgb16.csv").open())}

pytestmark = pytest.mark.skipif(not bpg.have_bpg(), reason="built without x265 and libde265")


def sha256(arrays):
    return hashlib.sha256(b"".join(a.astype("<u2").tobytes() for a in arrays)).hexdigest()


def test_all_files_of_the_manifest_are_there():
    assert len(ROWS) == 41
    for row in ROWS:
        data = (FOLDER / row["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["bpg_sha256"], row["file"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_header_fields_equal_the_manifest(row):
    header = bpg.parse((FOLDER / row["file"]).read_bytes())

    got = (header.width, header.height, header.pixel_format, header.alpha)
    assert got == tuple(int(row[k]) for k in ("width", "height", "pixel_format", "alpha"))
    got = (header.depth, header.color_space, int(header.limited))
    assert got == tuple(int(row[k]) for k in ("bit_depth", "color_space", "limited"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_planes_and_rgb_equal_the_reference_decoder(row):
    decoded = bpg.decode((FOLDER / row["file"]).read_bytes())

    assert decoded.ok
    assert sha256(decoded.planes) == row["planes_sha256"]
    np.testing.assert_array_equal(bpg.to_rgb(decoded), np.asarray(Image.open(FOLDER / row["png"])))
    if row["png16"]:
        assert sha256([bpg.to_rgb(decoded, bits=16)]) == RGB16[row["file"]]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_damage_policy_leaves_intact_files_alone(row):
    data = (FOLDER / row["file"]).read_bytes()

    image, mask = codecs.get("bpg").decode_damaged(data)

    assert mask.all()
    np.testing.assert_array_equal(image, codecs.get("bpg").decode(data))
