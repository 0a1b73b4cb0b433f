"""GeoJSON files: points with a time as a property, and lines whose properties carry a time for each vertex."""

from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import Invalid
from geo.findings import RowFinding
from tracking.files.table import FixTable, read_file, table_of_fixes
from tracking.formats.geojson import point_fix
from tracking.formats.report import ParsedFix, instant, load_json, number

_TIMES = ("coordTimes", "times", "coordinateProperties")


def read(path: Path, _zone: ZoneInfo) -> FixTable:
    """Rows are features, from 1; times need an offset."""
    value = _load(path)
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind not in ("Feature", "FeatureCollection"):
        raise Invalid(f"{path}: is no GeoJSON Feature or FeatureCollection")
    features = [value] if kind == "Feature" else value.get("features")
    if not isinstance(features, list):
        raise Invalid(f"{path}: its “features” are no list")
    fixes: list[tuple[int, ParsedFix]] = []
    findings: list[RowFinding] = []
    for n, feature in enumerate(features, 1):
        found = _fixes(feature)
        fixes += [(n, one) for one in found]
        if not found:
            findings.append(
                RowFinding(
                    path.name, n, None, None, "is neither a point nor a line with a time for each vertex"
                )
            )
    table = table_of_fixes(path.name, fixes)
    return FixTable(table.name, table.fixed_at, table.numbers, table.charging, (*findings, *table.findings))


def _load(path: Path) -> object:
    try:
        return load_json(read_file(path))
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error


def _fixes(feature: object) -> list[ParsedFix]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(geometry, dict):
        return []
    if geometry.get("type") == "Point":
        return [point_fix(feature)]
    if geometry.get("type") == "LineString":
        return _vertices(geometry.get("coordinates"), feature.get("properties"))
    return []


def _vertices(coordinates: object, properties: object) -> list[ParsedFix]:
    told = properties if isinstance(properties, dict) else {}
    times = next((told[name] for name in _TIMES if name in told), None)
    if isinstance(times, dict):
        times = times.get("times")
    if not isinstance(coordinates, list) or not isinstance(times, list) or len(times) != len(coordinates):
        return []
    padded = [
        [*vertex, None, None, None] if isinstance(vertex, list) else [None] * 3 for vertex in coordinates
    ]
    return [
        ParsedFix(instant(at), number(vertex[0]), number(vertex[1]), altitude_m=number(vertex[2]))
        for at, vertex in zip(times, padded, strict=True)
    ]
