"""How long it took from being sent to a case until somebody was there, as far as their fixes show it.

Off shift nobody has to come anywhere: the time is told by the clock and on duty. What cannot be seen (nobody tracked, no
place, no time on duty, a silent phone, fixes that have expired) is not observed and stands outside the denominator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from analysis.coverage.figures import DEFINITIONS, Figure
from core.db import sql_file
from people.access import Scope, assigned_during
from people.tables import person

NEAR_M: Final = 50.0
WITHIN: Final = timedelta(hours=24)
FEW: Final = 3
"""A median of fewer tells on one of them."""
Outcome = Literal["came", "not_seen", "waiting", "not_observed"]


@dataclass(frozen=True)
class ResponsesAsked:
    """Who was sent in [since, until): to cases in a unit of a network (`label` None: all of it), or one person anywhere.

    Names are told of people who served in `scope` then. `kept_days`: fixes older than this have expired.
    """

    since: datetime
    until: datetime
    now: datetime
    kept_days: float
    scope: Scope
    network_id: int | None = None
    unit_id: UUID | None = None
    person_id: int | None = None


@dataclass(frozen=True)
class Response:
    """One time somebody was sent. `came_at` None: not seen within NEAR_M in WITHIN, before the case was handed on.

    `took_s` by the clock, `duty_s` of it on shift; both None where nobody came. No name: somebody of another unit.
    """

    number: str
    category: str
    state: str
    lon: float | None
    lat: float | None
    sent_at: datetime
    came_at: datetime | None
    outcome: Outcome
    took_s: float | None
    duty_s: float | None
    person_code: str | None
    person_name: str | None


@dataclass(frozen=True)
class Responses:
    """`figure`: came of those whose time is over; beside it how many still have time. Medians of duty time, None for few."""

    figure: Figure
    waiting: int
    median_s: float | None
    p90_s: float | None
    rows: tuple[Response, ...]


def read_responses(conn: Connection, asked: ResponsesAsked) -> Responses:
    """Everybody who was sent, oldest first."""
    found = conn.execute(sql_file("analysis.coverage", "responses"), _binds(asked)).mappings().all()
    served = assigned_during(asked.scope, person.c.id, asked.since, asked.until)
    people = {row["person_id"] for row in found}
    query = select(person.c.id, person.c.code, person.c.name).where(person.c.id.in_(people), served)
    names = {row.id: (row.code, row.name) for row in conn.execute(query)}
    begins = asked.now - timedelta(days=asked.kept_days)
    rows = tuple(_response(row, names.get(row["person_id"]), asked.now, begins) for row in found)
    return _summed(rows, asked.now)


def _binds(asked: ResponsesAsked) -> dict[str, Any]:
    return {
        "since": asked.since,
        "until": asked.until,
        "now": asked.now,
        "within_s": WITHIN.total_seconds(),
        "near_m": NEAR_M,
        "network_id": asked.network_id,
        "label": None if asked.unit_id is None else asked.unit_id.hex,
        "person_id": asked.person_id,
    }


def _response(
    row: RowMapping, named: tuple[str, str] | None, now: datetime, kept_since: datetime
) -> Response:
    came, duty_s = row["came_at"], float(row["duty_s"])
    over = row["moved_on"] or row["sent_at"] + WITHIN <= now
    seen = row["tracked"] and row["lon"] is not None and row["sent_at"] >= kept_since
    outcome: Outcome
    if came is not None:
        outcome = "came"
    elif not seen or (over and not (duty_s and row["heard"])):
        outcome = "not_observed"
    else:
        outcome = "not_seen" if over else "waiting"
    return Response(
        number=row["number"],
        category=row["category"],
        state=row["state"],
        lon=row["lon"],
        lat=row["lat"],
        sent_at=row["sent_at"],
        came_at=came,
        outcome=outcome,
        took_s=None if came is None else (came - row["sent_at"]).total_seconds(),
        duty_s=None if came is None else duty_s,
        person_code=named[0] if named else None,
        person_name=named[1] if named else None,
    )


def _summed(rows: Sequence[Response], now: datetime) -> Responses:
    count = {kind: sum(row.outcome == kind for row in rows) for kind in ("came", "not_seen", "waiting")}
    took = [row.duty_s for row in rows if row.duty_s is not None]
    figure = Figure(
        DEFINITIONS["response"],
        count["came"],
        count["came"] + count["not_seen"],
        now,
        not_observed=len(rows) - sum(count.values()),
    )
    enough = len(took) >= FEW
    return Responses(
        figure,
        count["waiting"],
        median(took) if enough else None,
        quantiles(took, n=10, method="inclusive")[-1] if enough else None,
        tuple(rows),
    )
