"""What holds for every patrol, however it is drawn: order, splits and late arrival, sums, bounds."""

from dataclasses import fields
from itertools import pairwise
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage.day import DayCoverage, sum_units
from analysis.coverage.fixes import Fixes, order_fixes
from analysis.coverage.legs import find_legs
from analysis.coverage.rules import CoverageRules
from analysis.coverage.standing import find_standing
from analysis.coverage.visits import count_required, count_visits
from geo.metric import short_distance_m
from tests.analysis.coverage.streets import (
    DAY_US,
    RULES,
    START_S,
    both,
    cells_ground,
    cover,
    doors_at,
    on_duty,
    own,
    together,
    walk,
)
from tracking.trails import find_stays

UNITS = "AABBCC"
GROUND = cells_ground(
    [3, 5, 7, 11, 13, 17], units=UNITS, doors=doors_at((3, 10), (12, -20), (27, 5), (44, 0), households=2)
)
STEPS = st.lists(
    st.tuples(
        st.integers(1, 400),
        st.floats(-2, 2).map(lambda u: round(u, 3)),
        st.sampled_from([3.0, 25.0, 50.0, 90.0]),
    ),
    min_size=1,
    max_size=60,
)


def patrol(steps: list[tuple[int, float, float]], person: int) -> Fixes:
    """Steps of (seconds, columns, accuracy) from the middle of the row, kept on it."""
    at = START_S + np.cumsum([waited for waited, *_ in steps])
    made = walk(list(zip(at.tolist(), columns_of(steps), strict=True)), person=person, units=UNITS)
    made.accuracy_m[:] = [accuracy for *_, accuracy in steps]
    return made


def columns_of(steps: list[tuple[int, float, float]]) -> list[float]:
    """Where each step ends."""
    column, columns = 25.0, []
    for _, way, _ in steps:
        column = min(max(column + way, -3.0), 53.0)
        columns.append(column)
    return columns


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))  # type: ignore[call-overload]
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))  # type: ignore[arg-type]
    return one == other


def duty_of_both() -> object:
    return both(
        on_duty((START_S, START_S + 3000), (START_S + 3600, START_S + 9000), person=1),
        on_duty((START_S + 500, START_S + 20_000), person=2),
    )


def covered(fixes: Fixes) -> DayCoverage:
    return cover(fixes, GROUND, duty=duty_of_both(), grid=own(5, 35))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(STEPS, STEPS, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_gives_the_same_day(one, other, dice):
    fixes = together(patrol(one, 1), patrol(other, 2))
    rows = list(range(len(fixes))) + [dice.randrange(len(fixes)) for _ in range(5)]
    dice.shuffle(rows)
    assert same(covered(fixes.take(np.array(rows))), covered(fixes))


@settings(deadline=None, max_examples=60)
@given(STEPS, STEPS)
def test_people_apart_are_the_people_together(one, other):
    """A late fix touches its person alone: the day of two people is the union of theirs."""
    first, second = patrol(one, 1), patrol(other, 2)
    apart, day = [covered(first), covered(second)], covered(together(first, second))
    assert np.array_equal(day.duty.times_us[:2], apart[0].duty.times_us[:2])
    assert np.array_equal(day.duty.times_us[2:], apart[1].duty.times_us[2:])
    assert np.array_equal(day.duty.ways_mm, apart[0].duty.ways_mm + apart[1].duty.ways_mm)
    assert set(day.by_fixes) == set(apart[0].by_fixes) | set(apart[1].by_fixes)
    rows = sorted(zip(*(getattr(day.visits, f.name).tolist() for f in fields(day.visits)), strict=True))
    each = [
        row
        for part in apart
        for row in zip(*(getattr(part.visits, f.name).tolist() for f in fields(part.visits)), strict=True)
    ]
    assert rows == sorted(each)
    assert np.array_equal(day.doors[0], apart[0].doors[0] | apart[1].doors[0])


@settings(deadline=None, max_examples=40)
@given(STEPS, STEPS, st.integers(1, 70))
def test_however_people_are_split_into_lots_the_day_is_the_same(one, other, at_once):
    fixes = together(patrol(one, 1), patrol(other, 2))
    with patch("analysis.coverage.day.FIXES_AT_ONCE", at_once):
        split = covered(fixes)
    assert same(split, covered(fixes))


@settings(deadline=None, max_examples=60)
@given(STEPS, st.data())
def test_a_day_to_which_a_late_fix_was_added_is_that_from_scratch(steps, data):
    """Fixes in any order of arrival, the last of them late, another person's beside them."""
    fixes, other = patrol(steps, 1), patrol([(10, 0.5, 3.0)] * 20, 2)
    order = np.array(data.draw(st.permutations(range(len(fixes)))))
    arrived = together(fixes.take(order[:-1]), other, fixes.take(order[-1:]))
    assert same(covered(arrived), covered(together(fixes, other)))


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_how_fast_somebody_goes_is_told_by_the_way_half_a_minute_before_and_after(steps):
    fixes = order_fixes(patrol(steps, 1))
    at, metres = (
        fixes.at_us / 1e6,
        short_distance_m(fixes.lon[:-1], fixes.lat[:-1], fixes.lon[1:], fixes.lat[1:]),
    )
    legs = find_legs(fixes, RULES, until_us=DAY_US)
    linked = (legs.kind == 0) & ~legs.still
    gone = np.concatenate([[0.0], np.cumsum(np.where(linked, metres, 0))])
    for step in range(len(linked)):
        first = last = step
        while linked[step] and first > 0 and linked[first - 1]:
            first -= 1
        while linked[step] and last + 1 < len(linked) and linked[last + 1]:
            last += 1
        middle = (at[step] + at[step + 1]) / 2
        ends = np.array([max(middle - 30, at[first]), min(middle + 30, at[last + 1])])
        speed = np.diff(np.interp(ends, at, gone))[0] / np.diff(ends)[0] if linked[step] else 0.0
        if min(abs(speed - RULES.ride_mps), abs(speed - RULES.vehicle_mps)) > 1e-3:
            assert legs.mode[step] == sum(bool(speed > each) for each in (RULES.ride_mps, RULES.vehicle_mps))


@settings(deadline=None, max_examples=80)
@given(STEPS, st.data())
def test_more_fixes_never_lower_the_coverage_by_fixes(steps, data):
    fixes = patrol(steps, 1)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(fixes), max_size=len(fixes))))
    few, all_of_them = covered(fixes.take(kept)), covered(fixes)
    assert set(few.by_fixes) <= set(all_of_them.by_fixes)


@settings(deadline=None, max_examples=80)
@given(STEPS.filter(lambda steps: len(steps) > 2), st.integers(1, 58))
def test_one_more_fix_changes_coverage_by_segments_only_along_the_leg_it_replaces_and_those_judged_by_it(
    steps, place
):
    """By the rules as they are: what a leg proves hangs on its speed from 30 s before its middle to 30 s after, and on whether
    it lies in a stay; so a leg near the replaced one may turn a ride into a walk, and none that lies farther.
    """
    steps = [(min(waited, 59), way, 3.0) for waited, way, _ in steps]
    place = min(place, len(steps) - 2)
    rules, fixes = CoverageRules(), patrol(steps, 1)
    fewer = fixes.take(np.arange(len(fixes)) != place)
    changed = set(proven(cover(fixes, GROUND, rules=rules))) ^ set(proven(cover(fewer, GROUND, rules=rules)))
    one, other, columns = judged(fixes, rules), judged(fewer, rules), columns_of(steps)
    at = dict(zip(fixes.at_us.tolist(), columns, strict=True))
    replaced = (int(fixes.at_us[place - 1]), int(fixes.at_us[place + 1]))
    turned = {ends for ends in one.keys() & other.keys() if one[ends] != other[ends]}
    spans = [columns[place - 1 : place + 2], *([at[since], at[until]] for since, until in turned)]
    allowed = {cell for span in spans for cell in range(round(min(span) / 10), round(max(span) / 10) + 1)}
    assert changed <= allowed
    stirred = [replaced, *(ends for ends in turned if one[ends][0] != other[ends][0])]
    for ends in turned:
        middle, reach = sum(ends) // 2, round(rules.window_s * 1e6)
        assert any(since <= middle + reach and until >= middle - reach for since, until in stirred), ends


def judged(fixes: Fixes, rules: CoverageRules) -> dict[tuple[int, int], tuple[bool, int]]:
    """Of every leg by its two instants whether it lies in a stay, and its mode."""
    legs = find_legs(fixes, rules, until_us=DAY_US)
    ends = zip(fixes.at_us[legs.start].tolist(), fixes.at_us[legs.start + 1].tolist(), strict=True)
    return dict(zip(ends, zip(legs.still.tolist(), legs.mode.tolist(), strict=True), strict=True))


def proven(day: DayCoverage) -> list[int]:
    return day.visits.place[day.visits.proven].tolist()


@settings(deadline=None, max_examples=60)
@given(STEPS, STEPS)
def test_every_share_is_between_nothing_and_all_and_units_add_up(one, other):
    day = covered(together(patrol(one, 1), patrol(other, 2)))
    whole = cells_ground([3, 5, 7, 11, 13, 17], doors=GROUND.doors)
    for key, columns in sum_units(day, GROUND).items():
        assert (columns.numerator >= 0).all(), key
        assert (columns.numerator + columns.possible <= columns.denominator).all(), key
        city = sum_units(day, whole)[key]
        for name in ("numerator", "denominator", "possible"):
            assert getattr(columns, name).sum() == getattr(city, name).sum(), (key, name)


@settings(deadline=None, max_examples=60)
@given(STEPS, STEPS)
def test_the_times_of_a_person_add_up_to_the_shift(one, other):
    day = covered(together(patrol(one, 1), patrol(other, 2)))
    assert (day.duty.times_us >= 0).all()
    assert np.array_equal(day.duty.times_us.sum(axis=1), day.duty.duty.lasts_us)
    assert (day.duty.ways_mm >= 0).all()


@settings(deadline=None, max_examples=60)
@given(STEPS, STEPS)
def test_visits_do_not_overlap_and_last_no_longer_than_they_took(one, other):
    day = covered(together(patrol(one, 1), patrol(other, 2)))
    visits = day.visits
    assert (visits.dwell_us <= visits.to_us - visits.from_us).all()
    beside = (np.diff(visits.place) == 0) & (np.diff(visits.person) == 0)
    assert (visits.from_us[1:][beside] - visits.to_us[:-1][beside] > RULES.visit_gap_s * 1e6).all()
    seen = count_visits(visits, 6, until_us=DAY_US)
    assert ((seen.unvisited_us > 0) & (seen.unvisited_us <= DAY_US)).all()
    assert (count_required(visits, np.zeros(6, np.int64)) == seen.visits).all()
    assert (count_required(visits, np.full(6, 100)) <= seen.visits).all()


@settings(deadline=None, max_examples=100)
@given(STEPS)
def test_standing_is_what_trails_call_a_stay(steps):
    fixes = order_fixes(patrol(steps, 1))
    legs = find_legs(fixes, RULES, until_us=DAY_US)
    linked = legs.kind == 0
    standing = find_standing(fixes, linked, RULES.trail)
    expected = np.zeros(len(linked), bool)
    edges = [0, *(np.flatnonzero(~linked) + 1).tolist(), len(fixes)]
    for first, end in pairwise(edges):
        run = slice(first, end)
        for stay in find_stays(
            fixes.at_us[run] / 1e6, fixes.lon[run], fixes.lat[run], radius_m=50, least_s=180
        ):
            expected[first + stay.first : first + stay.last] = True
    assert np.array_equal(standing, expected)
