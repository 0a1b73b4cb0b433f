"""Hand-drawn patrols: the figures are worked out by hand from the sketch, and stand in the test."""

from datetime import UTC, datetime

import numpy as np
import shapely

from analysis.coverage.day import figure_of, sum_units
from analysis.coverage.fixes import Fixes
from analysis.coverage.ground import NO_SITES, NO_TARGETS, Ground, Targets, cut_pieces
from analysis.coverage.measures.sampling import middles
from analysis.coverage.people import TIMES, WAYS
from analysis.coverage.visits import count_visits
from bench.ground import snapshot_of
from geo.metric import metric_crs_of, to_metres
from tests.analysis.coverage.streets import (
    DAY_US,
    START_S,
    area_m2,
    both,
    cells_ground,
    cover,
    doors_at,
    metres,
    on_duty,
    own,
    sketch,
    together,
    walk,
    ways_of,
)

S = 1_000_000


def times_s(day, row=0):
    return dict(zip(TIMES, (day.duty.times_us[row] / S).tolist(), strict=True))


def test_a_walk_over_three_cells_visits_those_three_and_no_other():
    #             A----|----B----|----C----|----D
    moves = sketch("ooooooooooooooooooooo")
    ground = cells_ground([1, 2, 4, 8])
    day = cover(walk(moves), ground)
    assert area_m2(day, ground) == (1 + 2 + 4, 15, 0)
    assert area_m2(day, ground, "area_by_fixes") == (7, 15, 0)
    assert times_s(day)["inside_moving"] == 200
    seen = count_visits(day.visits, 4, until_us=DAY_US)
    assert seen.visits.tolist() == [1, 1, 1, 0]
    # A for 5 columns, B for 10, C for 5, ten seconds each; cells are not quite of one width
    assert np.allclose(seen.dwell_us / S, [50, 100, 50, 0], atol=1)
    assert seen.unvisited_us[3] == DAY_US


def test_a_gap_across_a_block_is_never_walked():
    #        A----|----B----|----C----|----D
    #        ooo   … nothing for five minutes …   ooo
    before, after = sketch("ooo"), sketch(" " * 29 + "ooo", start_s=START_S + 320)
    ground = cells_ground([1, 2, 4, 8])
    day = cover(walk(before + after), ground, duty=on_duty((START_S, START_S + 340)))
    assert area_m2(day, ground) == (1 + 8, 15, 0)
    assert times_s(day) == {
        "inside_moving": 40,
        "inside_still": 0,
        "outside_moving": 0,
        "outside_still": 0,
        "unobserved": 300,
    }
    ways = dict(zip(WAYS, day.duty.ways_mm[0].tolist(), strict=True))
    assert ways["walked"] == ways_of(4)
    assert ways["silence"] == ways_of(27)


def test_standing_in_a_doorway_counts_time_and_adds_no_distance():
    #        A----|----B        eight minutes in the middle of B, the phone drifting 8 m to and fro
    rng = np.random.default_rng(1)
    moves = [(START_S + 10 * n, 10 + float(rng.uniform(-0.6, 0.6))) for n in range(49)]
    ground = cells_ground([1, 2, 4], doors=doors_at((10, 12), (10, 40)))
    day = cover(walk(moves), ground, duty=on_duty((START_S, START_S + 480)))
    assert times_s(day) == {
        "inside_moving": 0,
        "inside_still": 480,
        "outside_moving": 0,
        "outside_still": 0,
        "unobserved": 0,
    }
    assert day.duty.ways_mm[0, :2].tolist() == [0, 0]
    assert day.duty.ways_mm[0, WAYS.index("drift")] > 100_000
    assert area_m2(day, ground) == (2, 7, 0)
    assert day.visits.dwell_us.tolist() == [480 * S]
    assert day.doors[0].tolist() == [True, False]


def test_a_bus_ride_visits_nothing_and_its_kilometres_are_told_apart():
    #        A----|----B----|----C----|----D----|----E----|----F      12 m/s, a fix every 10 s
    moves = [(START_S + 10 * n, 9.2 * n) for n in range(6)]
    ground = cells_ground([1, 2, 4, 8, 16, 32])
    day = cover(walk(moves), ground, duty=on_duty((START_S, START_S + 50)))
    assert area_m2(day, ground) == (0, 63, 0)
    assert day.driven.tolist() == [0, 1, 2, 3, 4]  # the last fix comes when the shift has ended
    assert area_m2(day, ground, "area_by_fixes") == (31, 63, 0)
    assert day.duty.ways_mm[0, WAYS.index("vehicle")] == ways_of(46)
    assert day.duty.ways_mm[0].sum() == day.duty.ways_mm[0, WAYS.index("vehicle")]
    assert times_s(day)["inside_moving"] == 50


def test_a_ride_counts_and_is_not_a_walk():
    #        A----|----B----|----C      about 5 m/s
    moves = [(START_S + 10 * n, 4 * n) for n in range(6)]
    ground = cells_ground([1, 2, 4])
    day = cover(walk(moves), ground)
    assert area_m2(day, ground) == (7, 7, 0)
    assert day.duty.ways_mm[0, WAYS.index("ridden")] == ways_of(20)
    assert day.duty.ways_mm[0, WAYS.index("walked")] == 0


def test_a_walk_along_one_side_passes_the_doors_of_that_side_and_of_the_other_only_where_the_street_is_narrow():
    #     x        x        doors 40 m to the left
    #     ===================  walked 10 m left of the middle of the street
    #     x        x        doors 12 m to the right (22 m from the walker)
    #                                    x  12 m to the right, beyond the end
    moves = sketch("oooooooooooooooo")
    ground = cells_ground([1, 2], doors=doors_at((2, 40), (9, 40), (2, -12), (9, -12), (19, -12)))
    day = cover(walk(moves, aside_m=10), ground)
    assert day.doors[0].tolist() == [False, False, True, True, False]
    columns = sum_units(day, ground)["doors"]
    assert (columns.numerator.tolist(), columns.denominator.tolist()) == ([2], [5])


def test_streets_are_passed_within_fifteen_metres_by_millimetres_of_their_stretches():
    moves = sketch("ooooo")
    xy = np.array([metres(0.5, 10), metres(2, -14), metres(3, 18), metres(8, 0)])
    streets = Targets(np.zeros(4, np.int64), xy[:, 0], xy[:, 1], np.array([20_000, 20_000, 20_000, 7_500]))
    ground = cells_ground([1], streets=streets)
    columns = sum_units(cover(walk(moves), ground), ground)["streets"]
    assert (columns.numerator.tolist(), columns.denominator.tolist()) == ([40_000], [67_500])


def test_a_fix_on_the_border_of_two_units_is_of_the_one_that_placement_says_and_counts_once():
    #        +-----U0-----o-----U1-----+      one fix on the border itself, which lies within a cell
    units = np.array([shapely.box(114.0, 33.0, 114.004, 33.004), shapely.box(114.004, 33.0, 114.008, 33.004)])
    crs = metric_crs_of(units)
    pieces = cut_pieces(list(units), crs, 10, walkable={}, sliver=0)
    ground = Ground(crs, ("0", "1"), np.ones(2, bool), pieces, NO_TARGETS, NO_TARGETS, NO_SITES)
    lon, lat = np.array([114.004]), np.array([33.002])
    unit = snapshot_of(units).place_many(lon, lat).row.astype(np.int64)
    assert unit.tolist() == [0]  # the lower code
    at = np.array([START_S * S])
    fixes = Fixes(np.array([1]), np.array([1]), at, lon, lat, np.array([5.0]), unit)
    day = cover(fixes, ground)
    (place,) = day.visits.place.tolist()
    assert shapely.dwithin(pieces.shape[place], to_metres(shapely.points(lon, lat), crs), 0.01).all()
    columns = sum_units(day, ground)["area"]
    assert columns.numerator.tolist() == [pieces.area_cm2[place], 0]
    assert np.isclose(columns.denominator.sum(), shapely.area(to_metres(units, crs)).sum() * 1e4, rtol=1e-6)


def test_midnight_cuts_a_leg_in_two_and_each_day_has_its_half():
    #        23:59:55  B   00:00:05 B  … standing through midnight, a fix every 10 s from 23:50:05
    seconds = [86_400 - 595 + 10 * n for n in range(120)]
    ground = cells_ground([1, 2])
    fixes = walk([(s, 10) for s in seconds])
    duty = on_duty((86_400 - 595, 86_400 + 595))
    first = cover(fixes.take(fixes.at_us < DAY_US + 240 * S), ground, duty=duty)
    later = fixes.take(fixes.at_us >= DAY_US - 240 * S)
    later.at_us[:] -= DAY_US
    second = cover(later, ground, duty=on_duty((-595, 595)))
    assert times_s(first)["inside_still"] == 595
    assert times_s(second)["inside_still"] == 595
    assert first.visits.dwell_us.sum() + second.visits.dwell_us.sum() == 1190 * S


def test_two_shifts_each_have_their_own_times_and_what_lies_between_counts_for_nobody():
    #        A----|----B----|----C----|----D----|----E
    #        [ first ]  off    [ second   ]
    moves = sketch("ooooooooooooooooooooooooooooooooooooooooo")
    ground = cells_ground([1, 2, 4, 8, 16])
    duty = on_duty((START_S, START_S + 45), (START_S + 245, START_S + 400))
    day = cover(walk(moves), ground, duty=duty)
    assert day.duty.times_us.sum(axis=1).tolist() == [45 * S, 155 * S]
    assert [times_s(day, row)["inside_moving"] for row in (0, 1)] == [45, 155]
    assert area_m2(day, ground) == (1 + 4 + 8 + 16, 31, 0)


def test_two_people_at_one_place_are_two_visits_and_one_covered_cell():
    ground = cells_ground([1, 2, 4])
    one = walk([(START_S + 10 * n, 10) for n in range(10)], person=1)
    other = walk([(START_S + 1000 + 10 * n, 10) for n in range(10)], person=2)
    day = cover(together(one, other), ground)
    seen = count_visits(day.visits, 3, until_us=DAY_US)
    assert seen.visits.tolist() == [0, 2, 0]
    assert seen.dwell_us[1] == 180 * S
    assert area_m2(day, ground) == (2, 7, 0)
    assert seen.unvisited_us[1] == DAY_US - (START_S + 1090) * S


def test_two_phones_of_one_person_credit_each_second_and_metre_once():
    moves = sketch("ooooooooooo")
    later = [(s + 5, c + 0.5) for s, c in moves]
    ground = cells_ground([1, 2])
    alone = cover(walk(moves), ground, duty=on_duty((START_S, START_S + 105)))
    twice = cover(
        together(walk(moves), walk(later, device=9)), ground, duty=on_duty((START_S, START_S + 105))
    )
    assert times_s(twice)["inside_moving"] == 105
    assert times_s(alone)["inside_moving"] == 100
    assert twice.duty.ways_mm[0, 0] == ways_of(10.5)


def test_an_edition_that_moves_the_border_at_noon_is_fair_to_both_halves_of_the_day():
    #        A----|----B----|----C      a walk from B before noon, and again after noon
    #        own: up to column 15 until noon, from column 15 on afterwards
    noon = 12 * 3600
    moves = [(noon - 100 + 10 * n, 10 + n) for n in range(21)]
    grid = own(-5, 15, until_s=noon)
    after = own(15, 40, since_s=noon)
    both_grids = type(grid)(
        *(np.concatenate([getattr(grid, f), getattr(after, f)]) for f in grid.__dataclass_fields__)
    )
    ground = cells_ground([1, 2, 4])
    day = cover(walk(moves), ground, grid=both_grids, duty=on_duty((noon - 100, noon + 100)))
    # columns 10–15 inside until 50 s before noon, 15–20 outside; after noon all of 20–30 inside; the leg that ends at
    # noon begins outside the old ground and is judged by it: outside
    assert round(times_s(day)["outside_moving"], 2) == 50
    assert round(times_s(day)["inside_moving"], 2) == 150


def test_a_person_outside_the_own_grid_is_credited_there_too_and_the_border_is_cut_by_length():
    moves = sketch("ooooooooooo")
    day = cover(walk(moves), cells_ground([1, 2]), grid=own(-5, 4.5), duty=on_duty((START_S, START_S + 100)))
    assert abs(times_s(day)["inside_moving"] - 45) < 0.5
    assert times_s(day)["inside_moving"] + times_s(day)["outside_moving"] == 100


def test_an_inaccurate_fix_may_have_been_there_and_proves_nothing():
    ground = cells_ground([1, 2], doors=doors_at((0, 5)))
    day = cover(walk(sketch("o"), accuracy_m=90), ground)
    assert area_m2(day, ground) == (0, 3, 1)
    assert [side.tolist() for side in day.doors] == [[False], [True]]


def test_a_leg_too_long_to_prove_leaves_the_middle_possible():
    #        A----|----B----|----C      one fix in A, the next 100 s later in C
    ground = cells_ground([1, 2, 4])
    day = cover(walk([(START_S, 0), (START_S + 100, 20)]), ground)
    assert area_m2(day, ground) == (1 + 4, 7, 2)
    assert times_s(day)["inside_moving"] == 100


def test_a_unit_nobody_tracked_serves_stands_outside_the_denominator_and_is_told():
    ground = cells_ground([1, 2, 4, 8], units="AABB", observed=[True, False])
    day = cover(walk(sketch("ooo"), units="AABB"), ground)
    columns = sum_units(day, ground)["area"]
    figure = figure_of(
        columns, "area", np.array([0, 1]), ground.observed, as_of=datetime(2026, 6, 10, tzinfo=UTC)
    )
    assert (figure.numerator, figure.denominator, figure.not_observed) == (10_000, 30_000, 120_000)
    only = figure_of(columns, "area", np.array([1]), ground.observed, as_of=datetime(2026, 6, 10, tzinfo=UTC))
    assert only.share is None
    assert only.denominator == 0
    assert both(on_duty((0, 1)), on_duty((2, 3))).lasts_us.tolist() == [S, S]


def test_from_piece_to_piece_of_a_unit_is_one_visit_and_five_minutes_away_make_two() -> None:
    """A, B and C are one unit, D another: over A and B, six minutes in D, back over C."""
    #               A----|----B----|----C----|----D
    first = sketch("ooooooooooo")
    away_s = first[-1][0] + 60
    beyond = [(away_s + n * 10, 30.0 + n % 2) for n in range(37)]
    back = [(beyond[-1][0] + 60 + n * 10, 22.0 - n) for n in range(4)]
    day = cover(walk([*first, *beyond, *back], units="AAAB"), cells_ground([1, 1, 1, 1], units="AAAB"))
    seen = count_visits(day.unit_visits, 2, until_us=DAY_US)
    assert seen.visits.tolist() == [2, 1]
    assert seen.first_us[0] == START_S * S
    assert seen.unvisited_us[0] == DAY_US - seen.last_us[0]
    assert seen.dwell_us[1] >= 360 * S


def test_how_often_phones_spoke_is_told_of_each_unit_by_its_own_fixes() -> None:
    """One walks A every ten seconds, one stands in B every 300 s: the day's median is ten, that of B is 300."""
    quick = walk(sketch("oooooooooo", start_s=START_S), units="AB")
    slow = walk([(START_S + 300 * n, 10.0) for n in range(6)], person=2, accuracy_m=20, units="AB")
    day = cover(together(quick, slow), cells_ground([1, 1], units="AB"))
    assert day.interval_us == 10 * S
    assert middles(day.sampling.steps_s, 2).tolist() == [10, 300]
    assert middles(day.sampling.accuracy_m, 3).tolist() == [5, 20, -1]
