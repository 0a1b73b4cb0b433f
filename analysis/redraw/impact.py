"""Impact: what a plan does to the units it changes, to who lives there, to who serves there and to other networks.

Before is the newest edition, after is the plan as it stands; every figure is counted in the same way on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import ArrayLike
from sqlalchemy import Connection, func, select

from analysis.redraw.agreement import Disagreement, find_disagreements
from analysis.redraw.balance import Balance, balance_of
from analysis.redraw.blocks import first_within, read_cases
from analysis.redraw.figures import Figures, Ground, count_figures, moved, read_ground
from geo.flows import area_m2
from geo.operations import Unit
from geo.plans import geometry_column
from geo.plans.effects import Affected, list_affected
from geo.plans.redraw import Redraw
from geo.plans.succession import read_succession
from geo.plans.working import read_siblings
from people.planning.posts import list_posts
from people.tables import assignment, role

MEASURES = ("households", "cases", "area_m2")


@dataclass(frozen=True)
class UnitImpact:
    """A unit with its figures; `before` None: it is born, `after` None: it is no more."""

    unit_id: UUID
    level: str
    code: str
    name: str
    before: Figures | None
    after: Figures | None


@dataclass(frozen=True)
class Evenness:
    """How even all units below the same parents are by one measure, of MEASURES; None: nothing to be even."""

    measure: str
    before: Balance | None
    after: Balance | None


@dataclass(frozen=True)
class Impact:
    """`*_moved`: households and residents at doors that come to lie in another unit; None: no door is known there.

    `people_moved`: assignments to units of any level that end or lose ground, to be decided on; `networks`: others to be told.
    """

    as_of: datetime
    units: list[UnitImpact]
    evenness: list[Evenness]
    households_moved: int | None
    residents_moved: int | None
    people_moved: int
    networks: list[Disagreement]


def measure_impact(conn: Connection, found: Redraw, *, now: datetime) -> Impact:
    """Of the units with a border of their own that the plan changes in more than nodes, by level and code."""
    affected = [each for each in list_affected(conn, found) if _territorial(each)]
    before = [each.before for each in affected if each.before is not None and each.before.geom is not None]
    after = [each.after for each in affected if each.after is not None and each.after.geom is not None]
    if not before and not after:
        return Impact(now, [], [], 0, 0, 0, [])
    shapes = [geometry_column(unit.geom for unit in side) for side in (before, after)]
    ground = read_ground(conn, np.concatenate(shapes), now)
    people = _people(conn, [unit.id for unit in before], now)
    old = dict(zip((u.id for u in before), count_figures(found.network, ground, before, people), strict=True))
    new = dict(zip((u.id for u in after), count_figures(found.network, ground, after, people), strict=True))
    homes = _homes(ground, before, after)
    return Impact(
        as_of=now,
        units=[_unit_impact(each, old, new) for each in affected],
        evenness=_evenness(conn, found, [*before, *after], now),
        households_moved=_by_shares(affected) if homes is None else homes[0],
        residents_moved=None if homes is None else homes[1],
        people_moved=len(list_posts(conn, found, read_succession(conn, found), now)),
        networks=find_disagreements(conn, found.network, shapes[0], shapes[1]),
    )


def _territorial(each: Affected) -> bool:
    unit = each.before or each.after
    return unit is not None and unit.kind == "territorial"


def _unit_impact(each: Affected, old: dict[UUID, Figures], new: dict[UUID, Figures]) -> UnitImpact:
    named = each.after or each.before
    level, code, name = ("", "", "") if named is None else (named.level, named.code, named.name)
    return UnitImpact(each.unit_id, level, code, name, old.get(each.unit_id), new.get(each.unit_id))


def _people(conn: Connection, unit_ids: Sequence[UUID], now: datetime) -> dict[object, int]:
    """How many people in tracked roles are assigned to each unit now."""
    query = (
        select(assignment.c.unit_id, func.count(assignment.c.person_id.distinct()))
        .join(role, role.c.code == assignment.c.role)
        .where(assignment.c.unit_id.in_(unit_ids), assignment.c.valid.op("@>")(now), role.c.tracked)
        .group_by(assignment.c.unit_id)
    )
    return {unit_id: int(number) for unit_id, number in conn.execute(query)}


def _homes(ground: Ground, before: Sequence[Unit], after: Sequence[Unit]) -> tuple[int, int] | None:
    """Households and residents whose door lies in another unit afterwards; None where no door is known."""
    if not len(ground.doors):
        return None
    if not before or not after:
        return 0, 0
    away = moved(before, after, ground.doors)
    return int(ground.households[away].sum()), int(ground.residents[away].sum())


def _by_shares(affected: Sequence[Affected]) -> int | None:
    """Where no door is known: the units' households, by the shares of ground that go elsewhere."""
    known = [(each.before.households, each) for each in affected if each.before is not None]
    if not known or any(number is None for number, _ in known):
        return None
    return round(
        sum(
            (number or 0) * heir.households_share
            for number, each in known
            for heir in each.heirs
            if heir.unit_id != each.unit_id
        )
    )


def _evenness(conn: Connection, found: Redraw, changed: Sequence[Unit], now: datetime) -> list[Evenness]:
    """Of all units with a border of their own below the same parents, the unchanged ones too."""
    parents = {unit.parent for unit in changed if unit.parent is not None}
    levels = {unit.level for unit in changed}
    below = read_siblings(conn, found, parents) if parents else (changed, changed)
    sides = [
        [
            unit
            for unit in side
            if unit.geom is not None and unit.kind == "territorial" and unit.level in levels
        ]
        for side in below
    ]
    before, after = (_loads(conn, side, now) for side in sides)
    return [Evenness(name, balance_of(before[name]), balance_of(after[name])) for name in MEASURES]


def _loads(conn: Connection, units: Sequence[Unit], now: datetime) -> dict[str, ArrayLike]:
    if not units:
        return {name: [] for name in MEASURES}
    shapes = geometry_column(unit.geom for unit in units)
    _, home = first_within(shapely.STRtree(shapes), read_cases(conn, shapes, now)[0])
    return {
        "households": [unit.households or 0 for unit in units],
        "cases": np.bincount(home, minlength=len(units)),
        "area_m2": area_m2(shapes),
    }
