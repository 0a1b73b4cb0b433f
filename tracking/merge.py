"""Fixes beside those that are stored: which are new, which take another's place, and what changes around them.

What is stored around the new ones is read once; everything is then decided on columns, so that the usual case
(fixes later than all that is stored) costs one COPY. The persons are locked by the caller.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from core.db import copy_columns, read_arrays, sql_file
from tracking.batches import Batch, instants, truths
from tracking.checks import Flag, Rules
from tracking.speeds import too_fast

SPEED = int(Flag.IMPLAUSIBLE_SPEED)
_AROUND = timedelta(hours=2)
_CONTEXT, _ANOTHERS = 2, 3  # values of `place` in sql/around.sql
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Merged:
    """What merging did. `fresh` marks the rows now stored, `replacing` those of them that took another's place.

    `version` and `flags` are those of every row after the checks; `reflagged` rows of the store (device, instant) were accepted
    and are so no longer; the last fix of the persons in `unsettled` may have gone backwards.
    """

    fresh: NDArray[np.bool_]
    replacing: NDArray[np.bool_]
    version: Ints
    flags: NDArray[np.int32]
    reflagged: tuple[Ints, NDArray[np.datetime64]]
    unsettled: Ints


@dataclass(frozen=True, slots=True)
class Known:
    """Stored fixes as columns; `place` is 0 inside a span of new ones, ±1 and ±2 beside it, 3 when another person's."""

    device_id: Ints
    person_id: Ints
    fixed_at: NDArray[np.datetime64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    flags: NDArray[np.int32]
    digest: Ints
    place: Ints

    def take(self, rows: NDArray[np.bool_]) -> "Known":
        return Known(*(getattr(self, name)[rows] for name in self.__slots__))


def merge_fixes(
    conn: Connection, rows: Batch, person_id: Ints, version: Ints, *, now: datetime, rules: Rules
) -> Merged:
    """Store rows (one for each device and instant) that are new or of smaller digest than what is stored for theirs."""
    known = _read_around(conn, rows, person_id)
    fresh, replacing, overruled = _compare(rows, known)
    left = known.take(~overruled & (known.place != _ANOTHERS))
    flags, left_flags = _judge(rows, person_id, fresh, left, rules)
    _insert(conn, rows.take(fresh & ~replacing), flags, (person_id, version, fresh & ~replacing), now)
    if replacing.any():
        _replace(conn, rows.take(replacing), flags, (person_id, version, replacing), now)
    turned = left_flags != left.flags
    if turned.any():
        _reflag(conn, left.take(turned), left_flags[turned])
    spoilt = turned & (left_flags != 0)
    return Merged(
        fresh=fresh,
        replacing=replacing,
        version=version,
        flags=flags,
        reflagged=(left.device_id[spoilt], left.fixed_at[spoilt]),
        unsettled=np.unique(
            np.concatenate([left.person_id[turned], known.person_id[overruled], person_id[replacing]])
        ),
    )


def _read_around(conn: Connection, rows: Batch, person_id: Ints) -> Known:
    order = np.lexsort((rows.fixed_at, person_id, rows.device_id))
    device, person, at = rows.device_id[order], person_id[order], rows.fixed_at[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (device[1:] != device[:-1]) | (person[1:] != person[:-1])
    ends = np.roll(begins, -1)
    device_id, person_id, fixed_us, *rest = read_arrays(
        conn,
        sql_file("tracking", "around"),
        {
            "device_id": device[begins],
            "person_id": person[begins],
            "first": at[begins],
            "last": at[ends],
            "bit": SPEED,
            **_days(at, around=_AROUND),
        },
    )
    return Known(device_id, person_id, fixed_us.view("datetime64[us]"), *rest)


def _compare(rows: Batch, known: Known) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows are stored now, which of them in another's place, and which stored ones lose theirs."""
    fresh, replacing = np.ones(len(rows), bool), np.zeros(len(rows), bool)
    overruled = np.zeros(len(known.place), bool)
    inside = np.flatnonzero((known.place == 0) | (known.place == _ANOTHERS))
    if not inside.size:
        return fresh, replacing, overruled
    place_of = {
        key: n
        for n, key in enumerate(
            zip(rows.device_id.tolist(), rows.fixed_at.astype(np.int64).tolist(), strict=True)
        )
    }
    instants_known = known.fixed_at.astype(np.int64)
    for one in inside.tolist():
        row = place_of.get((int(known.device_id[one]), int(instants_known[one])))
        if row is not None:
            overruled[one] = replacing[row] = rows.digest[row] < known.digest[one]
            fresh[row] = replacing[row]
    return fresh, replacing, overruled


def _judge(
    rows: Batch, person_id: Ints, fresh: NDArray[np.bool_], left: Known, rules: Rules
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The flags of the rows and of the stored fixes beside them, speeds judged again."""
    new = rows.take(fresh)
    device = np.concatenate([new.device_id, left.device_id])
    person = np.concatenate([person_id[fresh], left.person_id])
    at = np.concatenate([new.fixed_at, left.fixed_at])
    told = np.concatenate([new.flags, left.flags])
    plain = told & ~np.int32(SPEED)
    good = np.flatnonzero(plain == 0)
    order = good[np.lexsort((at[good], person[good], device[good]))]
    steps = (np.diff(device[order]) != 0) | (np.diff(person[order]) != 0)
    track = np.concatenate([[0], np.cumsum(steps)])[: len(order)]
    place = (
        np.concatenate([new.lon, left.lon])[order],
        np.concatenate([new.lat, left.lat])[order],
        np.concatenate([new.accuracy_m, left.accuracy_m])[order],
    )
    found = plain.copy()
    found[order] |= too_fast(track, at[order], place, rules.implausible_speed_mps) * np.int32(SPEED)
    flags = rows.flags.copy()
    flags[fresh] = found[: len(new)]
    context = np.abs(left.place) == _CONTEXT
    return flags, np.where(context, left.flags, found[len(new) :])


def _columns(
    rows: Batch, flags: NDArray[np.int32], told: tuple[Ints, Ints, NDArray[np.bool_]], now: datetime
) -> dict[str, Any]:
    """The columns of `fix` for these rows of a batch, whose persons, unit versions and mask are `told`."""
    person_id, version, chosen = told
    received_at = np.datetime64(now.replace(tzinfo=None), "us")
    return {
        "device_id": rows.device_id,
        "fixed_at": rows.fixed_at.astype("datetime64[us]"),
        "person_id": person_id[chosen],
        "received_at": np.full(len(rows), received_at),
        "lon": rows.lon,
        "lat": rows.lat,
        "accuracy_m": rows.accuracy_m,
        "altitude_m": rows.altitude_m,
        "speed_mps": rows.speed_mps,
        "heading_deg": rows.heading_deg,
        "battery_pct": rows.battery_pct,
        "charging": truths(rows.charging),
        "unit_version_id": np.ma.masked_less(version[chosen], 0),
        "flags": flags[chosen],
        "digest": rows.digest,
    }


def _insert(
    conn: Connection,
    rows: Batch,
    flags: NDArray[np.int32],
    told: tuple[Ints, Ints, NDArray[np.bool_]],
    now: datetime,
) -> None:
    if len(rows):
        copy_columns(conn, "fix", _columns(rows, flags, told, now))


def _replace(
    conn: Connection,
    rows: Batch,
    flags: NDArray[np.int32],
    told: tuple[Ints, Ints, NDArray[np.bool_]],
    now: datetime,
) -> None:
    columns = _columns(rows, flags, told, now)
    conn.execute(sql_file("tracking", "replace_fixes"), columns | _days(rows.fixed_at))


def _reflag(conn: Connection, stored: Known, flags: NDArray[np.int32]) -> None:
    conn.execute(
        sql_file("tracking", "reflag"),
        {"device_id": stored.device_id, "fixed_at": stored.fixed_at, "flags": flags} | _days(stored.fixed_at),
    )


def _days(at: NDArray[np.datetime64], around: timedelta = timedelta(0)) -> dict[str, Any]:
    """The bounds `since` and `until`, as values the planner sees: it then looks at these days alone."""
    first, last = instants(np.array([at.min(), at.max()]))
    return {"since": first - around, "until": last + around}
