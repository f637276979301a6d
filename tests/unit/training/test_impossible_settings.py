# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that would kill the process, and messages that name the value and what is allowed."""

import pytest

from scsc_core.config import ConfigError
from scsc_core.training import stages
from scsc_core.training.settings import parse_assignments


def message(stage, word):
    with pytest.raises(ConfigError) as caught:
        stages.configure(stage, [], parse_assignments([word]))
    told = str(caught.value)
    assert "\n" not in told
    return told


@pytest.mark.parametrize("stage", ["task", "ppen", "joint", "proxy-fit", "proxy-pretrain"])
@pytest.mark.parametrize("key, largest", [("threads", 1024), ("batch", 65536), ("devices", 1024)])
def test_size_has_a_bound_in_every_stage(stage, key, largest):
    assert message(stage, f"{key}=1e9") == f"{key} must be at most {largest}, got 1000000000"
    assert message(stage, f"{key}={largest + 1}").endswith(f"got {largest + 1}")


@pytest.mark.parametrize(
    ("stage", "word", "told"),
    [
        ("ppen", "codec_workers=1e6", "codec_workers must be at most 1024, got 1000000"),
        ("task", "small_batch=1e9", "small_batch must be at most 65536, got 1000000000"),
        ("joint", "pcen_batch=1e9", "pcen_batch must be at most 65536, got 1000000000"),
        ("proxy-fit", "side=1e5", "side must be at most 8192, got 100000"),
        ("ppen", "crop=[100000,100000]", "crop must be sides in 1..8192, got [100000, 100000]"),
        ("task", "small_crop=[64,0]", "small_crop must be sides in 1..8192, got [64, 0]"),
    ],
)
def test_size_of_some_stages_has_a_bound(stage, word, told):
    assert message(stage, word) == told


def test_largest_sizes_are_allowed():
    words = ["threads=1024", "batch=65536", "crop=[8192,8192]", "codec_workers=1024"]

    found = stages.configure("ppen", [], parse_assignments(words))

    assert (found.threads, found.batch, found.crop) == (1024, 65536, (8192, 8192))


@pytest.mark.parametrize(
    ("stage", "word", "told"),
    [
        ("proxy-fit", "qps=[]", "qps must be one or more different QPs in 1..51, got []"),
        (
            "proxy-fit",
            "qps=[28,28]",
            "qps must be one or more different QPs in 1..51, got [28, 28]",
        ),
        ("proxy-fit", "qps=[0]", "qps must be one or more different QPs in 1..51, got [0]"),
        ("proxy-fit", "rate_weight=[0,1]", "rate_weight must be two numbers > 0, got [0.0, 1.0]"),
        (
            "ppen",
            "picture_weight=nan",
            "picture_weight must be a number >= 0 or two, at QP 28 and at QP 47, got nan",
        ),
        (
            "ppen",
            "task_weight=-1",
            "task_weight must be a number >= 0, or one for each of tasks, got -1",
        ),
        ("ppen", "crop=[64]", "crop must be a list of 2 values, got [64]"),
        ("ppen", "crop=[1,2,3]", "crop must be a list of 2 values, got [1, 2, 3]"),
        ("ppen", "rate_weight=3", "rate_weight must be a list of 2 values, got 3"),
        ("ppen", "qps=28", "qps must be a list, such as [28], got 28"),
        ("ppen", "qps=[28.5]", "qps.0 must be a valid integer, got 28.5"),
        ("ppen", "tasks=erf", "tasks must be a list, such as [erf], got 'erf'"),
        (
            "ppen",
            "model=",
            "model must be a name of small letters, digits, '.' and '-', got None",
        ),
        ("ppen", "ema=nan", "ema must be a finite number, got nan"),
        ("ppen", "code_rates=[]", "code_rates must be one or more rates in 1/10..0.95, got []"),
        ("ppen", "data=3", "data must be a table of key: value, got 3"),
        ("ppen", "data.nme=3", "unknown key 'data.nme'; did you mean data.name?"),
    ],
)
def test_message_names_value_and_rule(stage, word, told):
    assert message(stage, word) == told


@pytest.mark.parametrize("group", ["", "data."])
def test_unknown_key_that_is_like_none_lists_the_keys(group):
    told = message("ppen", f"{group}xqq=3")

    first = {"": "model, seed, steps", "data.": "data.name, data.root, data.classes"}[group]
    assert told.startswith(f"unknown key '{group}xqq'; there are: {first}, ")
