"""Files of shapes as received: GeoJSON, GeoParquet, CSV with WKT and the kinds that GDAL reads (`kinds`), also zipped.

`read_source` brings any of them to WGS-84. A file that cannot be read is Invalid; a row that cannot be used is a
finding with its place, and the others go on. Nothing is repaired here.
"""

import re
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from core.errors import Invalid
from geo.coordinates import CHINESE, convert_geometries, in_china, read_crs
from geo.findings import RowFinding
from geo.sources.columnar import SUFFIXES as PARQUET
from geo.sources.columnar import read_parquet
from geo.sources.frame import RawFrame, SourceFrame
from geo.sources.geojson import read_geojson
from geo.sources.kinds import KINDS
from geo.sources.vector import read_vector
from geo.sources.wkt import read_wkt_table
from geo.tabular import MAX_BYTES, position_trouble

__all__ = ["SourceFrame", "read_source"]

GEOJSON = (".geojson", ".json")
VECTOR = tuple(KINDS)
TABLES = (".csv", ".txt", ".tsv", ".xlsx")
SOURCES = (*GEOJSON, *VECTOR, *PARQUET, *TABLES)
_BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read_source(path: Path | str, *, layer: str | None = None, crs: str | None = None) -> SourceFrame:
    """The rows of a file in WGS-84. `crs` (a name of geo.coordinates.CHINESE or EPSG:n) overrules what the file says.

    Invalid where the file cannot be read, has no CRS and none is given, has several layers and none is named, or
    holds no usable row.
    """
    path = Path(path)
    wanted = read_crs(crs) if crs is not None else None
    _check_file(path)
    raw = _read_zip(path, layer) if path.suffix.lower() == ".zip" else _read_one(path, layer, path)
    if wanted is None and raw.crs is None:
        raise Invalid(f"{path}: does not say its CRS; say it with --crs {', '.join(CHINESE)} or EPSG:n")
    return _in_wgs84(path, raw, wanted or read_crs(raw.crs or ""))


def _check_file(path: Path) -> None:
    try:
        if not path.is_file():
            raise Invalid(f"{path}: there is no such file")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise Invalid(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if size == 0:
        raise Invalid(f"{path}: the file is empty")
    if size > MAX_BYTES:
        raise Invalid(f"{path}: {size:,} bytes, more than {MAX_BYTES:,}; split it")


def _read_one(path: Path, layer: str | None, name: Path) -> RawFrame:
    suffix = path.suffix.lower()
    if suffix in VECTOR:
        return read_vector(path, layer, name)
    if layer is not None:
        raise Invalid(f"{name}: has no layers; leave --layer out")
    if suffix in GEOJSON:
        return read_geojson(path)
    if suffix in PARQUET:
        return read_parquet(path, name)
    if suffix in TABLES:
        return read_wkt_table(path)
    raise Invalid(f"{name}: unknown kind of file; known are {', '.join((*SOURCES, '.zip'))}")


def _read_zip(path: Path, layer: str | None) -> RawFrame:
    """The one source inside an archive, or the one that `layer` names; unpacked under names of our own."""
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="wangge-") as folder:
            members = [member for member in archive.infolist() if not member.is_dir()]
            chosen, inner_layer = _choose_member(path, members, layer)
            stem = Path(chosen.filename).with_suffix("")
            parts = [member for member in members if Path(member.filename).with_suffix("") == stem]
            if sum(part.file_size for part in parts) > MAX_BYTES:
                raise Invalid(f"{path}: unpacks to more than {MAX_BYTES:,} bytes; split it")
            for part in parts:
                target = Path(folder) / f"source{Path(part.filename).suffix.lower()}"
                target.write_bytes(archive.read(part))
            source = Path(folder) / f"source{Path(chosen.filename).suffix.lower()}"
            try:
                return _read_one(source, inner_layer, path)
            except Invalid as error:
                raise Invalid(str(error).replace(str(source), f"{path}, {chosen.filename}")) from error
    except _BAD_ARCHIVE as error:
        raise Invalid(f"{path}: the archive cannot be unpacked: {error}") from error


def _choose_member(
    path: Path, members: list[zipfile.ZipInfo], layer: str | None
) -> tuple[zipfile.ZipInfo, str | None]:
    """The member to read and the layer to ask of it."""
    sources = [m for m in members if Path(m.filename).suffix.lower() in SOURCES]
    named = [m for m in sources if layer in (m.filename, Path(m.filename).name, Path(m.filename).stem)]
    if len(named) == 1:
        return named[0], None
    if len(sources) == 1:
        return sources[0], layer
    if not sources:
        raise Invalid(f"{path}: the archive holds no source of shapes")
    names = ", ".join(m.filename for m in sources)
    raise Invalid(f"{path}: it is unclear which of its files is meant; say one with --layer: {names}")


def _in_wgs84(path: Path, raw: RawFrame, crs: str) -> SourceFrame:
    if not len(raw.rows) and not raw.findings:
        raise Invalid(f"{path}: holds no rows")
    reasons = _text_troubles(raw)
    flat = np.asarray(shapely.force_2d(raw.geometry), dtype=object).reshape(len(raw.rows))
    for position, shape in enumerate(flat):
        if shape is None or shape.is_empty:
            reasons.setdefault(position, (None, "has no geometry"))
        elif not np.isfinite(shapely.get_coordinates(shape)).all():
            reasons.setdefault(position, (None, "its geometry holds numbers that are not finite"))
    usable = [position for position in range(len(flat)) if position not in reasons]
    moved = convert_geometries(flat[usable], crs)
    for position, reason in _place_troubles(moved).items():
        reasons[usable[position]] = (None, reason)
    findings = [replace(finding, file=path.name) for finding in raw.findings]
    findings += [
        RowFinding(path.name, raw.rows[at], column, None, why) for at, (column, why) in reasons.items()
    ]
    findings.sort(key=lambda finding: finding.row)
    kept = [position for position in usable if position not in reasons]
    if not kept:
        first = "; ".join(f"row {finding.row} {finding.reason}" for finding in findings[:3])
        raise Invalid(f"{path}: none of its {len(findings):,} rows can be used: {first}")
    geometry = moved[[position not in reasons for position in usable]]
    _check_area_of_use(path, geometry, crs)
    findings += _swap_finding(path, geometry)
    columns = {name: [values[position] for position in kept] for name, values in raw.columns.items()}
    return SourceFrame(
        path, raw.layer, crs, columns, geometry, [raw.rows[position] for position in kept], findings
    )


def _text_troubles(raw: RawFrame) -> dict[int, tuple[str | None, str]]:
    """Position → column and reason, where a text holds characters that no database or page can hold."""
    troubles: dict[int, tuple[str | None, str]] = {}
    for name, values in raw.columns.items():
        for position, value in enumerate(values):
            if isinstance(value, str) and _UNPRINTABLE.search(value):
                troubles[position] = (name, "holds control characters")
    return troubles


def _place_troubles(shapes: NDArray[np.object_]) -> dict[int, str]:
    """Position → reason, for shapes that do not lie on the globe."""
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        fine = (bounds[:, 0] >= -180) & (bounds[:, 2] <= 180) & (bounds[:, 1] >= -90) & (bounds[:, 3] <= 90)
    troubles = {}
    for position in np.flatnonzero(~fine):
        west, south, east, north = map(float, bounds[position])
        corner = (east if abs(east) > abs(west) else west, north if abs(north) > abs(south) else south)
        troubles[int(position)] = (
            position_trouble(*corner) or "does not lie where its CRS is used; say another --crs"
        )
    return troubles


def _check_area_of_use(path: Path, shapes: NDArray[np.object_], crs: str) -> None:
    """Invalid when all of it lies far from where the CRS is used: then it is in another one."""
    area = None if crs in CHINESE else pyproj.CRS.from_user_input(crs).area_of_use
    if area is None:
        return
    west, south, east, north = shapely.total_bounds(shapes)
    apart = east < area.west - 3 or west > area.east + 3 or north < area.south - 3 or south > area.north + 3
    if apart and area.west <= area.east:
        raise Invalid(
            f"{path}: read as {crs[:80]} it lies around lon {(west + east) / 2:.2f}, lat {(south + north) / 2:.2f}, "
            f"but that CRS is for {area.name}; say the right one with --crs"
        )


def _swap_finding(path: Path, shapes: NDArray[np.object_]) -> list[RowFinding]:
    """A finding about the file when nothing of it lies in China and, with lon and lat swapped, all of it would."""
    bounds = shapely.bounds(shapes)
    lon, lat = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    if in_china(lon, lat).any() or not in_china(lat, lon).all():
        return []
    reason = f"lies around lon {lon[0]:.2f}, lat {lat[0]:.2f}; swapped, it would lie in China: are lon and lat swapped?"
    return [RowFinding(path.name, 0, None, None, reason)]
