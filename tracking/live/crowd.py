"""Many people as columns: what is known of each stands at their place, and a thousand are judged in one step.

Instants in columns are seconds since 1970; NaN in a column of numbers and -1 in one of whole numbers: not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracking.live.dots import Dot, Held, Position, Sign, Standing
from tracking.live.states import QUIET, REASONS, STATES, Rhythm, reason_of, states_of, turns_in_s

USUAL_INTERVAL_S: Final = 10
_PLACE: Final = [
    ("lon", "f8"),
    ("lat", "f8"),
    ("accuracy_m", "f8"),
    ("speed_mps", "f8"),
    ("heading_deg", "f8"),
]
FIX: Final = np.dtype(
    [
        ("device_id", "i8"),
        ("fixed_at", "f8"),
        *_PLACE,
        ("battery_pct", "f8"),
        ("charging", "i1"),
        ("moving", "?"),
        ("unit", "i8"),
    ]
)
"""A person's last accepted fix: `moving` by the way gone before it, `unit` the unit version it lies in."""
ROW: Final = np.dtype(
    [
        ("person_id", "i8"),
        ("state", "i1"),
        ("reason", "i1"),
        ("fixed_at", "f8"),
        *_PLACE,
        ("battery_pct", "f8"),
        ("charging", "i1"),
        ("unit", "i8"),
        ("heard_at", "f8"),
        ("expected_s", "i4"),
    ]
)
"""A dot as it changes: `state` and `reason` are places in STATES and REASONS."""
_DUTY: Final = np.dtype(
    [
        ("since", "f8"),
        ("until", "f8"),
        ("device_id", "i8"),
        ("interval_s", "f8"),
        ("heartbeat_s", "f8"),
        ("has_more", "?"),
        ("sign_at", "f8"),
        ("sign_device", "i8"),
        ("sign_battery_pct", "f8"),
    ]
)
"""The shift; the rhythm of the device held first, and whether more are; the newest sign of life of those held."""


def nothing(kind: np.dtype[Any], count: int) -> NDArray[Any]:
    """Columns in which nothing is known."""
    told = np.zeros(count, kind)
    for name in kind.names or ():
        if kind[name].kind in "if":
            told[name] = np.nan if kind[name].kind == "f" else -1
    return told


_NO_FIX, _NO_DUTY = nothing(FIX, 1)[0], nothing(_DUTY, 1)[0]


def grown(column: NDArray[Any], count: int) -> NDArray[Any]:
    """The column with room for so many; what is new is not known, or zero."""
    if len(column) >= count:
        return column
    more = max(count, 2 * len(column)) - len(column)
    kind = column.dtype
    return np.concatenate([column, nothing(kind, more) if kind.fields else np.zeros(more, kind)])


def seconds(at: datetime | None) -> float:
    """As instants stand in columns."""
    return np.nan if at is None else at.timestamp()


@dataclass
class Crowd:
    """Whoever was ever heard or on duty since it began. A person keeps their place."""

    standings: list[Standing | None] = field(default_factory=list)
    fixes: NDArray[Any] = field(default_factory=lambda: nothing(FIX, 0))
    _duties: NDArray[Any] = field(default_factory=lambda: nothing(_DUTY, 0))
    _places: dict[int, int] = field(default_factory=dict)
    _signs: dict[int, Sign] = field(default_factory=dict)
    _holders: dict[int, int] = field(default_factory=dict)
    _newest: dict[int, Sign] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._places)

    def places_of(self, persons: Iterable[int]) -> NDArray[np.intp]:
        """Where these people stand; who is new gets a place."""
        places = self._places
        found = np.array([places.setdefault(one, len(places)) for one in persons], np.intp)
        if len(places) > len(self.standings):
            self.standings += [None] * (len(places) - len(self.standings))
            self.fixes, self._duties = grown(self.fixes, len(places)), grown(self._duties, len(places))
        return found

    def stand(self, place: int, standing: Standing | None) -> None:
        """Who the person is from now on; None: not on duty."""
        self.standings[place] = standing
        self._duties[place] = _NO_DUTY
        if standing is None:
            return
        held = standing.held[0] if standing.held else Held(-1, USUAL_INTERVAL_S, None, None)
        duty = self._duties[place]
        duty["since"], duty["until"] = seconds(standing.since), seconds(standing.until)
        duty["device_id"], duty["interval_s"] = held.device_id, held.interval_s
        duty["heartbeat_s"] = np.nan if held.heartbeat_s is None else held.heartbeat_s
        duty["has_more"] = len(standing.held) > 1
        self._holders |= {one.device_id: place for one in standing.held}
        self._look_for_signs(place)

    def forget_fix(self, place: int) -> None:
        self.fixes[place] = _NO_FIX

    def take_fixes(self, persons: Sequence[int], fixes: NDArray[Any]) -> NDArray[np.intp]:
        """Last fixes (FIX) of these people; returns their places."""
        places = self.places_of(persons)
        self.fixes[places] = fixes
        return places

    def take_signs(self, signs: Iterable[Sign]) -> list[int]:
        """Signs of life; returns the places of those who hold the devices."""
        heard = {sign.device_id: sign for sign in signs}
        self._signs |= heard
        places = [self._holders[one] for one in heard if one in self._holders]
        for place in places:
            self._look_for_signs(place)
        return places

    def _look_for_signs(self, place: int) -> None:
        """The newest sign of a device since it is in the person's hands."""
        standing = self.standings[place]
        found = [(held, self._signs.get(held.device_id)) for held in (standing.held if standing else ())]
        told = [sign for held, sign in found if sign and (held.since is None or sign.heard_at >= held.since)]
        duty = self._duties[place]
        if not told:
            self._newest.pop(place, None)
            duty["sign_at"], duty["sign_device"], duty["sign_battery_pct"] = np.nan, -1, np.nan
            return
        self._newest[place] = newest = max(told, key=lambda sign: sign.heard_at)
        duty["sign_at"], duty["sign_device"] = seconds(newest.heard_at), newest.device_id
        duty["sign_battery_pct"] = np.nan if newest.battery_pct is None else newest.battery_pct

    def on_duty(self, places: NDArray[np.intp], now: datetime) -> NDArray[np.bool_]:
        return np.asarray(self._duties["until"][places] > now.timestamp())

    def judge(self, places: NDArray[np.intp], now: datetime) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The rows (ROW, without the person's id) of these places as of now, and when time alone may change each."""
        fix, duty, at = self.fixes[places], self._duties[places], now.timestamp()
        by_sign = ~np.isnan(duty["sign_at"]) & ~(duty["sign_at"] <= fix["fixed_at"])
        rhythm = self._rhythm(places, np.where(by_sign, duty["sign_device"], fix["device_id"]))
        rows = nothing(ROW, len(places))
        rows["heard_at"] = np.where(by_sign, duty["sign_at"], fix["fixed_at"])
        passed_s = at - rows["heard_at"], at - duty["since"]
        rows["state"], rows["expected_s"] = states_of(rhythm, *passed_s), rhythm.expected_s
        tells = ~np.isnan(duty["sign_battery_pct"]) & (by_sign | np.isnan(fix["battery_pct"]))
        rows["battery_pct"] = np.where(tells, duty["sign_battery_pct"], fix["battery_pct"])
        rows["charging"] = fix["charging"]
        seen = rhythm.on_shift
        for name in ("fixed_at", *(name for name, _ in _PLACE), "unit"):
            rows[name][seen] = fix[name][seen]
        self._give_reasons(places, rows, by_sign)
        turns_at = at + turns_in_s(rhythm, *passed_s) + 0.001
        return rows, np.where(seen, np.fmin(turns_at, duty["until"]), np.inf)

    def _rhythm(self, places: NDArray[np.intp], device: NDArray[np.int64]) -> Rhythm:
        """That of the device heard last, else of the first one held."""
        duty = self._duties[places]
        for n in np.flatnonzero(duty["has_more"] & (device != duty["device_id"])):
            standing = self.standings[places[n]]
            for held in standing.held if standing else ():
                if held.device_id == device[n]:
                    duty["interval_s"][n] = held.interval_s
                    duty["heartbeat_s"][n] = np.nan if held.heartbeat_s is None else held.heartbeat_s
        on_shift, moving = ~np.isnan(duty["since"]), self.fixes["moving"][places]
        return Rhythm(on_shift, moving, duty["interval_s"], duty["heartbeat_s"])

    def _give_reasons(self, places: NDArray[np.intp], rows: NDArray[Any], by_sign: NDArray[np.bool_]) -> None:
        for n in np.flatnonzero(np.isin(rows["state"], QUIET)):
            sign = self._newest[int(places[n])] if by_sign[n] else None
            battery_pct, charging = known(rows["battery_pct"][n]), flag(rows["charging"][n])
            reason = reason_of(sign.status if sign else None, battery_pct, charging=charging)
            if reason is not None:
                rows["reason"][n] = REASONS.index(reason)

    def dots(self, places: NDArray[np.intp], now: datetime, units: Mapping[int, str]) -> list[Dot]:
        """The same as dots of their own. `units`: codes by unit version."""
        rows, _ = self.judge(places, now)
        standings = (self.standings[place] for place in places)
        return [_dot(one, row, now, units) for one, row in zip(standings, rows, strict=True) if one]


def known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def flag(value: int) -> bool | None:
    return None if value < 0 else bool(value)


def instant(at: float) -> datetime | None:
    return None if np.isnan(at) else datetime.fromtimestamp(float(at), UTC)


def _dot(standing: Standing, row: Any, now: datetime, units: Mapping[int, str]) -> Dot:
    fixed_at, heard_at = instant(row["fixed_at"]), instant(row["heard_at"])
    return Dot(
        standing,
        STATES[row["state"]],
        None if row["reason"] < 0 else REASONS[row["reason"]],
        None if fixed_at is None else _position(fixed_at, row, units),
        heard_at,
        known(row["battery_pct"]),
        flag(row["charging"]),
        int(row["expected_s"]),
        None if heard_at is None else (now - heard_at).total_seconds(),
    )


def _position(fixed_at: datetime, row: Any, units: Mapping[int, str]) -> Position:
    return Position(
        fixed_at,
        float(row["lon"]),
        float(row["lat"]),
        known(row["accuracy_m"]),
        known(row["speed_mps"]),
        known(row["heading_deg"]),
        units.get(int(row["unit"])),
    )
