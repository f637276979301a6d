# SPDX-License-Identifier: GPL-3.0-or-later
"""Training commands of the README run with what is bundled."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPES = sorted(set(re.findall(r"scsc train \w+ -c (\S+\.yaml)", README)))


def needed(recipe: str) -> list[str]:
    """Models that a recipe names: start, task networks, learned proxy."""
    keys = yaml.safe_load((ROOT / recipe).read_text(encoding="utf-8"))
    return [name for name in [keys.get("start"), *keys.get("tasks", [])] if name]


def test_readme_names_recipes():
    assert len(RECIPES) >= 2


@pytest.mark.parametrize("recipe", RECIPES)
def test_models_that_a_recipe_of_the_readme_needs_are_bundled(recipe):
    bundled = {entry["name"] for entry in yaml.safe_load(
        (ROOT / "trained_models" / "index.yaml").read_text(encoding="utf-8"))}  # fmt: skip

    assert set(needed(recipe)) <= bundled
