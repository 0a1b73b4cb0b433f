"""Placement: a million points in the city's micro-grids, beside the joins of geopandas, SedonaDB and PostGIS."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import sedonadb
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, column, func, select, table

from bench.ground import city_units, own_database, random_points, snapshot_of, tessellation
from bench.report import Report, medians, seconds_of
from core.db import copy_rows, sql_file
from core.settings import Settings
from geo.lookup import Snapshot

POINTS = 1_000_000
SINGLES = 2_000
SIZES = (1_000, 10_000, 100_000)
Owners = NDArray[np.int64]


def run(report: Report, settings: Settings) -> None:
    """Headline: bulk placement against geopandas' own join, the faster of its two predicates."""
    geoms = city_units()
    points = random_points(geoms, POINTS)
    ours = Ours(geoms, points)
    frames = {how: Geopandas(geoms, points, how) for how in ("within", "intersects")}
    sedona = Sedona(geoms, points)
    first_s = seconds_of(ours)
    ours_s, within_s, intersects_s, sedona_s = medians([ours, *frames.values(), sedona])
    how, joined_s = min(("within", within_s), ("intersects", intersects_s), key=lambda each: each[1])
    work = f"place {POINTS:,} points in {len(geoms):,} units"
    report.compare(work, ours_s, f"geopandas.sjoin({how})", joined_s)
    report.compare(f"{work}, SedonaDB", ours_s, "SedonaDB join", sedona_s)
    report.compare(f"{work}, the first time", first_s, f"geopandas.sjoin({how})", joined_s)
    answers = {f"geopandas {how}": each.owners() for how, each in frames.items()} | {
        "SedonaDB": sedona.owners()
    }
    with own_database(settings) as engine, engine.begin() as conn:
        postgis = Postgis(conn, geoms, points)
        report.compare(f"{work}, PostGIS", ours_s, "PostGIS ST_Covers join, one run", seconds_of(postgis))
        answers["PostGIS"] = postgis.owners()
        _tell_one_by_one(report, ours.snapshot, conn, points[:SINGLES])
    for name, owners in answers.items():
        report.check_equal(name, int((owners != ours.owners()).sum()))
    report.tell("memory of the snapshot", ours.snapshot.nbytes / 1e6, "MB")
    _tell_growth(report)


class Ours:
    """Placing as the product does it; the first call draws the raster."""

    def __init__(self, geoms: NDArray[np.object_], points: NDArray[np.float64]) -> None:
        self.snapshot = snapshot_of(geoms)
        self._lon, self._lat = points[:, 0].copy(), points[:, 1].copy()
        self._found: Owners = np.empty(0, dtype=np.int64)

    def __call__(self) -> None:
        self._found = self.snapshot.place_many(self._lon, self._lat).unit_version_id

    def owners(self) -> Owners:
        return self._found


class Geopandas:
    """`geopandas.sjoin` on frames made beforehand."""

    def __init__(self, geoms: NDArray[np.object_], points: NDArray[np.float64], predicate: str) -> None:
        self._points = geopandas.GeoDataFrame(geometry=shapely.points(points), crs=4326)
        self._units = geopandas.GeoDataFrame(geometry=geoms, crs=4326)
        self._predicate = predicate
        self._joined: Any = None

    def __call__(self) -> None:
        self._joined = geopandas.sjoin(self._points, self._units, predicate=self._predicate)

    def owners(self) -> Owners:
        return _lowest(
            self._joined.index.to_numpy(), self._joined["index_right"].to_numpy(), len(self._points)
        )


class Sedona:
    """SedonaDB's spatial join on frames it has taken into memory beforehand."""

    def __init__(self, geoms: NDArray[np.object_], points: NDArray[np.float64]) -> None:
        self._count, self._sedona = len(points), sedonadb.connect()
        for name, shapes in (("points", _points(points)), ("areas", geoms)):
            frame = geopandas.GeoDataFrame({"id": np.arange(len(shapes))}, geometry=shapes, crs=4326)
            self._sedona.create_data_frame(frame).to_memtable().to_view(name)
        self._query = (files("bench") / "sql" / "sedona_join.sql").read_text("utf-8")
        self._found: Any = None

    def __call__(self) -> None:
        self._found = pa.table(self._sedona.sql(self._query))

    def owners(self) -> Owners:
        return _lowest(self._found["id"].to_numpy(), self._found["area_id"].to_numpy(), self._count)


class Postgis:
    """The join in the database, its answer left there."""

    def __init__(self, conn: Connection, geoms: NDArray[np.object_], points: NDArray[np.float64]) -> None:
        self._conn, self._count = conn, len(points)
        conn.execute(sql_file("bench", "make_tables"))
        for name, shapes in (("point", _points(points)), ("area", geoms)):
            wkb = shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)
            copy_rows(conn, name, ("id", "geom"), enumerate(wkb))
        conn.execute(sql_file("bench", "analyse"))

    def __call__(self) -> None:
        self._conn.execute(sql_file("bench", "join"))

    def owners(self) -> Owners:
        answer = table("answer", column("id"), column("area_id"))
        row = self._conn.execute(select(func.array_agg(answer.c.id), func.array_agg(answer.c.area_id))).one()
        return _lowest(np.array(row[0]), np.array(row[1]), self._count)


def _points(points: NDArray[np.float64]) -> NDArray[np.object_]:
    return np.asarray(shapely.points(points), dtype=object)


def _lowest(point: NDArray[Any], unit: NDArray[Any], count: int) -> Owners:
    """Per point the lowest unit joined to it, -1 for none."""
    owner = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(owner, point.astype(np.int64), unit.astype(np.int64))
    owner[owner == np.iinfo(np.int64).max] = -1
    return owner


def _tell_one_by_one(
    report: Report, snapshot: Snapshot, conn: Connection, points: NDArray[np.float64]
) -> None:
    """One point at a time, chain and distance to the border included, beside a bare lookup in PostGIS."""
    query = sql_file("bench", "one_point")
    works: list[Callable[[], object]] = [
        lambda: [snapshot.place(float(lon), float(lat)) for lon, lat in points],
        lambda: [conn.execute(query, {"lon": float(lon), "lat": float(lat)}).scalar() for lon, lat in points],
    ]
    ours_s, postgis_s = medians(works, rounds=3)
    report.compare(
        f"place {len(points):,} points one by one", ours_s, "PostGIS ST_Covers, one query each", postgis_s
    )


def _tell_growth(report: Report) -> None:
    """The same million points in ever more units of the same ground."""
    smallest_s = 0.0
    for size in SIZES:
        geoms = tessellation(size)
        ours = Ours(geoms, random_points(geoms, POINTS))
        first_s = seconds_of(ours)
        (spent_s,) = medians([ours], rounds=3)
        smallest_s = smallest_s or spent_s
        name = f"place {POINTS:,} points in {len(geoms):,} units"
        report.compare(name, spent_s, f"the same in {SIZES[0]:,} units", smallest_s)
        report.tell(f"make the snapshot of {len(geoms):,} units", first_s - spent_s, "s")
