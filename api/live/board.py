"""What viewers are told: everybody as columns, put together once for each scope.

A person is two things: who (name, role, unit), told when the person comes or is another to viewers, and a place in
the columns (state, position, times), told whenever anything of it changes.
"""

import secrets
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from api.live.columns import tell_columns
from people.access import Scope
from tracking.live import EVERYWHERE, ROW, Changes, Places, Standing, grown, nothing, subtrees_of

REMEMBERED: Final = timedelta(minutes=10)
MOST_SCOPES: Final = 500
"""Of how many scopes it is remembered who is in them."""

Roots = frozenset[str]
_NOWHERE: Roots = frozenset()


def roots_of(scope: Scope) -> Roots:
    """The roots of the subtrees of a scope."""
    return frozenset({EVERYWHERE}) if scope.everywhere else frozenset(scope.paths)


class Cursor(NamedTuple):
    """How far a viewer was told: by which board, up to which of its reads. It goes with an event as its id."""

    mark: str
    read: int

    @property
    def text(self) -> str:
        return f"{self.mark}-{self.read}"


def read_cursor(text: str | None) -> Cursor | None:
    """None for one that is none of ours."""
    mark, dash, read = (text or "").partition("-")
    if not (dash and mark.isascii() and read.isascii() and read.isdecimal()) or len(read) > 12:
        return None
    return Cursor(mark, int(read))


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody who left these subtrees with a read."""

    at: datetime
    read: int
    place: int
    subtrees: Roots


@dataclass
class Board:
    """Everybody as told last, and who left in the last minutes. Nothing here reads or waits.

    By the places of the live map: `rows`, who they are, their subtrees, and with which read each last changed.
    """

    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    at: datetime | None = None
    reads: int = 0
    rows: NDArray[Any] = field(default_factory=lambda: nothing(ROW, 0))
    units: Mapping[int, str] = field(default_factory=dict)
    on: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    _told: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _stood: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _who: dict[int, bytes] = field(default_factory=dict)
    _subtrees: dict[int, Roots] = field(default_factory=dict)
    _within: dict[Roots, NDArray[np.bool_]] = field(default_factory=dict)
    _left: deque[Left] = field(default_factory=deque)
    _forgotten: int = 1

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.mark, self.reads)

    def take(self, changes: Changes, at: datetime) -> "News":
        """Take what a read at this instant found."""
        self.at, self.reads, self.units = at, self.reads + 1, changes.units
        self._make_room(changes)
        news = News(self, changes.places, changes.rows)
        for place in changes.gone.tolist():
            news.left.append(Left(at, self.reads, place, self._leave(place)))
        for place, standing in changes.stood.items():
            if left := self._stand(place, standing):
                news.left.append(Left(at, self.reads, place, left))
        self.rows[changes.places], self._told[changes.places] = changes.rows, self.reads
        self._left.extend(news.left)
        while self._left and self._left[0].at < at - REMEMBERED:
            self._forgotten = self._left.popleft().read
        return news

    def _make_room(self, changes: Changes) -> None:
        count = int(max(changes.places.max(initial=-1), changes.gone.max(initial=-1))) + 1
        if count > len(self.rows):
            self.rows, self.on = grown(self.rows, count), grown(self.on, count)
            self._told, self._stood = grown(self._told, count), grown(self._stood, count)
            self._within = {roots: grown(within, count) for roots, within in self._within.items()}

    def _stand(self, place: int, standing: Standing) -> Roots:
        """Who the person is from now on; the subtrees that they left by it."""
        who, subtrees = orjson.dumps(tell_who(standing)), subtrees_of(standing.paths)
        before = self._subtrees.get(place, _NOWHERE)
        if self._who.get(place) != who or subtrees != before:
            self._stood[place] = self.reads
        self._who[place], self._subtrees[place], self.on[place] = who, subtrees, True
        for roots, within in self._within.items():
            within[place] = not roots.isdisjoint(subtrees)
        return before - subtrees

    def _leave(self, place: int) -> Roots:
        self.on[place] = False
        del self._who[place]
        for within in self._within.values():
            within[place] = False
        return self._subtrees.pop(place)

    def within(self, roots: Roots) -> NDArray[np.bool_]:
        """By place: who is on duty in the subtrees."""
        if EVERYWHERE in roots:
            return self.on
        if roots not in self._within:
            if len(self._within) >= MOST_SCOPES:
                self._within.clear()
            self._within[roots] = within = np.zeros(len(self.on), bool)
            within[[place for place, own in self._subtrees.items() if not roots.isdisjoint(own)]] = True
        return self._within[roots]

    def tell_snapshot(self, roots: Roots) -> bytes:
        """Everybody of the subtrees who is on duty, as one event."""
        places = np.flatnonzero(self.within(roots))
        return self.tell("snapshot", places, self.whos(places), {})

    def tell_missed(self, roots: Roots, since: Cursor) -> bytes | None:
        """What changed in the subtrees since a cursor; None when that is not known here, or not any more."""
        if since.mark != self.mark or not self._forgotten <= since.read <= self.reads:
            return None
        within = self.within(roots)
        whos = self.whos(np.flatnonzero(within & (self._stood > since.read)))
        gone = self.gone(roots, (one for one in self._left if one.read > since.read))
        return self.tell("frame", np.flatnonzero(within & (self._told > since.read)), whos, {"gone": gone})

    def whos(self, places: Places) -> list[bytes]:
        return [self._who[place] for place in places.tolist()]

    def stood_now(self, places: Places) -> Places:
        """Who of these is somebody else since the last read."""
        return np.asarray(places[self._stood[places] == self.reads])

    def gone(self, roots: Roots, left: Iterable[Left]) -> list[int]:
        """The ids of those who left the subtrees and are in none of them now."""
        within = self.within(roots)
        places = {one.place for one in left if not roots.isdisjoint(one.subtrees) and not within[one.place]}
        return sorted(self.rows["person_id"][list(places)].tolist())

    def tell(self, kind: str, places: Places, whos: list[bytes], more: dict[str, Any]) -> bytes:
        """An event of these places."""
        if self.at is None:
            raise ValueError("nothing was read yet")
        head = orjson.dumps({"at": self.at, **more}, option=orjson.OPT_UTC_Z)[:-1]
        begin = f"event: {kind}\nid: {self.cursor.text}\ndata: ".encode()
        moved = tell_columns(self.rows[places], self.units)
        return b"".join((begin, head, b',"dots":[', b",".join(whos), b'],"moved":', moved, b"}\n\n"))


@dataclass
class News:
    """What one read changed, for as many scopes as somebody watches: the places told, their rows, and who left."""

    board: Board
    places: Places
    rows: NDArray[Any]
    left: list[Left] = field(default_factory=list)

    def tell_frame(self, roots: Roots, *, tick: bool) -> bytes:
        """What the subtrees see of it; b"" when it is nothing and no tick is due."""
        board = self.board
        places = self.places if EVERYWHERE in roots else self.places[board.within(roots)[self.places]]
        gone = board.gone(roots, self.left) if self.left else []
        if not (len(places) or gone or tick):
            return b""
        return board.tell("frame", places, board.whos(board.stood_now(places)), {"gone": gone})


def tell_who(standing: Standing) -> dict[str, Any]:
    """What does not change by moving."""
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
