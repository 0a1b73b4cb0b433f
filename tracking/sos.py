"""Calls for help after they were stored: who answered them, and what is kept of them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from core.errors import NotFound, told
from tracking.tables import sos


@dataclass(frozen=True)
class Answerer:
    """Who acknowledges, by the name that others read; `account_id` says whose account it was."""

    name: str
    account_id: int


@dataclass(frozen=True)
class Call:
    """A person's newest call for help. `raised_at` by the phone's clock, but not after its receipt."""

    raised_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None


def acknowledge_sos(conn: Connection, sos_id: int, who: Answerer, *, note: str, now: datetime) -> bool:
    """Acknowledge the person's calls that nobody has answered, this one among them; False when all were answered.

    A call that arrives afterwards is a new one. Who was first stays written.
    """
    person_id = conn.scalar(select(sos.c.person_id).where(sos.c.id == sos_id))
    if person_id is None:
        raise NotFound(told("there is no call for help {sos_id}", sos_id=sos_id))
    done = conn.execute(
        update(sos)
        .where(sos.c.person_id == person_id, sos.c.acknowledged_at.is_(None))
        .values(
            acknowledged_by=who.name, acknowledged_account_id=who.account_id, acknowledged_at=now, note=note
        )
    )
    return done.rowcount > 0


def newest_call(conn: Connection, person_id: int, since: datetime) -> Call | None:
    """The person's newest call for help received after `since`, or older and not yet acknowledged."""
    row = conn.execute(
        select(sos)
        .where(
            sos.c.person_id == person_id,
            (sos.c.received_at > since) | sos.c.acknowledged_at.is_(None),
        )
        .order_by(sos.c.acknowledged_at.is_(None).desc(), sos.c.received_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Call(min(row.raised_at, row.received_at), row.acknowledged_by, row.acknowledged_at)


def forget_places(conn: Connection, before: datetime) -> int:
    """Where acknowledged calls of before the instant came from is forgotten; who called and who answered stays."""
    done = conn.execute(
        update(sos)
        .where(sos.c.acknowledged_at < before, sos.c.received_at < before, sos.c.point.is_not(None))
        .values(point=None)
    )
    return done.rowcount
