"""Persons and their dated assignments: who serves where, in which role, from when to when."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update
from sqlalchemy.dialects.postgresql import Range

from core.errors import Conflict, Invalid, NotFound
from geo.tables import unit_version
from people.access import Scope, assigned_within
from people.tables import assignment, person, role

CODE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f/?#%\ud800-\udfff]{1,64}")
_LOCK = 0x726F7374  # any constant of our own
CODE_RULE = "a code has 1 to 64 characters without space or / ? # %"
Period = tuple[datetime, datetime | None]
"""From an instant to another, the second excluded; None: open."""


@dataclass(frozen=True)
class Person:
    id: int
    code: str
    name: str
    phone: str | None


@dataclass(frozen=True)
class Post:
    """What a person is to serve as: a role's code in a unit, from an instant to another (None: open)."""

    unit_id: UUID
    role: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Assignment:
    """A person's service in a unit; the unit's code and name are the present ones (None: it is gone)."""

    person_id: int
    unit_id: UUID
    role: str
    role_name: str
    tracked: bool
    since: datetime | None
    until: datetime | None
    unit_code: str | None = None
    unit_name: str | None = None


def lock_roster(conn: Connection, *, alone: bool = False) -> None:
    """Keep whole files apart from single changes: a file is entered `alone`, single changes go side by side."""
    lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
    conn.execute(select(lock(_LOCK)))


def add_person(
    conn: Connection, code: str, name: str, *, phone: str | None = None, basis: str = "roster"
) -> int:
    """A new person; returns the id. Conflict when the code is taken, Invalid for one that cannot be told in a URL."""
    if not CODE.fullmatch(code):
        raise Invalid(f"“{code[:80]}”: {CODE_RULE}")
    lock_roster(conn)
    if conn.scalar(select(person.c.id).where(person.c.code == code)) is not None:
        raise Conflict(f"there is a person {code} already")
    person_id: int = conn.execute(
        insert(person).values(code=code, name=name, phone=phone, basis=basis).returning(person.c.id)
    ).scalar_one()
    return person_id


def find_person(conn: Connection, code: str) -> Person:
    """The person with this code."""
    row = conn.execute(_persons().where(person.c.code == code)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no person {code}")
    return _person(row)


def get_person(conn: Connection, person_id: int) -> Person:
    """The person with this id."""
    row = conn.execute(_persons().where(person.c.id == person_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no person {person_id}")
    return _person(row)


def list_people(
    conn: Connection, scope: Scope, now: datetime, *, after: str = "", limit: int = 100
) -> list[Person]:
    """The people who serve within the scope now, by code, those behind `after`."""
    rows = conn.execute(
        _persons()
        .where(person.c.code > after, assigned_within(scope, person.c.id, now))
        .order_by(person.c.code)
        .limit(limit)
    ).mappings()
    return [_person(row) for row in rows]


def assign(conn: Connection, person_id: int, post: Post) -> None:
    """The person takes the post. Conflict when they hold it already for a part of that time."""
    if post.until is not None and post.until <= post.since:
        raise Invalid(
            f"an assignment cannot end ({post.until:%F %R}) before it begins ({post.since:%F %R} UTC)"
        )
    lock_roster(conn)
    valid: Range[datetime] = Range(post.since, post.until)
    overlapping = conn.scalar(
        select(assignment.c.id).where(
            assignment.c.person_id == person_id,
            assignment.c.unit_id == post.unit_id,
            assignment.c.role == post.role,
            assignment.c.valid.overlaps(valid),
        )
    )
    if overlapping is not None:
        raise Conflict("the person serves there in this role already for a part of that time")
    conn.execute(
        insert(assignment).values(person_id=person_id, unit_id=post.unit_id, role=post.role, valid=valid)
    )


def end_assignments(conn: Connection, person_id: int, at: datetime, *, unit_id: UUID | None = None) -> int:
    """End what the person serves as at `at` (in one unit, or everywhere); history stays. Returns how many ended."""
    lock_roster(conn)
    here = assignment.c.unit_id == unit_id if unit_id is not None else assignment.c.unit_id.is_not(None)
    valid: Any = func.tstzrange(func.lower(assignment.c.valid), at)
    done = conn.execute(
        update(assignment)
        .where(
            assignment.c.person_id == person_id,
            here,
            assignment.c.valid.contains(at),
            func.lower(assignment.c.valid) < at,
        )
        .values(valid=valid)
    )
    return done.rowcount


def list_assignments(
    conn: Connection, person_ids: Collection[int], now: datetime, *, past: bool = False
) -> dict[int, list[Assignment]]:
    """Each person's assignments of now, oldest first; with `past`, all there ever were."""
    names = (
        select(unit_version.c.unit_id, unit_version.c.code, unit_version.c.name)
        .where(func.upper_inf(unit_version.c.recorded), unit_version.c.valid.contains(now))
        .subquery()
    )
    query = (
        select(assignment, role.c.name.label("role_name"), role.c.tracked, names.c.code, names.c.name)
        .join(role)
        .outerjoin(names, names.c.unit_id == assignment.c.unit_id)
        .where(assignment.c.person_id.in_(person_ids))
        .order_by(assignment.c.person_id, func.lower(assignment.c.valid), assignment.c.id)
    )
    if not past:
        query = query.where(assignment.c.valid.contains(now))
    listed: dict[int, list[Assignment]] = {}
    for row in conn.execute(query):
        listed.setdefault(row.person_id, []).append(
            Assignment(
                person_id=row.person_id,
                unit_id=row.unit_id,
                role=row.role,
                role_name=row.role_name,
                tracked=row.tracked,
                since=row.valid.lower,
                until=row.valid.upper,
                unit_code=row.code,
                unit_name=row.name,
            )
        )
    return listed


def tracked_periods(conn: Connection, person_ids: Iterable[int]) -> dict[int, list[Period]]:
    """When each person served in a role that is tracked, oldest first; a person without such a time is absent."""
    rows = conn.execute(
        select(assignment.c.person_id, assignment.c.valid)
        .join(role)
        .where(assignment.c.person_id.in_(set(person_ids)), role.c.tracked)
        .order_by(assignment.c.person_id, func.lower(assignment.c.valid))
    )
    periods: dict[int, list[Period]] = {}
    for person_id, valid in rows:
        periods.setdefault(person_id, []).append((valid.lower, valid.upper))
    return periods


def _persons() -> Select[tuple[int, str, str, str | None]]:
    return select(person.c.id, person.c.code, person.c.name, person.c.phone)


def _person(row: RowMapping) -> Person:
    return Person(row["id"], row["code"], row["name"], row["phone"])
