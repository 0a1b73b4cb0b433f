"""What every format becomes, and the small readers they share. Nothing here raises on a bad value: it becomes None."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import NamedTuple

import orjson

from core.errors import Invalid

KNOT_MPS = 1852 / 3600
SPEED_UNITS = {"mps": 1.0, "knots": KNOT_MPS, "kmh": 1 / 3.6}
SECONDS_END = 2147483647  # a larger epoch is in milliseconds, as Traccar reads it
_MOST_DIGITS = 19
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class UnknownFormat(Invalid):
    """A body that no format of the table recognises."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it came from a device: everything a format may look at, and no identity."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the sending device beforehand; `auto` leaves it to the format."""

    format: str = "auto"
    speed_unit: str = "auto"
    crs: str = "wgs84"
    encryption_key: str | None = None
    measured_units: tuple[tuple[str, str], ...] = ()
    """(client, unit of speed) where the way it went showed another unit than that client's usual one."""

    def unit_of(self, client: str, usual: str) -> str:
        """The unit of speeds that `client` sends from this device: as set, else as measured, else the client's usual one."""
        if self.speed_unit != "auto":
            return self.speed_unit
        return next((unit for name, unit in self.measured_units if name == client), usual)


class ParsedFix(NamedTuple):
    """One reported position in SI units and the device's coordinate system. None: not told, or unreadable.

    A tuple, because thousands are made a second: a frozen dataclass takes more than twice as long.
    """

    fixed_at: datetime | None
    lon: float | None
    lat: float | None
    accuracy_m: float | None = None
    altitude_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    battery_pct: float | None = None
    charging: bool | None = None
    mock: bool = False
    sos: bool = False
    item: object = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life without a new position; `at` None: when it was received."""

    at: datetime | None
    battery_pct: float | None = None
    status: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """An item that is no fix and no heartbeat, kept as received for as long as raw reports are."""

    at: datetime | None
    item: object


@dataclass(frozen=True, slots=True)
class Report:
    """One message, read.

    `speaks_for`: the name a gateway gives the device the message is of; for any other sender it means nothing.
    `ignored`: why nothing of the message can be kept though it is well-formed; such messages are counted by this word.
    """

    format: str
    fixes: tuple[ParsedFix, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    others: tuple[Other, ...] = ()
    reply: bytes = field(default=b"")
    media_type: str = "application/json"
    speaks_for: str | None = None
    ignored: str | None = None


def load_json(body: bytes) -> object:
    """The JSON value of a body, a byte order mark allowed; Invalid says where it breaks."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            return _load_odd_json(body)
        except (ValueError, RecursionError):
            raise Invalid(f"the body is no JSON: {error}") from error


def _load_odd_json(body: bytes) -> object:
    """JSON that orjson refuses and the standard allows: a number beyond a double, half a surrogate pair.

    One such value must not hold up the phone's whole message; it becomes infinite, and so no number of ours.
    """

    def whole(digits: str) -> int | float:
        return int(digits) if len(digits) < _MOST_DIGITS else float(digits)

    def refuse(word: str) -> object:
        raise ValueError(word)

    return json.loads(body.decode(), parse_int=whole, parse_constant=refuse)


def number(value: object, *, low: float | None = None, high: float | None = None) -> float | None:
    """A finite number within low … high from a number or its text; anything else is None."""
    if type(value) is float:
        found = value
    elif value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    else:
        try:
            found = float(value)
        except (ValueError, OverflowError):
            return None
    if not isfinite(found) or (low is not None and found < low) or (high is not None and found > high):
        return None
    return found


def speed(value: object, unit: str) -> float | None:
    """Metres a second from a speed in `unit`. Negative means unknown."""
    found = number(value, low=0)
    return None if found is None else found * SPEED_UNITS[unit]


def share_pct(value: object) -> float | None:
    """Percent from a share 0 … 1; -1 means unknown."""
    found = number(value, low=0, high=1)
    return None if found is None else round(found * 100, 6)


def percent(value: object) -> float | None:
    return number(value, low=0, high=100)


def heading(value: object) -> float | None:
    """Degrees 0 … 360 clockwise from north; -1 means unknown."""
    return number(value, low=0, high=360)


_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def truth(value: object) -> bool | None:
    """True, False or None from what clients write for them."""
    if value is None or isinstance(value, bool):
        return value
    return _TRUTHS.get(str(value).strip().lower())


def is_sos(alarm: object) -> bool:
    """Whether a client's alarm word, or one of several with commas between, is a call for help."""
    return isinstance(alarm, str) and "sos" in {word.strip().lower() for word in alarm.split(",")}


def instant(value: object) -> datetime | None:
    """Aware UTC from an epoch (seconds, or milliseconds when large) or ISO 8601 with an offset.

    A clock reading without an offset names no instant and is None, as is anything outside 1990 … 2099.
    """
    if isinstance(value, str) and (value[4:5] == "-" or not _is_number(value)):
        return _iso_instant(value)
    found = number(value)
    if found is None:
        return None
    try:
        return _within(datetime.fromtimestamp(found / 1000 if found > SECONDS_END else found, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _is_number(text: str) -> bool:
    return number(text) is not None


def _iso_instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
        return None if found.tzinfo is None else _within(found.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _within(found: datetime) -> datetime | None:
    return found if _FIRST <= found < _LAST else None
