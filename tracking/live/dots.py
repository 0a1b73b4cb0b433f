"""A dot: a person on the wall, put together from who they are, their last fix and their phones' signs of life."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from tracking.live.states import Reason, Rhythm, State, next_turn_s, reason_of, rhythm_of, state_of

USUAL_INTERVAL_S = 10
EVERYWHERE = ""
"""The root of the subtree that holds everybody, also those who serve in no unit."""
_QUIET = frozenset({"late", "stale", "silent"})


@dataclass(frozen=True, slots=True)
class Held:
    """A device in the person's hands, and since when."""

    device_id: int
    interval_s: int
    heartbeat_s: int | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Who a person is, where they serve and what they carry; `since` … `until` the shift, None off shift.

    `paths` are the ltree paths of the units served.
    """

    person_id: int
    person_code: str
    name: str
    role: str | None
    role_name: str | None
    unit_code: str | None
    unit_name: str | None
    paths: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    held: tuple[Held, ...]


class Position(NamedTuple):
    """A person's last accepted fix; `moving` by the way gone before it. `at_unit_code`: the governance unit it lies in.

    A tuple, as `Dot` is: a thousand of each are made a second.
    """

    person_id: int
    device_id: int
    fixed_at: datetime
    lon: float
    lat: float
    accuracy_m: float | None
    speed_mps: float | None
    heading_deg: float | None
    battery_pct: float | None
    charging: bool | None
    moving: bool
    at_unit_code: str | None


@dataclass(frozen=True, slots=True)
class Sign:
    """A device's latest sign of life that is no accepted fix, and what the phone told of itself."""

    device_id: int
    heard_at: datetime
    battery_pct: float | None
    status: Mapping[str, object] | None


class Dot(NamedTuple):
    """One person on the wall. Times are aware UTC; `position` is None when off shift or never heard.

    `age_s`: how long ago the person was heard when the dot was made; None: never. `expected_s`: the time within which the device should be heard again. `reason`: why it is quiet, where it told.
    `turns_at`: when time alone may change the state; None: never.
    """

    standing: Standing
    state: State
    reason: Reason | None
    position: Position | None
    heard_at: datetime | None
    battery_pct: float | None
    charging: bool | None
    expected_s: int
    age_s: float | None
    turns_at: datetime | None

    @property
    def person_id(self) -> int:
        return self.standing.person_id

    @property
    def person_code(self) -> str:
        return self.standing.person_code

    @property
    def subtrees(self) -> frozenset[str]:
        return subtrees_of(self.standing.paths)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of people: `moving` is a share of `heard`, `heard` and `silent` are shares of `on_shift`."""

    on_shift: int
    heard: int
    moving: int
    silent: int


def figures_of(dots: Iterable[Dot]) -> Figures:
    """The figures of people on shift."""
    states = [dot.state for dot in dots if dot.state != "off_shift"]
    silent = states.count("silent")
    return Figures(len(states), len(states) - silent, states.count("moving"), silent)


def make_dot(standing: Standing, position: Position | None, signs: Mapping[int, Sign], now: datetime) -> Dot:
    """The dot as of `now`. A sign of life counts while its device is in the person's hands."""
    sign = _newest_sign(standing, signs)
    is_newer = sign is not None and (position is None or sign.heard_at > position.fixed_at)
    heard_at = sign.heard_at if sign and is_newer else position.fixed_at if position else None
    device_id = sign.device_id if sign and is_newer else position.device_id if position else None
    battery_pct, charging = (None, None) if position is None else (position.battery_pct, position.charging)
    if sign and sign.battery_pct is not None and (is_newer or battery_pct is None):
        battery_pct = sign.battery_pct
    rhythm = _rhythm(standing, device_id, moving=position is not None and position.moving)
    age_s = None if heard_at is None else (now - heard_at).total_seconds()
    since = standing.since
    waited_s = None if since is None else (now - since).total_seconds()
    state = state_of(rhythm, age_s, waited_s)
    reason = None
    if state in _QUIET:
        reason = reason_of(sign.status if sign and is_newer else None, battery_pct, charging=charging)
    return Dot(
        standing,
        state,
        reason,
        position if rhythm.on_shift else None,
        heard_at,
        battery_pct,
        charging,
        rhythm.expected_s,
        age_s,
        _turns_at(standing, rhythm, now, (age_s, waited_s)),
    )


def _newest_sign(standing: Standing, signs: Mapping[int, Sign]) -> Sign | None:
    newest = None
    for held in standing.held:
        sign = signs.get(held.device_id)
        if sign is None or (held.since is not None and sign.heard_at < held.since):
            continue
        if newest is None or sign.heard_at > newest.heard_at:
            newest = sign
    return newest


def _rhythm(standing: Standing, device_id: int | None, *, moving: bool) -> Rhythm:
    """That of the device heard last, else of the first one held."""
    on_shift = standing.since is not None
    if not standing.held:
        return rhythm_of(on_shift, moving, USUAL_INTERVAL_S, None)
    found = standing.held[0]
    if found.device_id != device_id:
        for held in standing.held:
            if held.device_id == device_id:
                found = held
    return rhythm_of(on_shift, moving, found.interval_s, found.heartbeat_s)


def _turns_at(
    standing: Standing, rhythm: Rhythm, now: datetime, passed_s: tuple[float | None, float | None]
) -> datetime | None:
    if not rhythm.on_shift:
        return None
    left_s = next_turn_s(rhythm, *passed_s)
    if left_s is None:
        return standing.until
    turn = now + timedelta(seconds=left_s, milliseconds=1)
    return turn if standing.until is None or turn < standing.until else standing.until


@lru_cache(maxsize=200_000)
def subtrees_of(paths: tuple[str, ...]) -> frozenset[str]:
    """Every path at or above these: the roots of all subtrees that hold them. EVERYWHERE is among them."""
    found = {EVERYWHERE}
    for path in paths:
        labels = path.split(".")
        found |= {".".join(labels[:end]) for end in range(1, len(labels) + 1)}
    return frozenset(found)
