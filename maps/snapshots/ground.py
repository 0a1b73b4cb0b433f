"""The ground of a one-file map: units of a network as lines with names, the deepest on top to answer the pointer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import folium
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, select

from geo.lookup import Snapshot
from geo.lookup.units import NO_ROW
from geo.metric import metric_crs_of, to_metres
from geo.tables import unit_version
from maps.snapshots.frame import STATIC, Bounds, OfflineMap, add_script, count, tokens
from maps.tile_shapes import simplify_together

_DECIMALS = 6
_EQUATOR_M = 156543.03392804097
READABLE_PX = 120
"""A name is shown from the zoom at which its units are about this wide."""
MOST_OUTLINES = 1_200
VISIBLE_PX = 14
"""Borders are shown from the zoom at which their units are about this wide."""


@dataclass(frozen=True)
class UnitFacts:
    """What the database knows beyond the snapshot, by unit version."""

    area_m2: float
    households: int | None


def read_unit_facts(conn: Connection, version_ids: Iterable[int]) -> dict[int, UnitFacts]:
    columns = (unit_version.c.id, unit_version.c.area_m2, unit_version.c.households)
    query = select(*columns).where(unit_version.c.id.in_(list(version_ids)))
    return {row.id: UnitFacts(row.area_m2, row.households) for row in conn.execute(query)}


def rows_of(snapshot: Snapshot, level: str, kind: str, inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of the units of a level and kind among those `inside`."""
    units = snapshot.units
    return np.flatnonzero((units.level == level) & (units.kind == kind) & inside)


def rows_under(snapshot: Snapshot, unit_code: str | None) -> NDArray[np.bool_]:
    """Which units are the one with this code or below it; None: all."""
    units = snapshot.units
    if unit_code is None:
        return np.ones(len(units), dtype=bool)
    inside = np.array([code == unit_code for code in units.code], dtype=bool)
    for _ in snapshot.levels:
        inside |= (units.parent_row != NO_ROW) & inside[units.parent_row]
    return inside


def chain_of(snapshot: Snapshot, row: int) -> list[str]:
    """Names from the root down to the unit."""
    names: list[str] = []
    while row != NO_ROW and len(names) <= len(snapshot.levels):
        names.append(str(snapshot.units.name[row]))
        row = int(snapshot.units.parent_row[row])
    return names[::-1]


def simplify_for_file(shapes: NDArray[np.object_], tolerance_m: float) -> NDArray[np.object_]:
    """WGS-84 shapes simplified together, so that no gap opens, to keep a file small; `tolerance_m` 0 leaves them."""
    if tolerance_m <= 0 or not len(shapes):
        return shapes
    scale = tolerance_m / 111_320
    stretch = float(np.cos(np.radians(np.mean(shapely.bounds(shapes)[:, [1, 3]]))))
    squeezed = shapely.transform(shapes, lambda xy: xy * (stretch, 1))
    return np.asarray(
        shapely.transform(simplify_together(squeezed, scale), lambda xy: xy / (stretch, 1)), object
    )


def add_shapes(
    made: OfflineMap,
    shapes: NDArray[np.object_],
    tips: Sequence[list[str]] | None,
    *,
    style: dict[str, object],
    hover: dict[str, object] | None = None,
) -> folium.GeoJson:
    """A layer of one style; with `tips` each shape answers the pointer with lines of text."""
    features = [
        {"type": "Feature", "id": place, "properties": {}, "geometry": _mapping(shape)}
        for place, shape in enumerate(shapes)
    ]
    layer = folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda _feature: style,
        highlight_function=(lambda _feature: hover) if hover else None,
        smooth_factor=0,
        interactive=tips is not None,
    )
    layer.add_to(made)
    if tips:
        add_script(made, f"wanggeTips({layer.get_name()}, {{tips}});", tips=tips)
    return layer


def _mapping(shape: BaseGeometry) -> dict[str, object]:
    rounded: BaseGeometry = shapely.transform(shape, lambda xy: np.round(xy, _DECIMALS))
    mapping: dict[str, object] = shapely.geometry.mapping(rounded)
    return mapping


def add_outlines(made: OfflineMap, snapshot: Snapshot, bounds: Bounds, *, filled: bool = True) -> None:
    """A quiet ground below other things: each level of which at most some hundred units lie in or around `bounds`."""
    west, south, east, north = bounds
    box = shapely.box(2 * west - east, 2 * south - north, 2 * east - west, 2 * north - south)
    around = shapely.intersects(snapshot.units.geom, box)
    shown = np.zeros(len(around), dtype=bool)
    drawn: list[str] = []
    colors = tokens()
    for depth, level in enumerate(snapshot.levels):
        rows = rows_of(snapshot, level, "territorial", around)
        if not 0 < len(rows) <= MOST_OUTLINES:
            continue
        shown[rows] = True
        style: dict[str, object] = {"color": colors["unit-line"], "weight": max(0.75, 2.25 - 0.75 * depth)}
        style |= {"opacity": 0.7, "fillColor": colors["unit-fill"], "fillOpacity": 1.0}
        style["fill"] = filled and depth == 0
        layer = add_shapes(made, simplify_for_file(snapshot.units.geom[rows], 2), None, style=style)
        zoom = zoom_of_width(snapshot.units.geom[rows], VISIBLE_PX) if drawn else 0
        drawn.append(f"[{layer.get_name()}, {zoom:g}]")
    add_script(made, f"wanggeGround({{map}}, [{', '.join(drawn)}]);")
    add_labels(made, snapshot, shown)


def add_labels(made: OfflineMap, snapshot: Snapshot, inside: NDArray[np.bool_]) -> None:
    """Names of all levels, each from the zoom at which its units are wide enough."""
    units = snapshot.units
    labels: list[dict[str, object]] = []
    for depth, level in enumerate(snapshot.levels):
        rows = np.flatnonzero((units.level == level) & inside)
        if not len(rows):
            continue
        zoom = zoom_of_width(units.geom[rows], READABLE_PX) if depth else 0
        points = shapely.point_on_surface(units.geom[rows])
        for row, lon, lat in zip(rows, shapely.get_x(points), shapely.get_y(points), strict=True):
            label: dict[str, object] = {"text": str(units.name[row]), "zoom": zoom}
            label |= {"lon": round(float(lon), _DECIMALS), "lat": round(float(lat), _DECIMALS)}
            labels.append(label | {"size": 14 if depth == 0 else 12, "strong": int(depth == 0)})
    write_labels(made, labels)


def add_names(made: OfflineMap, shapes: NDArray[np.object_], names: Sequence[str]) -> None:
    """A name in each shape, from the zoom at which they are wide enough; none over another."""
    zoom = zoom_of_width(shapes, READABLE_PX) - 1
    points = shapely.point_on_surface(shapes)
    places = zip(names, shapely.get_x(points).tolist(), shapely.get_y(points).tolist(), strict=True)
    write_labels(
        made,
        [
            {
                "text": name,
                "zoom": zoom,
                "lon": round(lon, _DECIMALS),
                "lat": round(lat, _DECIMALS),
                "size": 12,
                "strong": 0,
            }
            for name, lon, lat in places
        ],
    )


def write_labels(made: OfflineMap, labels: Sequence[dict[str, object]]) -> None:
    colors = tokens()
    look = {"text": colors["unit-label"], "halo": colors["panel"], "font": colors["font"]}
    code = (STATIC / "snapshot" / "labels.js").read_text("utf-8")
    add_script(made, code + "\nnew WanggeLabels({labels}, {look}).addTo({map});", labels=labels, look=look)


def zoom_of_width(shapes: NDArray[np.object_], width_px: float) -> float:
    """The zoom at which these shapes are typically this wide on the screen."""
    plane = to_metres(shapes, metric_crs_of(shapes))
    wide_m = float(np.median(np.sqrt(shapely.area(plane))))
    lat = float(np.mean(shapely.bounds(shapes)[:, 1]))
    zoom = np.log2(width_px * _EQUATOR_M * np.cos(np.radians(lat)) / max(wide_m, 1))
    return round(float(np.clip(zoom, 0, 19)), 2)


def area_text(area_m2: float) -> str:
    """An area for people, in km² or ha."""
    return f"{area_m2 / 1e6:,.2f} km²" if area_m2 >= 1e5 else f"{area_m2 / 1e4:,.2f} ha"


def households_text(households: int | None) -> str:
    return "–" if households is None else count(households)
