"""Rosters as received: a table of people and their assignments, and a table of shifts.

Every bad row is a finding and the good ones go in; the same file twice changes nothing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from core.clock import read_instant
from core.errors import Invalid, WanggeError
from geo.findings import RowFinding
from geo.tabular import Table
from people.grants import unit_codes
from people.persons import CODE, CODE_RULE, Post, add_person, assign
from people.roles import list_roles
from people.shifts import Shift, add_shift
from people.tables import assignment, person

DAY = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?:[ T]00:00(?::00)?)?")
PHONE = re.compile(r"\+?[0-9][0-9 \-]{4,20}")


@dataclass
class Imported:
    """What an import did."""

    rows: int = 0
    people: int = 0
    changed: int = 0
    assignments: int = 0
    shifts: int = 0
    findings: list[RowFinding] = field(default_factory=list)


class BadCellError(ValueError):
    """A cell that cannot be used: its column, its value and why."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass(frozen=True)
class RosterRow:
    code: str
    name: str
    phone: str | None
    post: Post | None


@dataclass(frozen=True)
class Ground:
    """What the cells of a roster refer to."""

    units: dict[str, list[UUID]]
    roles: dict[str, str]
    zone: ZoneInfo
    now: datetime


def import_people(
    conn: Connection, table: Table, *, zone: ZoneInfo, now: datetime, network_code: str = "governance"
) -> Imported:
    """People and assignments from columns code, name and, as there are, phone, role, unit, from, to.

    A row without a role and unit enters the person alone. `from` empty: now, or as it stands already.
    Days begin at midnight in `zone`; the day in `to` is the last one of service.
    """
    table.require("code", "name")
    roles = {word: one.code for one in list_roles(conn) for word in (one.code, one.name, one.name_en.lower())}
    ground = Ground(unit_codes(conn, now, network_code=network_code), roles, zone, now)
    done = Imported(findings=list(table.findings))
    for number, cells in table.records():
        with _row(conn, table, number, done):
            _enter(conn, read_row(cells, ground), cells, done)
    return done


def import_shifts(conn: Connection, table: Table, *, zone: ZoneInfo) -> Imported:
    """Shifts from columns person (a code), starts_at, ends_at; an instant without an offset is read in `zone`."""
    table.require("person", "starts_at", "ends_at")
    known = {row.code: row.id for row in conn.execute(select(person.c.code, person.c.id))}
    done = Imported(findings=list(table.findings))
    for number, cells in table.records():
        with _row(conn, table, number, done):
            done.shifts += add_shift(conn, _read_shift(cells, known, zone))
    return done


@contextmanager
def _row(conn: Connection, table: Table, number: int, done: Imported) -> Iterator[None]:
    """A row goes in whole or becomes a finding, and the next row has its turn."""
    done.rows += 1
    before = (done.people, done.changed, done.assignments, done.shifts)
    try:
        with conn.begin_nested():
            yield
            return
    except BadCellError as bad:
        done.findings.append(table.finding(number, bad.column, bad.value, bad.reason))
    except WanggeError as refused:
        done.findings.append(table.finding(number, None, None, str(refused)))
    except IntegrityError:
        done.findings.append(
            table.finding(number, "to", None, "overlaps another assignment of the same kind")
        )
    done.people, done.changed, done.assignments, done.shifts = before


def read_row(cells: dict[str, str], ground: Ground) -> RosterRow:
    """One row's cells as values; BadCellError for the first that cannot be used."""
    code, name, phone = cells["code"], cells["name"], cells.get("phone", "")
    if not CODE.fullmatch(code):
        raise BadCellError("code", code[:80], CODE_RULE)
    if not 1 <= len(name) <= 100:
        raise BadCellError("name", name[:40], "a name has 1 to 100 characters")
    if phone and not PHONE.fullmatch(phone):
        raise BadCellError("phone", phone[:40], "is no telephone number")
    role, unit = cells.get("role", ""), cells.get("unit", "")
    if bool(role) != bool(unit):
        missing, given = ("unit", "role") if role else ("role", "unit")
        raise BadCellError(missing, "", f"is empty while the {given} is given; an assignment needs both")
    since = _read_day(cells, "from", ground) or ground.now
    last = _read_day(cells, "to", ground)
    until = None if last is None else last + timedelta(days=1)
    if until is not None and until <= since:
        raise BadCellError("to", cells["to"], "lies before the first day of service")
    post = (
        Post(role=_role(role, ground), unit_id=_unit(unit, ground), since=since, until=until)
        if role
        else None
    )
    return RosterRow(code, name, phone or None, post)


def _role(word: str, ground: Ground) -> str:
    if word.lower() not in ground.roles:
        raise BadCellError(
            "role", word, f"is no role; the roles are {', '.join(sorted(set(ground.roles.values())))}"
        )
    return ground.roles[word.lower()]


def _unit(code: str, ground: Ground) -> UUID:
    found = ground.units.get(code, [])
    if len(found) != 1:
        raise BadCellError(
            "unit", code, "no unit has this code now" if not found else f"{len(found)} units have this code"
        )
    return found[0]


def _read_day(cells: dict[str, str], column: str, ground: Ground) -> datetime | None:
    value = cells.get(column, "")
    if not value:
        return None
    try:
        year, month, day = map(int, DAY.fullmatch(value).groups())  # type: ignore[union-attr]
        return datetime(year, month, day, tzinfo=ground.zone)
    except (AttributeError, ValueError, OverflowError) as error:
        raise BadCellError(column, value, "is no date; write it as 2026-06-10") from error


def _enter(conn: Connection, row: RosterRow, cells: dict[str, str], done: Imported) -> None:
    found = conn.execute(select(person).where(person.c.code == row.code)).one_or_none()
    if found is None:
        person_id = add_person(conn, row.code, row.name, phone=row.phone)
        done.people += 1
    else:
        person_id = found.id
        phone = row.phone if "phone" in cells else found.phone
        if (found.name, found.phone) != (row.name, phone):
            conn.execute(update(person).where(person.c.id == person_id).values(name=row.name, phone=phone))
            done.changed += 1
    if row.post is not None:
        _enter_assignment(conn, person_id, row.post, dated=bool(cells.get("from")), done=done)


def _enter_assignment(conn: Connection, person_id: int, post: Post, *, dated: bool, done: Imported) -> None:
    """A new assignment; one that stands gets the row's end. Without a date of its own a row means the standing one."""
    standing = conn.execute(
        select(assignment.c.id, assignment.c.valid).where(
            assignment.c.person_id == person_id,
            assignment.c.unit_id == post.unit_id,
            assignment.c.role == post.role,
            (func.lower(assignment.c.valid) == post.since)
            if dated
            else assignment.c.valid.contains(post.since),
        )
    ).one_or_none()
    if standing is None:
        assign(conn, person_id, post)
        done.assignments += 1
    elif standing.valid.upper != post.until:
        valid: Range[datetime] = Range(standing.valid.lower, post.until)
        conn.execute(update(assignment).where(assignment.c.id == standing.id).values(valid=valid))
        done.changed += 1


def _read_shift(cells: dict[str, str], known: dict[str, int], zone: ZoneInfo) -> Shift:
    if cells["person"] not in known:
        raise BadCellError("person", cells["person"], "no person has this code")
    ends: list[datetime] = []
    for column in ("starts_at", "ends_at"):
        try:
            ends.append(read_instant(cells[column], zone=zone))
        except Invalid as error:
            raise BadCellError(
                column, cells[column], "is no instant; write it as 2026-06-10T08:00"
            ) from error
    return Shift(known[cells["person"]], ends[0], ends[1])
