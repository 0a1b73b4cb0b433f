"""A GeoPackage that comes back, feature by feature: what cannot be read of one is told of that one."""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, Text, told
from geo.coordinates import convert_geometries
from geo.plans import as_multipolygons, geometry_column
from geo.sources.frame import RawFrame, cell_text
from geo.sources.vector import read_vector
from geo.validation.ground import Objects

LAYER: Final = "units"
NAME: Final = "plan.gpkg"
_SPOT = re.compile(r"\[(-?[0-9.e+-]+) (-?[0-9.e+-]+)\]")
_POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Feature:
    """A feature of a file. `number`: its place there, from 1; `unit_id` None: it has none of this program.

    `geom` None: `trouble` says why it cannot be read, and `place` where, if that is known. `households`: as it stands.
    """

    number: int
    unit_id: UUID | None = None
    geom: BaseGeometry | None = None
    trouble: Text | None = None
    place: BaseGeometry | None = None
    level: str | None = None
    kind: str | None = None
    code: str | None = None
    name: str | None = None
    households: str | None = None


def read_package(data: bytes) -> list[Feature]:
    """Every feature of the file; Invalid for one that cannot be opened."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(data)
        raw = _read_layer(path)
    shapes, troubles = _in_wgs84(raw)
    texts = {name: list(map(cell_text, values)) for name, values in raw.columns.items()}
    return [_feature(row, shape, troubles.get(row), texts) for row, shape in enumerate(shapes)]


def _read_layer(path: Path) -> RawFrame:
    """The layer as it was written, or the only one of a file that another program wrote."""
    try:
        return read_vector(path, LAYER, Path(NAME))
    except Invalid as first:
        try:
            return read_vector(path, None, Path(NAME))
        except Invalid:
            reason = str(first).removeprefix(f"{NAME}: ")
            raise Invalid(told("plan.gpkg: cannot be opened: {reason}", reason=reason)) from first


Trouble = tuple[Text, BaseGeometry | None]


def _in_wgs84(raw: RawFrame) -> tuple[Objects, dict[int, Trouble]]:
    """Borders as MultiPolygons in WGS-84, None where one cannot be read, and why."""
    shapes = np.asarray(shapely.force_2d(raw.geometry), dtype=object).reshape(len(raw.rows))
    troubles = {row: why for row, shape in enumerate(shapes) if (why := _unlike_a_border(shape)) is not None}
    fine = np.array([row for row in range(len(shapes)) if row not in troubles], dtype=np.int64)
    try:
        shapes[fine] = convert_geometries(shapes[fine], raw.crs or "wgs84")
    except Invalid as error:
        crs = (raw.crs or "")[:60]
        raise Invalid(
            told("plan.gpkg: is in {crs}, which cannot be converted; save it in EPSG:4326", crs=crs)
        ) from error
    troubles |= {row: why for row in fine.tolist() if (why := _wrong_border(shapes[row])) is not None}
    read = geometry_column(None if row in troubles else shape for row, shape in enumerate(shapes))
    return as_multipolygons(read), troubles


def _unlike_a_border(shape: BaseGeometry | None) -> Trouble | None:
    if shape is None or shape.is_empty:
        return told("it has no geometry: draw it, or delete the feature"), None
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return told("its geometry holds numbers that are not finite"), None
    if shape.geom_type not in _POLYGONS:
        return told("borders are polygons, not {geom_type}", geom_type=shape.geom_type), shape
    return None


def _wrong_border(shape: BaseGeometry) -> Trouble | None:
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return told("it does not lie on the globe: is its coordinate system the right one?"), None
    if shape.is_valid:
        return None
    spot = _SPOT.search(shapely.is_valid_reason(shape))
    place = None if spot is None else shapely.Point(float(spot[1]), float(spot[2]))
    return told("its border crosses or touches itself: mend it there and send the file again"), place


def _feature(
    row: int, shape: BaseGeometry | None, trouble: Trouble | None, texts: dict[str, list[str]]
) -> Feature:
    names = ("level", "kind", "code", "name", "households")
    told_: dict[str, Any] = {name: texts[name][row] or None for name in names if name in texts}
    why, place = (None, None) if trouble is None else trouble
    return Feature(row + 1, _id(texts.get("unit_id", {row: ""})[row]), shape, why, place, **told_)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
