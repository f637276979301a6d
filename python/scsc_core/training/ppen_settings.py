# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the stages `ppen` and `joint`."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ..config import Finite, parse_code_rate
from .settings import WORDS, DataSettings, ModelName, StageSettings, check_qps

NonNegative = Annotated[Finite, Field(ge=0)]


def _weights(value: Any) -> bool:
    """Whether a value is a finite number >= 0, or a list of some."""
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    kinds = (isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
    return bool(numbers) and all(kinds) and all(0 <= n < math.inf for n in numbers)


def _check_picture_weight(value: Any) -> Any:
    if not _weights(value) or (isinstance(value, list | tuple) and len(value) != 2):
        raise ValueError(
            f"picture_weight must be a number >= 0 or two, at QP 28 and at QP 47, got {value!r}"
        )
    return value


def _check_task_weight(value: Any) -> Any:
    if not _weights(value):
        raise ValueError(
            f"task_weight must be a number >= 0, or one for each of tasks, got {value!r}"
        )
    return value


PictureWeight = Annotated[
    NonNegative | tuple[NonNegative, NonNegative], BeforeValidator(_check_picture_weight)
]
TaskWeight = Annotated[NonNegative | tuple[NonNegative, ...], BeforeValidator(_check_task_weight)]


class PpenSettings(StageSettings):
    """PPEN before the real codec, against frozen task networks.

    L = task_weight L_task + v(Q) pre_scale L_pre + w(Q) bpp / bpp_plain(Q)

    Attributes:
        variant, qa, deform, strip, strip_window: see `nets.ppen.PpenConfig`.
        start: name or .safetensors file of weights to begin with; "": the identity.
        tasks: task networks, a name of the zoo or "espnetv2-<scale>"; one is drawn for each step.
        task_scales: factors of the picture before the task network; one is drawn for each step.
        task_target: "gt" (labels) or "teacher" (the network's prediction on the original).
        task_weight: lambda_2; one number, or one for each of `tasks`: networks differ by a factor of
            ten in what their loss makes of the same small change of the picture.
        picture_weight: v, lambda_3 of the paper: one number, or v at QP 28 and at QP 47, geometric
            between. `pre_scale` is the factor of the mean square error on [0, 1].
        l_pre: "decoded" compares the original with the decoded picture, "input" with PPEN's.
        rate_weight: w at QP 28 and at QP 47, geometric between.
        proxy: "dct", "dct-rate", "identity" (see `nets.dct_proxy`), or name or file of a learned one.
        qps: the QPs that are drawn.
        crop, scale: of the training crops.
        preset, codec_workers: of the BPG encoder in the loop.
        outage: what takes the place of a picture that the link loses: "none" (no link is drawn),
            "clean" (the codec's undamaged output), "zero" (the sample's task loss is left out),
            "real" (the damaged picture).
        chain: whether delivery is decided by the information of the channel ("abstract") or by
            the product's whole link ("full").
        code_rates, snr_db: of the link, drawn for each sample.
        validation_qps: of the full frames that weights are chosen on; low QPs are left out, where
            the task score of plain BPG is flat and equal score says nothing about rate.
    """

    model: ModelName = "ppen-small-streets"
    learning_rate: Finite = Field(1e-3, gt=0, le=1)
    batch: int = Field(8, ge=1)
    variant: Literal["paper", "medium", "small", "tiny"] = "small"
    qa: bool = True
    deform: bool = True
    strip: Annotated[Literal["max", "mean", "off"], WORDS] = "max"
    strip_window: int = Field(0, ge=0)
    start: str = ""
    tasks: tuple[str, ...] = ("erf-pspnet-streets-7",)
    task_scales: tuple[Finite, ...] = (1.0,)
    task_target: Literal["gt", "teacher"] = "gt"
    task_weight: TaskWeight = 1.0
    picture_weight: PictureWeight = 0.01
    pre_scale: Finite = Field(255.0, gt=0)
    l_pre: Literal["decoded", "input"] = "decoded"
    rate_weight: tuple[NonNegative, NonNegative] = (0.1, 12.0)
    proxy: str = "dct"
    qps: tuple[int, ...] = (28, 31, 34, 37, 41, 44, 47)
    crop: tuple[int, int] = (256, 256)
    scale: tuple[Finite, Finite] = (0.7, 1.4)
    preset: Literal["veryslow", "slower", "slow", "medium"] = "medium"
    codec_workers: int = Field(1, ge=1)
    outage: Literal["none", "clean", "zero", "real"] = "none"
    chain: Literal["abstract", "full"] = "abstract"
    code_rates: tuple[str, ...] = ("1/6", "1/3", "1/2", "3/4")
    snr_db: tuple[Finite, Finite] = (2.0, 12.0)
    validation_qps: tuple[int, ...] = (41, 44, 47)
    proxy_crops: int = Field(16, ge=0)
    data: DataSettings = DataSettings(validation_count=24)

    _check_qps = field_validator("qps", "validation_qps")(check_qps)

    @field_validator("tasks", "task_scales")
    @classmethod
    def _check_tasks(cls, value, info):
        if not value:
            raise ValueError(f"{info.field_name} must name at least one, got []")
        if any(isinstance(v, float) and not 0.1 <= v <= 4 for v in value):
            raise ValueError(f"{info.field_name} must be in 0.1..4, got {list(value)}")
        return value

    @field_validator("rate_weight", "picture_weight")
    @classmethod
    def _check_ends(cls, value, info):
        if isinstance(value, tuple) and (min(value) == 0 < max(value)):
            raise ValueError(
                f"{info.field_name} must be two positive numbers or 0, 0, got {list(value)}"
            )
        return value

    @field_validator("code_rates")
    @classmethod
    def _check_code_rates(cls, value):
        if not value:
            raise ValueError("code_rates must be one or more rates in 1/10..0.95, got []")
        for rate in value:
            parse_code_rate(rate)
        return value

    @field_validator("proxy_crops")
    @classmethod
    def _check_proxy_crops(cls, value):
        if value == 1:
            raise ValueError("proxy_crops must be 0 or at least 2, got 1")
        return value

    @model_validator(mode="after")
    def _check_task_weights(self):
        found = self.task_weight
        if isinstance(found, tuple) and len(found) != len(self.tasks):
            raise ValueError(
                f"task_weight must be one number or one for each of {len(self.tasks)} tasks, "
                f"got {list(found)}"
            )
        return self

    @model_validator(mode="after")
    def _check_outage(self):
        if self.outage == "real" and self.chain != "full":
            raise ValueError(f"chain must be full with outage real, got {self.chain}")
        return self

    @field_validator("snr_db")
    @classmethod
    def _check_snr(cls, value):
        if value[0] > value[1]:
            raise ValueError(f"snr_db must be low, high, got {list(value)}")
        return value


class JointSettings(PpenSettings):
    """PPEN and PCEN in turns.

    Attributes:
        pcen_every: steps between two steps of PCEN.
        pcen_batch: channels of one of them.
        pcen_rate: learning rate of PCEN's Adam.
        pcen_weight: lambda_1.
    """

    model: ModelName = "scsc-small-streets"
    learning_rate: Finite = Field(2e-4, gt=0, le=1)
    outage: Literal["none", "clean", "zero", "real"] = "clean"
    pcen_every: int = Field(4, ge=1)
    pcen_batch: int = Field(96, ge=2)
    pcen_rate: Finite = Field(1e-3, gt=0, le=1)
    pcen_weight: Finite = Field(0.1, ge=0)
