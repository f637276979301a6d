# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of an installation: what they call a problem, and the cure they tell."""

import importlib.metadata
import json
import sys
from types import SimpleNamespace

import pytest

from scsc_core import cli, doctor, self_test
from scsc_core.doctor import Finding
from scsc_core.radio import usrp_host


def test_numpy_2_is_a_problem_with_its_cure(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.1.0")

    finding = doctor.numpy_version()

    assert finding.status == "problem" and "numpy<2" in finding.cure


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(doctor.DEPENDENCIES, "no_such_module", "no-such-package")

    finding = doctor.dependencies()

    assert finding.status == "problem" and "no-such-package" in finding.cure


def test_two_installations_are_a_problem(monkeypatch, tmp_path):
    for name in ("one", "two"):
        package = tmp_path / name / "scsc_core"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "one"), str(tmp_path / "two")])

    finding = doctor.one_installation()

    assert finding.status == "problem" and "uninstall" in finding.cure


def test_missing_home_is_a_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))

    assert doctor.home().status == "problem"


def test_a_check_that_breaks_is_a_finding(monkeypatch):
    def broken():
        raise RuntimeError("out of order")

    monkeypatch.setattr(doctor, "CHECKS", (broken,))

    (finding,) = doctor.examine()

    assert finding.status == "problem" and "out of order" in finding.detail


@pytest.mark.parametrize("check", self_test.CHECKS, ids=lambda check: check.__name__)
def test_kernels_pass_their_self_test(check):
    assert check()


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("note", 0), ("problem", 1)])
def test_only_a_problem_changes_the_exit_code(monkeypatch, capsys, status, code):
    monkeypatch.setattr(doctor, "CHECKS", (lambda: Finding("it", status, "was found", "do this"),))

    assert cli.main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["problems"] == code


@pytest.fixture
def preflight(monkeypatch):
    """Function that makes `--usrp` find these findings; gives the options that it was asked with."""
    asked = []

    def give(*findings):
        def run(options):
            asked.append(options)
            return iter(findings)

        module = SimpleNamespace(preflight=run)
        monkeypatch.setitem(sys.modules, "gnuradio.scsc.front_ends.uhd_preflight", module)
        return asked

    return give


@pytest.mark.parametrize(
    ("finding", "code"),
    [
        (Finding("levels", "ok", "rms 0.1"), 0),
        (Finding("UHD images", "note", "none found", "download"), 0),
        (Finding("sample rate", "problem", "not reachable", "use 1e6"), 1),
        (Finding("device", "problem", "no device found", "connect it"), 2),
        (Finding("gr-uhd", "problem", "missing", "install"), 2),
    ],
)
def test_radio_is_checked_line_by_line_and_a_missing_one_is_code_2(
    preflight, capsys, finding, code
):
    preflight(Finding("gr-uhd", "ok", "UHD 4.3"), finding)

    assert cli.main(["doctor", "--usrp"]) == code
    shown = capsys.readouterr().out
    assert finding.detail in shown and finding.cure in shown


def test_radio_is_checked_with_the_options_of_its_programs(preflight, tmp_path):
    asked = preflight(Finding("device", "ok", "there"))
    layer = tmp_path / "radio.yaml"
    layer.write_text("rate_hz: 5000000.0\nrx_gain_db: 40\n", encoding="utf-8")

    assert cli.main(["doctor", "--usrp", "type=b200", "--radio-config", str(layer)]) == 0

    (options,) = asked
    assert (options.args, options.rate_hz, options.rx_gain_db) == ("type=b200", 5e6, 40)
    assert options.direction == "both"


def test_missing_gnuradio_is_a_finding_of_the_radio(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gnuradio.scsc.front_ends.uhd_preflight", None)

    assert cli.main(["doctor", "--usrp", "--json"]) == 2
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["name"] == "gr-uhd" and "apt-get install" in check["cure"]


def test_device_address_belongs_to_a_radio(capsys):
    assert cli.main(["doctor", "type=b200"]) == 2
    assert "type=b200 is for --usrp" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "status", "words"),
    [
        ((1, "No module named uhd"), "note", "No module"),
        ((0, ""), "note", "no radio found"),
        ((0, "type=b200"), "ok", "type=b200"),
    ],
)
def test_radios_are_notes_of_the_installation(monkeypatch, found, status, words):
    monkeypatch.setattr(doctor, "_python", lambda code: found)
    monkeypatch.setattr(usrp_host, "images", lambda: Finding("UHD images", "ok", "there"))

    finding = doctor.uhd()

    assert finding.status == status and words in finding.detail
