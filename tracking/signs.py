"""Who may be recorded, and signs of life: the judgement over a batch, heartbeats, status, SOS, the count of what is dropped.

Judged for every item by its own time, before anything is stored: the holder of the device then, a shift
then, a notice accepted before then, and a role that is tracked. What fails leaves a count by day and nothing
else; an SOS is kept. A clock that runs ahead tells no true time, so a fix flagged `future` also counts
as on shift when its receipt is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func
from sqlalchemy.dialects.postgresql import insert

from core.db import sql_file
from tracking.batches import Arrival, Batch, instants, jsonb
from tracking.checks import Flag
from tracking.formats.report import Heartbeat, Other
from tracking.partitions import ensure_partitions
from tracking.roster import Memory, find_spans
from tracking.tables import dropped, raw_report, sos


@dataclass(frozen=True, slots=True)
class Sign:
    """A heartbeat or other item, with the device that sent it."""

    device_id: int
    format: str
    at: datetime
    what: Heartbeat | Other


@dataclass(frozen=True, slots=True)
class Judged:
    """For each item whose it is (-1: nobody's) and why it is dropped (None: it may be kept)."""

    person_id: NDArray[np.int64]
    reason: list[str | None]

    @property
    def kept(self) -> NDArray[np.bool_]:
        return np.array([reason is None for reason in self.reason], bool)


@dataclass(frozen=True, slots=True)
class Beats:
    """Signs of life as columns; battery NaN: not told."""

    device_id: NDArray[np.int64]
    at: NDArray[np.datetime64]
    battery_pct: NDArray[np.float64]


def gather_signs(arrivals: Sequence[Arrival], now: datetime) -> list[Sign]:
    """Everything in the messages that is no fix; what has no time of its own has that of its receipt."""
    signs: list[Sign] = []
    for arrival in arrivals:
        told: list[Heartbeat | Other] = [*arrival.report.heartbeats, *arrival.report.others]
        signs += [Sign(arrival.device.id, arrival.report.format, one.at or now, one) for one in told]
    return signs


def judge(
    conn: Connection, batch: Batch, signs: list[Sign], now: datetime, memory: Memory
) -> tuple[Judged, Judged]:
    """The judgement of the fixes and of the signs."""
    ahead = batch.flags & (Flag.FUTURE | Flag.NO_TIME) != 0
    persons = np.full(len(batch), -1, np.int64)
    if not ahead.all():
        persons[~ahead] = find_spans(conn, memory, batch.device_id[~ahead], batch.fixed_at[~ahead])
    reasons: list[str | None] = [None] * len(batch)
    asked = np.flatnonzero(persons < 0)
    rows = (
        conn.execute(
            sql_file("tracking", "judge"),
            {
                "device_id": _followed(batch.device_id[asked], [sign.device_id for sign in signs], np.int64),
                "fixed_at": _followed(batch.fixed_at[asked], _moments([sign.at for sign in signs]), "M8[us]"),
                "ahead": _followed(ahead[asked], [sign.at > now for sign in signs], bool),
                "received_at": now,
            },
        ).all()
        if len(asked) or signs
        else []
    )
    found = [-1 if row.person_id is None else row.person_id for row in rows]
    cut = len(asked)
    persons[asked] = found[:cut]
    for n, row in zip(asked.tolist(), rows, strict=False):
        reasons[n] = row.reason
    whose_signs = np.array(found[cut:], np.int64)
    return Judged(persons, reasons), Judged(whose_signs, [row.reason for row in rows[cut:]])


def _followed(column: NDArray[Any], more: Sequence[object] | NDArray[Any], kind: Any) -> NDArray[Any]:
    return np.append(column, np.asarray(more, kind)).astype(kind)


def store_signs(
    conn: Connection, judged: tuple[Batch, Judged], flagged: Beats, alive: list[Sign], now: datetime
) -> bool:
    """Store what is no accepted fix: calls for help and the count of drops among the judged fixes, the signs of life
    of flagged ones and of other items that may be kept. True when a screen should know.

    Comes last in a transaction: the counters it touches are shared by everybody.
    """
    batch, fixes = judged
    changed = _store_sos(conn, batch, fixes.person_id, now)
    changed |= _store_heard(conn, flagged, alive, now)
    _store_others(conn, alive, now)
    count_dropped(conn, [reason for reason in fixes.reason if reason], now)
    return changed


def _store_sos(conn: Connection, batch: Batch, person_id: NDArray[np.int64], now: datetime) -> bool:
    """A call for help is kept whatever the shift and the notice say; only one of nobody's device cannot be."""
    at = instants(batch.fixed_at)
    calls = sorted(
        (n for n in np.flatnonzero(batch.sos).tolist() if person_id[n] >= 0),
        key=lambda n: (person_id[n], at[n]),
    )
    for n in calls:
        lon, lat = float(batch.lon[n]), float(batch.lat[n])
        usable = abs(lon) <= 180 and abs(lat) <= 90
        point = func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326) if usable else None
        values = {"person_id": int(person_id[n]), "raised_at": at[n], "received_at": now, "point": point}
        conn.execute(insert(sos).values(**values).on_conflict_do_nothing())
    return bool(calls)


def _store_heard(conn: Connection, flagged: Beats, alive: list[Sign], now: datetime) -> bool:
    """Advance each device's latest sign of life. An accepted fix is told by the last fix and needs none."""
    beats = [
        (sign.device_id, sign.at, sign.what.battery_pct, sign.what.status)
        for sign in alive
        if isinstance(sign.what, Heartbeat) and sign.at <= now
    ]
    told = [np.nan if battery is None else battery for _, _, battery, _ in beats]
    device_id = np.concatenate([flagged.device_id, np.array([one[0] for one in beats], np.int64)])
    if not len(device_id):
        return False
    changed = conn.execute(
        sql_file("tracking", "heard"),
        {
            "device_id": device_id,
            "heard_at": np.concatenate([flagged.at, _moments([at for _, at, _, _ in beats])]),
            "battery_pct": np.concatenate([flagged.battery_pct, np.array(told, np.float64)]),
            "status": [None] * len(flagged.at)
            + [None if status is None else jsonb(status).decode() for _, _, _, status in beats],
            "received_at": now,
        },
    )
    return changed.rowcount > 0


def _moments(instants: list[datetime]) -> NDArray[np.datetime64]:
    return np.array([at.astimezone(UTC).replace(tzinfo=None) for at in instants], "datetime64[us]")


def _store_others(conn: Connection, alive: list[Sign], now: datetime) -> None:
    """Items of unknown kinds, kept raw; one that is there already is not kept twice."""
    others = [(sign, sign.what.item) for sign in alive if isinstance(sign.what, Other)]
    if not others:
        return
    ensure_partitions(conn, raw_report, [now.astimezone(UTC).date()])
    conn.execute(
        sql_file("tracking", "keep_others"),
        {
            "device_id": [sign.device_id for sign, _ in others],
            "fixed_at": [sign.at for sign, _ in others],
            "received_at": now,
            "format": [sign.format for sign, _ in others],
            "item": [jsonb(item).decode() for _, item in others],
        },
    )


def count_dropped(conn: Connection, reasons: list[str], now: datetime) -> None:
    """Add to the day's counts. Comes last in a transaction, and reasons of fixes before those of messages."""
    for reason in sorted(set(reasons)):
        row = insert(dropped).values(
            on=now.astimezone(UTC).date(), reason=reason, count=reasons.count(reason)
        )
        more = {"count": dropped.c.count + row.excluded["count"]}
        conn.execute(row.on_conflict_do_update(index_elements=[dropped.c.on, dropped.c.reason], set_=more))
