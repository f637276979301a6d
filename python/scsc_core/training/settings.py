# SPDX-License-Identifier: GPL-3.0-or-later
"""What every training stage is configured with; a stage adds keys of its own."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..config import ConfigError, Finite
from ..zoo import WEIGHTS_SUFFIX

# Beyond these a process ends without a word: no memory, no threads.
_LARGEST = {
    **dict.fromkeys(("threads", "codec_workers", "devices"), 1024),
    **dict.fromkeys(("batch", "small_batch", "pcen_batch"), 65536),
    **dict.fromkeys(("crop", "small_crop", "side"), 8192),
}


def _check_model_name(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str) or not re.fullmatch("[a-z0-9][a-z0-9.-]*", value):
        raise ValueError(
            f"{info.field_name} must be a name of small letters, digits, '.' and '-', got {value!r}"
        )
    return value


ModelName = Annotated[str, BeforeValidator(_check_model_name)]


def check_qps(value: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
    """One or more different slice QPs in rising order; ValueError that names the field."""
    if not value or any(not 1 <= qp <= 51 for qp in value) or len(set(value)) < len(value):
        raise ValueError(
            f"{info.field_name} must be one or more different QPs in 1..51, got {list(value)}"
        )
    return tuple(sorted(value))


def _as_word(value: Any) -> Any:
    return ("off", "on")[value] if isinstance(value, bool) else value


# For choices with the words on and off, which YAML reads as truth values where they are not quoted.
WORDS = BeforeValidator(_as_word)


class DataSettings(BaseModel):
    """The pictures of a stage.

    Attributes:
        name: data set, see `data.DATASETS`.
        root: its folder; None: <SCSC_DATA>/<name>.
        train_splits: splits that are trained on.
        validation_split: split that weights are chosen by.
        train_count, validation_count: at most so many pictures; 0: all.
        options: of the data set's own `open_...` function, such as downscale or size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "streets"
    root: str | None = None
    classes: int = Field(7, ge=2, le=254)
    train_splits: tuple[str, ...] = ("train",)
    validation_split: str = "val"
    train_count: int = Field(0, ge=0)
    validation_count: int = Field(0, ge=0)
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _check_splits(self):
        if not self.train_splits or self.validation_split in self.train_splits:
            raise ValueError(
                "train_splits must be at least one and leave out validation_split, got "
                f"{', '.join(self.train_splits) or 'none'} and {self.validation_split}"
            )
        return self


HOUSEKEEPING = ("save_every", "picture_every", "keep_every", "threads", "codec_workers", "cache")
HOUSEKEEPING += ("cache_gb",)
# a label, and a check that can end a run but changes none of its steps
_INDIFFERENT = {*HOUSEKEEPING, "recipe", "proxy_crops"}
_MODEL_KEYS = ("start", "proxy", "ppen", "tasks")


def model_name(model: str) -> str:
    """The name of a model that is given by name or as a .safetensors file."""
    return Path(model).stem if model.endswith(WEIGHTS_SUFFIX) else model


def with_names(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a stage's settings with names where models are given as files."""
    named = dict(values)
    for key in set(_MODEL_KEYS) & set(values):
        value = values[key]
        one = isinstance(value, str)
        named[key] = model_name(value) if one else [model_name(v) for v in value]
    return named


class StageSettings(BaseModel):
    """Optimisation, devices and housekeeping of one stage.

    Attributes:
        model: name of the published weights.
        seed: root of all random draws.
        steps: optimiser steps.
        batch: pictures a step over all devices together.
        learning_rate, weight_decay: of AdamW; rate (1 - step / steps)^`power` after `warmup` steps.
        clip_norm: largest gradient norm; 0: none.
        ema: decay of the averaged weights that are validated and published; 0: none.
        accelerator, devices: of Lightning Fabric.
        precision: "auto" is bf16-mixed where the device has it.
        threads: of torch in this process; 0: torch's choice.
        validate_every, save_every, picture_every: steps; 0: only at the end.
        keep_every: every so many steps a checkpoint is kept for good; 0: none.
        deterministic: deterministic kernels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName
    seed: int = Field(0, ge=0, lt=1 << 62)
    steps: int = Field(1000, ge=1)
    batch: int = Field(8, ge=1)
    learning_rate: Finite = Field(1e-3, gt=0, le=1)
    weight_decay: Finite = Field(1e-4, ge=0)
    warmup: int = Field(0, ge=0)
    power: Finite = Field(0.9, ge=0)
    clip_norm: Finite = Field(1.0, ge=0)
    ema: Finite = Field(0.999, ge=0, lt=1)
    accelerator: Literal["auto", "cpu", "cuda"] = "cpu"
    devices: int = Field(1, ge=1)
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    threads: int = Field(0, ge=0)
    validate_every: int = Field(0, ge=0)
    save_every: int = Field(200, ge=0)
    picture_every: int = Field(0, ge=0)
    keep_every: int = Field(0, ge=0)
    deterministic: bool = False
    recipe: Literal["cpu", "full", "smoke"] = "cpu"
    data: DataSettings = DataSettings()

    @field_validator("*")
    @classmethod
    def _check_size(cls, value, info):
        largest = _LARGEST.get(info.field_name)
        if largest is None:
            return value
        if isinstance(value, tuple) and not all(1 <= side <= largest for side in value):
            raise ValueError(f"{info.field_name} must be sides in 1..{largest}, got {list(value)}")
        if isinstance(value, int) and value > largest:
            raise ValueError(f"{info.field_name} must be at most {largest}, got {value}")
        return value

    @model_validator(mode="after")
    def _check_batch(self):
        if self.batch % self.devices:
            raise ValueError(
                f"batch must be a multiple of devices = {self.devices}, got {self.batch}"
            )
        return self

    def digest(self) -> str:
        """Hash of what decides about the weights.

        Places, workers, housekeeping, labels and checks are left out, and a model counts by its
        name wherever it lies.
        """
        content = with_names(self.model_dump(mode="json", exclude=_INDIFFERENT))
        content["data"].pop("root")
        if not content["data"]["options"]:
            content["data"].pop("options")
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """Values of "key=value" and "data.key=value" words, read as YAML.

    Raises:
        ConfigError: a word without "=", or a value that is no YAML.
    """
    import yaml

    values: dict[str, Any] = {}
    for word in assignments:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"an override must be key=value, got {word!r}")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ConfigError(f"the value of {key} is no YAML: {text!r}") from None
        if isinstance(value, str):
            value = _number(value)
        *groups, last = key.split(".")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise ConfigError(f"override {word!r}: {group} has been given a value already")
        place[last] = value
    return values


def _number(text: str) -> Any:
    """YAML reads 1e-3 as text; a person means a number."""
    try:
        return float(text)
    except ValueError:
        return text


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Dicts over each other, nested ones key by key; later ones win."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            nested = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if nested else value
    return result


def read_layer(path: Path) -> dict[str, Any]:
    """One YAML file of a stage's configuration; see `config.load_config` for the errors."""
    from ..config import read_yaml

    return read_yaml(path)
