"""The dots of everybody on shift, held in memory and kept up: what moved is read, who they are is read now and then.

A thousand fixes a second cost a thousand short rows a second. Names, posts, scopes and devices change with
rosters and are read by a sweep; states that time alone changes are due at a known instant and cost no reading.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from core.db import plan_for_values
from tracking.live.dots import Dot, Position, Sign, Standing, make_dot
from tracking.live.reading import (
    read_next_shift,
    read_positions,
    read_signs,
    read_standing,
    standing_of,
)
from tracking.roster import EVERYTHING, read_changes

LONGEST: Final = timedelta(seconds=60)
_EVER = datetime.min.replace(tzinfo=UTC)


class Change(NamedTuple):
    """What a read found of a person: as it was and as it is; None: not on duty."""

    person_id: int
    before: Dot | None
    after: Dot | None


@dataclass
class LiveMap:
    """Empty until the first `read`. Not safe for two readers at once."""

    dots: dict[int, Dot] = field(default_factory=dict)
    _standing: dict[int, Standing] = field(default_factory=dict)
    _rows: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _positions: dict[int, Position] = field(default_factory=dict)
    _signs: dict[int, Sign] = field(default_factory=dict)
    _holders: dict[int, int] = field(default_factory=dict)
    _due: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _due_from: int = 0
    _cursor: str | None = None
    _codes: dict[int, str] = field(default_factory=dict)
    _swept_cursor: str = EVERYTHING
    _sweep_at: datetime = _EVER
    swept: bool = False
    """Whether the last read did."""

    def read(self, conn: Connection, now: datetime, *, sweeps: bool | None = None) -> list[Change]:
        """Bring the dots up to date and tell what a viewer would see change. The first read always sweeps.

        `sweeps` None: when a roster was changed since the last time, when a shift begins, and every minute, for what
        was known long before (an assignment or an edition that begins).
        """
        cursor, changed = read_changes(conn, self._swept_cursor)
        if sweeps is None:
            sweeps = changed or now >= self._sweep_at
        self.swept = sweeps = sweeps or self._cursor is None
        swept = next_shift = None
        if sweeps:
            plan_for_values(conn)
            swept, next_shift = read_standing(conn, now), read_next_shift(conn, now)
        positions = read_positions(conn, self._cursor or EVERYTHING, codes=self._codes)
        signs = list(read_signs(conn, self._cursor or EVERYTHING))
        # Nothing is kept of a read that failed half-way.
        touched = self._fall_due(now)
        touched |= self._take(positions, signs)
        if swept is not None:
            touched |= self._stand(swept)
            self._swept_cursor = cursor
            self._sweep_at = min(now + LONGEST, next_shift or now + LONGEST)
        self._cursor = cursor
        changes = [self._turn(person_id, now) for person_id in touched]
        return [change for change in changes if change is not None]

    def _take(self, positions: list[Position], signs: list[Sign]) -> set[int]:
        for position in positions:
            self._positions[position.person_id] = position
        for sign in signs:
            self._signs[sign.device_id] = sign
        holders = {self._holders.get(sign.device_id) for sign in signs}
        return {position.person_id for position in positions} | {one for one in holders if one is not None}

    def _stand(self, swept: Sequence[Row[Any]]) -> set[int]:
        """Who is on shift now, and whose standing is another than before. Only what differs is looked into."""
        rows = {row[0]: tuple(row) for row in swept}
        touched = {one for one in self._rows.keys() - rows.keys() if self._standing.pop(one, None)}
        for row in swept:
            person_id = row[0]
            if self._rows.get(person_id) == rows[person_id]:
                continue
            self._standing[person_id] = standing = standing_of(row)
            self._holders |= {held.device_id: person_id for held in standing.held}
            if not row[-1]:  # no fix of this person is accepted, or none any more
                self._positions.pop(person_id, None)
            touched.add(person_id)
        self._rows = rows
        return touched

    def _fall_due(self, now: datetime) -> set[int]:
        """Those whose state time alone may have changed by now."""
        until = int(now.timestamp())
        due: set[int] = set()
        for second in range(self._due_from or until, until + 1):
            due |= self._due.pop(second, set())
        self._due_from = until + 1
        return {one for one in due if (dot := self.dots.get(one)) and dot.turns_at and dot.turns_at <= now}

    def _turn(self, person_id: int, now: datetime) -> Change | None:
        """The person's dot anew; None when it says the same."""
        before, standing = self.dots.get(person_id), self._standing.get(person_id)
        after = None
        if standing is not None and standing.until is not None and standing.until > now:
            after = make_dot(standing, self._positions.get(person_id), self._signs, now)
            if after.turns_at is not None:
                self._due[max(int(after.turns_at.timestamp()) + 1, self._due_from)].add(person_id)
        if after is None:
            self.dots.pop(person_id, None)
        else:
            self.dots[person_id] = after
        return None if says_same(before, after) else Change(person_id, before, after)


def says_same(one: Dot | None, other: Dot | None) -> bool:
    """Whether a viewer would see no difference; ages pass by themselves."""
    if one is None or other is None:
        return one is other
    return (
        (one.state, one.reason, one.heard_at, one.battery_pct, one.expected_s)
        == (other.state, other.reason, other.heard_at, other.battery_pct, other.expected_s)
        and one.position == other.position
        and one.standing == other.standing
    )
