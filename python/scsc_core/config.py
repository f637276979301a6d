# SPDX-License-Identifier: GPL-3.0-or-later
"""Validated configuration: pydantic models, layered YAML files and exact one-line errors."""

import difflib
import math
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

MIN_CODE_RATE, MAX_CODE_RATE = Fraction(1, 10), Fraction(19, 20)
MODULATIONS = ("bpsk", "qpsk", "16qam", "64qam", "256qam")


class ConfigError(ValueError):
    """A configuration that cannot be used; one line that names key, value and what is allowed."""


def parse_code_rate(text: str | float) -> Fraction:
    """Fraction of a code rate written as "1/2" or 0.5; ValueError outside 1/10 .. 0.95."""
    try:
        rate = Fraction(str(text)).limit_denominator(1000)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"code_rate must be a fraction such as 1/2 or 0.5, got {text!r}") from None
    if not MIN_CODE_RATE <= rate <= MAX_CODE_RATE:
        raise ValueError(f"code_rate must be in 1/10..0.95, got {text}")
    return rate


def _check_code_rate(text: str) -> str:
    parse_code_rate(text)
    return text


def _check_colour(colour: Any) -> Any:
    if not isinstance(colour, list | tuple) or len(colour) != 3:
        raise ValueError(f"mean_colour must be three values in 0..255, got {colour!r}")
    return colour


def _check_ppen(name: str) -> str:
    if not name:
        raise ValueError("ppen must be none, a model's name or a .safetensors file, got ''")
    return name


CodeRate = Annotated[str, BeforeValidator(str), AfterValidator(_check_code_rate)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class LinkConfig(BaseModel):
    """One point-to-point image link: source coding, channel coding, precoding, channel.

    y = h z + n, n ~ CN(0, N0 I); total power of a table is n_tx, so SNR = 1/N0 (`snr_def`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: Literal["bpg", "jpeg", "jpeg2000"] = "bpg"
    qp: float | None = Field(None, allow_inf_nan=False)  # the codec's own scale; None: its default
    mode: Literal["fixed", "rate_matched", "adaptive"] = "fixed"
    cbr_target: float | None = Field(None, gt=0, le=10)  # R_k to stay under; not in mode fixed
    ppen: Annotated[str, AfterValidator(_check_ppen)] = "none"  # or a PPEN model's name or file

    fec: Literal["nr_ldpc", "polar", "gallager"] = "nr_ldpc"
    code_rate: CodeRate = "1/2"
    modulation: Literal["bpsk", "qpsk", "16qam", "64qam", "256qam"] = "qpsk"
    interleaver: Literal["shuffle", "nr"] = "shuffle"
    max_iterations: int = Field(12, ge=1, le=100)

    precoder: Literal[
        "none",
        "svd_wf",
        "svd_equal",
        "svd_codebook",
        "mercury",
        "rank_adaptive",
        "pcen",
        "pcen_lite",
        "pcen_unfolded",
        "pcen_paper",
    ] = "pcen"
    detector: Literal["ml", "mmse", "zf", "mf"] = "ml"
    llr: Literal["exact", "maxlog"] = "exact"
    cen: bool = True
    n_tx: int = Field(2, ge=1, le=8)
    n_rx: int = Field(2, ge=1, le=8)
    n_streams: int | None = Field(None, ge=1, le=8)  # None: min(n_tx, n_rx)

    channel: Literal["awgn", "rayleigh", "rician", "tdl", "cdl", "nonstationary", "file"] = (
        "rayleigh"
    )
    channel_file: str | None = None
    channel_profile: Literal["A", "B", "C", "D", "E"] = "A"  # of tdl and cdl
    channel_set: Literal["nonstationary-v1", "nonstationary-track-v1"] = "nonstationary-v1"
    channel_split: Literal["train", "test"] = "test"  # of the set
    fading: Literal["per_image", "per_codeword", "per_uses"] = "per_image"
    fading_uses: int = Field(1000, ge=1)  # channel uses of one block with fading=per_uses
    snr_db: Finite = Field(6.0, ge=-50, le=100)
    snr_def: Literal["pz_n0", "rx_ant"] = "pz_n0"
    rician_k_db: Finite = Field(9.0, ge=-60, le=60)
    correlation_tx: float = Field(0.0, ge=0, lt=1)
    correlation_rx: float = Field(0.0, ge=0, lt=1)
    csi_error: float = Field(0.0, ge=0, le=1)  # variance of an entry of H_hat - H
    csi_handling: Literal["aware", "naive"] = "aware"

    lost_picture: Literal["mean_colour", "damaged"] = "mean_colour"
    mean_colour: Annotated[tuple[int, int, int], BeforeValidator(_check_colour)] = (
        124,
        116,
        104,
    )  # ImageNet's mean, a neutral choice
    seed: int = Field(1, ge=0, lt=1 << 63)

    @model_validator(mode="after")
    def _check_combination(self) -> "LinkConfig":
        if self.n_streams is not None and self.n_streams > min(self.n_tx, self.n_rx):
            raise ValueError(
                f"n_streams must be at most min(n_tx, n_rx) = {min(self.n_tx, self.n_rx)}, "
                f"got {self.n_streams}"
            )
        if (self.mode == "fixed") != (self.cbr_target is None):
            raise ValueError(
                "cbr_target must be given with mode rate_matched or adaptive, and only there; "
                f"got mode {self.mode}, cbr_target {self.cbr_target}"
            )
        if (self.channel == "file") != (self.channel_file is not None):
            raise ValueError(
                "channel_file must be given with channel file, and only there; "
                f"got channel {self.channel}, channel_file {self.channel_file}"
            )
        if self.channel == "nonstationary" and (self.n_tx, self.n_rx) != (2, 2):
            raise ValueError(
                f"n_tx and n_rx must be 2 with channel nonstationary, got {self.n_tx} and {self.n_rx}"
            )
        if self.channel in ("cdl", "nonstationary") and (
            self.correlation_tx or self.correlation_rx
        ):
            raise ValueError(
                "correlation_tx and correlation_rx must be 0 with channel cdl and nonstationary, whose "
                f"geometry correlates antennas; got {self.correlation_tx:g} and "
                f"{self.correlation_rx:g}"
            )
        if any(not 0 <= value <= 255 for value in self.mean_colour):
            raise ValueError(
                f"mean_colour must be three values in 0..255, got {list(self.mean_colour)}"
            )
        return self

    @property
    def streams(self) -> int:
        """Number of spatial streams n_s."""
        return self.n_streams or min(self.n_tx, self.n_rx)

    @property
    def rate(self) -> Fraction:
        """Nominal code rate R_c."""
        return parse_code_rate(self.code_rate)

    def with_changes(self, **changes: Any) -> "LinkConfig":
        """A validated copy with some values changed; ConfigError when the result is impossible."""
        return build(LinkConfig, {**self.model_dump(), **changes})


Model = TypeVar("Model", bound=BaseModel)


def build(model: type[Model], values: dict[str, Any], source: str = "") -> Model:
    """The validated model of a dict of values; ConfigError with one line for the first fault."""
    try:
        return model(**values)
    except ValidationError as error:
        raise ConfigError(_describe(model, error.errors()[0], source)) from None


def load_config(
    model: type[Model], files: list[str | Path] = (), overrides: dict[str, Any] | None = None
) -> Model:
    """One model from layered YAML files, later ones win, and overrides on top.

    Overrides whose value is None are left out, so that command-line defaults do not hide a file.
    Raises ConfigError for an unreadable file, an unknown key or an impossible value.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for file in files:
        layer = read_yaml(Path(file))
        check_keys(model, layer, source=str(file))
        values.update(layer)
        origin.update(dict.fromkeys(layer, str(file)))
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    values.update(given)
    origin.update(dict.fromkeys(given, ""))
    try:
        return model(**values)
    except ValidationError as error:
        fault = error.errors()[0]
        key = str(fault["loc"][0]) if fault["loc"] else ""
        raise ConfigError(_describe(model, fault, origin.get(key, ""))) from None


def check_keys(model: type[BaseModel], values: dict[str, Any], source: str = "") -> None:
    """ConfigError when `values` has a key that the model does not know."""
    for key in values:
        if key not in model.model_fields:
            raise ConfigError(_prefix(source) + _unknown_key(model, [], str(key)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The key: value lines of a YAML file; ConfigError when it cannot be read or holds others."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"configuration file {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"configuration file {path} is not YAML: {reason}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"configuration file {path} must hold key: value lines")
    return content


def _describe(model: type[BaseModel], fault: dict[str, Any], source: str) -> str:
    kind, value = fault["type"], fault["input"]
    owner, place = _place(model, fault["loc"])
    key = ".".join(place)
    if kind == "extra_forbidden":
        return _prefix(source) + _unknown_key(owner, place, str(fault["loc"][-1]))
    if kind == "value_error":
        return _prefix(source) + str(fault["ctx"]["error"])
    if kind == "literal_error":
        allowed = fault["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        close = difflib.get_close_matches(str(value), allowed.split(", "), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return _prefix(source) + f"{key} must be one of {allowed}, got {value!r}{hint}"
    if kind == "missing" and isinstance(fault["loc"][-1], str):
        return _prefix(source) + f"{key} must be given"
    if kind in ("missing", "too_long", "tuple_type"):
        place = place[:-1] if kind == "missing" else place  # it ends with the number of the value
        return _prefix(source) + f"{'.'.join(place)} must be {_list_rule(owner, place, value)}"
    rule = fault["msg"].replace("Input should be", "must be").partition(", got ")[0]
    if isinstance(value, float) and math.isnan(value):
        rule = "must be a finite number"  # else a bound is told, which nan is not beyond of
    elif kind == "model_type":
        rule = "must be a table of key: value"
    elif not rule.startswith("must "):
        rule = f"cannot be used ({rule})"
    return _prefix(source) + f"{key} {rule}, got {value!r}"


def _place(model: type[BaseModel], loc: tuple) -> tuple[type[BaseModel], list[str]]:
    """Where a fault is: the innermost model, and the keys to it without the branches of unions."""
    place = []
    for part in loc:
        if isinstance(part, int):
            place.append(str(part))
        elif part in model.model_fields:
            place.append(part)
            kind = model.model_fields[part].annotation
            model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else model
    return model, place


def _list_rule(owner: type[BaseModel], place: list[str], value: Any) -> str:
    field = owner.model_fields.get(place[-1])  # None: a list inside a list
    kind = field.annotation if field else None
    values = get_args(kind) if get_origin(kind) is tuple else ()
    if values and Ellipsis not in values:
        return f"a list of {len(values)} values, got {value!r}"
    shown = value if isinstance(value, str) else repr(value)
    return f"a list, such as [{shown}], got {value!r}"


def _unknown_key(owner: type[BaseModel], groups: list[str], key: str) -> str:
    close = difflib.get_close_matches(key, owner.model_fields, 3)
    names = [".".join([*groups, name]) for name in close or owner.model_fields]
    hint = f"did you mean {', '.join(names)}?" if close else f"there are: {', '.join(names)}"
    return f"unknown key {'.'.join([*groups, key])!r}; {hint}"


def _prefix(source: str) -> str:
    return f"{source}: " if source else ""
