"""Which coverage is asked for, and the binds that the statements of a period have in common."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.errors import Invalid, told

MOST_DAYS = 366


@dataclass(frozen=True)
class CoverageAsked:
    """A unit (None: the whole network) from the first day to the last, both included. `level`: of the units told beside it,
    None for those right below. `at`: units by their codes, names and borders of this instant, None: as they are or were
    last; what was visited is told on each day's own borders in any case.
    """

    network_id: int
    unit_id: UUID | None
    first: date
    last: date
    level: str | None = None
    at: datetime | None = None


def check_period(asked: CoverageAsked) -> CoverageAsked:
    """Invalid for a period too long or empty."""
    if not 0 <= (asked.last - asked.first).days < MOST_DAYS:
        raise Invalid(
            told(
                "a period has 1 to {most} days, this one goes from {first} to {last}",
                most=MOST_DAYS,
                first=asked.first,
                last=asked.last,
            )
        )
    return asked


def bounds_of(asked: CoverageAsked) -> dict[str, Any]:
    """The binds that the statements of a period have in common."""
    label = None if asked.unit_id is None else asked.unit_id.hex
    return {"network_id": asked.network_id, "first": asked.first, "last": asked.last, "label": label}
