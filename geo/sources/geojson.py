"""GeoJSON as people send it: RFC 7946, the older `crs` member, UTF-8 or GB18030, one bad feature among good ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely

from core.errors import Invalid
from geo.coordinates import read_crs
from geo.findings import RowFinding
from geo.sources.frame import RawFrame
from geo.tabular import decode_text


def read_geojson(path: Path) -> RawFrame:
    """All features; one without a `crs` member is WGS-84, as RFC 7946 says."""
    document = _parse(path, decode_text(path.read_bytes(), path))
    features = _features(path, document)
    findings: list[RowFinding] = []
    shapes, rows, properties = [], [], []
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            findings.append(RowFinding(path.name, number, None, None, "is no GeoJSON Feature"))
            continue
        shape = _shape(feature.get("geometry"))
        if isinstance(shape, str):
            findings.append(RowFinding(path.name, number, "geometry", None, shape))
            continue
        shapes.append(shape)
        rows.append(number)
        properties.append(feature["properties"] if isinstance(feature.get("properties"), dict) else {})
    names = list(dict.fromkeys(name for values in properties for name in values))
    columns = {name: [values.get(name) for values in properties] for name in names}
    geometry = np.array(shapes, dtype=object)
    return RawFrame(None, _claimed_crs(path, document), columns, geometry, rows, findings)


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        try:
            document = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            document = json.loads(text)  # knows NaN, which orjson does not; such a feature becomes a finding
    except json.JSONDecodeError as error:
        raise Invalid(f"{path}, line {error.lineno}, column {error.colno}: no JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise Invalid(f"{path}: this JSON is nested too deeply or holds numbers too long to read") from error
    if not isinstance(document, dict):
        raise Invalid(f"{path}: holds JSON, but no GeoJSON object")
    return document


def _features(path: Path, document: dict[str, Any]) -> list[Any]:
    kind = document.get("type")
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        return list(document["features"])
    if kind == "Feature":
        return [document]
    if kind in ("Polygon", "MultiPolygon", "GeometryCollection"):
        return [{"type": "Feature", "properties": {}, "geometry": document}]
    raise Invalid(f"{path}: holds JSON, but no GeoJSON FeatureCollection (its type is {str(kind)[:40]!r})")


def _shape(geometry: object) -> Any:
    """A shapely geometry, None where the feature has none, or the reason in words."""
    if geometry is None:
        return None
    if not isinstance(geometry, dict):
        return "the geometry is no GeoJSON object"
    try:
        text = orjson.dumps(geometry).decode()
        return shapely.from_geojson(text)
    except (TypeError, ValueError, RecursionError, shapely.errors.GEOSException):
        return "the geometry is no GeoJSON geometry of finite numbers"


def _claimed_crs(path: Path, document: dict[str, Any]) -> str | None:
    member = document.get("crs")
    if member is None:
        return "wgs84"
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        return None
    try:
        return read_crs(name)
    except Invalid as error:
        raise Invalid(f"{path}: its crs member says {error}; or say the CRS with --crs") from error
