"""A plan as a GeoPackage for desktop programs: units with their ids, styled for QGIS."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import geopandas
from sqlalchemy import Connection

from core.errors import Invalid, told
from geo.plans.packages.reading import LAYER
from geo.plans.redraw import Redraw
from geo.plans.scene import EVERYTHING, read_scene

STYLE: Final = Path(__file__).parent / "units.qml"
STYLES_TABLE: Final = Path(__file__).parent / "layer_styles.sql"
STYLE_LAYER: Final = Path(__file__).parent / "style_layer.sql"


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
