"""What coverage is reckoned from: accepted fixes as columns, and the duty they fall in."""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

SECOND_US: Final = 1_000_000
_AT_ONCE: Final = 1 << 17
SPAN_US: Final = 400_000 * SECOND_US
"""Longer than a day with all its margins: keys of (owner, time) are owner × SPAN_US + time."""


@dataclass(frozen=True)
class Fixes:
    """Accepted fixes, one row each, by person, device and time. `at_us`: microseconds since the window began, negative in
    the margin before it. `accuracy_m` NaN where not told. `unit`: row of the ground's units that holds it, -1: none.
    """

    person: Ints
    device: Ints
    at_us: Ints
    lon: Floats
    lat: Floats
    accuracy_m: Floats
    unit: Ints

    def __len__(self) -> int:
        return len(self.at_us)

    def take(self, rows: Ints | Bools | slice) -> "Fixes":
        return Fixes(*(getattr(self, each.name)[rows] for each in fields(self)))


def order_fixes(fixes: Fixes) -> Fixes:
    """The same fixes in their one order, each instant of a device once: so the order they came in changes nothing."""
    if _is_ordered(fixes):
        return fixes
    columns = (fixes.accuracy_m, fixes.lat, fixes.lon, fixes.at_us, fixes.device, fixes.person)
    ordered = fixes.take(np.lexsort(columns))
    again = same_device(ordered) & (ordered.at_us[1:] == ordered.at_us[:-1])
    return ordered.take(np.concatenate([[True], ~again])) if again.any() else ordered


def _is_ordered(fixes: Fixes) -> bool:
    """Whether each fix comes after the one before it: by person, device and time, none at the same instant."""
    for first in range(0, len(fixes), _AT_ONCE):
        some = slice(first, first + _AT_ONCE + 1)
        person, device = np.diff(fixes.person[some]), np.diff(fixes.device[some])
        later = np.diff(fixes.at_us[some]) > 0
        if not ((person > 0) | ((person == 0) & ((device > 0) | ((device == 0) & later)))).all():
            return False
    return True


def same_device(fixes: Fixes) -> Bools:
    """For each fix but the last: whether the next one is of the same person's same device."""
    same: Bools = (fixes.person[1:] == fixes.person[:-1]) & (fixes.device[1:] == fixes.device[:-1])
    return same


@dataclass(frozen=True)
class Duty:
    """Stretches of duty, by person and start; those of a person do not overlap. Microseconds since the window began."""

    person: Ints
    starts_us: Ints
    ends_us: Ints

    def __len__(self) -> int:
        return len(self.person)

    @property
    def lasts_us(self) -> Ints:
        return self.ends_us - self.starts_us

    def take(self, rows: slice) -> "Duty":
        return Duty(self.person[rows], self.starts_us[rows], self.ends_us[rows])


def cut_duty(duty: Duty, *, until_us: int) -> Duty:
    """What of it lies in [0, until_us), in order."""
    order = np.lexsort((duty.starts_us, duty.person))
    starts, ends = np.maximum(duty.starts_us[order], 0), np.minimum(duty.ends_us[order], until_us)
    kept = starts < ends
    return replace(duty, person=duty.person[order][kept], starts_us=starts[kept], ends_us=ends[kept])


def duty_of(duty: Duty, fixes: Fixes) -> Ints:
    """For each of the ordered fixes the row of the duty that covers it, -1 off duty. starts ≤ at < ends."""
    covering = np.full(len(fixes), -1)
    row, first, last = rows_during(fixes, duty.person, duty.starts_us, duty.ends_us)
    for here, since, until in zip(row.tolist(), first.tolist(), last.tolist(), strict=True):
        covering[since:until] = here
    return covering


def rows_during(fixes: Fixes, person: Ints, from_us: Ints, to_us: Ints) -> tuple[Ints, Ints, Ints]:
    """Runs of the ordered fixes of one device during spans of its person's time, from ≤ at < to, in order of the spans:
    the row of the span, and of the first fix and of the one after the last.
    """
    opens = (
        np.flatnonzero(np.concatenate([[True], ~same_device(fixes)])) if len(fixes) else np.empty(0, np.int64)
    )
    owner = fixes.person[opens]
    begin, end = np.searchsorted(owner, person), np.searchsorted(owner, person, side="right")
    span = np.repeat(np.arange(len(person)), end - begin)
    of = np.repeat(begin - (np.cumsum(end - begin) - (end - begin)), end - begin) + np.arange(len(span))
    size = np.diff(np.append(opens, len(fixes)))
    keys = np.repeat(np.arange(len(opens)) * SPAN_US, size) + fixes.at_us
    first, last = (np.searchsorted(keys, of * SPAN_US + edge[span]) for edge in (from_us, to_us))
    some = np.flatnonzero(first < last)
    return span[some], first[some], last[some]


def first_duty_after(duty: Duty, person: Ints, at_us: Ints) -> Ints:
    """For each person and instant the row of the person's first duty that ends later, or of whoever comes next."""
    people, first = np.unique(duty.person, return_index=True)
    ends = np.repeat(np.arange(len(people)), np.diff(np.append(first, len(duty)))) * SPAN_US + duty.ends_us
    keys = np.searchsorted(people, person) * SPAN_US + at_us
    return np.searchsorted(ends, keys, side="right").astype(np.int64)


def microseconds(since: datetime, instant: datetime) -> int:
    return (instant - since) // timedelta(microseconds=1)
