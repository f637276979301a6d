# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of an installation: what they call a problem, and the cure they tell."""

import importlib.metadata
import json
import sys

import pytest

from scsc_core import cli, doctor, self_test
from scsc_core.doctor import Finding


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
