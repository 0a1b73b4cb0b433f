"""Vector tiles: what they hold, as of which edition, and no gap between neighbours at any zoom."""

import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyogrio.raw import read
from sqlalchemy import Connection, func, select, text

from core.db import sql_file
from core.errors import NotFound
from geo.editions import publish_plan
from geo.lookup import Lookup
from geo.lookup.bell import EditionBell
from geo.plans import add_units_to_plan
from geo.tables import edition
from maps.tables import tile_drawing
from maps.tile_shapes import BANDS, EXACT, KEPT, simplify_together, to_mercator, top_zoom_of
from maps.tiles import MAX_ZOOM, TileLayer, describe_layer, find_layer, read_tile
from tests.city import SIDE, STEP, centre, code_at, governance_drafts, publish_small_city

NOW = datetime(2026, 6, 10, tzinfo=UTC)
LATER = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def lookup(conn: Connection) -> Lookup:
    publish_small_city(conn)
    return Lookup(conn)


def tile_at(lon: float, lat: float, zoom: int) -> dict[str, int]:
    column = int((lon + 180) / 360 * 2**zoom)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom)
    return {"zoom": zoom, "column": column, "row": row}


def decoded(tile: bytes, folder: Path, layer: str) -> tuple[dict[str, list[Any]], list[shapely.Geometry]]:
    """Columns and shapes of a tile's layer, in tile units."""
    if not tile:
        return {}, []
    path = folder / "tile.mvt"
    path.write_bytes(tile)
    if layer not in [str(name) for name, _ in pyogrio.list_layers(path)]:
        return {}, []
    meta, _, shapes, fields = read(path, layer=layer)
    names = [str(name) for name in meta["fields"]]
    columns = {name: values.tolist() for name, values in zip(names, fields, strict=True)}
    return columns, list(shapely.from_wkb(shapes))


def test_a_tile_holds_the_units_with_their_names_and_parents(
    conn: Connection, lookup: Lookup, tmp_path: Path
) -> None:
    layer = find_layer(lookup, "governance.community", at=NOW)
    north_west = tile_at(*centre(0, SIDE - 1), 13)
    codes: set[str] = set()
    for column in (0, 1):
        for row in (0, 1):
            at = {"column": north_west["column"] + column, "row": north_west["row"] + row}
            tile = read_tile(conn, lookup, layer, zoom=13, **at)
            columns, shapes = decoded(tile, tmp_path, "units")
            assert all(shape.is_valid and not shape.is_empty for shape in shapes)
            assert not columns or {"name", "kind", "unit_id", "parent_id"} <= set(columns)
            labels, points = decoded(tile, tmp_path, "labels")
            inside = dict(zip(columns.get("code", []), shapes, strict=True))
            assert all(
                inside[c].covers(point) for c, point in zip(labels.get("code", []), points, strict=True)
            )
            codes |= set(inside)
    assert codes == {code_at(c, r, "community") for c in range(SIDE) for r in range(SIDE)}


def test_a_name_stands_in_one_tile_only_and_not_where_it_has_no_room(
    conn: Connection, lookup: Lookup, tmp_path: Path
) -> None:
    layer = find_layer(lookup, "governance.microgrid", at=NOW)
    codes: list[str] = []
    corner = tile_at(*centre(0, SIDE - 1), 16)
    for column in range(corner["column"], corner["column"] + 5):
        for row in range(corner["row"], corner["row"] + 6):
            tile = read_tile(conn, lookup, layer, zoom=16, column=column, row=row)
            codes += decoded(tile, tmp_path, "labels")[0].get("code", [])
    assert sorted(codes) == sorted(code_at(c, r) for c in range(SIDE) for r in range(SIDE))
    far = read_tile(conn, lookup, layer, **tile_at(*centre(4, 4), 8))
    assert decoded(far, tmp_path, "labels")[1] == []


def test_dedicated_grids_are_a_level_of_their_own(conn: Connection, lookup: Lookup, tmp_path: Path) -> None:
    layer = find_layer(lookup, "governance.dedicated", at=NOW)
    columns, _ = decoded(read_tile(conn, lookup, layer, **tile_at(*centre(4, 4), 12)), tmp_path, "units")
    assert set(zip(columns["code"], columns["kind"], strict=True)) == {
        ("X01", "dedicated"),
        ("X02", "dedicated"),
    }


def test_empty_ground_is_an_empty_tile(conn: Connection, lookup: Lookup) -> None:
    layer = find_layer(lookup, "police.beat", at=NOW)
    assert read_tile(conn, lookup, layer, zoom=10, column=0, row=0) == b""


def publish_renamed(conn: Connection, lookup: Lookup, name: str, at: datetime) -> None:
    drafts = [draft for draft in governance_drafts() if draft.level == "microgrid"]
    renamed = [type(d)(**{**vars(d), "name": name}) if d.code == code_at(0, 0) else d for d in drafts]
    add_units_to_plan(conn, "governance", renamed)
    publish_plan(conn, "governance", effective_from=at, by="test", now=at)
    lookup.refresh()


def test_an_edition_keeps_its_tiles_and_a_new_one_has_another_etag(
    conn: Connection, lookup: Lookup, tmp_path: Path
) -> None:
    def names(layer: TileLayer) -> list[str]:
        tile = read_tile(conn, lookup, layer, **tile_at(*centre(0, 0), 15))
        columns, _ = decoded(tile, tmp_path, "units")
        return [n for n, c in zip(columns["name"], columns["code"], strict=True) if c == code_at(0, 0)]

    before = find_layer(lookup, "governance.microgrid", at=NOW)
    assert names(before) != ["新名"]
    publish_renamed(conn, lookup, "新名", LATER)
    then = find_layer(lookup, "governance.microgrid", at=NOW)
    assert (then.etag, names(then)) == (before.etag, names(before))
    after = find_layer(lookup, "governance.microgrid", at=LATER)
    assert names(after) == ["新名"]
    assert after.etag != before.etag
    pinned = find_layer(lookup, "governance.microgrid", at=LATER, edition_id=before.snapshot.edition_id)
    assert (pinned.etag, names(pinned)) == (before.etag, names(before))


def test_an_edition_of_which_another_request_is_just_hearing_is_there_already(
    conn: Connection, lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_layer(lookup, "governance.grid", at=NOW)
    monkeypatch.setattr(EditionBell, "rang", lambda bell: False)
    monkeypatch.setattr(Lookup, "refresh", lambda lookup: None)
    publish_renamed(conn, lookup, "新名", LATER)
    monkeypatch.undo()
    monkeypatch.setattr(EditionBell, "rang", lambda bell: False)
    newest = conn.scalar(select(func.max(edition.c.id)))
    assert find_layer(lookup, "governance.grid", at=NOW, edition_id=newest).snapshot.edition_id == newest


def test_only_the_newest_drawings_are_kept(conn: Connection, lookup: Lookup) -> None:
    for number in range(KEPT + 2):
        at = LATER.replace(day=number + 1)
        publish_renamed(conn, lookup, f"第{number}名", at)
        layer = find_layer(lookup, "governance.microgrid", at=at)
        assert read_tile(conn, lookup, layer, **tile_at(*centre(0, 0), 15))
    kept = conn.execute(tile_drawing.select().where(tile_drawing.c.level == "microgrid")).all()
    assert len(kept) == KEPT
    assert conn.scalar(text("SELECT count(*) FROM tile_shape")) == KEPT * SIDE * SIDE


def test_what_is_not_there_is_said_with_what_is(conn: Connection, lookup: Lookup) -> None:
    for name in ("governance", "governance.town", "nowhere.grid", "", ".", "governance.grid.x"):
        with pytest.raises(NotFound, match=r"the layers are: governance\.community, .*police\.station"):
            find_layer(lookup, name, at=NOW)
    with pytest.raises(NotFound, match="no edition 999999"):
        find_layer(lookup, "governance.grid", at=NOW, edition_id=999999)
    layer = find_layer(lookup, "governance.grid", at=NOW)
    for zoom, column, row in ((3, 8, 0), (3, 0, -1), (MAX_ZOOM + 1, 0, 0), (-1, 0, 0)):
        with pytest.raises(NotFound, match="there is no tile"):
            read_tile(conn, lookup, layer, zoom=zoom, column=column, row=row)


def test_a_layer_describes_itself(lookup: Lookup) -> None:
    described = describe_layer(find_layer(lookup, "governance.street", at=NOW))
    west, south, east, north = described["bounds"]
    assert [round(v, 7) for v in (west, south, east - west, north - south)] == [
        114.0,
        33.2,
        SIDE * STEP,
        SIDE * STEP,
    ]
    assert [each["id"] for each in described["vector_layers"]] == ["units", "labels"]


def wavy_city(side: int = 12) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Squares of 500 m in web Mercator whose shared edges waver by up to 25 m, each edge drawn once."""
    random = np.random.default_rng(5)
    ends = {}

    def edge(a: tuple[int, int], b: tuple[int, int]) -> list[tuple[float, float]]:
        key = (min(a, b), max(a, b))
        if key not in ends:
            share = np.linspace(0, 1, 30)[:, None]
            line = np.array(key[0]) * 500.0 * (1 - share) + np.array(key[1]) * 500.0 * share
            across = 1 if key[0][1] == key[1][1] else 0
            line[1:-1, across] += random.uniform(-25, 25, 28) * np.sin(np.pi * share[1:-1, 0])
            ends[key] = [tuple(xy) for xy in line]
        return ends[key] if a < b else ends[key][::-1]

    def cell(c: int, r: int) -> shapely.Polygon:
        corners = [(c, r), (c + 1, r), (c + 1, r + 1), (c, r + 1), (c, r)]
        ring = [xy for a, b in pairwise(corners) for xy in edge(a, b)[:-1]]
        start = 40 * ((c + r) % 2)  # neighbours begin their rings at different places, as files do
        return shapely.Polygon(ring[start:] + ring[:start])

    return np.array([cell(c, r) for c in range(side) for r in range(side)], dtype=object)


def gaps_m2(shapes: Any) -> float:
    union = shapely.union_all(shapes, grid_size=1e-6)
    rings = shapely.get_rings(shapely.get_parts(union))
    hull = shapely.union_all([shapely.Polygon(ring) for ring in rings])
    overlap = float(shapely.area(shapes).sum()) - union.area
    return float(hull.area - union.area) + overlap


@pytest.mark.parametrize("band", BANDS)
def test_simplifying_opens_no_gap_between_neighbours(band: int) -> None:
    city = wavy_city()
    assert shapely.coverage_is_valid(city)
    tolerance = 2 * 20037508.34 / 512 / 2**band
    simple = simplify_together(city, tolerance)
    assert shapely.coverage_is_valid(simple)
    assert gaps_m2(simple) < 1e-3
    assert shapely.get_num_coordinates(simple).sum() < shapely.get_num_coordinates(city).sum()
    alone = shapely.simplify(city, min(tolerance, 40))
    assert gaps_m2(alone) > 1  # the control: one by one, gaps do open


def test_the_bands_cover_all_zooms() -> None:
    assert [top_zoom_of(zoom) for zoom in (0, 7, 8, 13, 14, 16)] == [7, 7, 9, 13, EXACT, EXACT]


def test_mercator_is_the_one_of_the_tiles(conn: Connection) -> None:
    xy = to_mercator(np.array([[114.0, 33.2], [-70.5, -33.4]]))
    for (x, y), (lon, lat) in zip(xy, ((114.0, 33.2), (-70.5, -33.4)), strict=True):
        query = text(
            "SELECT ST_X(p), ST_Y(p) FROM ST_Transform(ST_SetSRID(ST_Point(:lon, :lat), 4326), 3857) p"
        )
        assert np.allclose(conn.execute(query, {"lon": lon, "lat": lat}).one(), (x, y), atol=1e-5)


def test_a_tile_is_found_by_its_index_among_ten_thousand_shapes(conn: Connection, lookup: Lookup) -> None:
    layer = find_layer(lookup, "governance.microgrid", at=NOW)
    read_tile(conn, lookup, layer, **tile_at(*centre(0, 0), 16))
    conn.execute(
        text(
            "INSERT INTO tile_shape SELECT drawing_id, unit_version_id, ST_Translate(geom, 3000 * a, 3000 * b), "
            "ST_Translate(anchor, 3000 * a, 3000 * b) FROM tile_shape, generate_series(1, 13) a, generate_series(1, 13) b"
        )
    )
    conn.execute(text("ANALYZE tile_shape"))
    assert conn.scalar(text("SELECT count(*) FROM tile_shape")) > 10_000
    at = tile_at(*centre(0, 0), 16)
    binds = {"zoom": 16, "tile_column": at["column"], "tile_row": at["row"]}
    binds["drawing_id"] = conn.scalar(text("SELECT min(drawing_id) FROM tile_shape"))
    plan = conn.execute(text("EXPLAIN " + sql_file("maps", "tile").text), binds).scalars().all()
    assert any("ix_tile_shape_geom" in line for line in plan), "\n".join(plan)
