"""Shifts: when a person is on duty. Only then is a movement kept; off means off, whatever the roster said."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

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
    if not timedelta(0) < wanted.ends_at - wanted.starts_at <= LONGEST:
        raise Invalid(
            f"a shift lasts up to 24 hours, this one would from {wanted.starts_at:%F %R} to {wanted.ends_at:%F %R} UTC"
        )
    for other in shifts_covering(conn, [wanted.person_id], wanted.starts_at, wanted.ends_at).get(
        wanted.person_id, []
    ):
        if (other.starts_at, other.ends_at) == (wanted.starts_at, wanted.ends_at):
            return False
        raise Conflict(
            f"the person has a shift from {other.starts_at:%F %R} to {other.ends_at:%F %R} UTC already"
        )
    conn.execute(
        insert(shift).values(
            person_id=wanted.person_id,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            source=wanted.source,
        )
    )
    return True


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
