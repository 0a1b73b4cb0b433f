"""How far a dot can be believed: its state by that device's own rhythm, and why a phone has gone quiet where it told.

Rhythms, ages and states are numpy columns of one length, or single values: a thousand dots are judged a second.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

State = Literal["moving", "still", "unconfirmed", "late", "stale", "silent", "off_shift"]
Reason = Literal["permission", "battery", "power_saving"]
STATES: Final[tuple[State, ...]] = get_args(State)
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
_MOVING, _STILL, _UNCONFIRMED, _LATE, _STALE, _SILENT, _OFF_SHIFT = range(len(STATES))
QUIET: Final = (_LATE, _STALE, _SILENT)
STALE_AT_LEAST_S: Final = 300
SILENT_S: Final = 900
TRANSIT_S: Final = 5  # a report on its way is not late yet
LOW_BATTERY_PCT: Final = 10
Column = NDArray[Any]


class Rhythm(NamedTuple):
    """What is expected of devices now. `heartbeat_s`: it sleeps while still and says so this often; NaN: it does not."""

    on_shift: Column
    moving: Column
    interval_s: Column
    heartbeat_s: Column

    @property
    def sleeps(self) -> Column:
        return ~(np.asarray(self.moving) | np.isnan(self.heartbeat_s))

    @property
    def expected_s(self) -> Column:
        """The time within which the device should be heard again."""
        return np.where(self.sleeps, self.heartbeat_s, self.interval_s)

    @property
    def stale_s(self) -> Column:
        return np.asarray(np.maximum(3 * self.expected_s, STALE_AT_LEAST_S))

    @property
    def silent_s(self) -> Column:
        return np.where(self.sleeps, np.maximum(2 * self.expected_s, SILENT_S), SILENT_S)


def states_of(rhythm: Rhythm, age_s: Column, waited_s: Column) -> Column:
    """The states (places in STATES) of dots last heard `age_s` ago (NaN: never), on duty since `waited_s` (NaN: unknown).

    late: 1 to 3 expected intervals; stale: over 3 and at least 5 min; silent: on shift and unheard for 15 min;
    a device that sleeps while still is `unconfirmed` until twice its heartbeat.
    """
    expected_s = rhythm.expected_s
    unheard = np.isnan(age_s)
    quiet = np.where(np.asarray(waited_s) < SILENT_S, _STALE, _SILENT)  # who has just come is not silent yet
    state = np.where(rhythm.moving, _MOVING, _STILL)
    state = np.where(age_s > expected_s + TRANSIT_S, _LATE, state)
    state = np.where(age_s > rhythm.stale_s, _STALE, state)
    state = np.where(age_s >= rhythm.silent_s, quiet, state)
    dozes = rhythm.sleeps & (age_s > expected_s) & (age_s <= 2 * expected_s)
    state = np.where(dozes, _UNCONFIRMED, state)
    state = np.where(unheard, np.where(quiet == _SILENT, _SILENT, _LATE), state)
    return np.where(rhythm.on_shift, state, _OFF_SHIFT).astype(np.int8)


def turns_in_s(rhythm: Rhythm, age_s: Column, waited_s: Column) -> Column:
    """How long until time alone may change what `states_of` says; inf: never again. The state may also stay."""
    expected_s = rhythm.expected_s
    left_s = _left(SILENT_S, waited_s)
    for turn_s in (expected_s + TRANSIT_S, rhythm.stale_s, rhythm.silent_s):
        left_s = np.minimum(left_s, _left(turn_s, age_s))
    for turn_s in (expected_s, 2 * expected_s):
        left_s = np.minimum(left_s, np.where(rhythm.sleeps, _left(turn_s, age_s), np.inf))
    return left_s


def _left(turn_s: Column | int, passed_s: Column) -> Column:
    left_s = turn_s - np.asarray(passed_s)
    return np.where(left_s >= 0, left_s, np.inf)


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
