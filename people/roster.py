"""Rosters as received: a table of people and their assignments, and a table of shifts.

Every bad row is a finding and the good ones go in; the same file twice changes nothing. What is stored is read once,
each row is judged against it and the rows before, and what is new is written in a few statements.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from core.clock import read_instant
from core.errors import Invalid, WanggeError
from geo.findings import RowFinding
from geo.tabular import Table
from people.grants import unit_codes
from people.persons import CODE, CODE_RULE, Post, lock_roster
from people.register import Register
from people.roles import list_roles
from people.shifts import Shift, ShiftBook
from people.tables import person

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
    """A row as values. `phone` "" when its cell is empty, None when there is no such column; `dated`: it names its first
    day.
    """

    code: str
    name: str
    phone: str | None
    post: Post | None
    dated: bool


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
    lock_roster(conn, alone=True)
    roles = {word: one.code for one in list_roles(conn) for word in (one.code, one.name, one.name_en.lower())}
    ground = Ground(unit_codes(conn, now, network_code=network_code), roles, zone, now)
    done = Imported(findings=list(table.findings))
    rows = []
    for number, cells in table.records():
        done.rows += 1
        try:
            rows.append((number, read_row(cells, ground)))
        except BadCellError as bad:
            done.findings.append(table.finding(number, bad.column, bad.value, bad.reason))
    register = Register.read(conn, {row.code for _, row in rows})
    for number, row in rows:
        try:
            register.enter(row.code, row.name, row.phone, row.post, dated=row.dated)
        except WanggeError as refused:
            done.findings.append(table.finding(number, None, None, str(refused)))
    register.write(conn)
    done.people, done.changed, done.assignments = register.people, register.changed, register.assignments
    return done


def import_shifts(conn: Connection, table: Table, *, zone: ZoneInfo) -> Imported:
    """Shifts from columns person (a code), starts_at, ends_at; an instant without an offset is read in `zone`."""
    table.require("person", "starts_at", "ends_at")
    lock_roster(conn, alone=True)
    known = {row.code: row.id for row in conn.execute(select(person.c.code, person.c.id))}
    done = Imported(findings=list(table.findings))
    rows = []
    for number, cells in table.records():
        done.rows += 1
        try:
            rows.append((number, _read_shift(cells, known, zone)))
        except BadCellError as bad:
            done.findings.append(table.finding(number, bad.column, bad.value, bad.reason))
    book = ShiftBook.read(conn, [row for _, row in rows])
    for number, row in rows:
        try:
            done.shifts += book.enter(row)
        except WanggeError as refused:
            done.findings.append(table.finding(number, None, None, str(refused)))
    book.write(conn)
    return done


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
    return RosterRow(code, name, phone if "phone" in cells else None, post, dated=bool(cells.get("from")))


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
