"""Patrols move like people: at their speed, on their streets, with a receiver's errors, the same from the same seed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely

from demo.city.make import SEED
from demo.patrols import STEP_S, Track, make_track
from demo.roster import PATROLLING, STRENGTH, Worker, make_roster, people_table, shifts_table
from demo.streets import M_PER_DEG, Paths, Streets, own_paths, read_grounds, read_streets

START_S = 1_780_000_000.0
DAY_S = 8 * 3600.0


@pytest.fixture(scope="module")
def streets() -> Streets:
    return read_streets()


@pytest.fixture(scope="module")
def people() -> tuple[Worker, ...]:
    return make_roster(SEED)


@pytest.fixture(scope="module")
def paths(streets: Streets, people: tuple[Worker, ...]) -> Paths:
    worker = next(one for one in people if one.role == "grid_worker")
    found = own_paths(streets, shapely.union_all(list(read_grounds(worker.units).values())))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def tracks(streets: Streets, paths: Paths) -> list[Track]:
    return [make_track(streets, paths, START_S, DAY_S, np.random.default_rng(seed)) for seed in range(8)]


def all_of(tracks: list[Track], column: str) -> Iterator[float]:
    return (value for track in tracks for value in getattr(track, column).tolist())


def test_nine_hundred_people_serve_and_every_grid_has_somebody(people: tuple[Worker, ...]) -> None:
    assert len(people) == sum(count for _, _, count in STRENGTH) == 900
    assert len({one.code for one in people}) == 900
    assert len({unit for one in people if one.role == "grid_worker" for unit in one.units}) == 846


def test_the_roster_and_the_shifts_are_tables_of_the_import_verbs(people: tuple[Worker, ...]) -> None:
    table = people_table(people, date(2026, 1, 1))
    table.require("code", "name", "role", "unit", "from")
    assert len(table.rows) == sum(len(one.units) for one in people)
    shifts = shifts_table(people, date(2026, 6, 10))
    assert len(shifts.rows) == sum(one.role in PATROLLING for one in people)
    assert all(datetime.fromisoformat(row[1]) < datetime.fromisoformat(row[2]) for row in shifts.rows)


def test_the_same_seed_walks_the_same_way(streets: Streets, paths: Paths, tracks: list[Track]) -> None:
    again = make_track(streets, paths, START_S, DAY_S, np.random.default_rng(3))
    other = make_track(streets, paths, START_S, DAY_S, np.random.default_rng(99))
    assert np.array_equal(again.lon, tracks[3].lon)
    assert np.array_equal(again.sent_s, tracks[3].sent_s)
    assert not np.array_equal(again.lon[:50], other.lon[:50])


def test_walkers_go_at_human_speed_and_riders_no_faster_than_an_e_bike(tracks: list[Track]) -> None:
    moving = np.array([speed for speed in all_of(tracks, "speed_mps") if speed > 0.3])
    assert 1.0 < np.median(moving) < 1.6
    assert np.percentile(moving, 99.9) < 7
    assert np.mean(moving > 2.5) < 0.25


def test_a_fix_every_ten_seconds_while_moving_and_one_a_minute_while_still(tracks: list[Track]) -> None:
    for track in tracks:
        steps = np.diff(track.fixed_s)
        assert (steps > 0).all()
        assert np.median(steps) == STEP_S
        assert steps.max() <= 500


def test_walkers_keep_to_their_streets(streets: Streets, paths: Paths, tracks: list[Track]) -> None:
    edges = [(a, b) for a, beside in paths.items() for b, _ in beside if a < b]
    lines = shapely.linestrings(streets.nodes[np.array(edges)] * M_PER_DEG)
    tree = shapely.STRtree(lines)
    track = tracks[0]
    points = shapely.points(np.column_stack([track.lon, track.lat]) * M_PER_DEG)
    away = tree.query_nearest(points, return_distance=True, all_matches=False)[1]
    assert np.percentile(away[track.accuracy_m < 12], 95) < 15


def test_indoors_the_receiver_says_that_it_is_less_sure(tracks: list[Track]) -> None:
    accuracy = np.array(list(all_of(tracks, "accuracy_m")))
    assert np.median(accuracy) < 9
    assert 0.02 < np.mean(accuracy > 18) < 0.4


def test_errors_drift_instead_of_jumping(tracks: list[Track]) -> None:
    still = [track for track in tracks if (track.speed_mps == 0).any()]
    steps = []
    for track in still:
        rows = np.flatnonzero(
            (track.speed_mps[1:] == 0) & (track.accuracy_m[1:] < 9) & (np.diff(track.fixed_s) < 15)
        )
        moved = np.diff(np.column_stack([track.lon, track.lat]), axis=0)[rows] * M_PER_DEG
        steps += np.hypot(*moved.T).tolist()
    assert not steps or np.median(steps) < 25


def test_what_was_kept_without_signal_is_sent_together_and_nothing_before_it_was_measured(
    tracks: list[Track],
) -> None:
    late = 0
    for track in tracks:
        assert (track.sent_s >= track.fixed_s).all()
        late += int((track.sent_s > track.fixed_s + 60).sum())
    assert late > 0


def test_every_fix_has_a_time_within_the_shift(tracks: list[Track]) -> None:
    for track in tracks:
        assert track.fixed_s[0] >= START_S
        assert track.fixed_s[-1] <= START_S + DAY_S
    assert datetime.fromtimestamp(START_S, UTC).year == 2026
