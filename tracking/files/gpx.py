"""GPX 1.0 and 1.1: track points with a time. Routes and waypoints are plans and places, no fixes."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import numpy as np

from core.errors import Invalid
from geo.findings import RowFinding
from geo.tabular import read_numbers
from tracking.files.table import FixTable, Rows, no_numbers, read_file, read_instants, usable

_MEASURES = {"ele": "altitude_m", "speed": "speed_mps", "course": "heading_deg"}


def read(path: Path, _zone: ZoneInfo) -> FixTable:
    """A time without an offset is UTC, as the standard says. Points without a time make one finding a file."""
    points = list(_points(_root(path)))
    timed = [(n, point) for n, point in enumerate(points, 1) if point.get("time")]
    cells = {name: [point.get(name, "") for _, point in timed] for name in ("lon", "lat", "time", *_MEASURES)}
    numbers = no_numbers(len(timed)) | {"lon": read_numbers(cells["lon"]), "lat": read_numbers(cells["lat"])}
    numbers |= {column: read_numbers(cells[tag]) for tag, column in _MEASURES.items()}
    for column, low, high in (("speed_mps", 0, np.inf), ("heading_deg", 0, 360)):
        numbers[column][~((numbers[column] >= low) & (numbers[column] <= high))] = np.nan
    found = usable(
        Rows(
            name=path.name,
            number=[n for n, _ in timed],
            fixed_at=read_instants(cells["time"], ZoneInfo("UTC")),
            numbers=numbers,
            charging=np.full(len(timed), -1, np.int8),
            at_cell=cells["time"],
        )
    )
    missing = _missing(path, len(points), len(points) - len(timed))
    return FixTable(found.name, found.fixed_at, found.numbers, found.charging, (*missing, *found.findings))


def _missing(path: Path, points: int, timeless: int) -> list[RowFinding]:
    if not points:
        return [RowFinding(path.name, 0, None, None, "has no track points")]
    if timeless:
        reason = f"{timeless} of {points} track points have no time and were left out"
        return [RowFinding(path.name, 0, "time", None, reason)]
    return []


def _root(path: Path) -> ET.Element:
    content = read_file(path)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise Invalid(
            f"{path}: has a document type, which GPX does not need and which could hide other files"
        )
    try:
        root = ET.fromstring(content)  # noqa: S314  (no document type, so no entities)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Invalid(f"{path}: is no XML: {error}") from error
    if _local(root) != "gpx":
        raise Invalid(f"{path}: is no GPX, its root is <{_local(root)}>")
    return root


def _points(root: ET.Element) -> Iterator[dict[str, str]]:
    for element in root.iter():
        if _local(element) == "trkpt":
            told = {
                _local(child): (child.text or "").strip() for child in element.iter() if child is not element
            }
            yield told | {"lon": element.get("lon", ""), "lat": element.get("lat", "")}


def _local(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]
