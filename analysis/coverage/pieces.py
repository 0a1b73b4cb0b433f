"""Who was in which piece of ground, from when to when, and whether that is proven: events that become visits."""

from dataclasses import dataclass

import numpy as np

from analysis.coverage.crossings import find_crossings
from analysis.coverage.fixes import Bools, Floats, Ints
from analysis.coverage.ground import Ground
from analysis.coverage.legs import LEG, VEHICLE, Tracks
from analysis.coverage.plane.squares import Places
from analysis.coverage.rules import CoverageRules


@dataclass(frozen=True)
class Events:
    """`place` (a piece or a site), `person`, from, to (microseconds of the window), time spent, whether proven."""

    place: Ints
    person: Ints
    from_us: Ints
    to_us: Ints
    dwell_us: Ints
    proven: Bools

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class Presence:
    """Events of all pieces; `by_fixes`: pieces with a sure fix, on foot or not; `driven`: those passed by a vehicle."""

    events: Events
    by_fixes: Ints
    driven: Ints


def find_presence(tracks: Tracks, places: Places, ground: Ground) -> Presence:
    """Events of every piece on which somebody on duty was seen, or may have been; `places`: the fixes in the plane."""
    fixes, on = tracks.fixes, tracks.on
    piece = ground.pieces.find(fixes.lon, fixes.lat, fixes.unit)
    seen = (on >= 0) & (piece >= 0)
    proves = seen & tracks.sure & ~tracks.driving
    staying, held = _staying(tracks, piece, proves)
    lone = np.flatnonzero(seen & ~tracks.driving & ~held)
    at, no_time = fixes.at_us[lone], np.zeros(len(lone), np.int64)
    instants = Events(piece[lone], fixes.person[lone], at, at, no_time, proves[lone])
    crossing = _crossing(tracks, piece, places, ground)
    return Presence(
        join_events(staying, _unheld(instants, staying), _long_enough(crossing, tracks.rules)),
        _distinct(piece[seen & tracks.sure], len(ground.pieces)),
        _distinct(piece[seen & tracks.driving], len(ground.pieces)),
    )


def find_fixed(tracks: Tracks, ground: Ground) -> Events:
    """Every sure fix on a piece, on foot or by a vehicle, each for an instant."""
    fixes = tracks.fixes
    piece = ground.pieces.find(fixes.lon, fixes.lat, fixes.unit)
    rows = np.flatnonzero((tracks.on >= 0) & (piece >= 0) & tracks.sure)
    at = fixes.at_us[rows]
    return Events(
        piece[rows], fixes.person[rows], at, at, np.zeros(len(rows), np.int64), np.ones(len(rows), np.bool_)
    )


def _staying(tracks: Tracks, piece: Ints, proves: Bools) -> tuple[Events, Bools]:
    """Runs of parts that begin and end in one piece, each run one event; and the fixes on duty that are in one: they prove
    no more than their run does.
    """
    fixes, legs, parts = tracks.fixes, tracks.legs, tracks.parts
    held = np.zeros(len(fixes), np.bool_)
    start = legs.start[parts.leg]
    own = np.flatnonzero(
        ((legs.kind == LEG) & (legs.mode != VEHICLE))[parts.leg]
        & (piece[start] >= 0)
        & (piece[start] == piece[start + 1])
    )
    if not len(own):
        return _NOTHING, held
    at, duty = start[own], parts.duty[own]
    place = piece[at]
    follows = (at[1:] == at[:-1] + 1) & (place[1:] == place[:-1]) & (duty[1:] == duty[:-1])
    first = np.flatnonzero(np.concatenate([[True], ~follows]))
    last = np.append(first[1:], len(own)) - 1
    for ends in (at, at + 1):
        held[ends[tracks.on[ends] == duty]] = True
    staying = Events(
        place[first],
        fixes.person[at[first]],
        parts.from_us[own[first]],
        parts.to_us[own[last]],
        np.add.reduceat(parts.credited_us[own], first),
        np.logical_or.reduceat(proves[at] | proves[at + 1], first),
    )
    return staying, held


def _unheld(instants: Events, staying: Events) -> Events:
    """The instants that no staying event holds, or that prove what it does not: few, where phones report often."""
    if not len(staying) or not len(instants):
        return instants
    width = 1 << 40
    people = np.unique(staying.person)
    owners = staying.place * len(people) + np.searchsorted(people, staying.person)
    owner = instants.place * len(people) + np.searchsorted(people, instants.person)
    order = np.lexsort((staying.from_us, owners))
    owners = owners[order]
    opens = np.concatenate([[True], owners[1:] != owners[:-1]])
    groups = owners[opens]
    keys = (np.cumsum(opens) - 1) * width + staying.from_us[order]
    slot = np.minimum(np.searchsorted(groups, owner), len(groups) - 1)
    before = np.searchsorted(keys, slot * width + instants.from_us, side="right") - 1
    here = order[np.maximum(before, 0)]
    held = (
        (before >= 0)
        & (staying.place[here] == instants.place)
        & (staying.person[here] == instants.person)
        & (staying.to_us[here] >= instants.from_us)
        & (staying.proven[here] | ~instants.proven)
    )
    return take_events(instants, np.flatnonzero(~held))


def _distinct(rows: Ints, count: int) -> Ints:
    """Which of `count` rows are there, ascending."""
    there = np.zeros(count, np.bool_)
    there[rows] = True
    return np.flatnonzero(there)


@dataclass(frozen=True)
class _Crossed:
    events: Events
    length_m: Floats


def _crossing(tracks: Tracks, piece: Ints, places: Places, ground: Ground) -> _Crossed:
    """What legs from one piece to another crossed on the straight line, by length."""
    fixes, legs, parts = tracks.fixes, tracks.legs, tracks.parts
    start = legs.start[parts.leg]
    own = np.flatnonzero(
        ((legs.kind == LEG) & (legs.mode != VEHICLE))[parts.leg]
        & (piece[start] != piece[start + 1])
        & (parts.to_us - parts.from_us == legs.lasts_us[parts.leg])
    )
    leg, at = parts.leg[own], start[own]
    begin, end = places[at], places[at + 1]
    found = find_crossings(ground.pieces.borders, begin, end, (piece[at], piece[at + 1]))
    line = found.leg
    since, lasts = parts.from_us[own][line], legs.lasts_us[leg][line]
    events = Events(
        found.piece,
        fixes.person[at[line]],
        since + np.rint(lasts * found.near).astype(np.int64),
        since + np.rint(lasts * found.far).astype(np.int64),
        np.floor(parts.credited_us[own][line] * found.share).astype(np.int64),
        legs.proving[leg][line],
    )
    return _Crossed(events, found.share * np.abs(end - begin)[line])


def _long_enough(crossed: _Crossed, rules: CoverageRules) -> Events:
    """A leg that only touches a piece does not prove it; its time there is not counted where nothing is proven."""
    events, proven = crossed.events, crossed.events.proven & (crossed.length_m >= rules.crossing_m)
    dwell = np.where(events.proven, events.dwell_us, 0)
    return Events(events.place, events.person, events.from_us, events.to_us, dwell, proven)


def take_events(events: Events, rows: Ints) -> Events:
    return Events(*(getattr(events, name)[rows] for name in Events.__dataclass_fields__))


def join_events(*groups: Events) -> Events:
    return Events(
        *(np.concatenate([getattr(each, name) for each in groups]) for name in Events.__dataclass_fields__)
    )


_NONE = np.empty(0, np.int64)
_NOTHING = Events(_NONE, _NONE, _NONE, _NONE, _NONE, np.empty(0, np.bool_))
