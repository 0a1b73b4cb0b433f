"""What the live feed says: dots and what changed of them, as server-sent events, cut to a scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from people.access import Scope
from tracking.live import Dot


@dataclass(frozen=True, slots=True)
class Change:
    """What a read found of a person: as it was and as it is; None: not on duty."""

    at: datetime
    person_id: int
    before: Dot | None
    after: Dot | None


def is_same(one: Dot | None, other: Dot | None) -> bool:
    """Whether a viewer would see no difference; ages pass by themselves."""
    if one is None or other is None:
        return one is other
    return one.changed == other.changed and tell_dot(one) == tell_dot(other)


def is_within(scope: Scope, dot: Dot | None) -> bool:
    """Whether the person serves in the scope."""
    return dot is not None and (scope.everywhere or any(scope.holds(path) for path in dot.paths))


def tell_dot(dot: Dot) -> dict[str, Any]:
    """A dot as browsers read it; position fields are None for a person who was never heard."""
    return {
        "id": dot.person_id,
        "code": dot.person_code,
        "name": dot.name,
        "role": dot.role,
        "role_name": dot.role_name,
        "unit_code": dot.unit_code,
        "unit_name": dot.unit_name,
        "at_unit_code": dot.at_unit_code,
        "paths": dot.paths,
        "state": dot.state,
        "lon": None if dot.lon is None else round(dot.lon, 7),
        "lat": None if dot.lat is None else round(dot.lat, 7),
        "accuracy_m": dot.accuracy_m,
        "speed_mps": dot.speed_mps,
        "heading_deg": dot.heading_deg,
        "battery_pct": dot.battery_pct,
        "charging": dot.charging,
        "fixed_at": dot.fixed_at,
        "heard_at": dot.heard_at,
        "expected_s": dot.expected_s,
    }


def tell_snapshot(scope: Scope, at: datetime, dots: Iterable[Dot]) -> bytes:
    """Everybody of the scope who is on duty."""
    return _event("snapshot", at, {"dots": [tell_dot(dot) for dot in dots if is_within(scope, dot)]})


def tell_frame(scope: Scope, at: datetime, changes: Iterable[Change], *, tick: bool = True) -> bytes:
    """What a scope sees of the changes, oldest first; b"" when it is nothing and no tick is due."""
    seen: dict[int, Dot | None] = {}
    for change in changes:
        if change.after is not None and is_within(scope, change.after):
            seen[change.person_id] = change.after
        elif is_within(scope, change.before) or change.person_id in seen:
            seen[change.person_id] = None
    if not seen and not tick:
        return b""
    dots = [tell_dot(dot) for dot in seen.values() if dot is not None]
    return _event("frame", at, {"dots": dots, "gone": [key for key, dot in seen.items() if dot is None]})


def _event(kind: str, at: datetime, body: dict[str, Any]) -> bytes:
    data = orjson.dumps({"at": at, **body}, option=orjson.OPT_UTC_Z)
    return b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), to_cursor(at), data)


def to_cursor(at: datetime) -> int:
    """The cursor of a frame: when its read began, in whole milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def from_cursor(text: str | None) -> datetime | None:
    """The instant of a cursor; None for one that is none of ours."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 14:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)
