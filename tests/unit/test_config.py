# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration: layering of files and the one-line errors."""

from fractions import Fraction

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scsc_core.config import (
    ConfigError,
    LinkConfig,
    build,
    check_keys,
    load_config,
    parse_code_rate,
)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def message_of(values):
    """The one-line error of LinkConfig values that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        build(LinkConfig, values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1/2", Fraction(1, 2)),
        ("0.5", Fraction(1, 2)),
        (0.5, Fraction(1, 2)),
        ("1/6", Fraction(1, 6)),
        (0.1, Fraction(1, 10)),
        ("1/10", Fraction(1, 10)),
        ("0.95", Fraction(19, 20)),
        ("0.333333", Fraction(1, 3)),
    ],
)
def test_code_rate_is_read_from_fraction_and_decimal(text, rate):
    assert parse_code_rate(text) == rate


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_code_rate_is_exact_or_refused(numerator, denominator):
    rate = Fraction(numerator, denominator)

    if Fraction(1, 10) <= rate <= Fraction(19, 20):
        assert parse_code_rate(f"{numerator}/{denominator}") == rate
    else:
        with pytest.raises(ValueError, match="code_rate must be in 1/10..0.95"):
            parse_code_rate(f"{numerator}/{denominator}")


@pytest.mark.parametrize("text", ["", "half", "1/0", "1/2/3", "nan", "inf", "None"])
def test_code_rate_that_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="code_rate must be a fraction such as 1/2 or 0.5"):
        parse_code_rate(text)


@pytest.mark.parametrize("text", ["0", "-1/2", "0.09", "0.96", "1", "2"])
def test_code_rate_outside_its_range_is_refused(text):
    with pytest.raises(ValueError, match=f"code_rate must be in 1/10..0.95, got {text}"):
        parse_code_rate(text)


def test_defaults_are_the_two_by_two_qpsk_link():
    config = LinkConfig()

    assert (config.n_tx, config.n_rx, config.streams) == (2, 2, 2)
    assert (config.modulation, config.rate) == ("qpsk", Fraction(1, 2))
    assert (config.codec, config.fec, config.precoder) == ("bpg", "nr_ldpc", "pcen")


@pytest.mark.parametrize(
    ("antennas", "streams"),
    [((1, 1, None), 1), ((4, 2, None), 2), ((3, 8, None), 3), ((4, 4, 1), 1)],
)
def test_streams_are_as_many_as_both_sides_allow_unless_given(antennas, streams):
    n_tx, n_rx, n_streams = antennas

    assert LinkConfig(n_tx=n_tx, n_rx=n_rx, n_streams=n_streams).streams == streams


def test_configuration_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        LinkConfig().snr_db = 3.0


def test_with_changes_leaves_the_original_and_keeps_the_other_values():
    config = LinkConfig(seed=9, snr_db=1.5)

    changed = config.with_changes(snr_db=4.0, mode="rate_matched", cbr_target=0.05)

    assert config.snr_db == 1.5
    assert (changed.seed, changed.snr_db, changed.cbr_target) == (9, 4.0, 0.05)


def test_with_changes_refuses_an_impossible_result():
    with pytest.raises(ConfigError, match="cbr_target must be given with mode rate_matched"):
        LinkConfig().with_changes(cbr_target=0.1)


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("snr_db", (-50, 100), (-50.1, 100.1, float("nan"), float("inf"))),
        ("qp", (1, 51.5), (float("nan"), float("inf"))),
        ("rician_k_db", (-60, 60), (-61, 61, float("nan"))),
        ("correlation_tx", (0, 0.999), (-0.1, 1, float("nan"))),
        ("correlation_rx", (0, 0.999), (-0.1, 1, float("nan"))),
        ("csi_error", (0, 1), (-0.1, 1.1, float("nan"))),
        ("n_tx", (2, 8), (0, 9, 1.5)),
        ("n_rx", (2, 8), (0, 9)),
        ("max_iterations", (1, 100), (0, 101)),
        ("fading_uses", (1, 10**9), (0,)),
        ("seed", (0, 2**63 - 1), (-1, 2**63)),
    ],
)
def test_range_includes_its_ends_and_nothing_beyond(field, inside, outside):
    for value in inside:
        assert getattr(LinkConfig(**{field: value}), field) == value
    for value in outside:
        assert message_of({field: value}).startswith(f"{field} must be ")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"modulation": "qpks"},
            "modulation must be one of bpsk, qpsk, 16qam, 64qam, 256qam, got 'qpks'; "
            "did you mean qpsk?",
        ),
        ({"codec": "zzz"}, "codec must be one of bpg, jpeg, jpeg2000, got 'zzz'"),
        ({"ppen": ""}, "ppen must be none, a model's name or a .safetensors file, got ''"),
        ({"snr_bd": 3}, "unknown key 'snr_bd'; did you mean snr_db, snr_def?"),
        ({"wxyz": 3}, f"unknown key 'wxyz'; there are: {', '.join(LinkConfig.model_fields)}"),
        ({"snr_db": 1000}, "snr_db must be less than or equal to 100, got 1000"),
        ({"code_rate": "3/2"}, "code_rate must be in 1/10..0.95, got 3/2"),
        ({"n_streams": 3}, "n_streams must be at most min(n_tx, n_rx) = 2, got 3"),
        (
            {"mode": "adaptive"},
            "cbr_target must be given with mode rate_matched or adaptive, and only there; "
            "got mode adaptive, cbr_target None",
        ),
        (
            {"mean_colour": (0, 256, 0)},
            "mean_colour must be three values in 0..255, got [0, 256, 0]",
        ),
        (
            {"channel": "file"},
            "channel_file must be given with channel file, and only there; "
            "got channel file, channel_file None",
        ),
        (
            {"channel_file": "h.npy"},
            "channel_file must be given with channel file, and only there; "
            "got channel rayleigh, channel_file h.npy",
        ),
    ],
)
def test_fault_is_one_exact_line(values, message):
    assert message_of(values) == message


@given(
    st.sampled_from(sorted(LinkConfig.model_fields)),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())),
)
def test_any_value_gives_a_configuration_or_a_one_line_error(field, value):
    try:
        config = build(LinkConfig, {field: value})
    except ConfigError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert build(LinkConfig, config.model_dump()) == config


def test_later_files_win_and_overrides_win_over_files(tmp_path):
    first = write(tmp_path / "a.yaml", "snr_db: 1\nseed: 2\nqp: 30\n")
    second = write(tmp_path / "b.yaml", "seed: 3\nqp: 31\n")

    config = load_config(LinkConfig, [first, str(second)], {"qp": 32})

    assert (config.snr_db, config.seed, config.qp) == (1.0, 3, 32.0)


def test_override_of_none_does_not_hide_a_file(tmp_path):
    file = write(tmp_path / "a.yaml", "qp: 30\n")

    assert load_config(LinkConfig, [file], {"qp": None}).qp == 30


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_empty_file_changes_nothing(tmp_path, text):
    assert load_config(LinkConfig, [write(tmp_path / "a.yaml", text)]) == LinkConfig()


def test_without_files_and_overrides_the_defaults_hold():
    assert load_config(LinkConfig) == LinkConfig()


def test_unquoted_code_rates_are_read_from_yaml(tmp_path):
    half = load_config(LinkConfig, [write(tmp_path / "a.yaml", "code_rate: 1/2\n")])
    decimal = load_config(LinkConfig, [write(tmp_path / "b.yaml", "code_rate: 0.5\n")])

    assert half.rate == decimal.rate == Fraction(1, 2)


@given(
    st.sampled_from(["bpg", "jpeg", "jpeg2000"]),
    st.floats(-50, 100),
    st.integers(0, 2**63 - 1),
    st.tuples(*[st.integers(0, 255)] * 3),
)
def test_dumped_configuration_loads_as_the_same(tmp_path_factory, codec, snr_db, seed, colour):
    config = LinkConfig(codec=codec, snr_db=snr_db, seed=seed, mean_colour=colour)
    file = tmp_path_factory.mktemp("config") / "a.yaml"
    write(file, yaml.safe_dump(config.model_dump(mode="json")))

    assert load_config(LinkConfig, [file]) == config


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("snr_bd: 3\n", "{file}: unknown key 'snr_bd'; did you mean snr_db"),
        ("1: 2\n", "{file}: unknown key '1'"),
        ("seed: -4\n", "{file}: seed must be greater than or equal to 0, got -4"),
        ("- a\n- b\n", "configuration file {file} must hold key: value lines"),
        ("a: [1\n", "configuration file {file} is not YAML: "),
        ("a: !!python/object:os.system 1\n", "configuration file {file} is not YAML: "),
    ],
)
def test_fault_in_a_file_names_the_file_in_one_line(tmp_path, text, problem):
    file = write(tmp_path / "bad.yaml", text)

    with pytest.raises(ConfigError) as caught:
        load_config(LinkConfig, [file])

    assert str(caught.value).startswith(problem.format(file=file))
    assert "\n" not in str(caught.value)


def test_missing_and_undecodable_files_are_named(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"codec: \xff\n")

    for name in ("missing.yaml", "latin.yaml"):
        with pytest.raises(ConfigError, match=f"configuration file .*{name} cannot be read"):
            load_config(LinkConfig, [tmp_path / name])


def test_fault_in_an_override_does_not_blame_a_file(tmp_path):
    file = write(tmp_path / "good.yaml", "seed: 3\n")

    with pytest.raises(ConfigError) as caught:
        load_config(LinkConfig, [file], {"snr_db": 1000})

    assert "good.yaml" not in str(caught.value)


def test_check_keys_passes_known_keys_and_names_an_unknown_one():
    check_keys(LinkConfig, {"seed": 1, "codec": "bpg"})

    with pytest.raises(ConfigError, match="^here: unknown key 'sede'; did you mean seed"):
        check_keys(LinkConfig, {"sede": 1}, source="here")


def test_config_error_is_a_value_error():
    assert issubclass(ConfigError, ValueError)
