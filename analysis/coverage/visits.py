"""Visits: runs of presence at one place by one person; how often, how long, and how long nobody came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.coverage.fixes import SECOND_US, SPAN_US, Bools, Ints
from analysis.coverage.pieces import Events


@dataclass(frozen=True)
class Visits:
    """By place, person and time. `dwell_us`: time inside; a visit proven by one fix alone lasts no time."""

    place: Ints
    person: Ints
    from_us: Ints
    to_us: Ints
    dwell_us: Ints
    proven: Bools

    def __len__(self) -> int:
        return len(self.place)


def find_visits(events: Events, *, gap_s: float) -> Visits:
    """Events of one person at one place with at most `gap_s` between them are one visit; proven if any of it is."""
    if not len(events):
        return Visits(*(getattr(events, name) for name in Visits.__dataclass_fields__))
    people, rank = np.unique(events.person, return_inverse=True)
    who = events.place * len(people) + rank
    order = np.lexsort((events.from_us, who))
    place, person, who = events.place[order], events.person[order], who[order]
    since, until = events.from_us[order], events.to_us[order]
    owner = np.cumsum(np.concatenate([[False], who[1:] != who[:-1]]))
    latest = np.maximum.accumulate(owner * SPAN_US + until)
    gap = round(gap_s * SECOND_US)
    opens = np.concatenate(
        [[True], (np.diff(owner) != 0) | (owner[1:] * SPAN_US + since[1:] > latest[:-1] + gap)]
    )
    first = np.flatnonzero(opens)
    return Visits(
        place[first],
        person[first],
        since[first],
        np.maximum.reduceat(until, first),
        np.add.reduceat(events.dwell_us[order], first),
        np.logical_or.reduceat(events.proven[order], first),
    )


def join_visits(groups: Sequence[Visits]) -> Visits:
    """Visits of people that come one after the other, in the one order."""
    order = np.argsort(np.concatenate([each.place for each in groups]), kind="stable")
    return Visits(
        *(
            np.concatenate([getattr(each, name) for each in groups])[order]
            for name in Visits.__dataclass_fields__
        )
    )


@dataclass(frozen=True)
class Frequency:
    """One row a place: proven visits, time spent in them, first and last instant (-1: none), longest time unvisited."""

    visits: Ints
    dwell_us: Ints
    first_us: Ints
    last_us: Ints
    unvisited_us: Ints


def count_visits(visits: Visits, places: int, *, until_us: int) -> Frequency:
    """Of the window [0, until_us): by whomever, one after the other. Never visited: unvisited for all of it."""
    proven = np.flatnonzero(visits.proven)
    place, since, until = visits.place[proven], visits.from_us[proven], visits.to_us[proven]
    first, last = np.full(places, -1), np.full(places, -1)
    longest = np.full(places, until_us)
    order = np.lexsort((until, since, place))
    place, since, until = place[order], since[order], until[order]
    if len(place):
        opens = np.concatenate([[True], np.diff(place) != 0])
        start = np.flatnonzero(opens)
        latest = np.maximum.accumulate(np.cumsum(opens) * SPAN_US + until) - np.cumsum(opens) * SPAN_US
        before = np.where(opens, 0, np.concatenate([[0], latest[:-1]]))
        here = place[start]
        ends = latest[np.append(start[1:], len(place)) - 1]
        first[here], last[here] = since[start], ends
        longest[here] = np.maximum(np.maximum.reduceat(since - before, start), until_us - ends)
    times = np.bincount(visits.place[proven], minlength=places).astype(np.int64)
    dwell = np.zeros(places, np.int64)
    np.add.at(dwell, visits.place[proven], visits.dwell_us[proven])
    return Frequency(times, dwell, first, last, longest)


def count_required(visits: Visits, least_s: Ints) -> Ints:
    """For each place the proven visits that lasted long enough."""
    enough = visits.proven & (visits.dwell_us >= least_s[visits.place] * SECOND_US)
    return np.bincount(visits.place[enough], minlength=len(least_s)).astype(np.int64)
