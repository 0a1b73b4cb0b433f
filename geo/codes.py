"""Unit codes and their order."""

import re

_DIGITS = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[str | tuple[int, str], ...], str]


def natural_key(code: str) -> NaturalKey:
    """Sort key of a code: runs of ASCII digits compare as numbers, the rest by code point, no locale.

    "9" < "10" < "10a"; codes that read alike ("7", "007") keep a fixed order among themselves.
    """
    parts = _DIGITS.split(code)
    key = tuple(_number(part) if place % 2 else part for place, part in enumerate(parts))
    return key, code


def _number(digits: str) -> tuple[int, str]:
    """Orders like int(digits), of any length."""
    significant = digits.lstrip("0")
    return len(significant), significant
