# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of each block agrees with its constructor, its ports and its docstring."""

import ast
import inspect
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "grc").glob("scsc_*.block.yml"))
SOURCES = {path.stem: path for path in (ROOT / "python" / "scsc").rglob("*.py")}
VARIABLES = [path for path in FILES if path.name.endswith("config.block.yml")]
BLOCKS = [path for path in FILES if path not in VARIABLES]


def name_of(path):
    return path.name.removeprefix("scsc_").removesuffix(".block.yml")


def describe(path):
    return yaml.safe_load(path.read_text())


def class_of(path):
    from gnuradio import scsc

    return getattr(scsc, name_of(path))


def value_of(parameter):
    text = str(parameter["default"])
    if parameter["dtype"] in ("string", "file_open", "dir_open"):
        return text
    return ast.literal_eval(text) if "scsc." not in text else inspect.Parameter.empty


def ports(description, side):
    return {port["id"] for port in description.get(side) or [] if port["domain"] == "message"}


def streams(description, side):
    """Number of streams of samples on a side."""
    found = [port for port in description.get(side) or [] if port["domain"] == "stream"]
    return sum(port["multiplicity"] for port in found)


@pytest.mark.parametrize("path", BLOCKS, ids=name_of)
def test_parameters_and_defaults_are_the_constructor_s(path):
    parameters = [p for p in describe(path)["parameters"] if p["id"] != "gui_hint"]

    signature = inspect.signature(class_of(path).__init__)

    expected = {name: p.default for name, p in signature.parameters.items() if name != "self"}
    assert {p["id"]: value_of(p) for p in parameters} == expected


@pytest.mark.parametrize("path", BLOCKS, ids=name_of)
def test_make_passes_every_parameter(path):
    description = describe(path)

    make = description["templates"]["make"]

    assert description["templates"]["imports"] == "from gnuradio import scsc"
    assert f"scsc.{name_of(path)}(" in make
    for parameter in description["parameters"]:
        if parameter["id"] != "gui_hint":
            assert f"{parameter['id']}=${{{parameter['id']}}}" in make


@pytest.mark.parametrize("path", BLOCKS, ids=name_of)
def test_documentation_is_the_docstring(path):
    assert describe(path)["documentation"].split() == inspect.getdoc(class_of(path)).split()


@pytest.mark.parametrize("path", BLOCKS, ids=name_of)
def test_every_parameter_and_port_is_documented(path):
    description, text = describe(path), inspect.getdoc(class_of(path))

    for parameter in description["parameters"]:
        assert (
            re.search(rf"^ +.*\b{parameter['id']}\b", text, re.M) or parameter["id"] == "gui_hint"
        )
    for side, word in (("inputs", "in"), ("outputs", "out")):
        for port in ports(description, side) - {"cmd"}:
            assert re.search(rf"\b{port} \((in, )?{word}", text), f"{port} ({word})"


@pytest.mark.parametrize("path", BLOCKS, ids=name_of)
def test_callbacks_are_setters(path):
    for callback in describe(path)["templates"].get("callbacks", []):
        assert callable(getattr(class_of(path), callback.split("(")[0]))


@pytest.mark.parametrize("path", BLOCKS, ids=name_of)
def test_ports_are_the_block_s(path, tmp_path, monkeypatch, qt, untrained_models):
    import pmt

    monkeypatch.chdir(tmp_path)
    description = describe(path)
    from gnuradio import scsc

    arguments = {"paths": scsc.sample_image()} if name_of(path) == "image_source" else {}

    block = class_of(path)(**arguments)

    if hasattr(block, "gateway"):
        made_in = set(pmt.to_python(block.gateway.message_ports_in())) - {"system"}
        made_out = set(pmt.to_python(block.gateway.message_ports_out()))
        assert ports(description, "inputs") == made_in
        assert ports(description, "outputs") == made_out
        assert streams(description, "inputs") == len(list(block.in_sig()))
        assert streams(description, "outputs") == len(list(block.out_sig()))
    else:
        made = {*ports(description, "inputs"), *ports(description, "outputs")}
        documented = set(re.findall(r"(\w+) \((?:in|out)", inspect.getdoc(type(block))))
        assert made == documented


@pytest.fixture(scope="session")
def qt():
    widgets = pytest.importorskip("PyQt5.QtWidgets", reason="PyQt5 is not installed")
    return widgets.QApplication.instance() or widgets.QApplication(["test"])


def test_every_block_is_in_the_tree():
    tree = yaml.safe_load((ROOT / "grc" / "scsc.tree.yml").read_text())

    listed = [name for group in tree["[SCSC]"] for names in group.values() for name in names]

    assert sorted(listed) == sorted(path.name.removesuffix(".block.yml") for path in FILES)


def test_every_public_block_has_a_description():
    from gnuradio import scsc

    blocks = set(scsc.__all__) - {"loopback", "sample_image", "link_config", "waveform_config"}

    assert blocks == {name_of(path) for path in BLOCKS}


def test_no_block_spells_a_port_or_key_itself():
    from scsc_core.radio import keys

    spelled = {v for k, v in vars(keys).items() if k.isupper() and isinstance(v, str)}
    carriers = {"meta", "csi", "request", "record"}
    for stem, path in SOURCES.items():
        if stem.startswith("qa_") or stem == "testing":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                if isinstance(node.value, ast.Name) and node.value.id in carriers:
                    assert node.slice.value not in spelled, f"{path.name}: {node.slice.value}"


@pytest.mark.parametrize("path", VARIABLES, ids=name_of)
def test_configuration_variable_evaluates(path):
    from gnuradio import scsc

    description = describe(path)
    values = {p["id"]: ast.literal_eval(p["default"] or "''") for p in description["parameters"]}
    given = {"qp": 31, "precoder": "svd_wf"}

    config = eval(description["value"].strip()[2:-1], {**values, **given, "scsc": scsc})

    assert (config.qp, config.precoder) == (31, "svd_wf")
    for template in (
        description["templates"]["var_make"],
        *description["templates"].get("callbacks", []),
    ):
        assert all(f"${{{name}}}" in template for name in values)


def test_sounding_and_harq_are_set_by_the_configuration_variable():
    from scsc_core.waveform.configuration import WaveformConfig

    offered = describe(ROOT / "grc" / "scsc_waveform_config.block.yml")["parameters"]

    names = {p["id"] for p in offered} - {"source", "options"}
    assert names <= set(WaveformConfig.model_fields)
    assert {"csi_max_age_s", "csi_report_interval_s", "harq", "harq_timeout_s"} <= names
