"""The record of looks: who looked at whose movement, when and why. It is written once and read; nothing changes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, Text, and_, cast, exists, func, insert, or_, select

from geo.tables import unit_version
from people.tables import assignment, look

What = Literal["trail", "live", "map", "export", "import"]


@dataclass(frozen=True)
class Look:
    """One look. `account_id` None: an operator at the machine. Without a person it is a view of a whole unit's
    people, and without a unit of everybody's.
    """

    at: datetime
    who: str
    what: What
    why: str
    account_id: int | None = None
    person_id: int | None = None
    unit_id: UUID | None = None


def record_look(conn: Connection, seen: Look) -> None:
    """Write the look down, in the transaction of the answer: without the record there is no answer."""
    conn.execute(
        insert(look).values(
            at=seen.at,
            account_id=seen.account_id,
            who=seen.who,
            person_id=seen.person_id,
            unit_id=seen.unit_id,
            what=seen.what,
            why=seen.why,
        )
    )


def is_recorded(conn: Connection, seen: Look, since: datetime) -> bool:
    """Whether the account's same look, at whatever instant from `since` on, is written down already."""
    same = (
        look.c.account_id == seen.account_id,
        look.c.what == seen.what,
        look.c.person_id.is_not_distinct_from(seen.person_id),
        look.c.unit_id.is_not_distinct_from(seen.unit_id),
        look.c.at >= since,
    )
    return bool(conn.scalar(select(exists().where(*same))))


def list_looks(conn: Connection, person_id: int, *, limit: int = 100) -> list[Look]:
    """Who looked at this person's movement, newest first; views of a unit the person served in then count too."""
    over_them = exists().where(
        assignment.c.person_id == person_id,
        assignment.c.valid.contains(look.c.at),
        unit_version.c.unit_id == assignment.c.unit_id,
        unit_version.c.valid.contains(look.c.at),
        func.upper_inf(unit_version.c.recorded),
        func.strpos(cast(unit_version.c.path, Text), func.replace(cast(look.c.unit_id, Text), "-", "")) > 0,
    )
    whole_view = and_(look.c.person_id.is_(None), or_(look.c.unit_id.is_(None), over_them))
    rows = conn.execute(
        select(look)
        .where(or_(look.c.person_id == person_id, whole_view))
        .order_by(look.c.at.desc(), look.c.id.desc())
        .limit(limit)
    )
    return [
        Look(
            at=row.at,
            who=row.who,
            what=row.what,
            why=row.why,
            account_id=row.account_id,
            person_id=row.person_id,
            unit_id=row.unit_id,
        )
        for row in rows
    ]
