"""The dots of everybody on shift, held in memory and kept up: what moved is read, who they are is read now and then.

A thousand fixes a second cost a few columns a second. Names, posts, scopes and devices change with rosters and are
read by a sweep; states that time alone changes are due at a known instant and cost no reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row

from core.db import ask_together, plan_for_values
from tracking.live.crowd import ROW, Crowd, grown, nothing
from tracking.live.dots import Sign, Standing
from tracking.live.reading import (
    read_next_turn,
    read_positions,
    read_standing,
    read_units,
    signs_question,
    standing_of,
)
from tracking.roster import EVERYTHING, changes_question

LONGEST: Final = timedelta(minutes=10)
_EVER = datetime.min.replace(tzinfo=UTC)
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a read found, by places that people keep as long as the map.

    `rows` (ROW) of those at `places`, who are on duty; `stood`: who of them came, or is somebody else to viewers than
    before; `gone`: the places of those who left duty. `units`: codes by unit version.
    """

    places: Places
    rows: NDArray[Any]
    stood: Mapping[int, Standing]
    gone: Places
    units: Mapping[int, str]

    def __bool__(self) -> bool:
        return bool(len(self.places) or len(self.gone))


@dataclass
class LiveMap:
    """Empty until the first `read`. Not safe for two readers at once."""

    _crowd: Crowd = field(default_factory=Crowd)
    _rows: NDArray[Any] = field(default_factory=lambda: nothing(ROW, 0))
    _on: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    _turns_at: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _swept: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _units: dict[int, str] = field(default_factory=dict)
    _cursor: str | None = None
    _swept_cursor: str = EVERYTHING
    _sweep_at: datetime = _EVER
    swept: bool = False
    """Whether the last read did."""

    def read(self, conn: Connection, now: datetime, *, sweeps: bool | None = None) -> Changes:
        """Bring the dots up to date and tell what a viewer would see change. The first read always sweeps.

        `sweeps` None: when a roster was changed since the last time, and when something that was entered long before
        begins (a shift, an assignment, an edition).
        """
        seen = self._cursor or EVERYTHING
        (roster,), signs = ask_together(conn, changes_question(self._swept_cursor), signs_question(seen))
        cursor, changed = roster
        if sweeps is None:
            sweeps = changed or now >= self._sweep_at
        self.swept = sweeps = sweeps or self._cursor is None
        swept = next_turn = None
        if sweeps:
            plan_for_values(conn)
            swept, next_turn = read_standing(conn, now), read_next_turn(conn, now)
        persons, fixes = read_positions(conn, seen)
        read_units(conn, fixes["unit"], self._units)
        # Nothing is kept of a read that failed half-way.
        touched = [self._due(now), self._crowd.take_fixes(persons.tolist(), fixes)]
        stood: set[int] = set()
        if swept is not None:
            stood = self._stand(swept)
            self._swept_cursor = cursor
            self._sweep_at = min(now + LONGEST, next_turn or now + LONGEST)
        self._cursor = cursor
        touched += [_places(self._crowd.take_signs(Sign(*row) for row in signs)), _places(stood)]
        return self._turn(np.unique(np.concatenate(touched)), stood, now)

    def _stand(self, swept: Sequence[Row[Any]]) -> set[int]:
        """Who is on shift now, and whose standing is another than before. Only what differs is looked into."""
        rows = {row[0]: tuple(row) for row in swept}
        left = self._swept.keys() - rows.keys()
        came = [row for row in swept if self._swept.get(row[0]) != rows[row[0]]]
        self._swept = rows
        places = self._crowd.places_of([*left, *(row[0] for row in came)]).tolist()
        for place in places[: len(left)]:
            self._crowd.stand(place, None)
        for place, row in zip(places[len(left) :], came, strict=True):
            self._crowd.stand(place, standing_of(row))
            if not row[-1]:  # no fix of this person is accepted, or none any more
                self._crowd.forget_fix(place)
        return set(places)

    def _due(self, now: datetime) -> Places:
        """Those whose state time alone may have changed by now."""
        return np.flatnonzero(self._on & (self._turns_at <= now.timestamp()))

    def _turn(self, places: Places, stood: set[int], now: datetime) -> Changes:
        """These people anew, and who of them a viewer would see change."""
        crowd, count = self._crowd, len(self._crowd)
        self._rows, self._on = grown(self._rows, count), grown(self._on, count)
        self._turns_at = grown(self._turns_at, count)
        for place in stood:
            if standing := crowd.standings[place]:
                self._rows["person_id"][place] = standing.person_id
        is_on, was_on = crowd.on_duty(places, now), self._on[places]
        gone, here, was_here = places[was_on & ~is_on], places[is_on], was_on[is_on]
        self._on[places] = is_on
        rows, self._turns_at[here] = crowd.judge(here, now)
        rows["person_id"] = self._rows["person_id"][here]
        anew = ~was_here | np.isin(here, _places(stood))
        told = anew | _differ(rows, self._rows[here])
        self._rows[here] = rows
        standings = {place: one for place in here[anew].tolist() if (one := crowd.standings[place])}
        return Changes(here[told], rows[told], standings, gone, self._units)


def _places(told: Iterable[int]) -> Places:
    return np.array(list(told), np.intp)


def _differ(rows: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows say something else, byte by byte: what is not known equals itself."""
    shape = (len(rows), rows.dtype.itemsize)
    pair = (np.ascontiguousarray(one).view(np.uint8).reshape(shape) for one in (rows, others))
    return np.asarray(np.not_equal(*pair).any(axis=1))
