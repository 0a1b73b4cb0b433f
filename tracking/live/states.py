"""How far a dot can be believed: its state by that device's own rhythm, and why a phone has gone quiet where it told."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

State = Literal["moving", "still", "unconfirmed", "late", "stale", "silent", "off_shift"]
Reason = Literal["permission", "battery", "power_saving"]
STALE_AT_LEAST_S = 300
SILENT_S = 900
TRANSIT_S = 5  # a report on its way is not late yet
LOW_BATTERY_PCT = 10


@dataclass(frozen=True)
class Rhythm:
    """What is expected of a device now. `heartbeat_s`: it sleeps while still and says so this often."""

    on_shift: bool
    moving: bool
    interval_s: int
    heartbeat_s: int | None

    @cached_property
    def expected_s(self) -> int:
        return self.interval_s if self.moving or self.heartbeat_s is None else self.heartbeat_s

    @cached_property
    def sleeps(self) -> bool:
        return self.heartbeat_s is not None and not self.moving

    @cached_property
    def silent_s(self) -> int:
        return max(SILENT_S, 2 * self.expected_s if self.sleeps else 0)

    @cached_property
    def turns_s(self) -> list[int]:
        """The ages at which time alone may change the state, in order."""
        expected_s = self.expected_s
        turns = [expected_s + TRANSIT_S, max(3 * expected_s, STALE_AT_LEAST_S), self.silent_s]
        return sorted(turns + ([expected_s, 2 * expected_s] if self.sleeps else []))


@cache
def rhythm_of(on_shift: bool, moving: bool, interval_s: int, heartbeat_s: int | None) -> Rhythm:
    """The one rhythm of these values: a city has a few."""
    return Rhythm(on_shift, moving, interval_s, heartbeat_s)


def state_of(rhythm: Rhythm, age_s: float | None, waited_s: float | None) -> State:
    """The state of a dot last heard `age_s` ago (None: never), on duty since `waited_s`.

    late: 1 to 3 expected intervals; stale: over 3 and at least 5 min; silent: on shift and unheard for 15 min;
    a device that sleeps while still is `unconfirmed` until twice its heartbeat.
    """
    if not rhythm.on_shift:
        return "off_shift"
    if age_s is None:
        return "silent" if waited_s is None or waited_s >= SILENT_S else "late"
    if rhythm.sleeps and rhythm.expected_s < age_s <= 2 * rhythm.expected_s:
        return "unconfirmed"
    if age_s >= rhythm.silent_s:
        return "silent" if waited_s is None or waited_s >= SILENT_S else "stale"
    if age_s > max(3 * rhythm.expected_s, STALE_AT_LEAST_S):
        return "stale"
    if age_s > rhythm.expected_s + TRANSIT_S:
        return "late"
    return "moving" if rhythm.moving else "still"


def next_turn_s(rhythm: Rhythm, age_s: float | None, waited_s: float | None) -> float | None:
    """How long until time alone may change what `state_of` says; None: never again. The state may also stay."""
    left_s = None
    if waited_s is not None and waited_s <= SILENT_S:
        left_s = SILENT_S - waited_s
    if age_s is not None:
        turns_s = rhythm.turns_s
        place = bisect_left(turns_s, age_s)
        if place < len(turns_s) and (left_s is None or turns_s[place] - age_s < left_s):
            left_s = turns_s[place] - age_s
    return left_s


def reason_of(
    status: Mapping[str, object] | None, battery_pct: float | None, *, charging: bool | None
) -> Reason | None:
    """Why a phone may have gone quiet, as far as it told: OwnTracks' `status`, or its last battery.

    On Android `loc` is 0 with the full permission and negative with less, `ps` is 1 in power saving, `bo` 1 while the
    system may put the app to sleep; on iOS the authorisation and background refresh are words.
    """
    android, apple = _part(status, "android"), _part(status, "iOS")
    allowed = str(apple.get("locationManagerAuthorizationStatus", "")).lower()
    if _number(android.get("loc")) < 0 or any(word in allowed for word in ("denied", "restricted", "inuse")):
        return "permission"
    if battery_pct is not None and battery_pct <= LOW_BATTERY_PCT and not charging:
        return "battery"
    refresh = str(apple.get("backgroundRefreshStatus", "")).lower()
    if 1 in (_number(android.get("ps")), _number(android.get("bo"))) or "denied" in refresh:
        return "power_saving"
    return None


def _part(status: Mapping[str, object] | None, name: str) -> Mapping[str, object]:
    part = status.get(name) if status else None
    return part if isinstance(part, Mapping) else {}


def _number(value: object) -> float:
    """0 for what is none."""
    return float(value) if isinstance(value, int | float) else 0
