"""Required visits of a period: of each site those made and those due, and what they come to in units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    and_,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.asked import MOST_DAYS, CoverageAsked
from analysis.coverage.kept.tables import coverage_day, coverage_site, coverage_unit
from geo.tables import unit_version


def read_required(
    conn: Connection, asked: CoverageAsked, as_of: datetime, ids: Sequence[UUID]
) -> dict[UUID | None, Figure]:
    """Required visits made, of the whole (None) and of each of some units in it: of each site as many as required, no more.
    Those of days on which nobody tracked served the site's unit stand beside it.
    """
    wanted = {unit_id.hex: unit_id for unit_id in ids}
    sums = {unit_id: [0, 0, 0] for unit_id in (None, *ids)}
    for site in sum_sites(conn, asked):
        for unit_id in {None, *(wanted[label] for label in site.steps if label in wanted)}:
            if site.observed:
                sums[unit_id][0] += min(site.visits, site.required)
                sums[unit_id][1] += site.required
            else:
                sums[unit_id][2] += site.required
    return {
        unit_id: Figure(DEFINITIONS["required"], made, due, as_of, not_observed=unseen)
        for unit_id, (made, due, unseen) in sums.items()
    }


@dataclass(frozen=True)
class SiteSum:
    """A site in one version of its unit (`steps`: the ids in its path), on days somebody tracked served there, or nobody did."""

    code: str
    steps: tuple[str, ...]
    observed: bool
    visits: int
    required: int


def sum_sites(conn: Connection, asked: CoverageAsked) -> list[SiteSum]:
    """Visits made and required, whole ones, rounded up. A period shorter than a site's own days is looked at with those before
    it, so that what was visited on Monday is not missing on Tuesday.
    """
    steps = func.string_to_array(cast(unit_version.c.path, Text), ".", type_=ARRAY(Text))
    rows = conn.execute(
        select(
            coverage_site.c.code,
            coverage_unit.c.observed,
            steps.label("steps"),
            func.sum(coverage_site.c.visits).label("visits"),
            func.array_agg(coverage_site.c.required).label("required"),
            func.array_agg(coverage_site.c.days).label("days"),
        )
        .select_from(_SITE_DAYS)
        .where(*_counted(conn, asked))
        .group_by(
            coverage_site.c.code,
            coverage_site.c.unit_version_id,
            coverage_unit.c.observed,
            unit_version.c.path,
        )
        .having(func.bool_or(coverage_day.c.on >= asked.first))
    )
    return [
        SiteSum(row.code, tuple(row.steps), row.observed, int(row.visits), _due(row.required, row.days))
        for row in rows
    ]


_SITE_DAYS: Final = (
    coverage_site.join(coverage_day, coverage_day.c.id == coverage_site.c.day_id)
    .join(unit_version, unit_version.c.id == coverage_site.c.unit_version_id)
    .join(
        coverage_unit,
        and_(
            coverage_unit.c.day_id == coverage_site.c.day_id,
            coverage_unit.c.unit_version_id == coverage_site.c.unit_version_id,
        ),
    )
)


def _counted(conn: Connection, asked: CoverageAsked) -> list[ColumnElement[bool]]:
    """Which days of which sites count: those of the period, and before it those that a site's own days look back to."""
    steps = func.string_to_array(cast(unit_version.c.path, Text), ".", type_=ARRAY(Text))
    return [
        coverage_day.c.network_id == asked.network_id,
        coverage_day.c.on >= _window_begin(conn, asked),
        coverage_day.c.on <= asked.last,
        or_(coverage_day.c.on >= asked.first, coverage_day.c.on > asked.last - coverage_site.c.days),
        true() if asked.unit_id is None else literal(asked.unit_id.hex) == any_(steps),
    ]


def count_by_day(conn: Connection, asked: CoverageAsked) -> list[tuple[date, int]]:
    """The days that `sum_sites` counts, each with the visits to observed sites that lasted long enough."""
    rows = conn.execute(
        select(
            coverage_day.c.on, func.sum(coverage_site.c.visits).filter(coverage_unit.c.observed).label("made")
        )
        .select_from(_SITE_DAYS)
        .where(*_counted(conn, asked))
        .group_by(coverage_day.c.on)
        .order_by(coverage_day.c.on)
    )
    return [(row.on, int(row.made or 0)) for row in rows]


def _due(required: Sequence[int], days: Sequence[int]) -> int:
    return math.ceil(sum(Fraction(n, of) for n, of in zip(required, days, strict=True)))


def _window_begin(conn: Connection, asked: CoverageAsked) -> date:
    """The first day that the sites of the period look back to."""
    longest = conn.scalar(
        select(func.max(coverage_site.c.days))
        .join(coverage_day, coverage_day.c.id == coverage_site.c.day_id)
        .where(
            coverage_day.c.network_id == asked.network_id,
            coverage_day.c.on >= asked.first,
            coverage_day.c.on <= asked.last,
        )
    )
    return min(asked.first, asked.last - timedelta(days=min(int(longest or 1), MOST_DAYS) - 1))
