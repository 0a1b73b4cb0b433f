"""What a planner sees of a plan: the units that it may redraw, as it has them now, and those that touch them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import shapely
from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from geo.operations import Unit
from geo.operations.effects import Measures, measure
from geo.plans import geometry_column
from geo.plans.redraw import Redraw, only_noded
from geo.plans.working import IS_DIVIDED, read_base, read_changes
from geo.tables import Ltree, unit, unit_version

Change = Literal["kept", "noded", "changed", "born"]
Bbox = tuple[float, float, float, float]
EVERYTHING = 1_000_000
"""A limit that no network has as many units as."""


@dataclass(frozen=True)
class Seen:
    """A unit with a border of its own. `editable`: the plan may redraw it; false for official areas and neighbours."""

    unit: Unit
    change: Change
    editable: bool


@dataclass(frozen=True)
class Scene:
    """`units` are left out, but for those that the plan changes, where more than asked for lie in the box.

    `gone`: ids of units that the plan ends. `parents`: what stands above the units, as the plan has it.
    """

    units: list[Seen]
    gone: list[UUID]
    parents: list[Unit]
    total: int
    complete: bool
    bbox: Bbox | None


def read_scene(
    conn: Connection, found: Redraw, *, box: Bbox | None = None, limit: int = 1500, also: Collection[UUID] = ()
) -> Scene:  # fmt: skip
    """The units of the plan's subtree in the box (None: all of it), and the ring of neighbours around.

    `also`: ids of units of the subtree that come along wherever they lie.
    """
    changes = read_changes(conn, found)
    inside = _leaves(conn, found, box)
    complete = len(inside) <= limit
    ring = _ring(conn, found, box, inside) if complete and inside else []
    held = _leaves(conn, found, None, also) if also else []
    wanted = ({*inside, *ring} if complete else set()) | set(changes) | set(held)
    base = {each.id: each for each in read_base(conn, found, wanted)}
    now: dict[UUID, Unit | None] = {**base, **changes}
    others = set(base) - {*inside, *held}
    locked = others - set(_leaves(conn, found, None, others)) if others else set()
    units = [
        Seen(each, change_of(base.get(each.id), each, changes), is_editable(found, each, locked))
        for each in now.values()
        if each is not None and each.geom is not None
    ]
    above = {each.unit.parent for each in units if each.unit.parent is not None}
    parents = [each for each in _above(conn, found, above, changes) if each is not None]
    gone = [unit_id for unit_id, each in changes.items() if each is None]
    return Scene(units, gone, parents, len(inside), complete, extent_of(conn, found))


def extent_of(conn: Connection, found: Redraw) -> Bbox | None:
    """The box of all that the plan may redraw."""
    extent: Any = func.ST_Extent(unit_version.c.geom)
    sides = [getattr(func, f"ST_{side}")(extent) for side in ("XMin", "YMin", "XMax", "YMax")]
    here = (*standing(found), _is_undivided(found), *in_subtree(conn, found))
    row = conn.execute(select(*sides).where(*here)).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def read_seen(conn: Connection, found: Redraw, ids: Collection[UUID]) -> list[Seen]:
    """Some units of the scene as the plan has them now; those that it ended are left out."""
    changes = read_changes(conn, found)
    base = {each.id: each for each in read_base(conn, found, ids)}
    locked = set(base) - set(_leaves(conn, found, None, base))
    now = {unit_id: changes.get(unit_id, base.get(unit_id)) for unit_id in ids}
    return [
        Seen(each, change_of(base.get(each.id), each, changes), is_editable(found, each, locked))
        for each in now.values()
        if each is not None and each.geom is not None
    ]


@dataclass(frozen=True)
class Subtree:
    """The unit whose subtree a plan may redraw, as it was known last."""

    unit_id: UUID
    level: str
    code: str
    name: str


def read_subtree(conn: Connection, found: Redraw) -> Subtree | None:
    """None: the plan may redraw the whole network."""
    if found.scope_unit_id is None:
        return None
    names = ("unit_id", "level", "code", "name")
    query = select(*(unit_version.c[name] for name in names)).where(
        unit_version.c.unit_id == found.scope_unit_id
    )
    row = conn.execute(query.order_by(unit_version.c.id.desc()).limit(1)).one()
    return Subtree(row.unit_id, row.level, row.code, row.name)


def measure_scene(units: Iterable[Seen]) -> dict[UUID, Measures]:
    """Area, perimeter and shape of each unit."""
    return measure(each.unit for each in units)


def change_of(was: Unit | None, now: Unit, changes: Mapping[UUID, Unit | None]) -> Change:
    if now.id not in changes:
        return "kept"
    if was is None:
        return "born"
    return "noded" if only_noded(was, now) else "changed"


def is_editable(found: Redraw, each: Unit, locked: Collection[UUID]) -> bool:
    natural = found.network.level(each.level).origin == "natural"
    return each.id not in locked and (each.kind == "dedicated" or not natural)


def _above(
    conn: Connection, found: Redraw, ids: Collection[UUID], changes: Mapping[UUID, Unit | None]
) -> list[Unit | None]:
    base = {each.id: each for each in read_base(conn, found, ids)}
    return [changes.get(unit_id, base.get(unit_id)) for unit_id in ids]


def standing(found: Redraw) -> list[ColumnElement[bool]]:
    """The versions of the network's newest edition."""
    return [
        unit_version.c.network_id == found.network.id,
        func.upper_inf(unit_version.c.valid),
        func.upper_inf(unit_version.c.recorded),
    ]


def _in_box(box: Bbox) -> ColumnElement[bool]:
    here: ColumnElement[bool] = unit_version.c.geom.op("&&")(func.ST_MakeEnvelope(*box, 4326))
    return here


def _leaves(
    conn: Connection, found: Redraw, box: Bbox | None, among: Collection[UUID] | None = None
) -> list[UUID]:
    """Units of the subtree with a border of their own, of the newest edition."""
    query = select(unit_version.c.unit_id).where(*standing(found), *in_subtree(conn, found))
    if among is None:
        query = query.where(_is_undivided(found))
    else:
        query = query.where(unit_version.c.unit_id.in_(among), ~IS_DIVIDED)
    if box is not None:
        query = query.where(_in_box(box))
    return list(conn.scalars(query))


def _is_undivided(found: Redraw) -> ColumnElement[bool]:
    """Not `IS_DIVIDED`, asked of a whole network at once: what has units below it is gathered first.

    How few units others have replaced the database cannot guess, and would compare each unit with each.
    """
    child, each = unit_version.alias("child"), unit.alias("each")
    divided = (
        select(child.c.parent_unit_id)
        .join(each, each.c.id == child.c.unit_id)
        .where(child.c.network_id == found.network.id, each.c.kind == "territorial")
        .where(child.c.parent_unit_id.is_not(None))
        .where(func.upper_inf(child.c.valid), func.upper_inf(child.c.recorded))
    )
    return unit_version.c.unit_id.not_in(divided)


def in_subtree(conn: Connection, found: Redraw) -> list[ColumnElement[bool]]:
    """No condition where the plan may redraw the whole network."""
    if found.scope_unit_id is None:
        return []
    path = select(cast(unit_version.c.path, Text)).where(
        *standing(found), unit_version.c.unit_id == found.scope_unit_id
    )
    below = unit_version.c.path.op("<@", is_comparison=True)
    return [below(cast(conn.scalar(path), Ltree))]


def _ring(conn: Connection, found: Redraw, box: Bbox | None, inside: Collection[UUID]) -> list[UUID]:
    """Leaves that touch those inside and are not of them."""
    box = None if found.scope_unit_id is None else box or extent_of(conn, found)
    if box is None:
        return []
    here = select(unit_version.c.unit_id).where(*standing(found), _is_undivided(found), _in_box(box))
    others = read_base(conn, found, set(conn.scalars(here)) - set(inside))
    own = [each.geom for each in read_base(conn, found, inside) if each.geom is not None]
    near = [each for each in others if each.geom is not None]
    met = shapely.STRtree(geometry_column(each.geom for each in near)).query(
        geometry_column(own), predicate="intersects"
    )[1]
    return [near[place].id for place in sorted(set(met.tolist()))]
