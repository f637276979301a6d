# SPDX-License-Identifier: GPL-3.0-or-later
"""BPG coding with our own encoder: formats, depths, sizes, slice QP, determinism."""

import resource
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from scsc_core import codecs
from scsc_core.codecs import bpg, bpg_planes

pytestmark = pytest.mark.skipif(not bpg.have_bpg(), reason="built without x265 and libde265")


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("fmt", bpg.ENCODER_FORMATS)
def test_slice_qp_in_the_bitstream_is_the_qp_asked_for(fmt, picture):
    image = picture(16, 16)

    for qp in range(1, 52):
        assert bpg.slice_qp(bpg.encode(image, qp, fmt=fmt)) == qp


def test_bpgenc_convention_is_three_steps_higher(picture):
    image, codec = picture(32, 32), codecs.get("bpg", qp_convention="bpgenc")

    assert codec.quality_range == (4, 51)
    assert codec.encode(image, qp=40) == codecs.get("bpg").encode(image, qp=37)


@pytest.mark.parametrize("fmt", bpg.ENCODER_FORMATS)
@pytest.mark.parametrize("depth", bpg.DEPTHS)
def test_formats_and_depths_keep_the_picture(fmt, depth, picture):
    image = picture(50, 67)
    reference = image
    if fmt == "gray":
        # The luma of the picture is what a gray file can keep.
        luma = np.round(image @ [0.299, 0.587, 0.114])
        reference = np.repeat(luma[:, :, None], 3, 2)

    decoded = bpg.decode(bpg.encode(image, 12, fmt=fmt, depth=depth))

    assert decoded.ok and decoded.header.depth == depth
    # QP 12 keeps 46 dB of what is coded; halved chroma costs this noisy picture the rest (measured
    # 29.5).
    assert psnr(bpg.to_rgb(decoded), reference) > (42 if fmt in ("444", "gray") else 28)


@pytest.mark.parametrize("color", ["ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020"])
@pytest.mark.parametrize("limited", [False, True])
def test_colour_spaces_invert(color, limited, picture):
    image = picture(40, 48)

    decoded = bpg.decode(bpg.encode(image, 4, fmt="444", depth=10, color=color, limited=limited))

    assert psnr(bpg.to_rgb(decoded), image) > 46  # QP 4; measured 49 .. 52


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_rgb_is_exact(dtype, picture):
    image = picture(37, 41).astype(dtype)
    depth, bits = (8, 8) if dtype == np.uint8 else (12, 16)
    if dtype == np.uint16:
        image = np.round(image * 16.0 * 65535 / 4095).astype(np.uint16)  # 12-bit values in 16 bits

    data = bpg.encode(image, 20, fmt="444", depth=depth, color="rgb", lossless=True)

    np.testing.assert_array_equal(bpg.to_rgb(bpg.decode(data), bits), image)


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("fmt", ["420", "444"])
def test_alpha_travels_beside_the_colour(premultiplied, fmt, picture):
    image = picture(48, 56)
    alpha = np.broadcast_to(np.linspace(0, 255, 56).astype(np.uint8), (48, 56)).copy()
    data = bpg.encode(image, 10, fmt=fmt, alpha=alpha, premultiplied=premultiplied)

    decoded = bpg.decode(data)
    rgba = bpg.to_rgb(decoded)

    assert decoded.ok and decoded.header.alpha == (3 if premultiplied else 2)
    assert rgba.shape == (48, 56, 4) and psnr(rgba[:, :, 3], alpha) > 40
    flat = codecs.get("bpg").decode(data)
    # Column 0 is transparent, so white shows; lossy coding may leave an alpha of a few steps.
    assert flat.shape == (48, 56, 3) and flat[:, 0].min() >= 248
    assert data == bpg.encode(np.dstack([image, alpha]), 10, fmt=fmt, premultiplied=premultiplied)


def test_w_plane_multiplies_the_colour(picture):
    image = picture(32, 32)
    w = np.full((32, 32), 128, np.uint8)
    decoded = bpg.decode(bpg.encode(image, 8, fmt="444", alpha=w))
    plain = bpg.to_rgb(decoded)[:, :, :3].astype(int)
    decoded.header = replace(decoded.header, alpha=1)
    fourth = decoded.planes[3].astype(int)[:, :, None]

    np.testing.assert_array_equal(bpg.to_rgb(decoded), (plain * fourth + 127) // 255)


def test_extension_blocks_are_kept(picture):
    blocks = ((1, b"exif data"), (77, b"unknown"))

    data = bpg.encode(picture(16, 16), 30, extensions=blocks)

    assert bpg.parse(data).extensions == blocks and bpg.decode(data).ok


def test_container_overhead_is_at_most_30_bytes(picture):
    data = codecs.get("bpg").encode(picture(512, 512), qp=45)
    header = bpg.parse(data)
    slices = [nal for nal in bpg.picture_nals(header.body) if nal[0] >> 1 & 63 < 32]

    assert len(data) - sum(map(len, slices)) <= 30


def test_bytes_are_the_same_over_runs_and_threads(picture):
    image = picture(64, 80)
    jobs = [(8, "420"), (10, "420"), (8, "444"), (10, "422")] * 6

    def code(job):
        return bpg.encode(image, 33, fmt=job[1], depth=job[0])

    alone = {job: code(job) for job in set(jobs)}
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(code, jobs))

    assert together == [alone[job] for job in jobs]


def test_memory_does_not_grow(picture):
    image = picture(96, 96)

    def work(count):
        for _ in range(count):
            bpg.to_rgb(bpg.decode(bpg.encode(image, 40, preset="medium")))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = work(10)
    assert (
        work(100) - before < 4096
    )  # KiB; a lost picture would cost 2800 KiB here, a lost encoder more


@pytest.mark.parametrize(
    "options, words",
    [
        ({"qp": 52}, "qp"),
        ({"qp": 20.5}, "qp"),
        ({"fmt": "411"}, "fmt"),
        ({"depth": 9}, "depth"),
        ({"preset": "fast"}, "preset"),
        ({"color": "xyz"}, "color"),
        ({"chroma_qp": 13}, "chroma_qp"),
        ({"fmt": "gray", "color": "rgb"}, "gray"),
        ({"alpha": np.zeros((3, 3), np.uint8)}, "alpha"),
    ],
)
def test_bad_options_are_refused(options, words, picture):
    with pytest.raises(ValueError, match=words):
        bpg.encode(picture(16, 16), **{"qp": 30, **options})


def test_missing_libraries_are_named(monkeypatch, picture):
    monkeypatch.setattr(bpg_planes, "have_bpg", lambda: False)

    with pytest.raises(RuntimeError, match="libx265-dev libde265-dev|libx265-dev and libde265-dev"):
        codecs.get("bpg").encode(picture(16, 16))
