"""Impact: what a plan does to the units it changes, to who lives there, to who serves there and to other networks.

Before is the newest edition, after is the plan as it stands; every figure is counted in the same way on both sides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from analysis.redraw.impact.agreement import Disagreement, find_disagreements
from analysis.redraw.impact.evenness import (
    Evenness,
    Loads,
    Sibling,
    list_siblings,
    read_loads,
    weigh_evenness,
)
from analysis.redraw.impact.figures import Figures, count_figures, figures_of, read_ground
from analysis.redraw.impact.moves import Moved, count_moved, crossed, read_streams
from analysis.redraw.impact.trees import Tree, by_level, leaves_below, read_trees
from geo.addresses import DoorCounts
from geo.operations import Unit
from geo.plans import geometry_column
from geo.plans.redraw import Redraw, only_noded
from geo.plans.succession import Succession, read_succession
from geo.plans.working import read_base, read_changes
from people.planning.posts import list_posts
from people.tables import assignment, role

Changed = dict[UUID, tuple[Unit | None, Unit | None]]
Units = Mapping[UUID, Unit]


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
class LevelImpact:
    """What changes unit at a level. `*_moved`: households and residents at doors; None: no door is known there.

    `siblings`: all units below the same parents as those that change or exchange ground, and how even they are.
    """

    level: str
    households_moved: int | None
    residents_moved: int | None
    evenness: list[Evenness]
    siblings: list[Sibling]


@dataclass(frozen=True)
class Impact:
    """`units` and `levels`: the highest level first.

    `people_moved`: assignments to units of any level that end or lose ground, to be decided on; `networks`: others to be told.
    """

    as_of: datetime
    units: list[UnitImpact]
    levels: list[LevelImpact]
    people_moved: int
    networks: list[Disagreement]


def measure_impact(conn: Connection, found: Redraw, *, now: datetime) -> Impact:
    """Of the units that the plan changes in more than nodes, and of those above whose units or ground change."""
    changed = _read_changed(conn, found)
    if not changed:
        return Impact(now, [], [], 0, [])
    follows = read_succession(conn, found)
    streams = read_streams(found.network, follows)
    known = _sides(follows, changed)
    own = {*changed, *crossed(streams)}
    rows = own | _parents_changed(changed)
    trees = read_trees(conn, found, _tops(rows, own, known), known)
    doors, units = _measure_units(conn, trees, rows, now)
    return Impact(
        as_of=now,
        units=units,
        levels=_levels(trees, own, count_moved(streams, doors), read_loads(conn, trees, now)),
        people_moved=len(list_posts(conn, found, follows, now)),
        networks=_disagreements(conn, found, changed),
    )


def _read_changed(conn: Connection, found: Redraw) -> Changed:
    """Territorial units that are not as in the edition, but for nodes in their border. Those that the plan bore and ended
    again were never there.
    """
    after = read_changes(conn, found)
    before = {each.id: each for each in read_base(conn, found, after)}
    both = {key: (before.get(key), now) for key, now in after.items() if now is not None or key in before}
    return {
        unit_id: (was, now)
        for unit_id, (was, now) in both.items()
        if "dedicated" not in {each.kind for each in (was, now) if each is not None} and _differs(was, now)
    }


def _differs(was: Unit | None, now: Unit | None) -> bool:
    if was is not None and now is not None and was.geom is None and now.geom is None:
        return replace(was, households=now.households, attrs=now.attrs) != now
    return not only_noded(was, now)


def _sides(follows: Succession, changed: Changed) -> tuple[Units, Units]:
    """Every unit in question before and after; what the plan leaves alone is the same on both sides."""
    both = {**follows.after.units, **follows.before.units}
    same = {unit_id: each for unit_id, each in both.items() if unit_id not in changed}
    was = {unit_id: pair[0] for unit_id, pair in changed.items() if pair[0] is not None}
    now = {unit_id: pair[1] for unit_id, pair in changed.items() if pair[1] is not None}
    return {**same, **was}, {**same, **now}


def _parents_changed(changed: Changed) -> set[UUID]:
    """Parents that lose or gain a unit."""
    found: set[UUID] = set()
    for pair in changed.values():
        before, after = (None if each is None else each.parent for each in pair)
        if before != after:
            found |= {each for each in (before, after) if each is not None}
    return found


def _tops(rows: Collection[UUID], own: Collection[UUID], known: tuple[Units, Units]) -> set[UUID]:
    """Below these stands all that is to be counted: the rows, and what the others are even or uneven with."""
    parents = (side[each].parent for side in known for each in own if each in side)
    return {*rows, *(each for each in parents if each is not None)}


def _measure_units(
    conn: Connection, trees: tuple[Tree, Tree], rows: Collection[UUID], now: datetime
) -> tuple[DoorCounts, list[UnitImpact]]:
    """The doors there, and the rows with their figures: the highest level first, then by code."""
    network = trees[0].network
    leaves = [leaves_below(tree, rows) for tree in trees]
    ground = read_ground(conn, geometry_column(leaf.geom for side in leaves for leaf in side), now)
    old, new = (count_figures(network, ground, side) for side in leaves)
    people = _read_people(conn, {each for tree in trees for row in rows for each in tree.within(row)}, now)
    named = [trees[1].units.get(each) or trees[0].units[each] for each in rows]
    listed = [each for here in by_level(network, named).values() for each in here]
    return ground.doors, [
        UnitImpact(
            each.id,
            each.level,
            each.code,
            each.name,
            figures_of(trees[0], each.id, old, people),
            figures_of(trees[1], each.id, new, people),
        )
        for each in listed
    ]


def _read_people(conn: Connection, unit_ids: Collection[UUID], now: datetime) -> dict[UUID, set[int]]:
    """Who is assigned to each unit now, in tracked roles."""
    query = (
        select(assignment.c.unit_id, assignment.c.person_id)
        .join(role, role.c.code == assignment.c.role)
        .where(assignment.c.unit_id.in_(unit_ids), assignment.c.valid.contains(now), role.c.tracked)
    )
    found: dict[UUID, set[int]] = {}
    for unit_id, person_id in conn.execute(query):
        found.setdefault(unit_id, set()).add(person_id)
    return found


def _levels(
    trees: tuple[Tree, Tree], own: Collection[UUID], moved: Mapping[str, Moved], loads: Loads
) -> list[LevelImpact]:
    named = [trees[1].units.get(each) or trees[0].units[each] for each in own]
    found = []
    for level, here in by_level(trees[0].network, named).items():
        siblings = list_siblings(trees, loads, {each.id for each in here})
        away = moved.get(level, Moved(0, 0))
        found.append(LevelImpact(level, away.households, away.residents, weigh_evenness(siblings), siblings))
    return found


def _disagreements(conn: Connection, found: Redraw, changed: Changed) -> list[Disagreement]:
    sides = [
        geometry_column(unit.geom for unit in side if unit is not None and unit.geom is not None)
        for side in zip(*changed.values(), strict=True)
    ]
    return find_disagreements(conn, found.network, sides[0], sides[1])
