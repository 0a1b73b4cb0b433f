"""A plan as a GeoPackage for desktop programs, and back: each unit is told by its id, each difference is located."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import geopandas
from sqlalchemy import Connection

from core.errors import Invalid, told
from geo.operations.partition import Difference, Incoming, ReplaceFromFile, compare_with_file
from geo.plans import as_multipolygons, geometry_column
from geo.plans.codec import write_operation
from geo.plans.neighbourhood import read_drawing
from geo.plans.redraw import Redraw
from geo.plans.scene import read_scene
from geo.sources.vector import read_vector

LAYER: Final = "units"
EVERYTHING: Final = 1_000_000
STYLE: Final = Path(__file__).parent / "units.qml"
STYLES_TABLE: Final = Path(__file__).parent / "layer_styles.sql"
STYLE_LAYER: Final = Path(__file__).parent / "style_layer.sql"
FIELDS: Final = ("border", "name", "code", "households")


@dataclass(frozen=True)
class Offered:
    """One difference of a file, with the name and arguments of the operation that takes it over; None: it cannot be."""

    difference: Difference
    operation: tuple[str, dict[str, Any]] | None


def write_package(conn: Connection, found: Redraw) -> bytes:
    """The units that the plan may redraw, as it has them now, styled for QGIS."""
    units = [each.unit for each in read_scene(conn, found, limit=EVERYTHING).units if each.editable]
    if not units:
        raise Invalid(told("plan {id} has no unit that may be redrawn", id=found.id))
    rows = [
        {
            "unit_id": str(unit.id),
            "level": unit.level,
            "code": unit.code,
            "name": unit.name,
            "kind": unit.kind,
            "households": unit.households,
        }
        for unit in units
    ]
    frame = geopandas.GeoDataFrame(rows, geometry=[unit.geom for unit in units], crs="EPSG:4326")
    frame["households"] = frame["households"].astype("Int64")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.gpkg"
        frame.to_file(path, driver="GPKG", engine="pyogrio", layer=LAYER)
        with closing(sqlite3.connect(path)) as file, file:
            file.executescript(STYLES_TABLE.read_text("utf-8"))
            file.execute(STYLE_LAYER.read_text("utf-8"), {"layer": LAYER, "style": STYLE.read_text("utf-8")})
        return path.read_bytes()


def read_package(data: bytes) -> list[Incoming]:
    """The units of a file with ids that this program gave; Invalid for a file that is no such GeoPackage."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.gpkg"
        path.write_bytes(data)
        raw = read_vector(path, LAYER, Path("plan.gpkg"))
    if raw.crs not in ("EPSG:4326", "OGC:CRS84"):
        raise Invalid(told("plan.gpkg: is in {crs}; keep it in EPSG:4326 as it was given", crs=raw.crs))
    if "unit_id" not in raw.columns:
        raise Invalid(told("plan.gpkg: has no field unit_id, by which its units are told"))
    shapes = as_multipolygons(geometry_column(raw.geometry))
    return [
        Incoming(_id(raw.columns["unit_id"][row]), shape, **_told(raw.columns, row))
        for row, shape in enumerate(shapes)
    ]


def _id(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise Invalid(
            told("plan.gpkg: “{value}” is no unit id of this program", value=str(value)[:60])
        ) from None


def _told(columns: dict[str, list[Any]], row: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in ("name", "code", "households"):
        value = columns[name][row] if name in columns else None
        if value is not None:
            told[name] = int(value) if name == "households" else str(value)
    return told


def compare_package(conn: Connection, found: Redraw, data: bytes) -> list[Offered]:
    """What the file has different from the plan, one by one; nothing is changed."""
    incoming = read_package(data)
    if len({each.id for each in incoming}) < len(incoming):
        raise Invalid(told("plan.gpkg: holds a unit twice: give each id one row, with all its polygons"))
    drawing = read_drawing(conn, found, ReplaceFromFile(tuple(incoming)))
    by_id = {each.id: each for each in incoming}
    return [
        Offered(each, _accepting(each, by_id[each.unit]))
        for each in compare_with_file(drawing, incoming)
        if each.unit in by_id
    ]


def _accepting(difference: Difference, incoming: Incoming) -> tuple[str, dict[str, Any]] | None:
    if difference.kind not in FIELDS:
        return None
    field = "geom" if difference.kind == "border" else difference.kind
    wanted = Incoming(incoming.id, **{field: getattr(incoming, field)})
    return write_operation(ReplaceFromFile((wanted,)))
