"""Fixes of any number of devices as columns of one length: what ingest works on, whichever door they came through."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from geo.coordinates import to_wgs84
from tracking.checks import Flag, digests
from tracking.devices import Device
from tracking.formats.report import ParsedFix, Report

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_DAY = np.timedelta64(86_400_000_000, "us")
GRID = 7  # decimals of a stored degree: 1e-7°, about a centimetre
MEASURES = ("accuracy_m", "altitude_m", "speed_mps", "heading_deg", "battery_pct")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of one device, read."""

    device: Device
    report: Report


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns, a row a fix. NaN: not told. `source` numbers the message a row came in; `charging` is -1 when not told."""

    source: NDArray[np.int64]
    device_id: NDArray[np.int64]
    fixed_at: NDArray[np.datetime64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    heading_deg: NDArray[np.float64]
    battery_pct: NDArray[np.float64]
    charging: NDArray[np.int8]
    flags: NDArray[np.int32]
    sos: NDArray[np.bool_]
    digest: NDArray[np.int64]
    item: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.fixed_at)

    def take(self, rows: NDArray[Any]) -> "Batch":
        """The batch of these rows, by index or mask."""
        return Batch(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    def flagged(self, flags: NDArray[np.int32]) -> "Batch":
        return replace(self, flags=self.flags | flags)


def micros(at: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return (at - _EPOCH) // _MICROSECOND


def instants(column: NDArray[np.datetime64]) -> list[datetime]:
    """The aware datetimes of a column of UTC instants."""
    return [value.replace(tzinfo=UTC) for value in column.astype("datetime64[us]").tolist()]


def truths(charging: NDArray[np.int8]) -> NDArray[np.bool_]:
    """A column of truths, those below 0 masked: not told."""
    return np.ma.masked_array(charging > 0, mask=charging < 0)


def brought_near(batch: Batch, now: datetime) -> Batch:
    """Fixes flagged `future` by more than a day moved back whole days to within one.

    Days are partitions: a clock that is years ahead would make one for every day it names, and nobody else's fixes
    were stored meanwhile. A microsecond more, so that none takes the instant of a true fix of the day to come.
    """
    end, day = np.datetime64(micros(now), "us") + _DAY, _DAY.astype(np.int64)
    far = (batch.flags & Flag.FUTURE != 0) & (batch.fixed_at > end)
    beyond = np.where(far, (batch.fixed_at - end).astype(np.int64), 0)
    back = -(-beyond // day) * day - far
    return replace(batch, fixed_at=batch.fixed_at - back.astype("timedelta64[us]"))


def make_batch(arrivals: Sequence[Arrival], now: datetime) -> Batch:
    """The fixes of many messages; one without a readable time takes the time of receipt and is flagged."""
    sizes = [len(arrival.report.fixes) for arrival in arrivals]
    parsed = [one for arrival in arrivals for one in arrival.report.fixes]
    told = dict(zip(ParsedFix._fields, zip(*parsed, strict=True), strict=True)) if parsed else {}
    column = {name: told.get(name, ()) for name in ParsedFix._fields}
    devices = [arrival.device for arrival in arrivals]
    numbers = {name: np.array(column[name], np.float64) for name in ("lon", "lat", *MEASURES)}  # None: NaN
    crs = np.repeat(_objects([device.profile.crs for device in devices]), sizes)
    no_time = np.array([at is None for at in column["fixed_at"]], bool)
    return columns_to_batch(
        source=np.repeat(np.arange(len(arrivals)), sizes),
        device_id=np.repeat(np.array([device.id for device in devices], np.int64), sizes),
        fixed_at=np.array([micros(at or now) for at in column["fixed_at"]], np.int64).view("datetime64[us]"),
        numbers=_in_wgs84(numbers, crs),
        charging=np.array([-1 if one is None else one for one in column["charging"]], np.int8),
        flags=np.array(column["mock"], bool) * np.int32(Flag.MOCK) | no_time * np.int32(Flag.NO_TIME),
        sos=np.array(column["sos"], np.bool_),
        item=_objects(column["item"]),
    )


def _on_grid(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees on the storage grid; what is no angle stays as it came, however large."""
    angle = np.abs(degrees) <= 360
    return np.where(angle, np.round(np.where(angle, degrees, 0.0), GRID), degrees)


def columns_to_batch(
    *,
    source: NDArray[np.int64],
    device_id: NDArray[np.int64],
    fixed_at: NDArray[np.datetime64],
    numbers: dict[str, NDArray[np.float64]],
    charging: NDArray[np.int8],
    flags: NDArray[np.int32],
    sos: NDArray[np.bool_],
    item: NDArray[np.object_],
) -> Batch:
    """A batch of WGS-84 columns: the position put on the grid, the digest taken."""
    placed = {**numbers, "lon": _on_grid(numbers["lon"]), "lat": _on_grid(numbers["lat"])}
    mock = (flags & Flag.MOCK != 0).astype(np.float64)
    canonical = [
        placed["lon"],
        placed["lat"],
        *(placed[name] for name in MEASURES),
        charging.astype(np.float64),
        mock,
    ]
    return Batch(
        source=source,
        device_id=device_id,
        fixed_at=fixed_at,
        **placed,
        charging=charging,
        flags=flags,
        sos=sos,
        digest=digests(canonical),
        item=item,
    )


def smallest_of_instant(batch: Batch) -> NDArray[np.int64]:
    """Row numbers that keep one fix, the one of smallest digest, for each device and instant; in the order they came."""
    order = np.lexsort((np.arange(len(batch)), batch.digest, batch.fixed_at, batch.device_id))
    device, at = batch.device_id[order], batch.fixed_at[order]
    first = np.ones(len(order), bool)
    first[1:] = (device[1:] != device[:-1]) | (at[1:] != at[:-1])
    return np.sort(order[first])


def jsonb(item: object) -> bytes:
    """JSON that PostgreSQL's jsonb takes: no NUL characters, which it refuses, and no nesting without end."""
    try:
        encoded = orjson.dumps(item, option=orjson.OPT_NON_STR_KEYS)
        return orjson.dumps(_without_nul(item)) if b"\\u0000" in encoded else encoded
    except (orjson.JSONEncodeError, RecursionError) as error:
        return orjson.dumps({"unstorable": str(error)})


def _without_nul(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {str(key).replace("\0", ""): _without_nul(inner) for key, inner in value.items()}
    return [_without_nul(inner) for inner in value] if isinstance(value, list) else value


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _in_wgs84(
    numbers: dict[str, NDArray[np.float64]], crs: NDArray[np.object_]
) -> dict[str, NDArray[np.float64]]:
    lon, lat = numbers["lon"].copy(), numbers["lat"].copy()
    for name in set(crs.tolist()) - {"wgs84"}:
        there = (crs == name) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        lon[there], lat[there] = to_wgs84(lon[there], lat[there], name)
    return {**numbers, "lon": lon, "lat": lat}
