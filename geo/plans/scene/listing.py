"""The units of a plan's subtree as a list: by code, found by a part of code or name, wherever the map looks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import shapely
from sqlalchemy import Connection, Row, Select, func, select

from geo.codes import natural_key
from geo.operations import Unit
from geo.operations.effects import measure
from geo.plans.redraw import Redraw
from geo.plans.scene import Bbox, Change, change_of, in_subtree, is_editable, standing
from geo.plans.working import read_base, read_changes
from geo.tables import unit, unit_version

Which = Literal["lowest", "above", "all"]


@dataclass(frozen=True)
class Listed:
    """A unit of the plan's subtree as the plan has it, but for its border.

    `lowest`: with a border of its own; above these, area and households are the sums of the territorial units below.
    """

    unit: Unit
    lowest: bool
    change: Change
    editable: bool
    area_m2: float | None
    bbox: Bbox | None


@dataclass(frozen=True)
class Listing:
    """A page of the units; `total` are all that were asked for."""

    units: list[Listed]
    total: int


@dataclass(frozen=True)
class Sought:
    """Which units: those whose code or name holds the text, in any case; lowest, those above them, or all; of one level."""

    text: str = ""
    which: Which = "lowest"
    level: str | None = None

    def is_met_by(self, each: Unit, *, lowest: bool) -> bool:
        text = self.text.strip().lower()
        kind = self.which == "all" or lowest == (self.which == "lowest")
        return (
            kind
            and self.level in (None, each.level)
            and (text in each.code.lower() or text in each.name.lower())
        )

    def order(self, found: Redraw, each: Unit) -> tuple[Any, ...]:
        """What bears just the text comes first, then what stands higher, then codes in natural order; dedicated ones last."""
        is_it = self.text.strip().lower() in (each.code.lower(), each.name.lower())
        depth = 0 if self.which == "lowest" else _depth(found, each.level)
        return not is_it, each.kind == "dedicated", depth, natural_key(each.code)


def list_plan_units(
    conn: Connection, found: Redraw, sought: Sought, *, after: int = 0, limit: int = 100
) -> Listing:
    """The units of the plan's subtree that are sought, from behind so many. Invalid for a level that the network has not."""
    if sought.level is not None:
        found.network.level(sought.level)
    here = _read_subtree(conn, found)
    met = [each for each in here.units.values() if sought.is_met_by(each, lowest=here.is_lowest(each))]
    met.sort(key=lambda each: sought.order(found, each))
    return Listing(_describe(conn, found, here, met[after : after + limit]), len(met))


@dataclass(frozen=True)
class _Subtree:
    """`units` have no borders but for those that the plan changes; `area_m2` is of the others."""

    units: dict[UUID, Unit]
    changes: Mapping[UUID, Unit | None]
    area_m2: dict[UUID, float]
    divided: set[UUID | None]

    def is_lowest(self, each: Unit) -> bool:
        return each.id not in self.divided

    def sums(self, wanted: Collection[UUID]) -> dict[UUID, tuple[int | None, float | None]]:
        """Households and area of units above the lowest ones; None where nothing is known of any unit below."""
        below: dict[UUID, list[Unit]] = {unit_id: [] for unit_id in wanted}
        lowest = [each for each in self.units.values() if self.is_lowest(each) and each.kind == "territorial"]
        for each in lowest if wanted else ():
            above = each.parent
            while above is not None and above in self.units:
                if above in below:
                    below[above].append(each)
                above = self.units[above].parent
        drawn = measure(each for group in below.values() for each in group)
        area_m2 = self.area_m2 | {unit_id: size.area_m2 for unit_id, size in drawn.items()}
        return {
            unit_id: (
                _sum_households(group),
                sum(area_m2[each.id] for each in group if each.id in area_m2) if group else None,
            )
            for unit_id, group in below.items()
        }


def _sum_households(units: Iterable[Unit]) -> int | None:
    known = [each.households for each in units if each.households is not None]
    return sum(known) if known else None


def _read_subtree(conn: Connection, found: Redraw) -> _Subtree:
    changes = read_changes(conn, found)
    rows = {row.unit_id: row for row in conn.execute(_names(conn, found))}
    around = {each.id for each in read_base(conn, found, set(changes) - set(rows))}
    stated = {unit_id: _named(row) for unit_id, row in rows.items() if unit_id not in changes}
    drawn = {each.id: each for each in changes.values() if each is not None and each.id not in around}
    units = stated | drawn
    divided = {each.parent for each in units.values() if each.kind == "territorial"}
    return _Subtree(units, changes, {unit_id: rows[unit_id].area_m2 for unit_id in stated}, divided)


def _describe(conn: Connection, found: Redraw, here: _Subtree, page: Sequence[Unit]) -> list[Listed]:
    boxes = _boxes(conn, found, [each.id for each in page])
    known = {each.id: each for each in read_base(conn, found, {each.id for each in page} & set(here.changes))}
    sizes = here.area_m2 | {unit_id: size.area_m2 for unit_id, size in measure(page).items()}
    sums = here.sums({each.id for each in page if not here.is_lowest(each)})
    listed = []
    for each in page:
        lowest = here.is_lowest(each)
        households, area_m2 = (each.households, sizes.get(each.id)) if lowest else sums[each.id]
        listed.append(
            Listed(
                replace(each, households=households),
                lowest,
                change_of(known.get(each.id), each, here.changes),
                lowest and is_editable(found, each, ()),
                area_m2,
                boxes.get(each.id) if each.geom is None else _bounds(each),
            )
        )
    return listed


def _names(conn: Connection, found: Redraw) -> Select[Any]:
    """Everything of the subtree in the newest edition but borders, which are most of it."""
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "area_m2")
    columns = [unit_version.c[name] for name in names]
    query = select(*columns, unit.c.kind).join(unit, unit.c.id == unit_version.c.unit_id)
    return query.where(*standing(found), *in_subtree(conn, found))


def _named(row: Row[Any]) -> Unit:
    return Unit(
        row.unit_id, row.level, row.code, row.name, row.parent_unit_id, None, row.kind, row.households, {}
    )


def _depth(found: Redraw, level: str) -> int:
    above = found.network.level(level).parent
    return 0 if above is None else 1 + _depth(found, above)


def _bounds(each: Unit) -> Bbox:
    west, south, east, north = shapely.bounds(each.geom).tolist()
    return west, south, east, north


def _boxes(conn: Connection, found: Redraw, ids: Collection[UUID]) -> dict[UUID, Bbox]:
    sides = [getattr(func, f"ST_{side}")(unit_version.c.geom) for side in ("XMin", "YMin", "XMax", "YMax")]
    query = select(unit_version.c.unit_id, *sides).where(*standing(found), unit_version.c.unit_id.in_(ids))
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in conn.execute(query)}
