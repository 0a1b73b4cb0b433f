"""Which unit a device's speeds are in, by the way it went: told speeds against displacement.

Clients with the same names for their fields send knots, metres a second or kilometres an hour, and a template typed
by hand may send anything. Two units differ by a factor of 1.85 at least, which a way cannot hide: over windows of
about a minute on the move, told speed through displacement is near 1 when the unit is right. A chord is shorter
than the way, so ratios lean upwards; what is taken for near allows for it. Without enough windows nothing is said.

What is found counts from then on, for that client of that device alone; what was stored stays as it was read.
A unit the operator set is never overruled: the evidence against it is shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, func, or_, select, update

from core.db import sql_file
from geo.metric import distance_m
from tracking.devices.registry import read_device
from tracking.formats import USUAL_UNITS
from tracking.formats.report import SPEED_UNITS
from tracking.tables import device

EVERY = timedelta(days=1)
_BACK = timedelta(days=7)
_MOST_FIXES = 600
_WINDOW_S, _LONGEST_WINDOW_S, _LONGEST_STEP_S = 60.0, 120.0, 60.0
_LEAST_WAY_M, _LEAST_WAY_IN_ACCURACIES = 40.0, 3.0
_USUAL_ACCURACY_M = 10.0
_LEAST_WINDOWS, _LEAST_SHARE = 20, 0.7
_NEAR = (0.8, 1.35)
_MOST_WINDING = 1.25


@dataclass(frozen=True, slots=True)
class Way:
    """Fixes of one device in the order of time: seconds, degrees, metres (NaN: not told), told speeds in m/s."""

    at_s: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a device's way says of the unit its speeds were read in; `share` of `windows` agree with `unit`."""

    believed: str
    unit: str
    ratio: float
    windows: int
    share: float
    at: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One device's check. `evidence` None: too little of its way is known. `changed`: read differently from now on."""

    code: str
    client: str
    evidence: Evidence | None
    changed: bool

    @property
    def contradicted(self) -> bool:
        """Whether the unit in use is another than the one its way shows."""
        return self.evidence is not None and self.evidence.unit != self.evidence.believed and not self.changed


def check_speed_units(
    conn: Connection, now: datetime, *, most: int = 500, codes: Sequence[str] | None = None
) -> list[Verdict]:
    """Check up to `most` devices not checked for a day, or those of `codes`, and take what is sure into use."""
    rows = conn.execute(_due(now, most, codes)).all()
    found = conn.execute(
        sql_file("tracking", "told_speeds"),
        {"device_id": [row.id for row in rows], "since": now - _BACK, "until": now, "most": _MOST_FIXES},
    )
    told = {key: list(fixes) for key, fixes in groupby(found, attrgetter("device_id"))}
    verdicts = [
        verdict for row in rows if (verdict := _check(conn, row, told.get(row.id, []), now)) is not None
    ]
    checked = [row.id for row in rows]
    conn.execute(update(device).where(device.c.id == func.any(checked)).values(speed_checked_at=now))
    return verdicts


def _due(now: datetime, most: int, codes: Sequence[str] | None) -> Select[Any]:
    query = select(device).where(device.c.revoked_at.is_(None), ~device.c.is_gateway)
    if codes is not None:
        return query.where(device.c.code == func.any(list(codes))).order_by(device.c.code)
    old = or_(device.c.speed_checked_at.is_(None), device.c.speed_checked_at <= now - EVERY)
    return query.where(old).order_by(device.c.speed_checked_at.nulls_first(), device.c.id).limit(most)


def _check(conn: Connection, row: Row[Any], fixes: Sequence[Row[Any]], now: datetime) -> Verdict | None:
    """The verdict on one device by the client it used last; None where the client leaves no doubt about its unit."""
    known = read_device(row)
    client = str(fixes[-1].format) if fixes else ""
    if (usual := USUAL_UNITS.get(client)) is None:
        return None
    believed = known.profile.unit_of(client, usual)
    way = way_of(fix for fix in fixes if fix.format == client)
    evidence = weigh(way, believed, now)
    if evidence is None:
        return Verdict(known.code, client, None, changed=False)
    changed = known.profile.speed_unit == "auto" and evidence.unit != believed
    if known.profile.speed_unit == "auto":
        _keep(conn, row, client, evidence, since=now if changed else None)
    return Verdict(known.code, client, evidence, changed)


def _keep(
    conn: Connection, row: Row[Any], client: str, evidence: Evidence, *, since: datetime | None
) -> None:
    values = {"measured": {**(row.measured or {}), client: asdict(evidence)}}
    anew = {} if since is None else {"speed_unit_since": since}
    conn.execute(update(device).where(device.c.id == row.id).values(**values, **anew))


def way_of(fixes: Iterable[Row[Any]]) -> Way:
    told = [
        (
            fix.fixed_at.timestamp(),
            fix.lon,
            fix.lat,
            np.nan if fix.accuracy_m is None else fix.accuracy_m,
            fix.speed_mps,
        )
        for fix in fixes
    ]
    columns = np.array(told, np.float64).reshape(-1, 5).T
    return Way(*columns)


def weigh(way: Way, believed: str, now: datetime) -> Evidence | None:
    """What the way says of speeds that were read in the unit `believed`; None when that is not enough to tell."""
    ratios = window_ratios(way) if len(way.at_s) else np.array([])
    if len(ratios) < _LEAST_WINDOWS:
        return None
    for unit, factor in SPEED_UNITS.items():
        expected = SPEED_UNITS[believed] / factor
        near = (ratios >= expected * _NEAR[0]) & (ratios <= expected * _NEAR[1])
        if (share := float(near.mean())) >= _LEAST_SHARE:
            ratio = round(float(np.median(ratios)), 3)
            return Evidence(believed, unit, ratio, len(ratios), round(share, 2), now.isoformat())
    return None


def window_ratios(way: Way) -> NDArray[np.float64]:
    """Told speed through displacement speed of each window of about a minute in which the device clearly moved.

    Windows do not share time. Left out are those with a gap, with a winding way, and with one no longer than what
    positions may err.
    """
    start, end = _windows(way.at_s)
    steps_s = np.diff(way.at_s)
    gaps = _sums(steps_s > _LONGEST_STEP_S)
    told_m = _sums(steps_s * (way.speed_mps[1:] + way.speed_mps[:-1]) / 2)
    told_m = told_m[end] - told_m[start]
    went_m = distance_m(way.lon[start], way.lat[start], way.lon[end], way.lat[end])
    straight = _way_by_quarters_m(way, start, end) <= _MOST_WINDING * went_m
    accuracy_m = np.nan_to_num(np.maximum(way.accuracy_m[start], way.accuracy_m[end]), nan=_USUAL_ACCURACY_M)
    usable = (
        (gaps[end] == gaps[start])
        & (way.at_s[end] - way.at_s[start] <= _LONGEST_WINDOW_S)
        & (went_m >= np.maximum(_LEAST_WAY_M, _LEAST_WAY_IN_ACCURACIES * accuracy_m))
        & straight
        & (told_m > 0)
    )
    ratios: NDArray[np.float64] = told_m[usable] / went_m[usable]
    return ratios


def _windows(at_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last row of each window: from one fix to the first at least a minute later, and on from there."""
    edges = [0]
    while (after := int(np.searchsorted(at_s, at_s[edges[-1]] + _WINDOW_S))) < len(at_s):
        edges.append(after)
    return np.array(edges[:-1], np.int64), np.array(edges[1:], np.int64)


def _way_by_quarters_m(way: Way, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """The way through the fixes at the window's quarters: long enough legs that their error adds little."""
    at = np.linspace(start, end, 5).round().astype(np.int64)
    lon, lat = way.lon[at], way.lat[at]
    legs: NDArray[np.float64] = distance_m(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum(axis=0)
    return legs


def _sums(steps: NDArray[Any]) -> NDArray[np.float64]:
    """Running sums from 0, one more than there are steps."""
    return np.concatenate([[0.0], np.cumsum(steps, dtype=np.float64)])
