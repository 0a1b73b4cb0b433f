"""A file of streets, water or sites as features: which column is what, and the rows that could not be used."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid
from geo.findings import RowFinding
from geo.lookup.rows import PointColumns, read_points
from geo.metric import snap
from geo.sources import SourceFrame, read_source
from geo.sources.wkt import NAMES as WKT_NAMES
from geo.tabular import read_number, read_table, read_whole_number

_LINES: Final = ("LineString", "MultiLineString")
_AREAS: Final = ("Polygon", "MultiPolygon")
_TABLES: Final = (".csv", ".txt", ".tsv", ".xlsx")
OBSTACLES: Final = ("water", "railway", "compound")
WIDTH_M: Final = {"water": 5.0, "railway": 10.0, "compound": 0.0}
"""How wide a line is taken to be where no column says it."""


@dataclass(frozen=True)
class Subject:
    """What a verb takes in: the columns a file may have, those it must have, and the shapes that make sense."""

    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    shapes: tuple[str, ...]


SUBJECTS: Final = {
    one.name: one
    for one in (
        Subject("streets", ("code", "name", "kind"), (), _LINES),
        Subject("water", ("code", "name", "kind", "width_m"), (), (*_AREAS, *_LINES)),
        Subject(
            "sites",
            ("code", "name", "kind", "visits", "days", "minutes", "owner", "contact"),
            ("code",),
            ("Point", *_AREAS),
        ),
    )
}


@dataclass(frozen=True)
class SurveyFile:
    """A file, the day it describes, its names for any of the subject's fields, and where it is from (None: its name).

    `kind`: of every row where no column says it.
    """

    path: Path
    subject: Subject
    as_of: date
    columns: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    layer: str | None = None
    source: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Feature:
    """A usable row: its fields as they are stored, and its shape on the storage grid."""

    values: dict[str, Any]
    geometry: BaseGeometry

    @property
    def digest(self) -> str:
        """Of all that is stored: two features with one digest are the same."""
        told = "\x1f".join(f"{name}={self.values[name]}" for name in sorted(self.values))
        return hashlib.sha256(told.encode() + shapely.to_wkb(self.geometry)).hexdigest()


class _UnusableError(Exception):
    """A field, its value and the reason why the row cannot be used."""


def read_survey(file: SurveyFile) -> tuple[list[Feature], list[RowFinding]]:
    """Every usable row once, and what was wrong with the others. Invalid where the file cannot be read at all."""
    unknown = sorted(set(file.columns) - set(file.subject.fields))
    if unknown:
        raise Invalid(
            f"{file.subject.name} have no {', '.join(unknown)}; they have {', '.join(file.subject.fields)}"
        )
    frame = _read_frame(file)
    frame.require(*file.columns.values())
    names = {each: file.columns.get(each, each) for each in file.subject.fields}
    frame.require(*(names[each] for each in file.subject.required))
    cells = {each: frame.texts(name) for each, name in names.items() if name in frame.columns}
    shapes = snap(frame.geometry)
    features: dict[str, Feature] = {}
    codes: set[str] = set()
    findings = list(frame.findings)
    for place, row in enumerate(frame.rows):
        try:
            told = {each: texts[place] for each, texts in cells.items()}
            made = _feature(file, told, shapes[place])
            _refuse_second(made, features, codes, named=bool(told.get("code")))
        except _UnusableError as error:
            name, value, reason = error.args
            findings.append(RowFinding(file.path.name, row, name and names[name], value, reason))
            continue
        features[made.digest] = made
        codes.add(made.values["code"])
    return list(features.values()), sorted(findings, key=lambda finding: finding.row)


def _read_frame(file: SurveyFile) -> SourceFrame:
    """Shapes as `geo.sources` reads them; sites also from a table with columns lon and lat."""
    if file.subject.name == "sites" and file.path.suffix.lower() in _TABLES:
        table = read_table(file.path)
        if not any(column.lower() in WKT_NAMES for column in table.columns):
            rows = read_points(file.path, PointColumns("lon", "lat", crs=file.crs))
            told = {finding.row for finding in rows.findings}
            findings = list(rows.findings)
            findings += [
                RowFinding(file.path.name, rows.numbers[n], None, None, "has no coordinates")
                for n, trouble in enumerate(rows.trouble)
                if trouble and rows.numbers[n] not in told
            ]
            usable = [
                n for n in range(len(rows.cells)) if not rows.trouble[n] and rows.numbers[n] not in told
            ]
            columns: dict[str, list[object]] = {
                name: [rows.column(name)[n] for n in usable] for name in rows.columns
            }
            points = np.asarray(shapely.points(rows.lon[usable], rows.lat[usable]), object).reshape(
                len(usable)
            )
            return SourceFrame(
                file.path,
                None,
                file.crs or "wgs84",
                columns,
                points,
                [rows.numbers[n] for n in usable],
                findings,
            )
    return read_source(file.path, layer=file.layer, crs=file.crs)


def _refuse_second(made: Feature, known: Mapping[str, Feature], codes: set[str], *, named: bool) -> None:
    if made.digest in known:
        raise _UnusableError(None, None, "stands in the file a second time")
    if named and made.values["code"] in codes:
        raise _UnusableError("code", made.values["code"], "stands in the file a second time")


def _feature(file: SurveyFile, told: Mapping[str, str], shape: BaseGeometry) -> Feature:
    if shape.geom_type not in file.subject.shapes:
        wanted = " or ".join(file.subject.shapes)
        raise _UnusableError(None, None, f"is a {shape.geom_type}; {file.subject.name} are {wanted}")
    if not shape.is_valid:
        raise _UnusableError(None, None, f"its shape is not valid: {shapely.is_valid_reason(shape)}")
    if shape.geom_type in _LINES and shape.length == 0:
        raise _UnusableError(None, None, "has no length")
    code = told.get("code", "")
    if "code" in file.subject.required and not code:
        raise _UnusableError("code", code, "is empty")
    if not code:
        code = hashlib.sha256(shapely.to_wkb(shape)).hexdigest()[:12]
    values: dict[str, Any] = {"code": code, "name": told.get("name") or code}
    values["kind"] = told.get("kind") or file.kind or ""
    return Feature(values | _FIELDS[file.subject.name](told, values["kind"], shape), _stored(file, shape))


def _stored(file: SurveyFile, shape: BaseGeometry) -> BaseGeometry:
    """Streets are all of one type."""
    if file.subject.name == "streets" and isinstance(shape, shapely.LineString):
        return shapely.MultiLineString([shape])
    return shape


def _street(_told: Mapping[str, str], _kind: str, _shape: BaseGeometry) -> dict[str, Any]:
    return {}


def _obstacle(told: Mapping[str, str], kind: str, shape: BaseGeometry) -> dict[str, Any]:
    kind = kind or "water"
    if kind not in OBSTACLES:
        raise _UnusableError("kind", kind, f"is none of {', '.join(OBSTACLES)}")
    if shape.geom_type in _AREAS:
        return {"kind": kind, "width_m": 0.0}
    if kind == "compound":
        raise _UnusableError(None, None, "a compound is an area, not a line")
    text = told.get("width_m", "")
    try:
        width = read_number(text) if text else WIDTH_M[kind]
    except ValueError as error:
        raise _UnusableError("width_m", text, str(error)) from error
    if not 0 < width <= 5000:
        raise _UnusableError("width_m", text, "is not between 0 and 5,000 m")
    return {"kind": kind, "width_m": width}


def _site(told: Mapping[str, str], kind: str, _shape: BaseGeometry) -> dict[str, Any]:
    return {
        "kind": kind or "site",
        "visits": _whole(told, "visits", 0, (0, 1000)),
        "days": _whole(told, "days", 7, (1, 366)),
        "least_s": 60 * _whole(told, "minutes", 0, (0, 1440)),
        "owner": told.get("owner") or None,
        "contact": told.get("contact") or None,
    }


_FIELDS: Final = {"streets": _street, "water": _obstacle, "sites": _site}


def _whole(told: Mapping[str, str], name: str, usual: int, bounds: tuple[int, int]) -> int:
    text = told.get(name, "")
    if not text:
        return usual
    try:
        number = read_whole_number(text)
    except ValueError as error:
        raise _UnusableError(name, text, str(error)) from error
    if not bounds[0] <= number <= bounds[1]:
        raise _UnusableError(name, text, f"is not between {bounds[0]} and {bounds[1]:,}")
    return number
