"""Which deepest units a proof is made of: those that have part in a figure, some at a time, so that it is bounded."""

import math
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Select, func, select

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.tables import coverage_day, coverage_site, coverage_unit
from analysis.coverage.measures.evidence import Measure
from analysis.coverage.views.cold import Leaf, read_leaves
from core.errors import Invalid, told

MOST_UNITS: Final = 200


@dataclass(frozen=True)
class Provers:
    """One page of `pages`, by code. `total`: units of all pages; `part`: what those of this page have of the day's numerator."""

    versions: tuple[int, ...]
    total: int
    page: int
    pages: int
    first_code: str | None
    last_code: str | None
    part: int


def choose_provers(
    conn: Connection, asked: CoverageAsked, measure: Measure, *, code: str, page: int
) -> Provers:
    """Of the unit's observed deepest units on the day: all where they are few, else those with something proven in the
    measure. A page after the last is the last. Invalid where no deepest unit of it was computed that day.
    """
    leaves = read_leaves(conn, asked)
    if not leaves:
        raise Invalid(told("{code} had no computed deepest unit on {day}", code=code, day=asked.first))
    seen = [leaf for leaf in leaves if leaf.observed]
    parts = {row.version_id: (int(row.part), int(row.some)) for row in conn.execute(_parts(asked, measure))}
    if len(seen) > MOST_UNITS:
        seen = [leaf for leaf in seen if parts.get(leaf.version_id, (0, 0))[1]]
    pages = max(math.ceil(len(seen) / MOST_UNITS), 1)
    page = min(page, pages)
    own: list[Leaf] = seen[(page - 1) * MOST_UNITS : page * MOST_UNITS]
    return Provers(
        tuple(leaf.version_id for leaf in own),
        len(seen),
        page,
        pages,
        own[0].code if own else None,
        own[-1].code if own else None,
        sum(parts.get(leaf.version_id, (0, 0))[0] for leaf in own),
    )


def _parts(asked: CoverageAsked, measure: Measure) -> Select[tuple[int, int, int]]:
    """By deepest unit of the network what it has of the day's numerator, and whether anything is known of it at all: a visit
    of a required place may have been too short.
    """
    on = (coverage_day.c.network_id == asked.network_id, coverage_day.c.on == asked.first)
    if measure == "required":
        sites = coverage_site.c
        made = func.sum(sites.visits)
        return (
            select(
                sites.unit_version_id.label("version_id"),
                made.label("part"),
                (made + func.sum(sites.short_visits)).label("some"),
            )
            .join(coverage_day, coverage_day.c.id == sites.day_id)
            .where(*on)
            .group_by(sites.unit_version_id)
        )
    part = coverage_unit.c[measure][1]
    return (
        select(coverage_unit.c.unit_version_id.label("version_id"), part.label("part"), part.label("some"))
        .join(coverage_day, coverage_day.c.id == coverage_unit.c.day_id)
        .where(*on)
    )
