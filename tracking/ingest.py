"""From messages to stored fixes, set by set for many devices at once, inside the caller's transaction.

Judge (who held the device, was on shift, had accepted the notice) → drop → flag → place → merge by
(device, instant) → judge speeds of the neighbourhood again → last fix, signs of life, bell. Locks are
taken per person in one order, so that two transactions cannot each miss what the other one stores.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from core.db import copy_columns, ring, sql_file
from core.errors import NotFound
from tracking.batches import (
    Arrival,
    Batch,
    brought_near,
    instants,
    jsonb,
    make_batch,
    smallest_of_instant,
    truths,
)
from tracking.checks import Flag, Rules, flags_of_place, flags_of_receipt
from tracking.merge import Merged, merge_fixes
from tracking.partitions import ensure_partitions
from tracking.roster import Memory, Roster
from tracking.signs import Beats, Judged, gather_signs, judge, store_signs
from tracking.tables import fix, raw_report

NETWORK = "governance"
BELL = "live"
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
    """Counts of the whole, of each message in the order given, and by reason."""

    total: Counts
    by_source: tuple[Counts, ...]
    flagged: Mapping[str, int]
    dropped: Mapping[str, int]


def ingest_reports(
    conn: Connection,
    lookup: Placing | None,
    arrivals: Sequence[Arrival],
    *,
    now: datetime,
    rules: Rules,
    memory: Memory | None = None,
) -> IngestResult:
    """Store what may be stored of these messages, all received at `now`; nothing of the rest.

    The same message again changes nothing, and the order of messages changes nothing (but for flags
    relative to receipt). Needs READ COMMITTED. Rings the bell when something changed. `memory`: recalled in the same
    transaction (`tracking.roster`).
    """
    batch = make_batch(arrivals, now)
    batch = brought_near(batch.flagged(flags_of_receipt(batch.fixed_at, now, rules)), now)
    signs = gather_signs(arrivals, now)
    fixes, others = judge(conn, batch, signs, now, memory or Roster().recall(conn))
    kept = np.flatnonzero(fixes.kept)
    stored = store_fixes(
        conn, lookup, batch.take(kept), person_id=fixes.person_id[kept], now=now, rules=rules
    )
    _keep_raw(conn, arrivals, batch.take(kept), stored, now)
    alive = [sign for sign, stays in zip(signs, others.kept, strict=True) if stays]
    flagged = _flagged_beats(batch.take(kept), stored)
    if store_signs(conn, (batch, fixes), flagged, alive, now) or stored.changed.size:
        ring(conn, BELL)
    return _counted(len(arrivals), batch, fixes, stored)


@dataclass(frozen=True, slots=True)
class Stored:
    """Row numbers of what was new or took the place of another, of the latter alone, and the flags of every row.

    `reflagged` are stored fixes (device, instant) that were accepted before this and are no longer.
    """

    changed: NDArray[np.int64]
    replacing: NDArray[np.int64]
    flags: NDArray[np.int32]
    reflagged: tuple[NDArray[np.int64], NDArray[np.datetime64]]


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
    nothing = np.array([], np.int64)
    if not len(batch):
        return Stored(nothing, nothing, batch.flags, (nothing, nothing.view("datetime64[us]")))
    chosen = smallest_of_instant(batch)
    days = np.unique(batch.fixed_at.astype("datetime64[D]"))
    ensure_partitions(conn, fix, [at.date() for at in instants(days)])
    conn.execute(sql_file("tracking", "lock_persons"), {"space": _LOCKS, "persons": np.unique(person_id)})
    chosen = chosen[~_known_timeless(conn, batch.take(chosen))]
    if not len(chosen):
        return Stored(nothing, nothing, batch.flags, (nothing, nothing.view("datetime64[us]")))
    rows, whose = batch.take(chosen), person_id[chosen]
    merged = merge_fixes(conn, rows, whose, _placed(lookup, rows), now=now, rules=rules)
    _advance(conn, rows, whose, merged, now)
    flags = batch.flags.copy()
    flags[chosen] = merged.flags
    return Stored(chosen[merged.fresh], chosen[merged.replacing], flags, merged.reflagged)


def _flagged_beats(kept: Batch, stored: Stored) -> Beats:
    """The signs of life that no last fix tells: fixes kept off the map, now or from now on. A clock ahead tells none."""
    flags = stored.flags[stored.changed]
    told = stored.changed[(flags != 0) & (flags & (Flag.FUTURE | Flag.NO_TIME) == 0)]
    device_id, fixed_at = stored.reflagged
    return Beats(
        np.concatenate([kept.device_id[told], device_id]),
        np.concatenate([kept.fixed_at[told], fixed_at]).astype("datetime64[us]"),
        np.concatenate([kept.battery_pct[told], np.full(len(device_id), np.nan)]),
    )


def _advance(conn: Connection, rows: Batch, whose: NDArray[np.int64], merged: Merged, now: datetime) -> None:
    """Bring the last fix of these persons to the newest accepted one; where it may go back, it is looked for."""
    accepted = merged.fresh & (merged.flags == 0) & ~np.isin(whose, merged.unsettled)
    candidates = np.flatnonzero(accepted)
    order = candidates[
        np.lexsort((-rows.device_id[candidates], rows.fixed_at[candidates], whose[candidates]))
    ]
    last = order[np.append(whose[order][1:] != whose[order][:-1], True)] if order.size else order
    left = set(merged.unsettled.tolist()) | set(whose[last].tolist())
    if last.size:
        left -= set(_append(conn, rows.take(last), whose[last], merged.version[last], now))
    if left:
        advance_last_fix(conn, sorted(left))


def _append(
    conn: Connection, newest: Batch, whose: NDArray[np.int64], version: NDArray[np.int64], now: datetime
) -> list[int]:
    """The persons of whom these accepted fixes, one each and just stored, are the last ones now."""
    at = newest.fixed_at.astype("datetime64[us]")
    found = conn.execute(
        sql_file("tracking", "append_last_fix"),
        {
            "device_id": newest.device_id,
            "fixed_at": at,
            "person_id": whose,
            "received_at": np.full(len(at), now.replace(tzinfo=None), "datetime64[us]"),
            "lon": newest.lon,
            "lat": newest.lat,
            "accuracy_m": newest.accuracy_m,
            "speed_mps": newest.speed_mps,
            "heading_deg": newest.heading_deg,
            "battery_pct": newest.battery_pct,
            "charging": truths(newest.charging),
            "unit_version_id": np.ma.masked_less(version, 0),
            "since": instants(at.min(keepdims=True))[0] - timedelta(days=1),
            "until": instants(at.max(keepdims=True))[0],
        },
    )
    return list(found.scalars())


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


def _keep_raw(
    conn: Connection, arrivals: Sequence[Arrival], kept: Batch, stored: Stored, now: datetime
) -> None:
    """Keep each changed fix's part of its message as received, in place of what an overruled fix left."""
    if not stored.changed.size:
        return
    ensure_partitions(conn, raw_report, [now.astimezone(UTC).date()])
    if stored.replacing.size:
        overruled = kept.take(stored.replacing)
        conn.execute(
            sql_file("tracking", "forget_raw"),
            {"device_id": overruled.device_id, "fixed_at": overruled.fixed_at},
        )
    changed = kept.take(stored.changed)
    formats = [arrivals[n].report.format.encode() for n in changed.source.tolist()]
    count = len(changed)
    columns = {
        "device_id": changed.device_id,
        "fixed_at": changed.fixed_at.astype("datetime64[us]"),
        "received_at": np.full(count, now.replace(tzinfo=None), "datetime64[us]"),
        "is_fix": np.ones(count, bool),
    }
    items = [b"\x01" + jsonb(item) for item in changed.item.tolist()]
    copy_columns(conn, "raw_report", columns, {"format": formats, "item": items})


def _counted(sources: int, batch: Batch, fixes: Judged, stored: Stored) -> IngestResult:
    """`known` are fixes that changed nothing: stored before, or beaten by another of their instant."""
    state = np.zeros((sources, 4), np.int64)
    kept = fixes.kept
    fresh = np.zeros(len(stored.flags), bool)
    fresh[stored.changed] = True
    source = batch.source[kept]
    np.add.at(state[:, 0], source[fresh & (stored.flags == 0)], 1)
    np.add.at(state[:, 1], source[fresh & (stored.flags != 0)], 1)
    np.add.at(state[:, 2], source[~fresh], 1)
    np.add.at(state[:, 3], batch.source[~kept], 1)
    reasons = {
        flag.name.lower(): int(np.count_nonzero(stored.flags[fresh] & flag)) for flag in Flag if flag.name
    }
    return IngestResult(
        Counts(*state.sum(axis=0).tolist()),
        tuple(Counts(*row) for row in state.tolist()),
        {reason: count for reason, count in reasons.items() if count},
        Counter(reason for reason in fixes.reason if reason),
    )
