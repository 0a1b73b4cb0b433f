"""One civil day of coverage, from arrays alone: the same rows in any order give the same day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.fixes import (
    SECOND_US,
    Bools,
    Duty,
    Fixes,
    Ints,
    cut_duty,
    order_fixes,
)
from analysis.coverage.ground import Ground, Targets
from analysis.coverage.legs import LEG, Tracks, follow
from analysis.coverage.measures.sampling import Sampling, join_samplings, middle_of, tally
from analysis.coverage.measures.traces import Traces, find_traces, join_traces
from analysis.coverage.near import Ways, find_presence_at
from analysis.coverage.people import DutyFigures, OwnGround, join_duty, measure_duty
from analysis.coverage.pieces import Events, find_presence
from analysis.coverage.rules import CoverageRules
from analysis.coverage.visits import Visits, find_visits, join_visits

MARGIN_US: Final = 240 * SECOND_US
"""Fixes of so much before and after the day are needed for the legs over its two midnights."""
FIXES_AT_ONCE: Final = 250_000


@dataclass(frozen=True)
class UnitColumns:
    """Numerators of one definition: one row a unit, whole numbers."""

    numerator: Ints
    denominator: Ints
    possible: Ints


@dataclass(frozen=True)
class DayCoverage:
    """What one day's fixes prove. `passed` and `maybe`: doors and stretches by the ground's rows. `interval_us`: the
    median step of all legs in whole seconds, None without any: what the sampling can support; `sampling`: the same by unit.
    `unit_visits`: those of the deepest units, whose places are the ground's units. `traces` None: read back from files.
    """

    until_us: int
    visits: Visits
    unit_visits: Visits
    site_visits: Visits
    by_fixes: Ints
    driven: Ints
    streets: tuple[Bools, Bools]
    doors: tuple[Bools, Bools]
    duty: DutyFigures
    fixes: int
    interval_us: int | None
    accuracy_m: float | None
    sampling: Sampling
    traces: Traces | None


def cover_day(
    fixes: Fixes, duty: Duty, ground: Ground, own: OwnGround, *, rules: CoverageRules, until_us: int
) -> DayCoverage:
    """The day [0, until_us). `fixes` may reach MARGIN_US over both ends; only duty counts.

    People are taken some at a time, which keeps memory bounded and near: nobody's figures hang on anybody else's.
    """
    fixes, duty = order_fixes(fixes), cut_duty(duty, until_us=until_us)
    parts = [
        cover_people(some, their_duty, ground, own, rules=rules, until_us=until_us)
        for some, their_duty in _some_at_a_time(fixes, duty)
    ]
    return join_days(parts)


def join_days(parts: Sequence[DayCoverage]) -> DayCoverage:
    """The day of everybody with its medians, from days of some people each that have their traces."""
    traces = [part.traces for part in parts if part.traces is not None]
    return join_people(
        parts,
        interval_us=interval_of(middle_of([(each.steps_s.value, each.steps_s.count) for each in traces])),
        accuracy_m=middle_of([(each.accuracy_m.value, each.accuracy_m.count) for each in traces]),
    )


def interval_of(middle_s: float | None) -> int | None:
    """Microseconds of a median in seconds."""
    return None if middle_s is None else round(middle_s * SECOND_US)


def _some_at_a_time(fixes: Fixes, duty: Duty) -> Iterator[tuple[Fixes, Duty]]:
    """Runs of whole people with about FIXES_AT_ONCE fixes, ascending; the last has everybody else on duty."""
    first, since = 0, 0
    while len(fixes) - first > FIXES_AT_ONCE:
        person = fixes.person[first + FIXES_AT_ONCE]
        last = int(np.searchsorted(fixes.person, person, side="right"))
        until = int(np.searchsorted(duty.person, person, side="right"))
        yield fixes.take(slice(first, last)), duty.take(slice(since, until))
        first, since = last, until
    yield fixes.take(slice(first, None)), duty.take(slice(since, None))


def cover_people(
    fixes: Fixes, duty: Duty, ground: Ground, own: OwnGround, *, rules: CoverageRules, until_us: int
) -> DayCoverage:
    """The day of some people alone, without medians; fixes in their order, duty cut to the day."""
    tracks = follow(fixes, duty, rules, until_us=until_us)
    legs, parts = tracks.legs, tracks.parts
    places = ground.places_of(fixes)
    presence = find_presence(tracks, places, ground)
    ways, on = Ways(tracks, places), tracks.on >= 0
    real = np.zeros(len(legs.kind), np.bool_)
    real[parts.leg] = legs.kind[parts.leg] == LEG
    visits = find_visits(presence.events, gap_s=rules.visit_gap_s)
    return DayCoverage(
        until_us=until_us,
        visits=visits,
        unit_visits=find_visits(_in_units(visits, ground), gap_s=rules.visit_gap_s),
        site_visits=find_visits(find_presence_at(ground.sites, tracks, places), gap_s=rules.visit_gap_s),
        by_fixes=presence.by_fixes,
        driven=presence.driven,
        streets=ways.passed(ground.streets, rules.trail_buffer_m),
        doors=ways.passed(ground.doors, rules.passing_m),
        duty=measure_duty(tracks, own),
        fixes=int(on.sum()),
        interval_us=None,
        accuracy_m=None,
        sampling=_sampling(tracks, real, on),
        traces=find_traces(tracks),
    )


def _in_units(visits: Visits, ground: Ground) -> Events:
    """The proven visits of pieces as events of their units: from piece to piece of a unit nobody leaves it."""
    rows = np.flatnonzero(visits.proven)
    unit = ground.pieces.unit[visits.place[rows]]
    times = (visits.from_us[rows], visits.to_us[rows], visits.dwell_us[rows])
    return Events(unit, visits.person[rows], *times, visits.proven[rows])


def _sampling(tracks: Tracks, real: Bools, on: Bools) -> Sampling:
    """Each leg tells of the units at both its ends, each fix on duty of the unit it lies in."""
    unit, legs = tracks.fixes.unit, tracks.legs
    start, seconds = legs.start[real], np.rint(legs.lasts_us[real] / SECOND_US).astype(np.int64)
    crosses = unit[start] != unit[start + 1]
    told = on & ~np.isnan(tracks.fixes.accuracy_m)
    return Sampling(
        tally(np.append(unit[start], unit[start + 1][crosses]), np.append(seconds, seconds[crosses])),
        tally(unit[told], np.rint(tracks.fixes.accuracy_m[told]).astype(np.int64)),
    )


def join_people(
    days: Sequence[DayCoverage], *, interval_us: int | None, accuracy_m: float | None
) -> DayCoverage:
    """The day of everybody from those of some people each; the medians are of all of them together."""
    traces = [day.traces for day in days if day.traces is not None]
    return DayCoverage(
        until_us=days[0].until_us,
        visits=join_visits([day.visits for day in days]),
        unit_visits=join_visits([day.unit_visits for day in days]),
        site_visits=join_visits([day.site_visits for day in days]),
        by_fixes=np.unique(np.concatenate([day.by_fixes for day in days])),
        driven=np.unique(np.concatenate([day.driven for day in days])),
        streets=_either([day.streets for day in days]),
        doors=_either([day.doors for day in days]),
        duty=join_duty([day.duty for day in days]),
        fixes=sum(day.fixes for day in days),
        interval_us=interval_us,
        accuracy_m=accuracy_m,
        sampling=join_samplings([day.sampling for day in days]),
        traces=join_traces(traces) if len(traces) == len(days) else None,
    )


def _either(passed: Sequence[tuple[Bools, Bools]]) -> tuple[Bools, Bools]:
    """Passed by anybody; possibly where by nobody surely."""
    proven = np.logical_or.reduce([each[0] for each in passed])
    return proven, np.logical_or.reduce([each[1] for each in passed]) & ~proven


def sum_units(day: DayCoverage, ground: Ground) -> dict[str, UnitColumns]:
    """By definition, each unit's numerators and denominators, whether observed or not."""
    units = len(ground.units)
    pieces = ground.pieces
    seen = np.zeros(len(pieces), np.bool_)
    seen[day.visits.place[day.visits.proven]] = True
    maybe = np.zeros(len(pieces), np.bool_)
    maybe[day.visits.place] = True
    fixed = np.zeros(len(pieces), np.bool_)
    fixed[day.by_fixes] = True
    ones = np.ones(len(ground.doors), np.int64)
    return {
        "area": _columns(pieces.unit, pieces.area_cm2, (seen, maybe & ~seen), units),
        "area_by_fixes": _columns(pieces.unit, pieces.area_cm2, (fixed, np.zeros_like(fixed)), units),
        "streets": _of_targets(ground.streets, ground.streets.weight, day.streets, units),
        "doors": _of_targets(ground.doors, ones, day.doors, units),
        "households": _of_targets(ground.doors, ground.doors.weight, day.doors, units),
    }


def _of_targets(targets: Targets, weight: Ints, passed: tuple[Bools, Bools], units: int) -> UnitColumns:
    return _columns(targets.unit, weight, passed, units)


def _columns(unit: Ints, weight: Ints, passed: tuple[Bools, Bools], units: int) -> UnitColumns:
    return UnitColumns(
        _summed(unit, np.where(passed[0], weight, 0), units),
        _summed(unit, weight, units),
        _summed(unit, np.where(passed[1], weight, 0), units),
    )


def _summed(unit: Ints, weight: Ints, units: int) -> Ints:
    total = np.zeros(units, np.int64)
    there = unit >= 0
    np.add.at(total, unit[there], weight[there])
    return total


def figure_of(columns: UnitColumns, key: str, rows: Ints, observed: Bools, *, as_of: datetime) -> Figure:
    """One figure of some units together: those nobody tracked serves stand outside, and are told."""
    own, rest = rows[observed[rows]], rows[~observed[rows]]
    return Figure(
        DEFINITIONS[key],
        int(columns.numerator[own].sum()),
        int(columns.denominator[own].sum()),
        as_of,
        possible=int(columns.possible[own].sum()),
        not_observed=int(columns.denominator[rest].sum()),
    )


def require_visits(visits: Ints, required: Ints) -> tuple[Ints, Ints]:
    """Of each site the visits that count and those required: no visit too many at one makes up for one missing elsewhere."""
    return np.minimum(visits, required), required
