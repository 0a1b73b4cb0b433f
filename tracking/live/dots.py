"""A dot: a person on the wall, put together from who they are, their last fix and their phones' signs of life."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from tracking.live.states import Reason, State

EVERYWHERE = ""
"""The root of the subtree that holds everybody, also those who serve in no unit."""


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


@dataclass(frozen=True, slots=True)
class Sign:
    """A device's latest sign of life that is no accepted fix, and what the phone told of itself."""

    device_id: int
    heard_at: datetime
    battery_pct: float | None
    status: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Position:
    """A person's last accepted fix. `at_unit_code`: the governance unit it lies in."""

    fixed_at: datetime
    lon: float
    lat: float
    accuracy_m: float | None
    speed_mps: float | None
    heading_deg: float | None
    at_unit_code: str | None


@dataclass(frozen=True, slots=True)
class Dot:
    """One person on the wall. Times are aware UTC; `position` is None when off shift or never heard.

    `age_s`: how long ago the person was heard when the dot was made; None: never. `expected_s`: the time within which
    the device should be heard again. `reason`: why it is quiet, where it told.
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

    @property
    def person_id(self) -> int:
        return self.standing.person_id

    @property
    def person_code(self) -> str:
        return self.standing.person_code


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


@lru_cache(maxsize=200_000)
def subtrees_of(paths: tuple[str, ...]) -> frozenset[str]:
    """Every path at or above these: the roots of all subtrees that hold them. EVERYWHERE is among them."""
    found = {EVERYWHERE}
    for path in paths:
        labels = path.split(".")
        found |= {".".join(labels[:end]) for end in range(1, len(labels) + 1)}
    return frozenset(found)
