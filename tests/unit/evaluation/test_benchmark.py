# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows, timing and rendering of benchmarks."""

import json

import numpy as np
import pytest

from scsc_core.evaluation.benchmark import Host, Row, measure, to_json, to_table

HOST = Host(cpu="a processor", isa="generic", cores=2, load=0.5, version="0")


@pytest.mark.parametrize(
    ("value", "target", "higher", "met"),
    [(2, 2, True, True), (1.9, 2, True, False), (2, 2, False, True), (2.1, 2, False, False)],
)
def test_verdict_follows_the_direction(value, target, higher, met):
    assert Row("x", value, "s", target, higher).met is met


def test_row_without_target_has_no_verdict():
    assert Row("x", 1.0, "s").met is None


def test_measure_orders_its_figures_and_calls_the_function():
    calls = []

    timing = measure(lambda: calls.append(1), repeat=3, min_time_s=0)

    assert 0 < timing.min_s <= timing.median_s <= timing.max_s
    assert len(calls) == 2 + 3


@pytest.mark.parametrize(("arguments", "told"), [((0, 0.1), "repeat"), ((1, -1.0), "min_time_s")])
def test_measure_names_a_bad_argument(arguments, told):
    with pytest.raises(ValueError, match=told):
        measure(lambda: None, *arguments)


def test_json_holds_host_rows_and_verdicts():
    rows = [
        Row("fast", 3.0, "Mbit/s", 2.0, condition="K=10", spread=(2.5, 3.5)),
        Row("plain", 1, ""),
    ]

    content = json.loads(to_json("fec", HOST, rows))

    assert content["benchmark"] == "fec" and content["host"]["isa"] == "generic"
    assert [row["met"] for row in content["rows"]] == [True, None]
    assert content["rows"][0]["spread"] == [2.5, 3.5]


def test_table_says_by_how_much_a_target_is_missed():
    from rich.console import Console

    screen = Console(width=160, record=True, file=open("/dev/null", "w"))
    screen.print(to_table("fec", [Row("slow", 50.0, "Mbit/s", 100.0, condition="K=10")]))

    shown = screen.export_text()
    assert "missed by 50%" in shown and ">= 100" in shown and "K=10" in shown


def test_host_line_names_processor_and_load():
    assert str(HOST).startswith("a processor; kernels generic; 2 cores, load 0.50")


def test_numpy_figures_become_plain_numbers():
    row = Row("x", np.float32(2.5), "ms", 3.0, False, spread=(np.float64(2), np.float32(3)))

    loaded = json.loads(to_json("name", Host.current(), [row]))["rows"][0]

    assert loaded["value"] == 2.5 and loaded["spread"] == [2.0, 3.0]
    assert loaded["met"] is True
