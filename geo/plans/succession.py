"""Who comes after whom by a plan: which unit of each level holds a place before it and after it, and who has whose ground.

What follows from it for cases and for people is decided by somebody; whoever owns those tables asks here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import Connection, func, select

from geo.addresses import read_doors
from geo.codes import natural_key
from geo.flows import Floats, flow
from geo.operations import Unit
from geo.plans import geometry_column
from geo.plans.redraw import Redraw
from geo.plans.working import read_base, read_changes, read_siblings
from geo.tables import unit, unit_version

CRUMB_M2 = 1.0
"""Less ground than this is no ground to be an heir of."""
Chain = Mapping[str, UUID]
"""A lowest unit and those above it, by level."""


@dataclass(frozen=True)
class Side:
    """The ground in question before or after: its lowest territorial units, and every unit by id with those above."""

    leaves: list[Unit]
    units: Mapping[UUID, Unit]

    def chain(self, unit_id: UUID | None) -> Chain:
        found: dict[str, UUID] = {}
        while unit_id is not None and unit_id in self.units:
            here = self.units[unit_id]
            found[here.level] = unit_id
            unit_id = here.parent
        return found

    def chains_at(self, lon_lat: Floats) -> list[Chain | None]:
        """Of each place; None where no unit in question lies. On a border the lowest code has it, as in placement."""
        found: list[Chain | None] = [None] * len(lon_lat)
        known = np.flatnonzero(np.isfinite(lon_lat).all(axis=1))
        if not len(known) or not self.leaves:
            return found
        place, leaf = self._tree.query(shapely.points(lon_lat[known]), predicate="intersects")
        for at, row in zip(
            known[place[::-1]], leaf[::-1], strict=True
        ):  # so that the first leaf is written last
            found[at] = self.chain(self.leaves[row].id)
        return found

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(geometry_column(each.geom for each in self.leaves))


@dataclass(frozen=True)
class Succession:
    """`heirs`: of each unit that ends or loses ground, on every level, who has ground of it, most households first."""

    before: Side
    after: Side
    heirs: Mapping[UUID, tuple[UUID, ...]]

    def stands(self, unit_id: UUID) -> bool:
        return unit_id in self.after.units

    def named(self, unit_id: UUID) -> Unit | None:
        """A unit in question as it will be, or as it was when it ends."""
        return self.after.units.get(unit_id) or self.before.units.get(unit_id)

    def choices(self, unit_id: UUID) -> tuple[UUID, ...]:
        """Who may have what a unit had: itself when it stands, then its heirs, else what stands above it."""
        heirs = tuple(each for each in self.heirs.get(unit_id, ()) if each != unit_id)
        mine = (unit_id, *heirs) if self.stands(unit_id) else heirs
        return mine or self._above(unit_id)

    def holders_after(self, owners: Sequence[UUID], lon_lat: Floats) -> list[UUID | None]:
        """Who holds what each unit holds at a place (NaN: at no place); None: the same as before.

        What a unit holds elsewhere than in its own ground was given to it by somebody and stays with it while it stands.
        """
        befores, afters = self.before.chains_at(lon_lat), self.after.chains_at(lon_lat)
        return [self._holder(*each) for each in zip(owners, befores, afters, strict=True)]

    def _holder(self, owner: UUID, was: Chain | None, now: Chain | None) -> UUID | None:
        held = self.before.units.get(owner)
        level = "" if held is None else held.level
        there = None if now is None else now.get(level)
        if self.stands(owner):
            is_moved = was is not None and was.get(level) == owner and there not in (None, owner)
            return there if is_moved else None
        return there or next(iter(self.choices(owner)), None)

    def _above(self, unit_id: UUID) -> tuple[UUID, ...]:
        here = self.before.units.get(unit_id)
        while here is not None and here.parent is not None:
            if self.stands(here.parent):
                return (here.parent,)
            here = self.before.units.get(here.parent)
        return ()


def read_succession(conn: Connection, found: Redraw) -> Succession:
    """Of the plan as it stands, on its base; after publication on what held right before its instant."""
    changes = read_changes(conn, found)
    was = {each.id: each for each in _read_before(conn, found, changes)}
    now = {unit_id: each for unit_id, each in changes.items() if each is not None}
    carried = _carried(conn, found, was, now)
    sides = [_with_above(conn, found, {**carried, **side}) for side in (was, now)]
    before, after = (Side(_leaves(side, {*changes, *carried}), side) for side in sides)
    # what stands above both sides and is not changed is the same on both
    after = replace(
        after, units={**{i: u for i, u in before.units.items() if i not in changes}, **after.units}
    )
    return Succession(before, after, _heirs(conn, before, after))


def _leaves(units: Mapping[UUID, Unit], among: Collection[UUID]) -> list[Unit]:
    drawn = [
        each
        for unit_id, each in units.items()
        if unit_id in among and each.geom is not None and each.kind == "territorial"
    ]
    return sorted(drawn, key=lambda each: natural_key(each.code))


def _read_before(conn: Connection, found: Redraw, changes: Mapping[UUID, Unit | None]) -> list[Unit]:
    if found.state not in ("scheduled", "published") or found.effective_from is None:
        return read_base(conn, found, changes)
    derived = {unit_id for unit_id, each in changes.items() if each is not None and each.geom is None}
    units = _units_at(conn, found.effective_from - timedelta(microseconds=1), changes)
    divided = derived | {each.parent for each in units if each.kind == "territorial"}
    return [replace(each, geom=None) if each.id in divided else each for each in units]


def _units_at(conn: Connection, instant: datetime, ids: Iterable[UUID]) -> list[Unit]:
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "attrs")
    border = func.ST_AsBinary(unit_version.c.geom).label("wkb")
    query = (
        select(*(unit_version.c[name] for name in names), unit.c.kind, border)
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(
            unit_version.c.unit_id.in_(list(ids)),
            unit_version.c.valid.contains(instant),
            func.upper_inf(unit_version.c.recorded),
        )
    )
    return [
        Unit(
            id=row.unit_id,
            level=row.level,
            code=row.code,
            name=row.name,
            parent=row.parent_unit_id,
            geom=shapely.from_wkb(bytes(row.wkb)),
            kind=row.kind,
            households=row.households,
            attrs=row.attrs,
        )
        for row in conn.execute(query)
    ]


def _carried(
    conn: Connection, found: Redraw, was: Mapping[UUID, Unit], now: Mapping[UUID, Unit]
) -> dict[UUID, Unit]:
    """Units that are not changed themselves and lie below one that came under another parent."""
    carried: dict[UUID, Unit] = {}
    frontier = {
        unit_id
        for unit_id, each in now.items()
        if each.geom is None and unit_id in was and was[unit_id].parent != each.parent
    }
    while frontier:
        _, below = read_siblings(conn, found, frontier)
        fresh = {each.id: each for each in below if each.id not in now and each.id not in was}
        carried |= fresh
        frontier = {unit_id for unit_id, each in fresh.items() if each.geom is None}
    return carried


def _with_above(conn: Connection, found: Redraw, units: dict[UUID, Unit]) -> dict[UUID, Unit]:
    """With everything above; what the plan changes is in `units` already."""
    while missing := {each.parent for each in units.values() if each.parent is not None} - set(units):
        above = {each.id: each for each in read_base(conn, found, missing)}
        units |= above
        if not above:
            break
    return units


def _heirs(conn: Connection, before: Side, after: Side) -> dict[UUID, tuple[UUID, ...]]:
    """On every level: the ground of the lowest units, gathered under those above them."""
    ended = {each for each in before.units if each not in after.units}
    if not before.leaves or not after.leaves:
        return dict.fromkeys(ended, ())
    shapes, others = (geometry_column(each.geom for each in side.leaves) for side in (before, after))
    moved = flow(shapes, others, read_doors(conn, shapes))
    shared: dict[UUID, dict[UUID, tuple[float, float]]] = {each: {} for each in ended}
    for old, new, area, share in zip(
        moved.old, moved.new, moved.area_m2, moved.households_share, strict=True
    ):
        leaf = before.leaves[old]
        homes = float(share) * (leaf.households or 0)
        now = after.chain(after.leaves[new].id)
        for level, unit_id in before.chain(leaf.id).items():
            heir = now.get(level)
            if heir is not None and area >= CRUMB_M2:
                had = shared.setdefault(unit_id, {}).get(heir, (0.0, 0.0))
                shared[unit_id][heir] = (had[0] + homes, had[1] + float(area))
    return {
        unit_id: tuple(sorted(those, key=lambda heir: (-those[heir][0], -those[heir][1], str(heir))))
        for unit_id, those in shared.items()
        if unit_id in ended or set(those) != {unit_id}
    }
