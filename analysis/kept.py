"""Hotspot answers kept in memory: the same question on the same data is computed once."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import Final

from sqlalchemy import Connection, func, or_, select

from analysis.hotspots import Hotspots, Question, compute_hotspots
from cases.tables import case, case_event
from core.errors import Unavailable
from geo.tables import STANDS, address_point, edition

_KEPT: Final = 16
_KEPT_S: Final = 600
_WAITING: Final = 3

State = tuple[object, ...]


@dataclass
class HotspotCache:
    """One a process, for all its threads. Answers are computed one after the other; at most three requests wait,
    since each holds a connection meanwhile.
    """

    _answers: OrderedDict[tuple[Question, State], tuple[float, Hotspots]] = field(default_factory=OrderedDict)
    _computing: Lock = field(default_factory=Lock)
    _waiting: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_WAITING))

    def answer(self, conn: Connection, question: Question, *, now: datetime) -> Hotspots:
        """The answer to this question on the data as it is; Unavailable when too many are being computed."""
        key = (question, read_state(conn, question, now))
        if (found := self._find(key)) is not None:
            return found
        if not self._waiting.acquire(blocking=False):
            raise Unavailable("other hotspots are being computed now; try again in a few seconds")
        try:
            with self._computing:
                found = self._find(key)
                return (
                    found if found is not None else self._keep(key, compute_hotspots(conn, question, now=now))
                )
        finally:
            self._waiting.release()

    def _find(self, key: tuple[Question, State]) -> Hotspots | None:
        kept = self._answers.get(key)
        return kept[1] if kept is not None and time.monotonic() - kept[0] < _KEPT_S else None

    def _keep(self, key: tuple[Question, State], hotspots: Hotspots) -> Hotspots:
        self._answers[key] = (time.monotonic(), hotspots)
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return hotspots


def read_state(conn: Connection, question: Question, now: datetime) -> State:
    """What the answer depends on, cheaply: it is another one whenever cases, homes or borders changed."""
    return tuple(
        conn.execute(
            select(
                select(func.max(case_event.c.id)).scalar_subquery(),
                select(func.count())
                .select_from(case)
                .where(case.c.occurred_at >= question.since, case.c.occurred_at < question.until)
                .scalar_subquery(),
                select(func.max(edition.c.id))
                .where(
                    STANDS,
                    or_(edition.c.effective_from.is_(None), edition.c.effective_from <= (question.at or now)),
                )
                .scalar_subquery(),
                select(func.max(address_point.c.id)).scalar_subquery(),
                select(func.sum(address_point.c.households)).where(address_point.c.active).scalar_subquery(),
            )
        ).one()
    )
