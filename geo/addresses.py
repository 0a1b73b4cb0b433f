"""Address points: where people live, as counts of households and residents. Never a record of a resident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Connection, Double, bindparam, func, select

from core.db import ask_together, sql_file
from core.errors import Invalid
from geo.findings import RowFinding
from geo.flows import Doors, Floats
from geo.lookup.rows import PointColumns, PointRows, read_points
from geo.tables import address_point
from geo.tabular import read_whole_number
from geo.validation.ground import Objects

FIELDS = ("code", "address", "lon", "lat", "households", "residents")
"""The columns of an address file, where no map says otherwise; residents may be absent."""
_COUNT_MOST = 100_000
_AT_ONCE = 20_000


@dataclass(frozen=True)
class AddressPoint:
    """A door: WGS-84 degrees; `residents` None where nobody counted."""

    code: str
    address: str
    lon: float
    lat: float
    households: int
    residents: int | None = None


@dataclass(frozen=True)
class AddressFile:
    """How to read a file: the day it describes, its name for any of FIELDS, its CRS (None: what it says)."""

    as_of: date
    columns: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    source: str | None = None
    """None: the file's name."""


@dataclass(frozen=True)
class AddressesWritten:
    new: int
    changed: int
    same: int
    findings: list[RowFinding] = field(default_factory=list)


def write_addresses(
    conn: Connection, points: Sequence[AddressPoint], *, source: str, as_of: date
) -> AddressesWritten:
    """Store doors with different codes, set by set; what is known of a door at a later date stays."""
    new = changed = 0
    for start in range(0, len(points), _AT_ONCE):
        some = points[start : start + _AT_ONCE]
        columns = {
            "codes": [point.code for point in some],
            "addresses": [point.address for point in some],
            "lons": [point.lon for point in some],
            "lats": [point.lat for point in some],
            "households": [point.households for point in some],
            "residents": [point.residents for point in some],
        }
        written = conn.execute(
            sql_file("geo", "write_addresses"), {**columns, "source": source, "as_of": as_of}
        )
        is_new = written.scalars().all()
        new += sum(is_new)
        changed += len(is_new) - sum(is_new)
    return AddressesWritten(new, changed, len(points) - new - changed)


def import_addresses(conn: Connection, path: Path, which: AddressFile) -> AddressesWritten:
    """Store the doors of a CSV, XLSX or GeoJSON file. A row that cannot be used is a finding, the others are in.

    Invalid where the file cannot be read or lacks a column.
    """
    unknown = sorted(set(which.columns) - set(FIELDS))
    if unknown:
        raise Invalid(f"an address has no {', '.join(unknown)}; it has {', '.join(FIELDS)}")
    name = {each: which.columns.get(each, each) for each in FIELDS}
    rows = read_points(path, _where(path, name, which.crs))
    reader = _Doors(rows, name, optional="residents" not in which.columns)
    points = reader.read()
    written = write_addresses(conn, points, source=which.source or path.name, as_of=which.as_of)
    findings = sorted([*rows.findings, *reader.findings], key=lambda finding: finding.row)
    return AddressesWritten(written.new, written.changed, written.same, findings)


def _where(path: Path, name: Mapping[str, str], crs: str | None) -> PointColumns:
    """GeoJSON keeps its points apart, unless a map names columns for them."""
    apart = path.suffix.lower() in (".geojson", ".json") and (name["lon"], name["lat"]) == ("lon", "lat")
    return PointColumns(None if apart else name["lon"], None if apart else name["lat"], crs=crs)


class _Doors:
    """Rows becoming doors; the first row of a code counts."""

    def __init__(self, rows: PointRows, name: Mapping[str, str], *, optional: bool) -> None:
        self.rows, self.name = rows, name
        self.findings: list[RowFinding] = []
        self._told = {finding.row for finding in rows.findings}
        self._codes = rows.column(name["code"])
        self._addresses = rows.column(name["address"])
        self._households = rows.column(name["households"])
        absent = optional and name["residents"] not in rows.columns
        self._residents = [""] * len(rows.cells) if absent else rows.column(name["residents"])

    def read(self) -> list[AddressPoint]:
        doors: dict[str, AddressPoint] = {}
        for place in range(len(self.rows.cells)):
            if self.rows.numbers[place] in self._told:
                continue
            try:
                door = self._door(place, doors)
                doors[door.code] = door
            except _UnusableError as error:
                name, value, reason = error.args
                number = self.rows.numbers[place]
                self.findings.append(RowFinding(self.rows.path.name, number, self.name[name], value, reason))
        return list(doors.values())

    def _door(self, place: int, known: Mapping[str, AddressPoint]) -> AddressPoint:
        code, residents = self._codes[place], self._residents[place]
        if not code:
            raise _UnusableError("code", code, "is empty")
        if code in known:
            raise _UnusableError("code", code, "stands in the file a second time")
        if self.rows.trouble[place]:
            raise _UnusableError("lon", "", "has no coordinates")
        return AddressPoint(
            code,
            self._addresses[place],
            float(self.rows.lon[place]),
            float(self.rows.lat[place]),
            _count("households", self._households[place]),
            _count("residents", residents) if residents else None,
        )


class _UnusableError(Exception):
    """A field, its value and the reason why the row cannot be used."""


def _count(name: str, text: str) -> int:
    try:
        count = read_whole_number(text)
    except ValueError as error:
        raise _UnusableError(name, text, str(error)) from error
    if not 0 <= count <= _COUNT_MOST:
        raise _UnusableError(name, text, f"is not between 0 and {_COUNT_MOST:,}")
    return count


@dataclass(frozen=True)
class DoorCounts(Doors):
    """Doors with the residents at each; 0 where nobody counted."""

    residents: Floats = field(default_factory=lambda: np.empty(0))


def read_doors(conn: Connection, shapes: Objects) -> Doors:
    """The doors in the bounding box of these geometries."""
    return read_door_counts(conn, shapes)


def read_door_counts(conn: Connection, shapes: Objects) -> DoorCounts:
    """The doors in the bounding box of these geometries, with their residents."""
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    asked = {"west": west, "south": south, "east": east, "north": north}
    (rows,) = ask_together(conn, (DOORS_IN_BOX, asked))
    return as_doors(rows)


def as_doors(rows: Sequence[tuple[float, ...]]) -> DoorCounts:
    """The rows of DOORS_IN_BOX."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return DoorCounts(table[:, :2], table[:, 2], table[:, 3])


_BOX = func.ST_MakeEnvelope(
    *(bindparam(side, type_=Double) for side in ("west", "south", "east", "north")), 4326
)
DOORS_IN_BOX = select(
    func.ST_X(address_point.c.point).label("lon"),
    func.ST_Y(address_point.c.point).label("lat"),
    address_point.c.households,
    func.coalesce(address_point.c.residents, 0).label("residents"),
).where(address_point.c.point.op("&&")(_BOX), address_point.c.active, address_point.c.households > 0)
