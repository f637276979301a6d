# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of the BPG codec: `scsc bench bpg`.

Speed, container overhead, and quality over QP; where the Kodak pictures are present also the rate
against files that bpgenc 0.9.8 wrote from the same crops.
"""

import os
from pathlib import Path

import numpy as np

from .. import codecs
from ..codecs import bpg
from .benchmark import Row, measure

QPS = (28, 31, 34, 37, 41)
KODAK = ("01", "05", "07", "13", "20", "23")
_SPEED_QP = 32
# (encode ms, decode ms, decode and RGB ms): figures of one core of an AMD Zen 5 server plus margin
# (bpg.md section 8).
_TARGETS_MS = {(256, 256): (50.0, 5.0, 8.0), (1024, 2048): (900.0, 35.0, 60.0)}
_COLOUR_TARGET_MS = 15.0
_OVERHEAD_TARGET_BYTES = 30

# Files of bpgenc 0.9.8 with x265, -m 8 (tests/golden/bpg): picture, crop x0 x1 y0 y1, slice QP,
# bytes, PSNR-Y in dB.
_BPGENC_FILES = (
    ("kodim08", (300, 460, 180, 292), 26, 3292, 36.545),
    ("kodim08", (300, 460, 180, 292), 41, 616, 25.442),
    ("kodim03", (200, 328, 120, 216), 29, 1087, 36.185),
)


def run(quick: bool = False) -> list[Row]:
    """Rows: milliseconds per call, overhead, bytes and PSNR over QP, rate against bpgenc."""
    bpg.require_bpg()
    kodak = kodak_folder()
    rows = []
    for height, width in _TARGETS_MS:
        rows += speed_rows(picture(height, width, kodak), 2 if quick else 5)
    rows.append(overhead_row(picture(512, 512, kodak)))
    rows += quality_rows(kodak, quick)
    if kodak is not None:
        rows.append(bpgenc_row(kodak))
    return rows


def kodak_folder() -> Path | None:
    """Folder with kodim01.png ... below SCSC_DATA or ../shared/data, or None."""
    root = os.environ.get("SCSC_DATA")
    candidates = [Path(root)] if root else [Path("../shared/data")]
    for folder in (candidate / "kodak" for candidate in candidates):
        if all((folder / f"kodim{number}.png").is_file() for number in KODAK):
            return folder
    return None


def picture(height: int, width: int, kodak: Path | None) -> np.ndarray:
    """uint8 [height, width, 3]: tiles of Kodak pictures, or smooth areas with edges and texture."""
    if kodak is not None:
        tiles = [codecs.load_image(kodak / f"kodim{number}.png") for number in KODAK]
        row = np.concatenate(tiles[:3], axis=1)
        tiled = np.concatenate([row, np.concatenate(tiles[3:], axis=1)], axis=0)
        return np.ascontiguousarray(tiled[:height, :width])
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / a + y / b) for a, b in ((31, 57), (7, 90), (211, 13))]
    image = np.stack([128 + 60 * waves[k] + 30 * waves[k - 1] for k in range(3)], axis=2)
    image += 50 * ((x // 64 + y // 48) % 2)[:, :, None] + rng.normal(0, 4, (height, width, 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def speed_rows(image: np.ndarray, repeat: int) -> list[Row]:
    """Encode, native decode, decode with RGB and colour conversion of one picture."""
    height, width = image.shape[:2]
    codec = codecs.get("bpg")
    data = codec.encode(image, _SPEED_QP)
    decoded = bpg.decode(data)
    encode_ms, decode_ms, rgb_ms = _TARGETS_MS[height, width]
    calls = (
        ("encode", lambda: codec.encode(image, _SPEED_QP), encode_ms),
        ("decode to planes", lambda: bpg.decode(data), decode_ms),
        ("decode to RGB", lambda: codec.decode(data), rgb_ms),
        ("planes to RGB", lambda: bpg.to_rgb(decoded), _COLOUR_TARGET_MS),
    )
    condition = (
        f"{width}x{height}, QP {_SPEED_QP}, 4:2:0 8 bit, veryslow, one thread, {len(data)} bytes"
    )
    return [
        _milliseconds(f"{name} {width}x{height}", call, repeat, target, condition)
        for name, call, target in calls
    ]


def _milliseconds(name, call, repeat: int, target: float, condition: str) -> Row:
    timing = measure(call, repeat=repeat)
    return Row(
        name,
        1e3 * timing.median_s,
        "ms",
        target=target,
        higher_is_better=False,
        condition=condition,
        spread=(1e3 * timing.min_s, 1e3 * timing.max_s),
    )


def overhead_row(image: np.ndarray) -> Row:
    """Bytes of a file that are not slice data."""
    data = codecs.get("bpg").encode(image, 37)
    slices = [nal for nal in bpg.picture_nals(bpg.parse(data).body) if nal[0] >> 1 & 63 < 32]
    return Row(
        "container overhead",
        len(data) - sum(map(len, slices)),
        "bytes",
        target=_OVERHEAD_TARGET_BYTES,
        higher_is_better=False,
        condition=f"{image.shape[1]}x{image.shape[0]}, everything but the slice NAL units",
    )


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR of 8-bit samples."""
    return float(10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2)))


def rate_and_quality(image: np.ndarray, qp: int) -> tuple[int, float, float]:
    """(bytes, PSNR-Y, PSNR-RGB) at a slice QP."""
    data = codecs.get("bpg").encode(image, qp)
    decoded = bpg.decode(data)
    return (
        len(data),
        psnr_db(decoded.planes[0], bpg.luma(image)),
        psnr_db(bpg.to_rgb(decoded), image),
    )


def quality_rows(kodak: Path | None, quick: bool) -> list[Row]:
    """Mean bytes, PSNR-Y and PSNR-RGB over the QPs."""
    if kodak is None:
        images, condition = [picture(256, 256, None)], "procedural picture 256x256"
    else:
        images = [codecs.load_image(kodak / f"kodim{number}.png") for number in KODAK]
        condition = "mean of Kodak " + " ".join(KODAK)
        if quick:
            images = [np.ascontiguousarray(image[:256, :256]) for image in images]
            condition += ", top left 256x256"
    rows = []
    for qp in QPS:
        values = np.mean([rate_and_quality(image, qp) for image in images], axis=0)
        for (name, unit), value in zip(
            (("bytes", "bytes"), ("PSNR-Y", "dB"), ("PSNR-RGB", "dB")), values
        ):
            better = unit == "dB"
            rows.append(Row(f"{name} at slice QP {qp}", value, unit, None, better, condition))
    return rows


def bpgenc_row(kodak: Path) -> Row:
    """Mean change of the rate against bpgenc's files at equal PSNR-Y."""
    changes = []
    for name, (x0, x1, y0, y1), qp, reference_bytes, reference_db in _BPGENC_FILES:
        image = codecs.load_image(kodak / f"{name}.png")[y0:y1, x0:x1]
        points = [rate_and_quality(image, q)[:2] for q in range(min(qp + 3, 51), qp - 4, -1)]
        sizes, quality = np.transpose(points)
        ours = np.exp(np.interp(reference_db, quality, np.log(sizes)))
        changes.append(100 * (ours / reference_bytes - 1))
    return Row(
        "rate against bpgenc x265 at equal PSNR-Y",
        float(np.mean(changes)),
        "%",
        target=0.5,
        higher_is_better=False,
        condition="crops of kodim03 and kodim08, three files of bpgenc 0.9.8 -m 8, QP 26, 29, 41",
        spread=(min(changes), max(changes)),
    )
