"""The report as rows for a spreadsheet (CSV with a byte order mark) and as shapes (GeoJSON)."""

import csv
from io import StringIO
from typing import Any

import orjson
from sqlalchemy import Connection, func

from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.kept.reading import UnitCoverage
from analysis.coverage.kept.writing import UNIT_FIGURES
from analysis.coverage.measures.meanings import explain
from geo.tables import unit_version
from geo.units import select_versions
from reports.coverage.content import CoverageReport, age_of, cautions_of, remark_on

_PARTS = ("numerator", "denominator", "possible", "not_observed")
_GUARDED = ("=", "+", "-", "@", "\t", "\r")


def write_csv(report: CoverageReport) -> bytes:
    """A row a unit, whole numbers as kept; the measure stands in the column's name, which is the same in every language, for
    programs. Every row says who took it.
    """
    out = StringIO(newline="")
    rows = [_facts(report, unit) for unit in report.rows]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _guarded(value) for name, value in row.items()} for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def write_geojson(conn: Connection, report: CoverageReport) -> bytes:
    """A feature a unit, with its borders of the instant asked about, or as they are or were last."""
    ids = [unit.unit_id for unit in report.rows if unit.unit_id is not None]
    border = func.ST_AsGeoJSON(unit_version.c.geom, 7).label("shape")
    shapes = conn.execute(select_versions(ids, border, at=report.coverage.asked.at))
    by_unit = {row.unit_id: orjson.Fragment(row.shape) for row in shapes}
    features = [
        {
            "type": "Feature",
            "id": str(unit.unit_id),
            "geometry": by_unit.get(unit.unit_id) if unit.unit_id is not None else None,
            "properties": _facts(report, unit),
        }
        for unit in report.rows
    ]
    return orjson.dumps(
        {
            "type": "FeatureCollection",
            "exported_by": report.stamp.who,
            "exported_at": report.stamp.made_at.isoformat(),
            "title": report.words("title", of=report.title),
            "language": report.words.language,
            "definitions": _definitions(report),
            "remarks": cautions_of(report),
            "features": features,
        }
    )


def _facts(report: CoverageReport, unit: UnitCoverage) -> dict[str, Any]:
    asked, age = report.coverage.asked, age_of(report, unit)
    facts: dict[str, Any] = {
        "code": unit.code,
        "name": unit.name,
        "level": unit.level,
        "level_name": report.words.level_of(report.network, unit.level),
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "as_of": report.coverage.as_of.isoformat(),
        "days_computed": len(report.coverage.days),
        "spans_editions": report.coverage.spans_editions,
        "claimable": unit.claimable and report.coverage.interval_s is not None,
        "unit_days": unit.unit_days,
        "not_observed_unit_days": unit.not_observed_days,
        "not_claimable_unit_days": unit.not_claimable_days,
        "worst_interval_s": unit.interval_s,
        "median_interval_s": report.coverage.interval_s,
        "resolution": report.coverage.resolution,
        "visits": unit.visits,
        "dwell_us": unit.dwell_us,
        "longest_unvisited_us": unit.unvisited_us,
    }
    for key in (*UNIT_FIGURES, "required"):
        figure = unit.figures[key]
        facts |= {f"{key}_{part}_{figure.definition.measure}": getattr(figure, part) for part in _PARTS}
        facts[f"{key}_share"] = figure.share
        facts[f"{key}_definition"] = f"{figure.definition.id} {figure.definition.version}"
    facts["coldest_visit_at"] = age.last_at.isoformat() if age and age.last_at else None
    facts["never_visited_units"] = age.never if age else None
    facts["remark"] = remark_on(report, unit)
    return facts | {"exported_by": report.stamp.who, "exported_at": report.stamp.made_at.isoformat()}


def _definitions(report: CoverageReport) -> dict[str, dict[str, str]]:
    """Of each figure its name and meaning in the reader's language, by the beginning of its columns' names."""
    meanings, words = explain(report.coverage.rules), report.words
    return {
        key: {"name": words.name_of(DEFINITIONS[key]), "text": words.text_of(meanings[key])}
        for key in (*UNIT_FIGURES, "required")
    }


def _guarded(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is told as a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_GUARDED) else value
