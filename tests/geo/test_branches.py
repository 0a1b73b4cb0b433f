"""A network of two branches, official and drawn levels in turn, that do not nest in one another: placed, redrawn, published."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from geo.editions import publish_plan
from geo.editions.standing import read_standing
from geo.lookup import Lookup
from geo.networks import Level, create_network, get_network
from geo.operations import Impossible, ShiftBorder, SplitByLine, Transfer
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.redraw import do_operation, open_redraw
from geo.plans.steps import publish_redraw, take_step
from geo.validation.arrange import arrange

FOUNDED, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
LEVELS = (
    Level("borough", "区", origin="natural"),
    Level("beat", "警区", parent="borough"),
    Level("community", "社区", parent="borough", origin="natural"),
    Level("grid", "网格", parent="community"),
)
COUNTS = (22, 167, 254, 959)
"""Boroughs, beats in them, communities in them, and grids in the communities."""


def divided(areas: list[shapely.Geometry], count: int, seed: int) -> tuple[list[shapely.Geometry], list[int]]:
    """`count` parts in all, shared out over the areas as evenly as can be, and the place of the area of each."""
    random = np.random.default_rng(seed)
    parts, above = [], []
    for place, area in enumerate(areas):
        number = count * (place + 1) // len(areas) - count * place // len(areas)
        west, south, east, north = area.bounds
        seeds: list[shapely.Point] = []
        while len(seeds) < number:
            spot = shapely.Point(random.uniform(west, east), random.uniform(south, north))
            if area.contains(spot) and all(spot.distance(other) > 3e-4 for other in seeds):
                seeds.append(spot)
        cells = [area] if number == 1 else shapely.get_parts(
            shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=area)
        )  # fmt: skip
        mine = [shapely.intersection(area, cell) for cell in cells]
        parts += mine
        above += [place] * len(mine)
    return parts, above


def drafts() -> list[UnitDraft]:
    """Official borders on coordinates of their own, not on the grid; the drawn ones along them."""
    ground = shapely.Polygon(
        [(116.0123, 39.0111), (116.2222222, 38.9999999), (116.21111111, 39.19876543), (116.0, 39.2)]
    )
    boroughs, _ = divided([ground], COUNTS[0], 1)
    beats, beat_above = divided(boroughs, COUNTS[1], 2)
    communities, community_above = divided(boroughs, COUNTS[2], 3)
    grids, grid_above = divided(communities, COUNTS[3], 4)
    made = [UnitDraft("borough", f"{n:02d}", f"区{n}", shape) for n, shape in enumerate(boroughs)]
    made += [
        UnitDraft("beat", f"P{n:03d}", f"警{n}", shape, f"{up:02d}")
        for n, (shape, up) in enumerate(zip(beats, beat_above, strict=True))
    ]
    made += [
        UnitDraft("community", f"C{n:03d}", f"社{n}", shape, f"{up:02d}")
        for n, (shape, up) in enumerate(zip(communities, community_above, strict=True))
    ]
    made += [
        UnitDraft("grid", f"G{n:03d}", f"格{n}", shape, f"C{up:03d}", households=100)
        for n, (shape, up) in enumerate(zip(grids, grid_above, strict=True))
    ]
    return fitted(made)


def fitted(made: list[UnitDraft]) -> list[UnitDraft]:
    """All borders noded with one another on the grid, as a cadastre gives them."""
    from dataclasses import replace

    for level in ("beat", "grid"):
        rows = [row for row, draft in enumerate(made) if draft.level == level]
        shapes = arrange(np.array([made[row].geom for row in rows], dtype=object), width_m=0.05).shapes
        for row, shape in zip(rows, shapes, strict=True):
            made[row] = replace(made[row], geom=shape)
    return made


@pytest.mark.timeout(280)
def test_levels_of_two_branches_are_placed_redrawn_and_published(conn: Connection) -> None:
    create_network(conn, "net", coverage="full", levels=LEVELS)
    add_units_to_plan(conn, "net", drafts())
    published = publish_plan(conn, "net", by="test", now=FOUNDED)
    assert published.counts == dict(zip(("borough", "beat", "community", "grid"), COUNTS, strict=True))
    standing = {each.code: each for each in read_standing(conn, get_network(conn, "net")).values()}
    found = open_redraw(conn, "net", name="两支", by="planner")
    grid = max((each for each in standing.values() if each.level == "grid"), key=lambda each: each.geom.area)
    x, y = shapely.get_coordinates(shapely.point_on_surface(grid.geom))[0]
    split = SplitByLine(grid.unit_id, shapely.LineString([(x - 0.1, y), (x + 0.1, y)]))
    done = do_operation(conn, found.id, split, by="planner", now=NOW)
    assert {unit.level for unit in done.applied.changes.values() if unit} == {"grid"}
    assert done.judge() == []
    beat, other = neighbours([each for each in standing.values() if each.level == "beat"])
    circle = middle_of_border(beat.geom, other.geom).buffer(0.0008)
    do_operation(conn, found.id, Transfer(beat.unit_id, other.unit_id, circle), by="planner", now=NOW)
    community = next(each for each in standing.values() if each.level == "community" and each.code == "C010")
    with pytest.raises(Impossible, match=r"follows from its grid units|official"):
        do_operation(
            conn,
            found.id,
            ShiftBorder(community.unit_id, grid.unit_id, circle.exterior),
            by="planner",
            now=NOW,
        )
    for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
        take_step(conn, found.id, step, by=by, now=NOW)
    again = publish_redraw(conn, found.id, by="approver", now=NOW)
    assert again.counts == dict(
        zip(("borough", "beat", "community", "grid"), (22, 167, 254, 960), strict=True)
    )
    lookup = Lookup(conn)
    spot = shapely.get_coordinates(shapely.point_on_surface(standing["G100"].geom))[0]
    for at in (NOW - timedelta(days=1), NOW + timedelta(days=1)):
        (placed,) = lookup.place(*map(float, spot), at=at)
        assert sorted(each.level for each in placed.units) == ["beat", "borough", "community", "grid"]
    lookup.close()


def neighbours(units: list) -> tuple:
    """Two of the same parent with a long common border."""
    for one in units:
        for other in units:
            if (
                other is not one
                and other.parent_unit_id == one.parent_unit_id
                and shapely.length(border(one.geom, other.geom)) > 0.002
            ):
                return one, other
    raise AssertionError("there are neighbours")


def border(one: shapely.Geometry, other: shapely.Geometry) -> shapely.Geometry:
    return shapely.line_merge(shapely.intersection(shapely.boundary(one), shapely.boundary(other)))


def middle_of_border(one: shapely.Geometry, other: shapely.Geometry) -> shapely.Point:
    return shapely.line_interpolate_point(shapely.get_geometry(border(one, other), 0), 0.5, normalized=True)
