# SPDX-License-Identifier: GPL-3.0-or-later
"""The C++ unit tests of gr-scsc/tests, one case each; ./scsc test names the build folder."""

import json
import os
import subprocess

import pytest


def _native_tests() -> list[str]:
    folder = os.environ.get("SCSC_BUILD_DIR")
    if not folder:
        return []
    listing = subprocess.run(
        ["ctest", "--test-dir", folder, "-L", "^native$", "--show-only=json-v1"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [test["name"] for test in json.loads(listing.stdout)["tests"]]


NAMES = _native_tests()


@pytest.mark.skipif(
    not NAMES, reason="SCSC_BUILD_DIR names no build; ctest runs the C++ tests itself"
)
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_native(name):
    done = subprocess.run(
        [
            "ctest",
            "--test-dir",
            os.environ["SCSC_BUILD_DIR"],
            "-R",
            f"^{name}$",
            "--output-on-failure",
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout
