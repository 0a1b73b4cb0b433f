"""What viewers are told: every dot encoded once when it changes, put together for each scope by joining bytes.

A person is two pieces: `who` (name, role, unit), told when the person comes or their standing changes, and
`row` (state, place, times), an array in the order of COLUMNS, told whenever it changes.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import orjson

from people.access import Scope
from tracking.live import EVERYWHERE, Change, Dot

COLUMNS: Final = (
    "id",
    "state",
    "lon",
    "lat",
    "accuracy_m",
    "speed_mps",
    "heading_deg",
    "battery_pct",
    "charging",
    "fixed_at",
    "heard_at",
    "expected_s",
    "at_unit_code",
    "reason",
)
"""Times in seconds since 1970; `heard_at` null: as `fixed_at`."""
REMEMBERED: Final = timedelta(minutes=10)
MOVED_OVERLAP: Final = timedelta(seconds=5)
STOOD_OVERLAP: Final = timedelta(seconds=65)
"""A resumed viewer gets again what changed this long before its cursor, which may be another process's: a process
reads what moved within a second or two of another one, and who people are within a sweep, at the latest every minute."""

Roots = frozenset[str]
_NOWHERE: Roots = frozenset()


def roots_of(scope: Scope) -> Roots:
    """The roots of the subtrees of a scope."""
    return frozenset({EVERYWHERE}) if scope.everywhere else frozenset(scope.paths)


@dataclass(slots=True)
class Told:
    """A person as viewers know them: the pieces, and when each last changed. `came`: subtrees entered just then."""

    dot: Dot
    who: bytes
    row: bytes
    stood_at: datetime
    told_at: datetime
    subtrees: Roots
    came: Roots


@dataclass(frozen=True, slots=True)
class Left:
    """A person who left these subtrees."""

    at: datetime
    person_id: int
    subtrees: Roots


@dataclass
class Board:
    """Everybody as told last, and who left in the last minutes. Nothing here reads or waits."""

    at: datetime | None = None
    told: dict[int, Told] = field(default_factory=dict)
    _left: deque[Left] = field(default_factory=deque)
    _since: datetime | None = None

    def begin(self, changes: Iterable[Change], at: datetime) -> None:
        """Take the first read: it is no news to anybody."""
        self.take(changes, at)
        self._left.clear()
        self._since = at

    def take(self, changes: Iterable[Change], at: datetime) -> "News":
        """Take what a read at this instant found."""
        self.at = at
        news = News(self, at)
        for change in changes:
            person_id, _, after = change
            before = self.told.get(person_id)
            if after is None:
                self.told.pop(person_id, None)
                now_in: Roots = _NOWHERE
            else:
                self.told[person_id] = told = _tell(before, after, at)
                news.told.append(told)
                now_in = told.subtrees
            if before is not None and (left := before.subtrees - now_in):
                news.left.append(Left(at, person_id, left))
        self._left.extend(news.left)
        while self._left and self._left[0].at < at - REMEMBERED:
            self._left.popleft()
        return news

    def tell_snapshot(self, roots: Roots) -> bytes:
        """Everybody of the subtrees who is on duty, as one event."""
        held = self._within(roots)
        return _event("snapshot", self.at, [one.who for one in held], [one.row for one in held], None)

    def tell_missed(self, roots: Roots, since: datetime) -> bytes | None:
        """What changed in the subtrees since a cursor; None when that is not known any more."""
        if self.at is None or self._since is None or since > self.at + MOVED_OVERLAP:
            return None
        if since - STOOD_OVERLAP < max(self._since, self.at - REMEMBERED):
            return None
        moved, stood = since - MOVED_OVERLAP, since - STOOD_OVERLAP
        held = self._within(roots)
        told = [one for one in held if one.told_at >= moved or one.stood_at >= stood]
        left = (one for one in self._left if one.at >= stood)
        # Also who they are: the process before may have told that somebody left, who was back before this one looked.
        whos, rows = [one.who for one in told], [one.row for one in told]
        return _event("frame", self.at, whos, rows, self.gone(roots, left))

    def gone(self, roots: Roots, left: Iterable[Left]) -> list[int]:
        """Who left the subtrees and is in none of them now."""
        ids = {one.person_id for one in left if not roots.isdisjoint(one.subtrees)}
        return sorted(one for one in ids if one not in self.told or roots.isdisjoint(self.told[one].subtrees))

    def _within(self, roots: Roots) -> Collection[Told]:
        if EVERYWHERE in roots:
            return self.told.values()
        return [one for one in self.told.values() if not roots.isdisjoint(one.subtrees)]


@dataclass
class News:
    """What one read changed, for as many scopes as somebody watches."""

    board: Board
    at: datetime
    told: list[Told] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    _by_root: dict[str, list[Told]] | None = None

    def tell_frame(self, roots: Roots, *, tick: bool) -> bytes:
        """What the subtrees see of it; b"" when it is nothing and no tick is due."""
        told = self._of(roots)
        gone = self.board.gone(roots, self.left) if self.left else []
        if not (told or gone or tick):
            return b""
        whos = [one.who for one in told if one.stood_at == self.at or not roots.isdisjoint(one.came)]
        return _event("frame", self.at, whos, [one.row for one in told], gone)

    def _of(self, roots: Roots) -> Collection[Told]:
        if EVERYWHERE in roots:
            return self.told
        if self._by_root is None:
            self._by_root = defaultdict(list)
            for one in self.told:
                for root in one.subtrees:
                    self._by_root[root].append(one)
        found = [one for root in roots for one in self._by_root.get(root, ())]
        return found if len(roots) == 1 else {one.dot.person_id: one for one in found}.values()


def _tell(before: Told | None, dot: Dot, at: datetime) -> Told:
    row = _row(dot)
    if before is not None and before.dot.standing is dot.standing:
        return Told(dot, before.who, row, before.stood_at, at, before.subtrees, _NOWHERE)
    who = orjson.dumps(tell_who(dot))
    subtrees = dot.subtrees
    came = subtrees if before is None else subtrees - before.subtrees
    is_known = before is not None and before.who == who and not came
    return Told(dot, who, row, before.stood_at if before and is_known else at, at, subtrees, came)


def tell_who(dot: Dot) -> dict[str, Any]:
    """What does not change by moving."""
    standing = dot.standing
    return {
        "id": standing.person_id,
        "code": standing.person_code,
        "name": standing.name,
        "role": standing.role,
        "role_name": standing.role_name,
        "unit_code": standing.unit_code,
        "unit_name": standing.unit_name,
        "paths": standing.paths,
    }


def _row(dot: Dot) -> bytes:
    """JSON in the order of COLUMNS, to the precision a map shows: 0.1 m, 0.1 m/s, whole metres of accuracy.

    Put together by hand: a thousand a second, each told once, and rounding for an encoder takes longer than all this.
    """
    standing, state, reason, position, heard_at, battery_pct, charging, expected_s, _, _ = dot
    heard, told = _seconds(heard_at), _CHARGING[charging]
    if position is None:
        place = b"null,null,null,null,null,%b,%b,null,%b" % (_whole(battery_pct), told, heard)
        at_unit = b"null"
    else:
        speed = position.speed_mps
        place = b"%.6f,%.6f,%b,%b,%b,%b,%b,%b,%b" % (
            position.lon,
            position.lat,
            _whole(position.accuracy_m),
            b"null" if speed is None else b"%.1f" % speed,
            _whole(position.heading_deg),
            _whole(battery_pct),
            told,
            _seconds(position.fixed_at),
            b"null" if heard_at == position.fixed_at else heard,
        )
        at_unit = _quoted(position.at_unit_code)
    return b"[%d,%b,%b,%d,%b,%b]" % (
        standing.person_id,
        _quoted(state),
        place,
        expected_s,
        at_unit,
        _quoted(reason),
    )


_CHARGING: Final = {None: b"null", True: b"true", False: b"false"}


@lru_cache(maxsize=100_000)
def _quoted(word: str | None) -> bytes:
    return orjson.dumps(word)


def _whole(value: float | None) -> bytes:
    return b"null" if value is None else b"%.0f" % value


def _seconds(at: datetime | None) -> bytes:
    """Since 1970; whole where it is whole: shorter."""
    if at is None:
        return b"null"
    epoch_s = at.timestamp()
    return b"%d" % epoch_s if at.microsecond == 0 else b"%.3f" % epoch_s


def _event(
    kind: str, at: datetime | None, whos: list[bytes], rows: list[bytes], gone: list[int] | None
) -> bytes:
    if at is None:
        raise ValueError("nothing was read yet")
    more = b',"columns":' + orjson.dumps(COLUMNS) if gone is None else b',"gone":' + orjson.dumps(gone)
    head = b'event: %s\nid: %d\ndata: {"at":%s' % (
        kind.encode(),
        to_cursor(at),
        orjson.dumps(at, option=orjson.OPT_UTC_Z),
    )
    return b"".join((head, more, b',"dots":[', b",".join(whos), b'],"moved":[', b",".join(rows), b"]}\n\n"))


def to_cursor(at: datetime) -> int:
    """The cursor of a frame: when its read began, in whole milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def from_cursor(text: str | None) -> datetime | None:
    """The instant of a cursor; None for one that is none of ours."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 14:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)
