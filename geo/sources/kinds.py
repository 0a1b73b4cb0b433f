"""The kinds of vector files that are read, each by one driver of GDAL and no other: what a file must begin with, so that none
is led to open something else (a file that only points at others, at a database or at a server).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.errors import Invalid


@dataclass(frozen=True)
class Kind:
    """`begins`: whether the first 4,096 bytes are those of such a file. `alone`: read from a copy in an empty folder, since GDAL
    looks for files beside it and would leave one there. `points_of`: layers that repeat another one point by point, and that one.
    """

    drivers: tuple[str, ...]
    begins: Callable[[bytes], bool]
    alone: bool = False
    points_of: Mapping[str, str] = field(default_factory=dict)


def _with(beginning: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(beginning)


def _holding(*words: bytes) -> Callable[[bytes], bool]:
    return lambda start: all(word in start for word in words)


def _is_native_tab(start: bytes) -> bool:
    """A table of MapInfo that holds its own rows: neither a view of other tables nor one that points at other files."""
    told = start.lower()
    return told.startswith(b"!table") and b"type native" in told and b"open table" not in told


def _is_dxf(start: bytes) -> bool:
    words = start.split()
    return len(words) > 1 and (words[:2] == [b"0", b"SECTION"] or words[0] == b"999")


KINDS: Final[Mapping[str, Kind]] = {
    ".gpkg": Kind(("GPKG",), _with(b"SQLite format 3\x00")),
    ".shp": Kind(("ESRI Shapefile",), _with(b"\x00\x00\x27\x0a")),
    ".kml": Kind(("LIBKML", "KML"), _holding(b"<kml")),
    ".kmz": Kind(("LIBKML", "KML"), _with(b"PK\x03\x04")),
    ".fgb": Kind(("FlatGeobuf",), _with(b"fgb\x03")),
    ".gml": Kind(("GML",), _holding(b"http://www.opengis.net/gml"), alone=True),
    ".gpx": Kind(
        ("GPX",),
        _holding(b"<gpx"),
        points_of={"route_points": "routes", "track_points": "tracks"},
    ),
    ".mif": Kind(("MapInfo File",), lambda start: start.lower().startswith(b"version")),
    ".tab": Kind(("MapInfo File",), _is_native_tab),
    ".dxf": Kind(("DXF",), _is_dxf),
    ".geojsonl": Kind(("GeoJSONSeq",), lambda start: start[:1] in (b"{", b"\x1e")),
    ".geojsons": Kind(("GeoJSONSeq",), lambda start: start[:1] in (b"{", b"\x1e")),
    ".topojson": Kind(("TopoJSON",), _holding(b'"Topology"')),
    ".osm": Kind(("OSM",), _holding(b"<osm")),
}


def check_beginning(path: Path, name: Path) -> Kind:
    """The kind of a file by its suffix; Invalid where its content is not that."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(4096)
    kind = KINDS[suffix]
    if not kind.begins(start.removeprefix(b"\xef\xbb\xbf")):
        raise Invalid(f"{name}: its content is not what the name {suffix} says")
    return kind
