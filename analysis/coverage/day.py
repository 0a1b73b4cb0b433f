"""One civil day of coverage, from arrays alone: the same rows in any order give the same day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.fixes import SECOND_US, Bools, Duty, Fixes, Ints, cut_duty, duty_of, order_fixes
from analysis.coverage.ground import Ground, Targets
from analysis.coverage.legs import LEG, cut_parts, find_legs
from analysis.coverage.near import Ways, find_presence_at
from analysis.coverage.people import DutyFigures, OwnGround, measure_duty
from analysis.coverage.pieces import find_presence
from analysis.coverage.rules import CoverageRules
from analysis.coverage.visits import Visits, find_visits
from geo.metric import plane_xy

MARGIN_US: Final = 240 * SECOND_US
"""Fixes of so much before and after the day are needed for the legs over its two midnights."""


@dataclass(frozen=True)
class UnitColumns:
    """Numerators of one definition: one row a unit, whole numbers."""

    numerator: Ints
    denominator: Ints
    possible: Ints


@dataclass(frozen=True)
class DayCoverage:
    """What one day's fixes prove. `passed` and `maybe`: doors and stretches by the ground's rows. `interval_us`: the
    median step of all legs, None without any: what the sampling can support.
    """

    until_us: int
    visits: Visits
    site_visits: Visits
    by_fixes: Ints
    driven: Ints
    streets: tuple[Bools, Bools]
    doors: tuple[Bools, Bools]
    duty: DutyFigures
    fixes: int
    interval_us: int | None
    accuracy_m: float | None


def cover_day(
    fixes: Fixes, duty: Duty, ground: Ground, own: OwnGround, *, rules: CoverageRules, until_us: int
) -> DayCoverage:
    """The day [0, until_us). `fixes` may reach MARGIN_US over both ends; only duty counts."""
    fixes, duty = order_fixes(fixes), cut_duty(duty, until_us=until_us)
    legs = find_legs(fixes, rules, until_us=until_us)
    parts = cut_parts(fixes, legs, duty)
    presence = find_presence(fixes, legs, parts, duty, ground=ground, rules=rules)
    xy = np.stack(plane_xy(fixes.lon, fixes.lat, ground.crs), axis=1)
    ways = Ways(fixes, legs, duty, xy, rules)
    at_sites = find_presence_at(ground.sites, fixes, legs, parts, duty, xy=xy, rules=rules)
    on = duty_of(duty, fixes.person, fixes.at_us) >= 0
    real = np.zeros(len(legs.kind), np.bool_)
    real[parts.leg] = legs.kind[parts.leg] == LEG
    told = fixes.accuracy_m[on & ~np.isnan(fixes.accuracy_m)]
    return DayCoverage(
        until_us=until_us,
        visits=find_visits(presence.events, gap_s=rules.visit_gap_s),
        site_visits=find_visits(at_sites, gap_s=rules.visit_gap_s),
        by_fixes=presence.by_fixes,
        driven=presence.driven,
        streets=ways.passed(ground.streets, rules.trail_buffer_m),
        doors=ways.passed(ground.doors, rules.passing_m),
        duty=measure_duty(fixes, legs, parts, duty, own=own, rules=rules),
        fixes=int(on.sum()),
        interval_us=int(np.median(legs.lasts_us[real])) if real.any() else None,
        accuracy_m=float(np.median(told)) if len(told) else None,
    )


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
