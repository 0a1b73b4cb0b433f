"""A late fix changes what it touches alone, and the day is the one from scratch to the last row.

31010100101 and beside it: squares of the small city of about 190 m; a, b, c, d walk at random for some minutes each,
over streets, past doors, into sites; then fixes of one of them arrive late.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, func, insert, literal_column, select, update

from analysis.coverage.day import MARGIN_US
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.due import find_late_people
from analysis.coverage.kept.late import Refreshed, refresh_day
from analysis.coverage.kept.tables import (
    coverage_day,
    coverage_duty,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_trace,
    coverage_unit,
)
from analysis.coverage.views.notes import forget_people
from core.clock import day_bounds
from geo.lookup import Lookup
from geo.tables import address_point
from people.persons import Post, assign
from people.shifts import Shift, add_shift
from tests.analysis.coverage.town import (
    JOB,
    MORNING,
    NOW,
    ON,
    ZONE,
    accept,
    add_fixes,
    add_worker,
    build,
    survey,
    unit_id,
)
from tests.city import centre
from tracking.tables import fix

COMPUTED = NOW + timedelta(hours=4)
LATER = COMPUTED + timedelta(hours=3)
TABLES = (
    coverage_unit,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_duty,
    coverage_trace,
)


def rows_of(conn: Connection) -> dict[str, Any]:
    """All that is kept of the day, but for the numbers of rows."""
    columns = [column for column in coverage_day.c if column.name != "id"]
    kept: dict[str, Any] = {"day": tuple(conn.execute(select(*columns)).one())}
    for table in TABLES:
        own = [column for column in table.c if column.name != "day_id"]
        kept[table.name] = sorted(map(repr, conn.execute(select(*own))))
    return kept


def places_of(conn: Connection) -> dict[int, str]:
    """Of each unit where its row lies in the file: one that was written again lies elsewhere."""
    place = literal_column("coverage_unit.ctid::text").label("place")
    return {
        row.unit_version_id: row.place for row in conn.execute(select(coverage_unit.c.unit_version_id, place))
    }


def refresh(conn: Connection) -> Refreshed:
    return refresh_day(conn, Lookup(conn), JOB, on=ON, now=LATER)


def assert_from_scratch(conn: Connection) -> None:
    """What is kept is what the whole day, computed now, would be."""
    again = rows_of(conn)
    compute_day(conn, Lookup(conn), JOB, on=ON, now=LATER)
    scratch = rows_of(conn)
    for name, rows in scratch.items():
        assert again[name] == rows, name


@pytest.fixture
def people(conn: Connection, tmp_path: Path) -> list[int]:
    """Four of them in two communities, the ground with its streets, doors and sites."""
    first = build(conn)
    survey(conn, tmp_path)
    others = [
        add_worker(conn, code, unit)
        for code, unit in (("b", "31010100101"), ("c", "31010100102"), ("d", "310102"))
    ]
    for one in others:
        accept(conn, one)
    return [first, *others]


def wander(
    conn: Connection,
    person: int,
    rng: np.random.Generator,
    *,
    at: timedelta,
    steps: int,
    received_at: Any = NOW,
) -> None:
    """A walk at random from square to square, of changing pace and accuracy, a fix every five to fifteen seconds."""
    place = rng.uniform(-0.3, 2.3, 2)
    rows, when = [], MORNING + at
    for n in range(steps):
        place = np.clip(place + rng.normal(0, 0.12, 2), -0.4, 7.4)
        when += timedelta(seconds=int(rng.integers(5, 16)))
        lon, lat = centre(*place)
        rows.append(
            {
                "device_id": person,
                "person_id": person,
                "fixed_at": when,
                "received_at": received_at,
                "lon": round(lon, 7),
                "lat": round(lat, 7),
                "accuracy_m": None if n % 7 == 0 else float(rng.choice([5, 12, 45, 80])),
                "digest": n,
            }
        )
    conn.execute(insert(fix), rows)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_late_walk_gives_the_day_from_scratch(conn: Connection, people: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    add_fixes(conn, people[0], [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
    for place, person in enumerate(people):
        wander(conn, person, rng, at=timedelta(minutes=30 + 7 * place), steps=60)
    compute_day(conn, Lookup(conn), JOB, on=ON, now=COMPUTED)
    late = people[seed % 4]
    wander(conn, late, rng, at=timedelta(minutes=33, seconds=0.5), steps=40, received_at=LATER)
    conn.execute(  # an arrival may turn flags of others of the device
        update(fix).where(fix.c.person_id == late, fix.c.digest == 11).values(flags=1)
    )
    found = refresh(conn)
    assert found.people == 1
    assert found.units
    units = conn.scalar(select(func.count()).select_from(coverage_unit))
    assert units is not None
    assert found.units < units
    assert_from_scratch(conn)


def test_rows_that_nothing_late_touched_are_not_written_again(conn: Connection, people: list[int]) -> None:
    """Late fixes of w1 in the first square; d walked far from it."""
    early = COMPUTED - timedelta(hours=1)
    for person, walk in ((people[0], [(0.0, 0.0), (0.5, 0.0)]), (people[3], [(6.0, 1.0), (6.0, 2.0)])):
        add_fixes(conn, person, walk, received_at=early)
    compute_day(conn, Lookup(conn), JOB, on=ON, now=COMPUTED)
    before = places_of(conn)
    add_fixes(conn, people[0], [(0.0, 0.2), (0.3, 0.2)], at=MORNING + timedelta(hours=1), received_at=LATER)
    found = refresh(conn)
    after = places_of(conn)
    written = {version for version, where in after.items() if before[version] != where}
    assert (found.people, found.units) == (1, len(written))
    assert 0 < len(written) <= 9
    assert_from_scratch(conn)


def test_a_late_fix_off_duty_touches_nothing(conn: Connection, people: list[int]) -> None:
    add_fixes(conn, people[0], [(0.0, 0.0), (0.5, 0.0)], received_at=COMPUTED - timedelta(hours=1))
    compute_day(conn, Lookup(conn), JOB, on=ON, now=COMPUTED)
    add_fixes(conn, people[1], [(0.0, 0.2), (0.3, 0.2)], at=MORNING + timedelta(hours=9), received_at=LATER)
    found = refresh(conn)
    assert (found.people, found.units) == (1, 0)
    assert conn.scalar(select(coverage_day.c.as_of)) == LATER
    assert_from_scratch(conn)


def test_where_more_than_fixes_changed_the_day_is_computed_as_a_whole(
    conn: Connection, people: list[int]
) -> None:
    """A shift entered afterwards, a door, a post, a day that was loaded from files: none of it is a fix."""
    early, one = COMPUTED - timedelta(hours=1), Lookup(conn)
    add_fixes(conn, people[0], [(0.0, 0.0), (0.5, 0.0)], received_at=early)
    hour = timedelta(hours=1)
    changes = (
        lambda: add_shift(conn, Shift(people[1], MORNING + 5 * hour, MORNING + 6 * hour)),
        lambda: conn.execute(update(address_point).where(address_point.c.code == "D1").values(households=9)),
        lambda: assign(conn, people[2], Post(unit_id(conn, "3101"), "grid_worker", MORNING + hour)),
        lambda: conn.execute(update(coverage_day).values(basis=None)),
    )
    for n, change in enumerate(changes):
        compute_day(conn, one, JOB, on=ON, now=COMPUTED)
        change()
        at = MORNING + timedelta(minutes=20 + 5 * n)
        add_fixes(conn, people[0], [(0.0, 0.2), (0.05, 0.2)], at=at, received_at=COMPUTED)
        assert refresh(conn).people is None, n
        assert_from_scratch(conn)


def test_who_carried_the_device_near_the_late_fix_is_looked_at_too(
    conn: Connection, people: list[int]
) -> None:
    add_fixes(conn, people[0], [(0.0, 0.0), (0.5, 0.0)], received_at=COMPUTED - timedelta(hours=1))
    add_fixes(conn, people[0], [(0.0, 0.2), (0.3, 0.2)], at=MORNING + timedelta(hours=1), received_at=LATER)
    conn.execute(
        update(fix).where(fix.c.fixed_at < MORNING + timedelta(minutes=30)).values(person_id=people[1])
    )
    since, until = day_bounds(ON, ZONE)
    late = find_late_people(conn, (since, until), as_of=COMPUTED, now=LATER)
    assert late == {people[0], people[1]}


def test_where_people_were_is_forgotten_with_their_fixes(conn: Connection, people: list[int]) -> None:
    add_fixes(conn, people[0], [(0.0, 0.0), (0.5, 0.0)], received_at=COMPUTED - timedelta(hours=1))
    compute_day(conn, Lookup(conn), JOB, on=ON, now=COMPUTED)
    count = select(func.count()).select_from(coverage_trace)
    first_fix_at = day_bounds(ON, ZONE)[0] - timedelta(microseconds=MARGIN_US)  # legs cross midnight
    forget_people(conn, first_fix_at, ZONE)
    assert conn.scalar(count) == 1
    now = first_fix_at + timedelta(days=JOB.kept_days)
    assert refresh_day(conn, Lookup(conn), JOB, on=ON, now=now).done.left is None
    assert conn.scalar(count) == 1
    moment = timedelta(microseconds=1)
    forget_people(conn, first_fix_at + moment, ZONE)
    assert conn.scalar(count) == 0
    assert refresh_day(conn, Lookup(conn), JOB, on=ON, now=now + moment).done.left
    assert conn.scalar(count) == 0, "no day is computed whose first fix may be gone"
