# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from scsc_core.cli.words import numbers, words


def test_values_are_split_at_commas_without_blanks():
    assert words(" a, b,,c ") == ("a", "b", "c") and words("") == ()


def test_numbers_have_the_kind_asked_for():
    assert numbers("qps", "28, 31") == (28, 31)
    assert numbers("snr_db", "2,6.5", float) == (2.0, 6.5)


@pytest.mark.parametrize(("kind", "told"), [(int, "integers"), (float, "numbers")])
def test_word_that_is_no_number_names_the_option(kind, told):
    with pytest.raises(ValueError, match=f"qps must be {told} with commas, got '28,x'"):
        numbers("qps", "28,x", kind)
