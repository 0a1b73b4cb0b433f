"""Which visits of which things prove a figure: what each of them proves, and what all of them do, each thing once."""

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np

from analysis.coverage.fixes import SECOND_US, SPAN_US, Ints, Shapes
from analysis.coverage.ground import Ground, Targets
from analysis.coverage.legs import Tracks
from analysis.coverage.near import Ways, find_presence_at
from analysis.coverage.pieces import Events, find_fixed, find_presence
from analysis.coverage.plane.squares import Places
from analysis.coverage.visits import Visits, find_visits
from geo.cells import cell_name

Measure = Literal["area", "area_by_fixes", "streets", "doors", "households", "required"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)


@dataclass(frozen=True)
class Evidence:
    """Proven visits, one row each, by what was visited, person and time. `name`: of the cell, street, address or site; `unit`:
    row of the ground's units. `amount`: what it proves, in the measure of the figure; 0: too short for what a site requires.
    `total`: what all of them prove; a piece, stretch or door counts once, a site as often as it was visited.
    """

    person: Ints
    from_us: Ints
    to_us: Ints
    unit: Ints
    name: Shapes
    amount: Ints
    total: int

    def __len__(self) -> int:
        return len(self.person)


def find_evidence(measure: Measure, tracks: Tracks, places: Places, ground: Ground) -> Evidence:
    """Of the ground and of what stands on it; `places`: the fixes in the plane."""
    if measure == "streets":
        return _of_streets(tracks, places, ground)
    if measure in ("doors", "households"):
        return _of_doors(tracks, places, ground, households=measure == "households")
    if measure == "required":
        return _of_sites(tracks, places, ground)
    events = find_presence(tracks, places, ground).events if measure == "area" else find_fixed(tracks, ground)
    visits = _proven(events, tracks)
    place, pieces = visits.place, ground.pieces
    name = np.array([cell_name(int(cell)) for cell in pieces.cell[place]], object)
    total = int(pieces.area_cm2[np.unique(place)].sum())
    return _told(visits, pieces.unit[place], name, pieces.area_cm2[place], total)


def _proven(events: Events, tracks: Tracks) -> Visits:
    visits = find_visits(events, gap_s=tracks.rules.visit_gap_s)
    rows = np.flatnonzero(visits.proven)
    return Visits(*(getattr(visits, name)[rows] for name in Visits.__dataclass_fields__))


def _told(visits: Visits, unit: Ints, name: Shapes, amount: Ints, total: int) -> Evidence:
    return Evidence(visits.person, visits.from_us, visits.to_us, unit, name, amount, total)


def _of_streets(tracks: Tracks, places: Places, ground: Ground) -> Evidence:
    """A walk along a street of a unit is one visit, however many of its stretches it passed."""
    streets = ground.streets
    passings = Ways(tracks, places).passings(streets, tracks.rules.trail_buffer_m)
    street, stretch = _streets_of(streets)
    events = replace(passings, place=street[passings.place])
    visits = _proven(events, tracks)
    passed = np.unique(
        np.stack([_visit_of(visits, events), passings.place]), axis=1
    )  # each stretch once a visit
    amount = np.zeros(len(visits), np.int64)
    np.add.at(amount, passed[0], streets.weight[passed[1]])
    total = int(streets.weight[np.unique(passings.place)].sum())
    one = stretch[visits.place]
    return _told(visits, streets.unit[one], _names(streets)[one], amount, total)


def _streets_of(streets: Targets) -> tuple[Ints, Ints]:
    """Of each stretch the number of its street in its unit, and of each of those one of its stretches."""
    if not len(streets):
        return streets.unit, streets.unit
    _, name = np.unique(_names(streets).astype(str), return_inverse=True)
    keys = np.stack([streets.unit, name.reshape(-1)])
    _, stretch, street = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    return street.reshape(-1).astype(np.int64), stretch.astype(np.int64)


def _visit_of(visits: Visits, events: Events) -> Ints:
    """Of each event the row of the visit it is part of: the last one of its person and place that began by then."""
    people = np.unique(visits.person)
    starts, wanted = (
        (each.place * len(people) + np.searchsorted(people, each.person)) * SPAN_US + each.from_us
        for each in (visits, events)
    )
    return np.searchsorted(starts, wanted, side="right") - 1


def _of_doors(tracks: Tracks, places: Places, ground: Ground, *, households: bool) -> Evidence:
    doors = ground.doors
    visits = _proven(Ways(tracks, places).passings(doors, tracks.rules.passing_m), tracks)
    weight = doors.weight if households else np.ones(len(doors), np.int64)
    total = int(weight[np.unique(visits.place)].sum())
    return _told(visits, doors.unit[visits.place], _names(doors)[visits.place], weight[visits.place], total)


def _of_sites(tracks: Tracks, places: Places, ground: Ground) -> Evidence:
    sites = ground.sites
    visits = _proven(find_presence_at(sites, tracks, places), tracks)
    enough = (visits.dwell_us >= sites.least_s[visits.place] * SECOND_US).astype(np.int64)
    name = np.array(sites.name or sites.code, object)[visits.place]
    return _told(visits, sites.unit[visits.place], name, enough, int(enough.sum()))


def _names(targets: Targets) -> Shapes:
    return np.full(len(targets), "", object) if targets.name is None else targets.name
