"""A report of something that happened, as it comes in: by a form, another system's message or a row of a file."""

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cases.flow import ENDED, STATES
from geo.tabular import position_trouble

AHEAD_OF_CLOCK: Final = timedelta(minutes=5)
EARLIEST_YEAR: Final = 1900
LONGEST: Final = {"channel": 64, "external_ref": 200, "category": 200, "description": 10_000}
REQUIRED: Final = ("channel", "external_ref", "category")
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class CaseReport:
    """`external_ref` is the channel's own reference, which makes the same report known when it comes again.

    `lon`, `lat` in WGS-84, None where the report names no place. `reported_at` None: when it was received;
    `occurred_at` None: when it was reported. A past case is taken over in its `state`, ended at `ended_at`.
    """

    channel: str
    external_ref: str
    category: str
    level: int = 1
    description: str = ""
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    occurred_at: datetime | None = None
    reported_at: datetime | None = None
    state: str = "reported"
    ended_at: datetime | None = None
    attrs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a field of a report, in words for people. A fatal one keeps the report out."""

    field: str
    reason: str
    fatal: bool = True


def check_report(report: CaseReport, now: datetime) -> list[Trouble]:
    """Everything wrong with a report; empty when it can be taken in."""
    return [*_check_texts(report), *_check_numbers(report), *_check_times(report, now)]


def _check_texts(report: CaseReport) -> list[Trouble]:
    troubles = []
    for name, longest in LONGEST.items():
        text: str = getattr(report, name)
        if name in REQUIRED and not text.strip():
            troubles.append(Trouble(name, "is empty"))
        elif len(text) > longest:
            troubles.append(Trouble(name, f"has {len(text):,} characters, more than {longest:,}"))
        elif _UNPRINTABLE.search(text):
            troubles.append(Trouble(name, "holds control characters"))
    if report.state not in STATES:
        troubles.append(Trouble("state", f"is none of {', '.join(STATES)}"))
    return troubles


def _check_numbers(report: CaseReport) -> list[Trouble]:
    troubles = []
    if not 1 <= report.level <= 5:
        troubles.append(Trouble("level", "is not between 1 and 5"))
    if (report.lon is None) != (report.lat is None):
        troubles.append(
            Trouble("lat" if report.lat is None else "lon", "is missing while the other coordinate is there")
        )
    elif report.lon is not None and report.lat is not None:
        if not (math.isfinite(report.lon) and math.isfinite(report.lat)):
            troubles.append(Trouble("lon", "is not a finite number"))
        elif (reason := position_trouble(report.lon, report.lat)) is not None:
            troubles.append(Trouble("lat", reason))
        elif report.lon == 0 and report.lat == 0:
            troubles.append(Trouble("lon", "0, 0 is the default of a device without a position, not a place"))
    if report.accuracy_m is not None and not 0 <= report.accuracy_m < 1e7:
        troubles.append(Trouble("accuracy_m", "is no distance in metres"))
    return troubles


def _check_times(report: CaseReport, now: datetime) -> list[Trouble]:
    troubles = []
    for name in ("occurred_at", "reported_at", "ended_at"):
        instant: datetime | None = getattr(report, name)
        if instant is None:
            continue
        if instant.tzinfo is None:
            troubles.append(Trouble(name, "has no offset from UTC"))
        elif instant > now + AHEAD_OF_CLOCK:
            troubles.append(Trouble(name, "lies in the future"))
        elif instant.year < EARLIEST_YEAR:
            troubles.append(Trouble(name, f"lies before {EARLIEST_YEAR}"))
    return troubles or _check_order(report)


def _check_order(report: CaseReport) -> list[Trouble]:
    if report.occurred_at and report.reported_at and report.occurred_at > report.reported_at:
        return [Trouble("occurred_at", "is later than reported_at")]
    if report.state in ENDED and ended_too_early(report):
        return [
            Trouble(
                "ended_at", "the case ended before it was opened; taken in, its end set aside", fatal=False
            )
        ]
    return []


def ended_too_early(report: CaseReport) -> bool:
    """Whether a past case claims to have ended before it was reported."""
    opened_at = report.reported_at or report.occurred_at
    return opened_at is not None and report.ended_at is not None and report.ended_at < opened_at
