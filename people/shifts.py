"""Shifts: when a person is on duty. Only then is a movement kept; off means off, whatever the roster said."""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection, delete, select, update

from core.db import copy_rows
from core.errors import Conflict, Invalid
from people.tables import person, shift

LONGEST = timedelta(hours=24)
"""No shift is longer: an end mistyped by a month would track a month."""


@dataclass(frozen=True)
class Shift:
    person_id: int
    starts_at: datetime
    ends_at: datetime
    source: str = "roster"


def add_shift(conn: Connection, wanted: Shift) -> bool:
    """Enter a shift; False when exactly it is there already. Invalid for one that ends before it starts or
    is longer than 24 h, Conflict when it overlaps another of the person's.
    """
    book = ShiftBook.read(conn, [wanted])
    is_new = book.enter(wanted)
    book.write(conn)
    return is_new


@dataclass
class ShiftBook:
    """Many shifts entered at once: judged in memory against those stored, and written together."""

    _stored: dict[int, list[Shift]]
    _new: list[Shift] = field(default_factory=list)

    @classmethod
    def read(cls, conn: Connection, wanted: Collection[Shift]) -> Self:
        """The stored shifts that these may touch."""
        good = [one for one in wanted if _lasts_a_day_at_most(one)]
        if not good:
            return cls({})
        since, until = min(one.starts_at for one in good), max(one.ends_at for one in good)
        return cls(shifts_covering(conn, {one.person_id for one in good}, since, until))

    def enter(self, wanted: Shift) -> bool:
        """As `add_shift`."""
        if not _lasts_a_day_at_most(wanted):
            raise Invalid(
                f"a shift lasts up to 24 hours, this one would from {wanted.starts_at:%F %R} to {wanted.ends_at:%F %R} UTC"
            )
        own = self._stored.setdefault(wanted.person_id, [])
        place = bisect_left(own, wanted.starts_at, key=lambda one: one.starts_at)
        for other in own[max(place - 1, 0) : place + 1]:
            if (other.starts_at, other.ends_at) == (wanted.starts_at, wanted.ends_at):
                return False
            if other.starts_at < wanted.ends_at and wanted.starts_at < other.ends_at:
                raise Conflict(
                    f"the person has a shift from {other.starts_at:%F %R} to {other.ends_at:%F %R} UTC already"
                )
        own.insert(place, wanted)
        self._new.append(wanted)
        return True

    def write(self, conn: Connection) -> None:
        columns = ("person_id", "starts_at", "ends_at", "source")
        copy_rows(
            conn, "shift", columns, (tuple(getattr(one, name) for name in columns) for one in self._new)
        )
        self._new.clear()


def _lasts_a_day_at_most(one: Shift) -> bool:
    return timedelta(0) < one.ends_at - one.starts_at <= LONGEST


def shifts_covering(
    conn: Connection, person_ids: Collection[int], since: datetime, until: datetime
) -> dict[int, list[Shift]]:
    """Each person's shifts that touch [since, until), oldest first; a person without one is absent.

    An instant t is on duty when starts_at <= t < ends_at.
    """
    rows = conn.execute(
        select(shift.c.person_id, shift.c.starts_at, shift.c.ends_at, shift.c.source)
        .where(shift.c.person_id.in_(person_ids), shift.c.starts_at < until, shift.c.ends_at > since)
        .order_by(shift.c.person_id, shift.c.starts_at)
    )
    found: dict[int, list[Shift]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(
            Shift(row.person_id, row.starts_at, row.ends_at, row.source)
        )
    return found


def duty_at(conn: Connection, person_id: int, at: datetime) -> Shift | None:
    """The shift the person is on; None off duty."""
    covering = shifts_covering(conn, [person_id], at, at + timedelta(microseconds=1)).get(person_id)
    return covering[0] if covering else None


def _lock_duty(conn: Connection, person_id: int) -> None:
    """One change of a person's duty at a time: two phones, or a double tap."""
    conn.execute(select(person.c.id).where(person.c.id == person_id).with_for_update(key_share=True))


def switch_duty_on(conn: Connection, person_id: int, now: datetime, *, most: timedelta) -> Shift:
    """The person goes on duty now, at most for `most` or until the next shift begins; one already on stays so."""
    _lock_duty(conn, person_id)
    current = duty_at(conn, person_id, now)
    if current is not None:
        return current
    ends_at = now + most
    for later in shifts_covering(conn, [person_id], now, ends_at).get(person_id, []):
        ends_at = min(ends_at, later.starts_at)
    begun = Shift(person_id, now, ends_at, "self")
    add_shift(conn, begun)
    return begun


def switch_duty_off(conn: Connection, person_id: int, now: datetime) -> None:
    """The shift the person is on ends now, a roster's too; nothing happens off duty."""
    _lock_duty(conn, person_id)
    here = (shift.c.person_id == person_id, shift.c.ends_at > now)
    conn.execute(delete(shift).where(*here, shift.c.starts_at == now))
    conn.execute(update(shift).where(*here, shift.c.starts_at < now).values(ends_at=now))
