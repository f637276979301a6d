# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter counts of the tables in docs/networks.md against the program."""

import re
from pathlib import Path

import pytest

from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from scsc_core.nets.espnetv2 import SCALES, EspNetV2, EspNetV2Config
from scsc_core.nets.layers import parameter_count
from scsc_core.nets.ppen import Ppen, PpenConfig
from scsc_core.nets.proxy import Proxy, ProxyConfig

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
PPEN = ("paper", "medium", "small", "tiny")
CLASSES = (7, 11, 19, 20)


def row(label: str) -> list[int]:
    """The numbers with thousands separators in the table row that begins with the label."""
    found = re.findall(rf"^\| {re.escape(label)} \|(.*)\|$", TEXT, re.MULTILINE)
    assert len(found) == 1, f"{label!r} names {len(found)} rows"
    return [int(n.replace(",", "")) for n in re.findall(r"\d{1,3}(?:,\d{3})+", found[0])]


def column_sum(label: str, column: int) -> int:
    """Sum of one column of the PPEN table from the row after its head to the row of the label."""
    table = TEXT[TEXT.index("| E1 DA |") : TEXT.index(f"| {label} |")]
    cells = [line.split("|")[3 + column] for line in table.splitlines()]
    numbers = re.findall(r"[\d,]+", " ".join(re.sub(r"\(.*?\)", "", cell) for cell in cells))
    return sum(int(n.replace(",", "")) for n in numbers)


def test_ppen_has_the_stated_parameters():
    counts = [parameter_count(Ppen(PpenConfig(variant))) for variant in PPEN]

    assert row("**all**") == counts
    assert [column_sum("**all**", column) for column in range(4)] == counts


@pytest.mark.parametrize(
    ("label", "option"),
    [
        ("without QA", {"qa": False}),
        ("without deformable convolution", {"deform": False}),
        ("without strip pooling", {"strip": "off"}),
    ],
)
def test_ablated_ppen_has_the_stated_parameters(label, option):
    assert row(label) == [parameter_count(Ppen(PpenConfig(v, **option))) for v in PPEN]


@pytest.mark.parametrize(
    ("label", "decoder", "auxiliary"),
    [
        ("ERF-PSPNet", "pspnet", False),
        ("ERF-PSPNet with auxiliary head", "pspnet", True),
        ("ERFNet", "erfnet", False),
        ("ERFNet with auxiliary head", "erfnet", True),
    ],
)
def test_segmentation_network_has_the_stated_parameters(label, decoder, auxiliary):
    configs = [ErfPspNetConfig(n, decoder=decoder, auxiliary=auxiliary) for n in CLASSES]

    assert row(label) == [parameter_count(ErfPspNet(config)) for config in configs]


@pytest.mark.parametrize(
    ("variant", "widths"), [("small", "48, 64"), ("medium", "64, 96"), ("large", "128, 192")]
)
def test_proxy_has_the_stated_parameters(variant, widths):
    *parts, whole = row(f"`{variant}` ({widths})")

    assert sum(parts) == whole == parameter_count(Proxy(ProxyConfig(variant)))


@pytest.mark.parametrize("scale", SCALES)
def test_espnetv2_has_the_stated_parameters(scale):
    assert row(f"{scale:.1f}") == [parameter_count(EspNetV2(EspNetV2Config(scale)))]
