"""Findings: located defects of borders, and the rows of any imported file that could not be used.

Bad data is not an exception: a finding is a value that says what, where, how much, and what to do about it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Text

Severity = Literal["error", "warning"]

ERROR: Severity = "error"
WARNING: Severity = "warning"


@dataclass(frozen=True)
class Finding:
    """One located defect of a network's units.

    `where` is lon, lat (WGS-84) of a point on the defect; `geometry` its shape, WGS-84, None where a defect has none.
    `measure` is its size in `measure_unit` (m2, m, pct or empty).
    """

    rule: str
    severity: Severity
    units: tuple[str, ...]
    text: Text
    fix: Text
    level: str | None = None
    where: tuple[float, float] | None = None
    geometry: BaseGeometry | None = field(default=None, repr=False)
    measure: float | None = None
    measure_unit: str = ""
    mend: tuple[str, Mapping[str, Any]] | None = None
    """The operation of a plan that would mend it, with its arguments; None where there is none."""


@dataclass(frozen=True)
class RowFinding:
    """One value of an imported file that could not be used. `row` counts from 1 with the header as row 1; 0: the file."""

    file: str
    row: int
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" if self.row else self.file
        column = f", column {self.column}" if self.column is not None else ""
        value = f" “{self.value}”" if self.value is not None else ""
        return f"{place}{column}{value}: {self.reason}"


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that keep a full network from being published."""
    return [finding for finding in findings if finding.severity == ERROR]


def count_rules(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each rule, the most frequent first."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def findings_geojson(findings: Sequence[Finding]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection, one feature a finding; the geometry is its shape, else its point, else null."""
    return {"type": "FeatureCollection", "features": [_feature(finding) for finding in findings]}


def _feature(finding: Finding) -> dict[str, Any]:
    shape: BaseGeometry | None = finding.geometry
    if (shape is None or shape.is_empty) and finding.where is not None:
        shape = shapely.Point(finding.where)
    return {
        "type": "Feature",
        "geometry": None if shape is None else shapely.geometry.mapping(shape),
        "properties": {
            "rule": finding.rule,
            "severity": finding.severity,
            "level": finding.level,
            "units": list(finding.units),
            "text": finding.text,
            "said": finding.text.parts,
            "fix": finding.fix,
            "advised": finding.fix.parts,
            "mend": None if finding.mend is None else {"op": finding.mend[0], "args": dict(finding.mend[1])},
            "measure": finding.measure,
            "measure_unit": finding.measure_unit,
            "lon": None if finding.where is None else finding.where[0],
            "lat": None if finding.where is None else finding.where[1],
        },
    }
