"""Live dots: where the people on duty are by their newest accepted fix, and how far that can be believed.

`snapshot_dots` gives everybody, `changed_dots` those changed since a cursor. A cursor is the oldest
transaction still open when it was taken, so a change whose transaction commits late is never skipped;
some dots are given twice instead, with the same `changed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from core.db import sql_file

State = Literal["moving", "still", "unconfirmed", "late", "stale", "silent", "off_shift"]
STALE_AT_LEAST_S = 300
SILENT_S = 900
TRANSIT_S = 5  # a report on its way is not late yet


@dataclass(frozen=True, slots=True)
class Dot:
    """One person on the wall. Times are aware UTC; positions WGS-84, None when off shift or never heard.

    `unit_*` is where the person serves, `at_unit_code` the governance unit the fix lies in. `expected_s` is
    the time within which the device should be heard again. `changed` grows with every change of the dot.
    """

    person_id: int
    person_code: str
    name: str
    role: str | None
    role_name: str | None
    unit_code: str | None
    unit_name: str | None
    at_unit_code: str | None
    paths: tuple[str, ...]
    state: State
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    speed_mps: float | None
    heading_deg: float | None
    battery_pct: float | None
    charging: bool | None
    fixed_at: datetime | None
    heard_at: datetime | None
    expected_s: int
    age_s: float | None
    changed: int


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots by person code, and the cursor to ask with for what changes next."""

    dots: tuple[Dot, ...]
    cursor: int


def snapshot_dots(conn: Connection, paths: Sequence[str] | None, now: datetime) -> Dots:
    """Everybody on duty, and everybody else who has a last fix (without its position).

    `paths`: ltree paths of unit subtrees to keep to, by where people serve now; None: everywhere.
    """
    return _dots(conn, None, paths, now)


def changed_dots(conn: Connection, since: int, paths: Sequence[str] | None, now: datetime) -> Dots:
    """Those whose fix or sign of life changed since the cursor."""
    return _dots(conn, since, paths, now)


def dots_of(conn: Connection, persons: Sequence[int], now: datetime) -> dict[int, Dot]:
    """The dots of these persons by their ids, whoever asks; those in no tracked role have none."""
    if not persons:
        return {}
    wanted = {"persons": list(persons), "paths": None, "now": now}
    rows = conn.execute(sql_file("tracking", "dots"), wanted).mappings()
    return {dot.person_id: dot for dot in (_dot(dict(row), now) for row in rows)}


def _dots(conn: Connection, since: int | None, paths: Sequence[str] | None, now: datetime) -> Dots:
    found = conn.execute(sql_file("tracking", "changed_persons"), {"since": since, "now": now}).one()
    if not found.persons:
        return Dots((), found.cursor)
    wanted = {"persons": found.persons, "paths": None if paths is None else list(paths), "now": now}
    rows = conn.execute(sql_file("tracking", "dots"), wanted).mappings()
    return Dots(tuple(_dot(dict(row), now) for row in rows), found.cursor)


def _dot(row: dict[str, object], now: datetime) -> Dot:
    rhythm = Rhythm(
        on_shift=bool(row.pop("on_shift")),
        moving=bool(row.pop("moving")),
        interval_s=int(str(row.pop("interval_s"))),
        heartbeat_s=None if (beat := row.pop("heartbeat_s")) is None else int(str(beat)),
    )
    since = row.pop("on_shift_since")
    heard_at = row["heard_at"]
    age_s = (now - heard_at).total_seconds() if isinstance(heard_at, datetime) else None
    waited_s = (now - since).total_seconds() if isinstance(since, datetime) else None
    if not rhythm.on_shift:
        row |= dict.fromkeys(("lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "at_unit_code"))
    paths = row.pop("paths")
    return Dot(
        **row,  # type: ignore[arg-type]
        paths=tuple(paths) if isinstance(paths, list) else (),
        state=state_of(rhythm, age_s, waited_s),
        expected_s=rhythm.expected_s,
        age_s=age_s,
    )


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is expected of a device now. `heartbeat_s`: it sleeps while still and says so this often."""

    on_shift: bool
    moving: bool
    interval_s: int
    heartbeat_s: int | None

    @property
    def expected_s(self) -> int:
        return self.interval_s if self.moving or self.heartbeat_s is None else self.heartbeat_s


def state_of(rhythm: Rhythm, age_s: float | None, waited_s: float | None) -> State:
    """The state of a dot last heard `age_s` ago (None: never), on duty since `waited_s`.

    late: 1 to 3 expected intervals; stale: over 3 and at least 5 min; silent: on shift and unheard for 15 min;
    a device that sleeps while still is `unconfirmed` until twice its heartbeat.
    """
    if not rhythm.on_shift:
        return "off_shift"
    if age_s is None:
        return "silent" if waited_s is None or waited_s >= SILENT_S else "late"
    sleeps = rhythm.heartbeat_s is not None and not rhythm.moving
    if sleeps and rhythm.expected_s < age_s <= 2 * rhythm.expected_s:
        return "unconfirmed"
    if age_s >= max(SILENT_S, 2 * rhythm.expected_s if sleeps else 0):
        return "silent" if waited_s is None or waited_s >= SILENT_S else "stale"
    if age_s > max(3 * rhythm.expected_s, STALE_AT_LEAST_S):
        return "stale"
    if age_s > rhythm.expected_s + TRANSIT_S:
        return "late"
    return "moving" if rhythm.moving else "still"
