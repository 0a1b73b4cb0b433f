"""What a plan does to who and what lies in its units: the list from which cases are re-homed and people re-assigned.

Cases and assignments are others' tables. Whoever owns them asks here which units end or lose ground, and where that ground
goes; a person confirms the list, and the owner writes it after the publication.
"""

from dataclasses import dataclass
from uuid import UUID

from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from geo.addresses import read_doors
from geo.flows import flow
from geo.operations import Unit
from geo.operations.effects import Measures, measure
from geo.plans import geometry_column
from geo.plans.redraw import Redraw, only_noded
from geo.plans.working import read_base, read_changes


@dataclass(frozen=True)
class Heir:
    """A unit that has ground of a former one. `area`: that ground, as the heir's border; shares are the former unit's."""

    unit_id: UUID
    code: str
    name: str
    border: BaseGeometry
    area_share: float
    households_share: float


@dataclass(frozen=True)
class Affected:
    """A unit that a plan changes in more than nodes. `heirs`: who has its ground afterwards, the largest share first.

    What lay in it lies, by its point, in the heir whose border holds the point; without a point, in the first heir.
    `before` None: it is born; `after` None: it is no more.
    """

    unit_id: UUID
    before: Unit | None
    after: Unit | None
    was: Measures | None
    will_be: Measures | None
    heirs: tuple[Heir, ...]

    @property
    def moves_ground(self) -> bool:
        """Whether what lies in it may come to lie in another unit."""
        return self.before is not None and [heir.unit_id for heir in self.heirs] != [self.unit_id]


def list_affected(conn: Connection, found: Redraw) -> list[Affected]:
    """Units with a border of their own that the plan changes, ends or bears, by level and code."""
    after = read_changes(conn, found)
    before = {each.id: each for each in read_base(conn, found, after)}
    changed = [
        unit_id
        for unit_id in after
        if not only_noded(before.get(unit_id), after[unit_id]) and _drawn(before.get(unit_id), after[unit_id])
    ]
    was, will_be = (measure(side.get(unit_id) for unit_id in changed) for side in (before, after))
    heirs = _heirs(
        conn, [before[each] for each in changed if each in before], [after[each] for each in changed]
    )
    listed = [
        Affected(each, before.get(each), after[each], was.get(each), will_be.get(each), heirs.get(each, ()))
        for each in changed
    ]
    return sorted(listed, key=lambda each: _key(each.before or each.after))


def _key(unit: Unit | None) -> tuple[str, str]:
    return ("", "") if unit is None else (unit.level, unit.code)


def _drawn(was: Unit | None, now: Unit | None) -> bool:
    return any(each is not None and each.geom is not None for each in (was, now))


def _heirs(conn: Connection, olds: list[Unit], news: list[Unit | None]) -> dict[UUID, tuple[Heir, ...]]:
    heirs: dict[UUID, list[Heir]] = {}
    groups = {(each.level, each.kind) for each in olds if each.geom is not None}
    for group in groups:
        left = [each for each in olds if (each.level, each.kind) == group and each.geom is not None]
        right = [
            each
            for each in news
            if each is not None and each.geom is not None and (each.level, each.kind) == group
        ]
        if not right:
            continue
        shapes = geometry_column(each.geom for each in left)
        moved = flow(shapes, geometry_column(each.geom for each in right), read_doors(conn, shapes))
        for old, new, area, households in zip(
            moved.old, moved.new, moved.area_share, moved.households_share, strict=True
        ):
            unit = right[new]
            if area > 1e-6 and unit.geom is not None:
                heir = Heir(unit.id, unit.code, unit.name, unit.geom, float(area), float(households))
                heirs.setdefault(left[old].id, []).append(heir)
    return {
        each: tuple(sorted(those, key=lambda heir: (-heir.households_share, -heir.area_share, heir.code)))
        for each, those in heirs.items()
    }
