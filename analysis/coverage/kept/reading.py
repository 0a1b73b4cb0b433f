"""Computed coverage read back: one unit and those right below it over a period, each figure with what it stands on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    RowMapping,
    Text,
    any_,
    cast,
    func,
    literal,
    select,
    true,
)

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.asked import CoverageAsked, bounds_of, check_period
from analysis.coverage.kept.sites import read_required
from analysis.coverage.kept.tables import coverage_day, coverage_unit
from analysis.coverage.kept.writing import UNIT_FIGURES
from analysis.coverage.rules import FINEST, USUAL_ACCURACY_M, WALK_MPS, finest_resolution
from core.db import sql_file
from core.errors import NotFound, told
from geo.cells import cell_inradius_m
from geo.codes import natural_key
from geo.tables import network, unit_version
from geo.units import select_versions


@dataclass(frozen=True)
class UnitCoverage:
    """One unit's figures by definition; `unit_id` None for the whole network. `unit_days`: of its deepest units; of those,
    `not_claimable_days`: the phones that served them spoke too seldom or too inaccurately; `interval_s`: the worst of them.
    `visits`, `dwell_us`, `unvisited_us` (longest time nobody came to one of its deepest units) None: computed before they
    were kept.
    """

    unit_id: UUID | None
    code: str | None
    name: str | None
    level: str | None
    figures: Mapping[str, Figure]
    unit_days: int
    not_observed_days: int
    not_claimable_days: int
    interval_s: float | None
    visits: int | None
    dwell_us: int | None
    unvisited_us: int | None

    @property
    def claimable(self) -> bool:
        """Whether every percentage of it stands on phones that spoke often and accurately enough for the cells."""
        return not self.not_claimable_days


@dataclass(frozen=True)
class Coverage:
    """`days`: those computed. `once`: ground visited at least once, None where the period spans editions: then figures are
    summed day by day on each day's borders alone, and `spans_editions` says so. `claimable`: the sampling supports cells of
    this resolution in every unit and on every day of it; `rules`: the limits of its last day; `finest`: the finest that the medians support, None for none.
    """

    asked: CoverageAsked
    days: tuple[date, ...]
    whole: UnitCoverage
    below: tuple[UnitCoverage, ...]
    required: Figure
    once: Figure | None
    spans_editions: bool
    rules: Mapping[str, Any]
    as_of: datetime
    resolution: int
    interval_s: float | None
    accuracy_m: float | None
    claimable: bool
    finest: int | None


def read_coverage(conn: Connection, asked: CoverageAsked) -> Coverage:
    """The figures of a period. NotFound where no day of it has been computed; Invalid for a period too long or empty."""
    check_period(asked)
    days = conn.execute(
        select(coverage_day)
        .where(
            coverage_day.c.network_id == asked.network_id,
            coverage_day.c.on >= asked.first,
            coverage_day.c.on <= asked.last,
        )
        .order_by(coverage_day.c.on)
    ).all()
    if not days:
        raise NotFound(
            told(
                "no day from {first} to {last} has been computed; ./wangge coverage compute --from --to does it",
                first=asked.first,
                last=asked.last,
            )
        )
    as_of = min(day.as_of for day in days)
    whole, below = _units(conn, asked, as_of)
    spans = len({day.edition_id for day in days}) > 1 or any(day.edition_changed for day in days)
    intervals = sorted(day.interval_us for day in days if day.interval_us is not None)
    interval_s = intervals[len(intervals) // 2] / 1e6 if intervals else None
    accuracies = sorted(day.accuracy_m for day in days if day.accuracy_m is not None)
    accuracy_m = accuracies[len(accuracies) // 2] if accuracies else None
    sampling = (interval_s or 0.0, *([accuracy_m] if accuracy_m is not None else []))
    resolution = max(day.resolution for day in days)
    return Coverage(
        asked=asked,
        days=tuple(day.on for day in days),
        whole=whole,
        below=below,
        required=whole.figures["required"],
        rules=days[-1].rules,
        once=None if spans else _once(conn, asked, whole.figures["area"], len(days)),
        spans_editions=spans,
        as_of=as_of,
        resolution=resolution,
        interval_s=interval_s,
        accuracy_m=accuracy_m,
        claimable=interval_s is not None and whole.claimable,
        finest=finest_resolution(*sampling) if interval_s is not None else None,
    )


def _units(
    conn: Connection, asked: CoverageAsked, as_of: datetime
) -> tuple[UnitCoverage, tuple[UnitCoverage, ...]]:
    limits = {
        "walk_mps": WALK_MPS,
        "usual_accuracy_m": USUAL_ACCURACY_M,
        "inradius_m": [cell_inradius_m(resolution) for resolution in range(FINEST + 1)],
    }
    binds = {**bounds_of(asked), "level": asked.level, **limits}
    rows = conn.execute(sql_file("analysis.coverage", "unit_sums"), binds).mappings().all()
    ids = [UUID(row["child"]) for row in rows if row["child"] is not None]
    names = _names(conn, [*ids, *([asked.unit_id] if asked.unit_id else [])], asked.at)
    required = read_required(conn, asked, as_of, ids)
    made = [
        _unit(row, names, asked.unit_id, required[None], as_of)
        if row["whole"]
        else _unit(row, names, UUID(row["child"]), required[UUID(row["child"])], as_of)
        for row in rows
        if row["whole"] or row["child"] is not None
    ]
    return made[0], tuple(sorted(made[1:], key=lambda one: one.code or ""))


def _unit(
    row: RowMapping, names: Mapping[UUID, Any], unit_id: UUID | None, required: Figure, as_of: datetime
) -> UnitCoverage:
    known = names.get(unit_id) if unit_id is not None else None
    figures = {
        key: Figure(
            DEFINITIONS[key],
            int(row[f"{key}_numerator"]),
            int(row[f"{key}_denominator"]),
            as_of,
            possible=int(row[f"{key}_possible"]),
            not_observed=int(row[f"{key}_not_observed"]),
        )
        for key in UNIT_FIGURES
    }
    figures["required"] = required
    return UnitCoverage(
        unit_id,
        known and known.code,
        known and known.name,
        known and known.level,
        figures,
        row["unit_days"],
        row["not_observed_days"],
        row["not_claimable_days"],
        None if row["interval_s"] is None else float(row["interval_s"]),
        *(None if row[name] is None else int(row[name]) for name in ("visits", "dwell_us", "unvisited_us")),
    )


def _names(conn: Connection, ids: Sequence[UUID], at: datetime | None = None) -> dict[UUID, Any]:
    """Code, name and level of units."""
    columns = (unit_version.c.code, unit_version.c.name, unit_version.c.level)
    return {row.unit_id: row for row in conn.execute(select_versions(ids, *columns, at=at))}


def _once(conn: Connection, asked: CoverageAsked, area: Figure, days: int) -> Figure:
    """One edition: the denominator of every day is the same, so that of one of them stands for the period."""
    visited = conn.scalar(sql_file("analysis.coverage", "once"), bounds_of(asked))
    return Figure(
        area.definition,
        int(visited or 0),
        area.denominator // days,
        area.as_of,
        not_observed=area.not_observed // days,
    )


def sum_by_day(conn: Connection, asked: CoverageAsked, key: str) -> list[tuple[date, int]]:
    """Every computed day of the period with the numerator of one of UNIT_FIGURES, summed over its observed units."""
    steps = func.string_to_array(cast(unit_version.c.path, Text), ".", type_=ARRAY(Text))
    numerator: ColumnElement[int] = coverage_unit.c[key][1]
    rows = conn.execute(
        select(coverage_day.c.on, func.sum(numerator).filter(coverage_unit.c.observed).label("part"))
        .join(coverage_unit, coverage_unit.c.day_id == coverage_day.c.id)
        .join(unit_version, unit_version.c.id == coverage_unit.c.unit_version_id)
        .where(
            coverage_day.c.network_id == asked.network_id,
            coverage_day.c.on.between(asked.first, asked.last),
            true() if asked.unit_id is None else literal(asked.unit_id.hex) == any_(steps),
        )
        .group_by(coverage_day.c.on)
        .order_by(coverage_day.c.on)
    )
    return [(row.on, int(row.part or 0)) for row in rows]


def find_codes(conn: Connection, ids: Sequence[UUID]) -> list[str]:
    """The codes of units as they are or were last, in natural order."""
    return sorted((row.code for row in _names(conn, ids).values()), key=natural_key)


def find_network_id(conn: Connection, code: str) -> int:
    """NotFound for a network there is not."""
    found: int | None = conn.scalar(select(network.c.id).where(network.c.code == code))
    if found is None:
        raise NotFound(told("there is no network “{network}”", network=code))
    return found
