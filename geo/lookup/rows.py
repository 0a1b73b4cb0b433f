"""A file of points, read so that every row stays, in order, whatever is wrong with it."""

import json
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.clock import read_instant
from core.errors import Invalid
from geo.coordinates import to_wgs84
from geo.findings import RowFinding
from geo.lookup.strokes import Floats
from geo.tabular import position_trouble, read_number, read_table

NO_COORDINATES, BAD_COORDINATES, BAD_TIME = "no_coordinates", "bad_coordinates", "bad_time"
_GEOJSON = (".geojson", ".json")
_GEOMETRY = "geometry"


@dataclass(frozen=True)
class PointColumns:
    """Which columns of a file say where and when, and how. GeoJSON needs none for the coordinates."""

    lon: str | None = None
    lat: str | None = None
    time: str | None = None
    accuracy: str | None = None
    crs: str | None = None
    """A name of geo.coordinates.CHINESE or EPSG:n; None: what the file says, else WGS-84."""
    zone: ZoneInfo | None = None
    """The zone of times without an offset; None: such a time is refused."""


@dataclass(frozen=True)
class PointRows:
    """Cells as read, and what they say: WGS-84 degrees (NaN where unusable), instants (UTC; NaT where unusable),
    metres of accuracy (NaN where not said). `trouble` is "" or the status of a row that cannot be placed.
    """

    path: Path
    columns: tuple[str, ...]
    cells: list[tuple[str, ...]]
    numbers: list[int]
    """Row numbers as a person counts them; the features of GeoJSON from 1."""
    lon: Floats
    lat: Floats
    at: NDArray[np.datetime64] | None
    accuracy_m: Floats | None
    trouble: NDArray[np.object_]
    findings: list[RowFinding]

    def column(self, name: str) -> list[str]:
        """All cells of a column; Invalid with the names there are."""
        return _column(self.path, self.columns, self.cells, name)


@dataclass(frozen=True)
class _Cells:
    """A file's rows as text; `points` has the coordinates where the file keeps them apart (GeoJSON)."""

    path: Path
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    numbers: list[int]
    findings: list[RowFinding]
    crs: str = "wgs84"
    points: list[tuple[str, str]] | None = None

    def column(self, name: str) -> list[str]:
        return _column(self.path, self.columns, self.rows, name)


def _column(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]], name: str) -> list[str]:
    if name not in columns:
        raise Invalid(f"{path}: missing column {name}; the columns there are: {', '.join(columns)}")
    place = columns.index(name)
    return [row[place] for row in rows]


def read_points(path: Path, which: PointColumns) -> PointRows:
    """The rows of a CSV, XLSX or GeoJSON file; Invalid where it cannot be read or lacks a column."""
    cells = _read_features(path) if path.suffix.lower() in _GEOJSON else _read_cells(path)
    reading = _Reading(cells, which)
    lon, lat = reading.positions()
    at, accuracy_m = reading.instants(), reading.accuracies()
    lon[reading.trouble != ""] = np.nan
    findings = sorted([*cells.findings, *reading.findings], key=lambda finding: finding.row)
    return PointRows(
        path, cells.columns, cells.rows, cells.numbers, lon, lat, at, accuracy_m, reading.trouble, findings
    )


def _read_cells(path: Path) -> _Cells:
    table = read_table(path, keep_ragged=True)
    return _Cells(path, table.columns, table.rows, table.row_numbers, table.findings)


def _read_features(path: Path) -> _Cells:
    """Properties as cells; a feature that cannot be read keeps its row, empty."""
    from geo.sources.geojson import read_geojson  # brings all readers, which a table does not need

    if not path.is_file():
        raise Invalid(f"{path}: there is no such file")
    raw = read_geojson(path)
    place_of = {number: place for place, number in enumerate(raw.rows)}
    numbers = sorted(place_of.keys() | {finding.row for finding in raw.findings})
    places = [place_of.get(number) for number in numbers]
    rows = [tuple("" if at is None else _text(cells[at]) for cells in raw.columns.values()) for at in places]
    points = [("?", "?") if at is None else _coordinates(raw.geometry[at]) for at in places]
    return _Cells(path, tuple(raw.columns), rows, numbers, list(raw.findings), raw.crs or "wgs84", points)


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value).strip()


def _coordinates(shape: BaseGeometry | None) -> tuple[str, str]:
    if shape is None or shape.is_empty:
        return "", ""
    if not isinstance(shape, shapely.Point):
        return shape.geom_type, shape.geom_type
    return repr(shape.x), repr(shape.y)


class _Reading:
    """Cells becoming numbers, with every trouble noted."""

    def __init__(self, cells: _Cells, which: PointColumns) -> None:
        self.cells, self.which = cells, which
        self.trouble = np.full(len(cells.rows), "", dtype=object)
        self.findings: list[RowFinding] = []
        self._told = {finding.row for finding in cells.findings}

    def _tell(self, place: int, column: str | None, value: str, reason: str) -> None:
        number = self.cells.numbers[place]
        if number not in self._told:
            self.findings.append(RowFinding(self.cells.path.name, number, column, value, reason))

    def _texts(self) -> list[tuple[str, str]]:
        lon, lat = self.which.lon, self.which.lat
        if lon is not None and lat is not None:
            return list(zip(self.cells.column(lon), self.cells.column(lat), strict=True))
        if self.cells.points is not None:
            return self.cells.points
        there = ", ".join(self.cells.columns)
        raise Invalid(
            f"{self.cells.path}: name the coordinates with --lon and --lat; the columns are: {there}"
        )

    def positions(self) -> tuple[Floats, Floats]:
        """WGS-84 degrees, NaN where there are none or bad ones."""
        texts, crs = self._texts(), self.which.crs or self.cells.crs
        xy = np.array([self._position(place, *pair) for place, pair in enumerate(texts)]).reshape(-1, 2)
        lon, lat = to_wgs84(xy[:, 0], xy[:, 1], crs)
        on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        for place in np.flatnonzero(~np.isnan(xy[:, 0]) & ~on_earth):
            self.trouble[place] = BAD_COORDINATES
            reason = position_trouble(*xy[place]) or f"is no position in {crs}"
            self._tell(int(place), self.which.lon or _GEOMETRY, ", ".join(texts[place]), reason)
        return lon, lat

    def _position(self, place: int, lon: str, lat: str) -> tuple[float, float]:
        if not lon and not lat:
            self.trouble[place] = NO_COORDINATES
            return np.nan, np.nan
        column, value = self.which.lon or _GEOMETRY, lon
        try:
            x = read_number(lon)
            column, value = self.which.lat or _GEOMETRY, lat
            return x, read_number(lat)
        except ValueError as error:
            self.trouble[place] = BAD_COORDINATES
            self._tell(place, column, value, str(error))
            return np.nan, np.nan

    def instants(self) -> NDArray[np.datetime64] | None:
        """UTC; NaT, and the row not placed, where the cell is empty or no instant."""
        if self.which.time is None:
            return None
        at = np.full(len(self.cells.rows), np.datetime64("NaT", "us"))
        for place, text in enumerate(self.cells.column(self.which.time)):
            try:
                at[place] = _instant(text, self.which.zone)
            except Invalid as error:
                self.trouble[place] = self.trouble[place] or BAD_TIME
                self._tell(place, self.which.time, text, str(error) if text else "is empty")
        return at

    def accuracies(self) -> Floats | None:
        """Metres; NaN where the cell is empty or no number."""
        if self.which.accuracy is None:
            return None
        accuracy_m = np.full(len(self.cells.rows), np.nan)
        for place, text in enumerate(self.cells.column(self.which.accuracy)):
            try:
                accuracy_m[place] = read_number(text) if text else np.nan
            except ValueError as error:
                self._tell(place, self.which.accuracy, text, str(error))
        return accuracy_m


@cache
def _instant(text: str, zone: ZoneInfo | None) -> np.datetime64:
    return np.datetime64(read_instant(text, zone=zone).astimezone(UTC).replace(tzinfo=None), "us")
