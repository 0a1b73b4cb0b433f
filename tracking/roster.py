"""What stands by the rosters, remembered until somebody changes them: credentials, and who may be recorded when.

Shifts, holders, assignments, notices and devices change a few times an hour and are asked for with every fix. Each
transaction that changes one of them leaves its number (`roster_change`, by triggers), and a memory is good for as long as
no such number is new to the snapshot it began with. So a phone that was revoked, or a shift that was ended, counts
from the commit on, in every process.
"""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func

from core.db import Question, ask_together, sql_file
from tracking.batches import micros
from tracking.devices import Device
from tracking.tables import roster_change

EVERYTHING: Final = "3:3:"
"""The cursor of a reader that has seen nothing: no transaction of a user is older than 3."""
_KEPT_S: Final = 3600.0
"""Numbers are kept for a day; a memory is given up long before."""
_MOST: Final = 200_000
_EARLIEST, _LATEST = -(2**62), 2**62
Instants = NDArray[np.int64]
"""Microseconds since 1970."""


class Span(NamedTuple):
    """Whose the fixes of a device are that may all be kept, from `since` until before `until`, in microseconds since 1970."""

    person_id: int
    since: int
    until: int


_NOBODYS = Span(-1, _LATEST, _EARLIEST)


def read_changes(conn: Connection, since: str) -> tuple[str, bool]:
    """The cursor of what a reader sees now, and whether a roster was changed since that other one.

    Take it first, then read since the one before.
    """
    (rows,) = ask_together(conn, changes_question(since))
    return rows[0].cursor, rows[0].changed


def changes_question(since: str) -> Question:
    """The same, to be asked together with others, before them."""
    return sql_file("tracking", "roster"), {"since": since}


@dataclass(frozen=True, slots=True)
class Memory:
    """What was read since one snapshot. Two writers may fill it at once: what they read holds for both."""

    cursor: str
    began: float
    devices: dict[bytes, Device] = field(default_factory=dict)
    spans: dict[int, Span] = field(default_factory=dict)


class Roster:
    """The memory of a process, begun anew when it may no longer be true."""

    def __init__(self) -> None:
        self._memory = Memory(EVERYTHING, -_KEPT_S)

    def recall(self, conn: Connection) -> Memory:
        """What may still be believed inside the transaction of `conn`, which must be READ COMMITTED."""
        memory = self._memory
        cursor, changed = read_changes(conn, memory.cursor)
        is_full = len(memory.devices) > _MOST or len(memory.spans) > _MOST
        if changed or is_full or time.monotonic() - memory.began > _KEPT_S:
            # Taken before anything is read into it. What another writer still reads goes into the old one.
            self._memory = memory = Memory(cursor, time.monotonic())
        return memory


def forget_roster_changes(conn: Connection) -> None:
    """No memory is as old as a day."""
    conn.execute(delete(roster_change).where(roster_change.c.at < func.now() - timedelta(days=1)))


def find_spans(
    conn: Connection, memory: Memory, device_id: NDArray[np.int64], at: NDArray[np.datetime64]
) -> NDArray[np.int64]:
    """Whose each of these fixes is that may be kept; -1: nothing is known, and it must be asked for by itself.

    Asks for the devices of which some fix lies outside what is remembered, at the first such instant of each.
    """
    instant = at.astype("datetime64[us]").astype(np.int64)
    person_id, since, until = _remembered(memory, device_id)
    outside = np.flatnonzero((instant < since) | (instant >= until))
    if outside.size:
        order = outside[np.lexsort((instant[outside], device_id[outside]))]
        first = order[np.append(True, np.diff(device_id[order]) != 0)]
        _ask(conn, memory, device_id[first], instant[first])
        person_id, since, until = _remembered(memory, device_id)
    return np.where((instant >= since) & (instant < until), person_id, -1)


def _remembered(memory: Memory, device_id: NDArray[np.int64]) -> tuple[NDArray[np.int64], Instants, Instants]:
    spans = [memory.spans.get(one, _NOBODYS) for one in device_id.tolist()]
    columns = np.array(spans, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _ask(conn: Connection, memory: Memory, device_id: NDArray[np.int64], at: Instants) -> None:
    asked = {"device_id": device_id, "at": at.view("datetime64[us]")}
    rows = conn.execute(sql_file("tracking", "judge_spans"), asked).all()
    for one, row in zip(device_id.tolist(), rows, strict=True):
        if row.person_id is not None:
            since = _EARLIEST if row.since is None else micros(row.since)
            until = _LATEST if row.until is None else micros(row.until)
            memory.spans[one] = Span(row.person_id, since, until)
