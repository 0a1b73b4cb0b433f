"""Silent on shift: the worker is asked before anybody is told, and what they say is shown."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from analysis.alerts.tables import alert
from core.db import ring
from core.errors import NotFound, told
from tracking.ingest import BELL


@dataclass(frozen=True)
class Question:
    """Is all well? `answer` None: not answered yet."""

    asked_at: datetime
    answer: str | None
    answered_at: datetime | None


def open_question(conn: Connection, person_id: int) -> Question | None:
    """What a person is asked now; None when they were heard."""
    row = conn.execute(
        select(alert.c.asked_at, alert.c.answer, alert.c.answered_at).where(
            alert.c.person_id == person_id, alert.c.cleared_at.is_(None), alert.c.kind == "silent"
        )
    ).one_or_none()
    return None if row is None else Question(row.asked_at, row.answer, row.answered_at)


def answer_question(conn: Connection, person_id: int, answer: str, now: datetime) -> Question:
    """Write the answer down; another one replaces it. Given before anybody was told, nobody will be; afterwards it is
    shown beside the alert. NotFound when nothing is asked. Rings the bell.
    """
    done = conn.execute(
        update(alert)
        .where(alert.c.person_id == person_id, alert.c.cleared_at.is_(None), alert.c.kind == "silent")
        .values(answer=answer, answered_at=now)
        .returning(alert.c.asked_at)
    ).one_or_none()
    if done is None:
        raise NotFound(told("nothing is asked of you now"))
    ring(conn, BELL)
    return Question(done.asked_at, answer, now)
