"""Manhattan's tracts redrawn by a plan: a past instant keeps its borders, a later one has the new ones, all can be undone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from cli.__main__ import main
from core.db import make_engine
from geo.editions.standing import StandingUnit, read_standing
from geo.lookup import Lookup
from geo.networks import get_network
from geo.operations import (
    Impossible,
    Merge,
    Operation,
    ReshapeVertex,
    ShiftBorder,
    SplitByLine,
    SplitEven,
    Transfer,
)
from geo.plans.redraw import Redraw, do_operation, open_redraw, undo_operation
from geo.plans.rollback import restore_edition
from geo.plans.steps import check_redraw, publish_redraw, take_step
from geo.plans.working import read_changes

pytestmark = pytest.mark.data

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=60)


@pytest.fixture
def city(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Path) -> Any:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path))
    file = real_data / "nyc" / "nyc_boundaries_2263.gpkg"
    words = ["--layer", "tract_sf", "--where", "borough_id=1", "--level", "tract", "--code-field", "geoid"]
    words += ["--name-field", "tract_id", "--parent-field", "borough_id", "--coverage", "full"]
    assert (
        main(["boundaries", "import", str(file), "--network", "nyc", *words, "--clean", "0.1", "--publish"])
        == 0
    )
    engine = make_engine(own_database, pool_size=2)
    yield engine
    engine.dispose()


def points() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return random.uniform(-74.02, -73.92, 20_000), random.uniform(40.70, 40.87, 20_000)


def standing(conn: Connection) -> dict[str, StandingUnit]:
    return {each.code: each for each in read_standing(conn, get_network(conn, "nyc")).values()}


def do(conn: Connection, found: Redraw, operation: Operation) -> None:
    done = do_operation(conn, found.id, operation, by="planner", now=NOW)
    assert [each for each in done.judge() if each.severity == "error"] == []


def across(shape: shapely.Geometry) -> shapely.LineString:
    """A line from west to east through the middle of the largest part, askew."""
    part = max(shapely.get_parts(shape), key=lambda each: each.area)
    west, _, east, _ = part.bounds
    x, y = shapely.get_coordinates(shapely.point_on_surface(part))[0]
    return shapely.LineString([(west - 0.01, y - 0.003), (x, y + 0.001), (east + 0.01, y + 0.004)])


def test_tracts_are_redrawn_and_points_lie_where_they_lay_at_their_time(city: Any) -> None:
    lon, lat = points()
    then, after = (np.full(len(lon), np.datetime64(day, "us")) for day in ("2026-05-01", "2026-09-01"))
    with city.begin() as conn:
        before = standing(conn)
        first = Lookup(conn).place_many("nyc", lon, lat, then).codes("tract")
        large = sorted(
            (each for each in before.values() if each.level == "tract"), key=lambda each: -each.geom.area
        )
        found = open_redraw(conn, "nyc", name="2026", by="planner")
        do(conn, found, SplitByLine(large[0].unit_id, across(large[0].geom)))
        do(conn, found, SplitEven(large[1].unit_id, 3, by="area"))
        beside = next(
            each
            for each in large
            if each.geom.intersection(large[9].geom).length > 0 and each is not large[9]
        )
        do(conn, found, Merge((large[9].unit_id, beside.unit_id)))
        sha = check_redraw(conn, found)
        do(conn, found, SplitByLine(large[20].unit_id, across(large[20].geom)))
        undo_operation(conn, found.id)
        assert [draft.code for draft in check_redraw(conn, found).ground.drafts] == [
            d.code for d in sha.ground.drafts
        ]
        approve(conn, found)
        publish_redraw(conn, found.id, by="approver", now=NOW, effective_from=LATER)
    with city.begin() as conn:
        lookup = Lookup(conn)
        assert (lookup.place_many("nyc", lon, lat, then).codes("tract") == first).all()
        now = lookup.place_many("nyc", lon, lat, after).codes("tract")
        touched = {large[0].code, large[1].code, large[9].code, beside.code}
        changed = {str(code) for code in first[now != first]}
        assert changed
        assert changed <= touched
        back = open_redraw(conn, "nyc", name="back", by="planner")
        do(conn, back, restore_edition(conn, "nyc", 1))
        approve(conn, back)
        publish_redraw(conn, back.id, by="approver", now=NOW, effective_from=LATER + timedelta(days=60))
        again = standing(conn)
        assert {code: (each.unit_id, each.geom_sha) for code, each in again.items()} == {
            code: (each.unit_id, each.geom_sha) for code, each in before.items()
        }


def approve(conn: Connection, found: Redraw) -> None:
    for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
        take_step(conn, found.id, step, by=by, now=NOW)


def test_operations_by_chance_leave_real_borders_without_a_fault(city: Any) -> None:
    random = np.random.default_rng(11)
    with city.begin() as conn:
        found = open_redraw(conn, "nyc", name="by chance", by="planner")
        done = 0
        while done < 15:
            units = {each.unit_id: each.geom for each in standing(conn).values()}
            units |= {key: each and each.geom for key, each in read_changes(conn, found).items()}
            borough = next(each.unit_id for each in standing(conn).values() if each.level == "borough")
            there = {key: shape for key, shape in units.items() if shape is not None and key != borough}
            ids = sorted(there, key=lambda key: there[key].wkb)  # ids are others in every run
            one = ids[random.integers(len(ids))]
            beside = [key for key in ids if key != one and units[key].intersection(units[one]).length > 0]
            if not beside:
                continue
            other = beside[random.integers(len(beside))]
            try:
                do(conn, found, chance(random, (one, units[one]), (other, units[other])))
            except Impossible:
                continue
            done += 1
        errors = [each for each in check_redraw(conn, found).findings if each.severity == "error"]
        assert errors == []
        for _ in range(done):
            undo_operation(conn, found.id)
        assert read_changes(conn, found) == {}


def chance(random: np.random.Generator, one: Any, other: Any) -> Operation:
    (unit, shape), (beside, its) = one, other
    common = shapely.get_coordinates(shapely.intersection(shape.boundary, its.boundary))
    start, end = common[0], common[-1]
    spot = common[random.integers(len(common))]
    kind = random.integers(5)
    if kind == 0:
        return SplitByLine(unit, across(shape))
    if kind == 1:
        return Merge((unit, beside))
    if kind == 2:
        return Transfer(unit, beside, shapely.Point(spot).buffer(random.uniform(1e-5, 0.002)))
    if kind == 3:
        bend = spot + random.uniform(-0.001, 0.001, 2)
        return ShiftBorder(unit, beside, shapely.LineString([start, bend, end]))
    return ReshapeVertex(shapely.Point(spot), shapely.Point(spot + random.uniform(-3e-4, 3e-4, 2)), (unit,))
