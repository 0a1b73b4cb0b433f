"""From messages to stored fixes, set by set for many devices at once, inside the caller's transaction.

Judge (who held the device, was on shift, had accepted the notice) → drop → flag → place → merge by
(device, instant) → judge speeds of the neighbourhood again → last fix, signs of life, bell. Locks are
taken per person in one order, so that two transactions cannot each miss what the other one stores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from core.db import ring, sql_file
from core.errors import NotFound
from tracking.batches import Arrival, Batch, instants, jsonb, make_batch, smallest_of_instant
from tracking.checks import Flag, Rules, flags_of_place, flags_of_receipt
from tracking.partitions import ensure_partitions
from tracking.signs import gather_signs, judge, store_signs
from tracking.tables import fix, raw_report

NETWORK = "governance"
BELL = "live"
_AROUND = timedelta(hours=2)
_LOCKS = 0x6669  # first key of the advisory locks on persons


class UnitVersions(Protocol):
    """What a lookup answers for many points: the version of the deepest unit, -1 outside."""

    @property
    def unit_version_id(self) -> NDArray[np.int64]: ...


class Placing(Protocol):
    """The part of geo.lookup.Lookup that ingest needs."""

    def place_many(
        self,
        network_code: str,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        at: NDArray[np.datetime64] | None,
    ) -> UnitVersions: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the fixes of one message."""

    accepted: int = 0
    flagged: int = 0
    known: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Counts of the whole, and of each message in the order given."""

    total: Counts
    by_source: tuple[Counts, ...]


def ingest_reports(
    conn: Connection, lookup: Placing | None, arrivals: Sequence[Arrival], *, now: datetime, rules: Rules
) -> IngestResult:
    """Store what may be stored of these messages, all received at `now`; nothing of the rest.

    The same message again changes nothing, and the order of messages changes nothing (but for flags
    relative to receipt). Needs READ COMMITTED. Rings the bell when something changed.
    """
    batch = make_batch(arrivals, now)
    batch = batch.flagged(flags_of_receipt(batch.fixed_at, now, rules))
    signs = gather_signs(arrivals, now)
    fixes, others = judge(conn, batch, signs, now)
    kept = np.flatnonzero(fixes.kept)
    stored = store_fixes(
        conn, lookup, batch.take(kept), person_id=fixes.person_id[kept], now=now, rules=rules
    )
    _keep_raw(conn, arrivals, batch.take(kept[stored.changed]), now)
    alive = [sign for sign, stays in zip(signs, others.kept, strict=True) if stays]
    if store_signs(conn, batch, fixes, alive, now) or stored.changed.size:
        ring(conn, BELL)
    return _counted(len(arrivals), batch, kept, stored)


@dataclass(frozen=True, slots=True)
class Stored:
    """Row numbers of what was new or took the place of another, and the flags of every row after the checks."""

    changed: NDArray[np.int64]
    flags: NDArray[np.int32]


def store_fixes(
    conn: Connection,
    lookup: Placing | None,
    batch: Batch,
    *,
    person_id: NDArray[np.int64],
    now: datetime,
    rules: Rules,
) -> Stored:
    """Merge fixes that may be kept, each of a known person, and bring everything derived from them up to date."""
    batch = batch.flagged(flags_of_place(batch.lon, batch.lat, batch.accuracy_m, rules))
    if not len(batch):
        return Stored(np.array([], np.int64), batch.flags)
    chosen = smallest_of_instant(batch)
    ensure_partitions(
        conn, fix, [at.date() for at in instants(np.unique(batch.fixed_at.astype("datetime64[D]")))]
    )
    persons = np.unique(person_id)
    conn.execute(sql_file("tracking", "lock_persons"), {"space": _LOCKS, "persons": persons.tolist()})
    chosen = chosen[~_known_timeless(conn, batch.take(chosen))]
    rows = batch.take(chosen)
    touched = _merge(conn, rows, person_id[chosen], _placed(lookup, rows), now)
    flags = batch.flags.copy()
    if touched.any():
        flags[chosen] |= _derive(conn, rows, touched, person_id[chosen], rules)
    return Stored(chosen[touched], flags)


def _merge(
    conn: Connection, rows: Batch, person_id: NDArray[np.int64], version: NDArray[np.int64], now: datetime
) -> NDArray[np.bool_]:
    """Insert, or replace where the digest is smaller; returns a mask of the rows that did either."""
    at = instants(rows.fixed_at)
    changed = conn.execute(
        sql_file("tracking", "merge_fixes"),
        {
            "device_id": rows.device_id.tolist(),
            "fixed_at": at,
            "person_id": person_id.tolist(),
            "received_at": now,
            "lon": _nullable(rows.lon),
            "lat": _nullable(rows.lat),
            "accuracy_m": _nullable(rows.accuracy_m),
            "altitude_m": _nullable(rows.altitude_m),
            "speed_mps": _nullable(rows.speed_mps),
            "heading_deg": _nullable(rows.heading_deg),
            "battery_pct": _nullable(rows.battery_pct),
            "charging": [None if value < 0 else bool(value) for value in rows.charging.tolist()],
            "unit_version_id": [None if value < 0 else value for value in version.tolist()],
            "flags": rows.flags.tolist(),
            "digest": rows.digest.tolist(),
        },
    )
    return _mask(rows, {(row.device_id, row.fixed_at) for row in changed})


def _derive(
    conn: Connection, rows: Batch, touched: NDArray[np.bool_], person_id: NDArray[np.int64], rules: Rules
) -> NDArray[np.int32]:
    """Judge speeds again around what changed, and bring the last fix of these persons to the newest accepted one.

    Returns the speed flag of each row.
    """
    at = instants(rows.fixed_at[touched])
    found = conn.execute(
        sql_file("tracking", "reassess_speed"),
        {
            "device_id": rows.device_id[touched].tolist(),
            "person_id": person_id[touched].tolist(),
            "fixed_at": at,
            "since": min(at) - _AROUND,
            "until": max(at) + _AROUND,
            "limit_mps": rules.implausible_speed_mps,
            "bit": int(Flag.IMPLAUSIBLE_SPEED),
        },
    )
    flagged = _mask(
        rows, {(row.device_id, row.fixed_at) for row in found if row.flags & Flag.IMPLAUSIBLE_SPEED}
    )
    advance_last_fix(conn, np.unique(person_id[touched]).tolist())
    return (flagged * np.int32(Flag.IMPLAUSIBLE_SPEED)).astype(np.int32)


def _mask(rows: Batch, keys: set[tuple[int, datetime]]) -> NDArray[np.bool_]:
    """Which rows have one of these devices and instants."""
    return np.array(
        [key in keys for key in zip(rows.device_id.tolist(), instants(rows.fixed_at), strict=True)], bool
    )


def advance_last_fix(conn: Connection, persons: list[int]) -> None:
    """Make `last_fix` of these persons their newest accepted fix, or nothing when there is none."""
    conn.execute(sql_file("tracking", "advance_last_fix"), {"persons": persons})


def _known_timeless(conn: Connection, rows: Batch) -> NDArray[np.bool_]:
    """Which rows without a time of their own are stored already, under the instant of an earlier receipt."""
    timeless: NDArray[np.bool_] = rows.flags & np.int32(Flag.NO_TIME) != 0
    if not timeless.any():
        return timeless
    devices = np.unique(rows.device_id[timeless]).tolist()
    found = conn.execute(sql_file("tracking", "timeless"), {"devices": devices, "bit": int(Flag.NO_TIME)})
    stored = {(row.device_id, row.digest) for row in found}
    pairs = zip(rows.device_id.tolist(), rows.digest.tolist(), strict=True)
    known: NDArray[np.bool_] = timeless & np.array([pair in stored for pair in pairs], bool)
    return known


def _placed(lookup: Placing | None, rows: Batch) -> NDArray[np.int64]:
    """The governance unit version of each fix with usable coordinates; -1 for the others and when there is no network."""
    version = np.full(len(rows), -1, np.int64)
    usable = rows.flags & (Flag.NO_COORDINATES | Flag.OUT_OF_RANGE | Flag.NULL_ISLAND) == 0
    if lookup is None or not usable.any():
        return version
    try:
        found = lookup.place_many(NETWORK, rows.lon[usable], rows.lat[usable], rows.fixed_at[usable])
    except NotFound:
        return version
    version[usable] = found.unit_version_id
    return version


def _keep_raw(conn: Connection, arrivals: Sequence[Arrival], changed: Batch, now: datetime) -> None:
    """Keep each changed fix's part of its message as received, in place of what an overruled fix left."""
    if not len(changed):
        return
    ensure_partitions(conn, raw_report, [now.astimezone(UTC).date()])
    conn.execute(
        sql_file("tracking", "keep_raw"),
        {
            "device_id": changed.device_id.tolist(),
            "fixed_at": instants(changed.fixed_at),
            "received_at": now,
            "format": [arrivals[n].report.format for n in changed.source.tolist()],
            "item": [jsonb(item) for item in changed.item.tolist()],
        },
    )


def _counted(sources: int, batch: Batch, kept: NDArray[np.int64], stored: Stored) -> IngestResult:
    """`known` are fixes that changed nothing: stored before, or beaten by another of their instant."""
    state = np.zeros((sources, 4), np.int64)
    fresh = np.zeros(len(kept), bool)
    fresh[stored.changed] = True
    source = batch.source[kept]
    np.add.at(state[:, 0], source[fresh & (stored.flags == 0)], 1)
    np.add.at(state[:, 1], source[fresh & (stored.flags != 0)], 1)
    np.add.at(state[:, 2], source[~fresh], 1)
    gone = np.ones(len(batch), bool)
    gone[kept] = False
    np.add.at(state[:, 3], batch.source[gone], 1)
    return IngestResult(Counts(*state.sum(axis=0).tolist()), tuple(Counts(*row) for row in state.tolist()))


def _nullable(column: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124  (NaN)
