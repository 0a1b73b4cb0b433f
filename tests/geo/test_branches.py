"""A network of two branches, official and drawn levels in turn, that do not nest in one another: imported from files as an operator
does, placed, redrawn by a plan's stored operations, published.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from geopandas import GeoDataFrame
from sqlalchemy import Connection, Engine

from cli.__main__ import main
from core.db import make_engine
from geo.editions import list_editions
from geo.editions.standing import StandingUnit, read_standing
from geo.lookup import Lookup
from geo.networks import get_network
from geo.operations import Impossible, Merge, Operation, Rename, ShiftBorder, SplitByLine, Transfer
from geo.plans import UnitDraft
from geo.plans.redraw import do_operation, list_operations, open_redraw
from geo.plans.steps import publish_redraw, take_step
from geo.validation.arrange import arrange

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
COUNTS = {"borough": 22, "beat": 167, "community": 254, "grid": 959}
"""Boroughs, beats in them, communities in them, and grids in the communities."""
OFFICIAL = ("borough", "community")
TOML = """
[source]
authority = "a"
licence = "x"
origin = "made"
on = 2026-01-01

[network]
code = "net"
name = "两支"
coverage = "full"
"""
PARENTS = {"borough": None, "beat": "borough", "community": "borough", "grid": "community"}
POINTS = 20_000
NEAR_DEG = 3e-7
"""Stored borders lie on the grid: nearer to a border than this a file's own border says nothing of a point."""

Shapes = dict[str, shapely.Geometry]


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
    boroughs, _ = divided([ground], COUNTS["borough"], 1)
    made = [UnitDraft("borough", f"{n:02d}", f"区{n}", shape) for n, shape in enumerate(boroughs)]
    areas = {"borough": boroughs}
    for seed, (level, letter) in enumerate((("beat", "P"), ("community", "C"), ("grid", "G")), start=2):
        parent = PARENTS[level]
        areas[level], above = divided(areas[str(parent)], COUNTS[level], seed)
        code = "C{:03d}" if parent == "community" else "{:02d}"
        made += [
            UnitDraft(level, f"{letter}{n:03d}", f"{letter}{n}", shape, code.format(up), households=100)
            for n, (shape, up) in enumerate(zip(areas[level], above, strict=True))
        ]
    return fitted(made)


def fitted(made: list[UnitDraft]) -> list[UnitDraft]:
    """The drawn borders noded with one another on the grid, as a cadastre gives them."""
    for level in ("beat", "grid"):
        rows = [row for row, draft in enumerate(made) if draft.level == level]
        shapes = arrange(np.array([made[row].geom for row in rows], dtype=object), width_m=0.05).shapes
        for row, shape in zip(rows, shapes, strict=True):
            made[row] = replace(made[row], geom=shape)
    return made


def write_folder(folder: Path, made: list[UnitDraft]) -> None:
    """A boundary folder as it is received: a file for each level, of two kinds."""
    text = TOML
    for level, parent in PARENTS.items():
        origin = "natural" if level in OFFICIAL else "drawn"
        text += f'\n[[network.levels]]\ncode = "{level}"\nname = "{level}"\nname_en = "{level}"\norigin = "{origin}"\n'
        text += f'parent = "{parent}"\n' if parent else ""
    for level, parent in PARENTS.items():
        own = [each for each in made if each.level == level]
        rows = [{"code": each.code, "name": each.name, "up": each.parent_code, "n": 100} for each in own]
        file = f"{level}.gpkg" if level in OFFICIAL else f"{level}.geojson"
        GeoDataFrame(rows, geometry=[each.geom for each in own], crs="EPSG:4326").to_file(folder / file)
        text += f'\n[[files]]\nfile = "{file}"\nlevel = "{level}"\ncode_field = "code"\nname_field = "name"\n'
        text += 'households_field = "n"\n' + ('parent_field = "up"\n' if parent else "")
    (folder / "boundary.toml").write_text(text, "utf-8")


def answers(shapes: Mapping[str, Shapes], lon: np.ndarray, lat: np.ndarray) -> dict[str, np.ndarray]:
    """By shapely alone: the code that holds each point at each level; "" where a border is too near to say."""
    points = shapely.points(lon, lat)
    found = {}
    for level, units in shapes.items():
        codes = np.array(list(units), dtype=object)
        tree = shapely.STRtree(np.array(list(units.values()), dtype=object))
        point, unit = tree.query(points, predicate="within")
        assert (np.bincount(point, minlength=len(points)) <= 1).all()
        told = np.full(len(points), "", dtype=object)
        told[point] = codes[unit]
        lines = shapely.STRtree(shapely.boundary(tree.geometries))
        told[lines.query(points, predicate="dwithin", distance=NEAR_DEG)[0]] = ""
        found[level] = told
    return found


def expect_placed(lookup: Lookup, shapes: Mapping[str, Shapes], at: datetime) -> None:
    """Each point of the ground has one unit of every level, the one that shapely says; beats and communities of one borough."""
    ground = shapely.union_all(list(shapes["borough"].values()))
    random = np.random.default_rng(7)
    west, south, east, north = ground.bounds
    lon, lat = random.uniform(west, east, POINTS), random.uniform(south, north, POINTS)
    inside = shapely.contains_xy(shapely.buffer(ground, -NEAR_DEG), lon, lat)
    lon, lat = lon[inside], lat[inside]
    placed = lookup.place_many(
        "net", lon, lat, np.full(len(lon), np.datetime64(at.replace(tzinfo=None), "us"))
    )
    assert len(lon) > POINTS / 2
    for level, wanted in answers(shapes, lon, lat).items():
        codes = placed.codes(level)
        sure = wanted != ""
        assert sure.mean() > 0.99
        assert (codes[sure] == wanted[sure]).all(), level
        assert not np.equal(codes, None).any(), level
    (one,) = lookup.place(float(lon[0]), float(lat[0]), at=at)
    assert sorted(each.level for each in one.units) == sorted(COUNTS)


def by_code(conn: Connection) -> dict[str, StandingUnit]:
    return {each.code: each for each in read_standing(conn, get_network(conn, "net")).values()}


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database)
    yield engine
    engine.dispose()


@pytest.mark.timeout(280)
def test_levels_of_two_branches_are_imported_placed_redrawn_and_published(
    engine: Engine, own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path / "var"))
    made = drafts()
    write_folder(tmp_path, made)
    assert main(["boundaries", "import", str(tmp_path), "--publish"]) == 0
    out = capsys.readouterr().out
    assert all(f"{level} {count}" in out for level, count in COUNTS.items())
    shapes = {level: {each.code: each.geom for each in made if each.level == level} for level in COUNTS}
    expect_no_nesting(shapes)
    with closing(Lookup(engine)) as lookup:
        expect_placed(lookup, shapes, NOW - DAY)
        with engine.begin() as conn:
            assert list_editions(conn, "net")[0].counts == COUNTS
            after = redraw(conn, by_code(conn), {level: dict(units) for level, units in shapes.items()})
        expect_placed(lookup, after, NOW + DAY)
        expect_placed(lookup, shapes, NOW - DAY)


def expect_no_nesting(shapes: Mapping[str, Shapes]) -> None:
    """Beats lie across communities and communities across beats."""
    beats, communities = (
        np.array(list(shapes[level].values()), dtype=object) for level in ("beat", "community")
    )
    one, other = shapely.STRtree(beats).query(communities, predicate="overlaps")
    assert len(set(one.tolist())) > COUNTS["community"] / 2
    assert len(set(other.tolist())) > COUNTS["beat"] / 2


def redraw(conn: Connection, units: dict[str, StandingUnit], shapes: dict[str, Shapes]) -> dict[str, Shapes]:
    """A plan of five operations in both branches, approved and published; the borders that shapely makes of them."""
    found = open_redraw(conn, "net", name="两支", by="planner")

    def do(operation: Operation) -> set[str]:
        done = do_operation(conn, found.id, operation, by="planner", now=NOW)
        assert [each for each in done.judge() if each.severity == "error"] == []
        changed = {each.code for each in done.applied.changes.values() if each is not None}
        levels = {each.level for each in done.applied.changes.values() if each is not None}
        assert not levels & set(OFFICIAL)  # what is official stays, though all around it moves
        return changed - set(units)

    grids = [each for each in units.values() if each.level == "grid"]
    large = max(grids, key=lambda each: each.geom.area)
    x, y = shapely.get_coordinates(shapely.point_on_surface(large.geom))[0]
    (born,) = do(
        SplitByLine(large.unit_id, shapely.LineString([(x - 0.1, y), (x + 0.1, y)]), identity="keep")
    )
    north, south = (shapely.box(115, low, 117, low + 1) for low in (y, y - 1))
    halves = [shapely.intersection(shapes["grid"][large.code], side) for side in (north, south)]
    keeper = int(halves[1].area > halves[0].area)
    shapes["grid"] |= {large.code: halves[keeper], born: halves[1 - keeper]}
    one, other = neighbours([each for each in grids if each.code != large.code])[0]
    do(Merge((one.unit_id, other.unit_id), keeper=one.unit_id))
    shapes["grid"][one.code] = shapely.union(shapes["grid"][one.code], shapes["grid"].pop(other.code))
    giver, taker = neighbours([each for each in units.values() if each.level == "beat"])[0]
    circle = middle_of_border(giver.geom, taker.geom).buffer(0.0008)
    do(Transfer(giver.unit_id, taker.unit_id, circle))
    beats = shapes["beat"]
    moved = shapely.intersection(beats[giver.code], circle)
    beats |= {
        giver.code: shapely.difference(beats[giver.code], moved),
        taker.code: shapely.union(beats[taker.code], moved),
    }
    do(Rename(taker.unit_id, "新警区"))
    redrawn = {large.code, one.code, other.code}
    expect_locked(conn, found.id, {code: each for code, each in units.items() if code not in redrawn})
    assert [each.op for each in list_operations(conn, found.id)] == [
        "split_by_line",
        "merge",
        "transfer",
        "rename",
    ]
    for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
        take_step(conn, found.id, step, by=by, now=NOW)
    published = publish_redraw(conn, found.id, by="approver", now=NOW)
    assert published.counts == COUNTS  # a grid born, a grid merged
    now = by_code(conn)
    assert (now[taker.code].unit_id, now[taker.code].name) == (taker.unit_id, "新警区")
    assert (other.code in now, now[born].parent_unit_id) == (False, large.parent_unit_id)
    kept = [code for code, each in units.items() if each.level in OFFICIAL]
    assert all(
        now[code].geom_sha == units[code].geom_sha for code in kept if code not in around(units, large)
    )
    return shapes


def around(units: Mapping[str, StandingUnit], unit: StandingUnit) -> set[str]:
    """Official units that got a node where a new border meets theirs."""
    return {
        code for code, each in units.items() if each.level in OFFICIAL and each.geom.dwithin(unit.geom, 0.002)
    }


def expect_locked(conn: Connection, plan_id: int, units: Mapping[str, StandingUnit]) -> None:
    """Neither a community's border nor ground from one community to another; the place is told.

    Of many borders: a stored border leaves the official one by what the grid makes, now to one side, now to the other.
    """
    grids = [each for each in units.values() if each.level == "grid"]
    pairs = neighbours(grids, same_parent=False)[::8]
    assert len(pairs) > 50
    for giver, taker in pairs:
        middle = middle_of_border(giver.geom, taker.geom)
        transfer = Transfer(giver.unit_id, taker.unit_id, middle.buffer(0.0003))
        with pytest.raises(Impossible, match="official") as told:
            do_operation(conn, plan_id, transfer, by="planner", now=NOW)
        assert told.value.where is not None
        assert middle.distance(shapely.Point(told.value.where)) < 0.0003
    community = next(each for each in units.values() if each.unit_id == giver.parent_unit_id)
    shift = ShiftBorder(community.unit_id, giver.unit_id, middle.buffer(0.0003).exterior)
    with pytest.raises(Impossible, match="follows from its grid units"):
        do_operation(conn, plan_id, shift, by="planner", now=NOW)


def neighbours(
    units: list[StandingUnit], *, same_parent: bool = True
) -> list[tuple[StandingUnit, StandingUnit]]:
    """Those of the same parent or not, with a long common border, in the order of their codes."""
    units = sorted(units, key=lambda each: each.code)
    shapes = np.array([each.geom for each in units], dtype=object)
    pairs = shapely.STRtree(shapes).query(shapes, predicate="touches").T
    return [
        (one, other)
        for one, other in ((units[a], units[b]) for a, b in sorted(pairs.tolist()))
        if (one.parent_unit_id == other.parent_unit_id) is same_parent
        and shapely.length(border(one.geom, other.geom)) > 0.002
    ]


def border(one: shapely.Geometry, other: shapely.Geometry) -> shapely.Geometry:
    return shapely.line_merge(shapely.intersection(shapely.boundary(one), shapely.boundary(other)))


def middle_of_border(one: shapely.Geometry, other: shapely.Geometry) -> shapely.Point:
    line = max(shapely.get_parts(border(one, other)), key=shapely.length)
    return shapely.line_interpolate_point(line, 0.5, normalized=True)
