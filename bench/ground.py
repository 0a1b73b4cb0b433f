"""Grounds to measure on: the fictional city's units, and tessellations of any size from a seed."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas
import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Engine

from cli.frame import open_database
from core.db import make_engine, read_url
from core.settings import Settings
from geo.lookup import Snapshot
from geo.lookup.units import Network, Units
from geo.metric import snap
from migrations.upgrade import upgrade_schema

CITY = Path(__file__).parents[1] / "data" / "boundaries" / "wanglan" / "microgrids.fgb"
SEED = 20260610
_WEST, _SOUTH, _WIDTH, _HEIGHT = 113.9, 33.15, 0.3, 0.25


def city_units() -> NDArray[np.object_]:
    """The borders of the fictional city's 5,657 micro-grids, lon/lat."""
    return np.asarray(geopandas.read_file(CITY).geometry.values, dtype=object)


def tessellation(count: int) -> NDArray[np.object_]:
    """`count` cells that cover a ground without gap or overlap, about as angular as the city's."""
    seeds = np.random.default_rng(SEED).random((count, 2)) * [_WIDTH, _HEIGHT] + [_WEST, _SOUTH]
    ground = shapely.box(_WEST, _SOUTH, _WEST + _WIDTH, _SOUTH + _HEIGHT)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=ground))
    edge = (_WIDTH * _HEIGHT / count) ** 0.5 / 3
    return snap(shapely.segmentize(shapely.intersection(cells, ground), edge))


def random_points(geoms: NDArray[np.object_], count: int) -> NDArray[np.float64]:
    """Points spread evenly over the bounds, columns lon and lat."""
    west, south, east, north = shapely.total_bounds(geoms)
    spread = np.random.default_rng(SEED).random((count, 2))
    return np.asarray(spread * [east - west, north - south] + [west, south], dtype=np.float64)


def snapshot_of(geoms: NDArray[np.object_]) -> Snapshot:
    """A network of these units in memory, coded in their order."""
    count = len(geoms)
    codes = np.array([f"{number:06d}" for number in range(count)], dtype=object)
    units = Units(
        version_id=np.arange(count, dtype=np.int64),
        unit_id=np.array([uuid.UUID(int=number) for number in range(count)], dtype=object),
        level=np.full(count, "grid"),
        kind=np.full(count, "territorial"),
        code=codes,
        name=codes,
        parent_row=np.full(count, -1, dtype=np.int32),
        geom=geoms,
    )
    level = {"code": "grid", "name": "网格", "parent": None}
    return Snapshot(Network(1, "bench", "bench", "full", (level,), ()), 1, units)


@contextmanager
def own_database(settings: Settings) -> Iterator[Engine]:
    """A migrated database of the bench's own on the server in use; gone afterwards."""
    name = f"wangge_bench_{uuid.uuid4().hex[:12]}"
    with open_database(settings) as url:
        address = read_url(url)
        _administer(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        engine = make_engine(address.set(database=name).render_as_string(hide_password=False), pool_size=4)
        try:
            upgrade_schema(engine)
            yield engine
        finally:
            engine.dispose()
            _administer(url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(url: str, statement: sql.Composed) -> None:
    plain = read_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(statement)
