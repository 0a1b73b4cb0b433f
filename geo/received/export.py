"""Units of a network as a file, for other people's programs."""

import csv
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import orjson
import shapely
from pyogrio.errors import DataSourceError
from sqlalchemy import Connection, func, select

from core.errors import Invalid
from geo.codes import natural_key
from geo.coordinates import CHINESE, from_wgs84, read_crs
from geo.networks import get_network
from geo.tables import holds, unit, unit_version

DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf"}
COLUMNS = ("level", "code", "name", "parent", "kind", "households", "area_m2")


@dataclass(frozen=True)
class Export:
    """Which units, as of when, by whose knowledge, in which coordinates. `level` None: all of them; `known_at` None: now."""

    network: str
    level: str | None
    at: datetime
    crs: str = "wgs84"
    known_at: datetime | None = None


def export_units(conn: Connection, wanted: Export, out: Path) -> int:
    """Write them to `out` (GeoJSON, GeoPackage, FlatGeobuf or CSV with WKT, by its ending); returns how many.

    A file in GCJ-02 or BD-09 has no CRS written into it, because no program knows one.
    """
    if out.suffix.lower() not in {".geojson", ".json", ".csv", *DRIVERS}:
        raise Invalid(f"{out}: write .geojson, .gpkg, .fgb or .csv")
    rows, shapes = _read(conn, wanted)
    if not rows:
        raise Invalid(
            f"network {wanted.network} has no units then{f' at {wanted.level}' if wanted.level else ''}"
        )
    crs = read_crs(wanted.crs)
    part = out.with_name(f".{os.getpid()}.{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(part, out.suffix.lower(), rows, _converted(shapes, crs), crs)
        part.replace(out)
    except (OSError, DataSourceError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Invalid(f"{out}: cannot be written: {reason}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return len(rows)


def _read(conn: Connection, wanted: Export) -> tuple[list[dict[str, Any]], Any]:
    network = get_network(conn, wanted.network)
    if wanted.level is not None:
        network.level(wanted.level)
    names = ("unit_id", "parent_unit_id", "level", "code", "name", "households", "area_m2")
    query = (
        select(
            *(unit_version.c[name] for name in names),
            unit.c.kind,
            func.ST_AsBinary(unit_version.c.geom).label("wkb"),
        )
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(unit_version.c.network_id == network.id, holds(wanted.at, wanted.known_at))
    )
    found = conn.execute(query).all()
    codes = {row.unit_id: row.code for row in found}
    order = {level.code: place for place, level in enumerate(network.levels)}
    chosen = sorted(
        (row for row in found if wanted.level in (None, row.level)),
        key=lambda row: (order[row.level], natural_key(row.code)),
    )
    rows = [
        {
            **{name: getattr(row, name) for name in COLUMNS if name != "parent"},
            "parent": codes.get(row.parent_unit_id),
        }
        for row in chosen
    ]
    return rows, shapely.from_wkb(np.array([bytes(row.wkb) for row in chosen], dtype=object))


def _converted(shapes: Any, crs: str) -> Any:
    def move(xy: Any) -> Any:
        return np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], crs))

    return shapes if crs == "wgs84" else shapely.transform(shapes, move)


def _write(path: Path, suffix: str, rows: list[dict[str, Any]], shapes: Any, crs: str) -> None:
    if suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*COLUMNS, "wkt"])
            wkt = shapely.to_wkt(shapes, rounding_precision=9)
            writer.writerows(
                [*(row[name] for name in COLUMNS), text] for row, text in zip(rows, wkt, strict=True)
            )
    elif suffix in DRIVERS:
        known = {"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4490"}.get(crs, None if crs in CHINESE else crs)
        frame = geopandas.GeoDataFrame(rows, geometry=list(shapes), crs=known)
        frame.to_file(path, driver=DRIVERS[suffix], engine="pyogrio", layer="units")
    else:
        features = [
            {"type": "Feature", "properties": row, "geometry": orjson.Fragment(text)}
            for row, text in zip(rows, shapely.to_geojson(shapes), strict=True)
        ]
        path.write_bytes(orjson.dumps({"type": "FeatureCollection", "wangge_crs": crs, "features": features}))
