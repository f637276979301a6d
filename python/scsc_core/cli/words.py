# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that hold several values with commas between them."""


def words(text: str) -> tuple[str, ...]:
    """The values of "a, b,c"; empty ones are left out."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def numbers(name: str, text: str, kind: type = int) -> tuple:
    """Numbers of a kind (int or float); ValueError that names the option when one is none."""
    try:
        return tuple(kind(word) for word in words(text))
    except ValueError:
        told = "integers" if kind is int else "numbers"
        raise ValueError(f"{name} must be {told} with commas, got {text!r}") from None
