"""Unit codes: their order, and the next ones to give."""

import re
from collections.abc import Collection, Mapping
from itertools import count as _count
from itertools import islice
from typing import Any

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


def next_codes(
    rule: Mapping[str, Any],
    *,
    above: str | None,
    siblings: Collection[str],
    given: Collection[str],
    count: int,
) -> list[str]:
    """`count` codes that were never given, each a prefix and a number.

    `rule` may say `prefix` (default: the parent's code where most siblings bear it, else what the siblings share) and
    `width` (digits, padded with zeros; default: as wide as the siblings').
    """
    prefix = rule.get("prefix", _shared_prefix(above, siblings))
    tails = [code.removeprefix(prefix) for code in given if code.startswith(prefix)]
    numbers = [tail for tail in tails if tail.isdecimal() and tail.isascii()]
    own = [code.removeprefix(prefix) for code in siblings if code.startswith(prefix)]
    width = rule.get("width", max((len(tail) for tail in own if tail in numbers), default=2))
    highest = max((int(tail) for tail in numbers if len(tail) <= max(width, 1)), default=0)
    free = (f"{prefix}{number:0{width}d}" for number in _count(highest + 1))
    return list(islice((code for code in free if code not in given), count))


def _shared_prefix(above: str | None, siblings: Collection[str]) -> str:
    if above is not None and 2 * sum(code.startswith(above) and code != above for code in siblings) >= len(
        siblings
    ):
        return above
    heads = {code.rstrip("0123456789") for code in siblings}
    return heads.pop() if len(heads) == 1 else ""
