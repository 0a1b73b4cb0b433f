"""A plan's outcome: all units of its network as an edition of the plan would hold them."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from shapely.geometry.base import BaseGeometry
from sqlalchemy import ARRAY, Boolean, Connection, Text, any_, bindparam, case, cast, func, null
from sqlalchemy.dialects.postgresql import JSONB

from core.db import ask_together
from geo.editions.standing import StandingUnit
from geo.networks import Network
from geo.operations import Unit
from geo.plans import Plan, UnitDraft
from geo.plans.working import FIELDS, IS_DIVIDED, NETWORK, STATED, as_units, read_changes, readable
from geo.tables import unit, unit_version

Units = Mapping[UUID, Unit]


def read_outcome(conn: Connection, found: Plan) -> list[UnitDraft]:
    """All units as an edition of the plan would hold them, to be judged: without attributes."""
    natural = [level.code for level in found.network.levels if level.origin == "natural"]
    asked = {"network": found.network.id, "natural": natural, "full": found.network.coverage == "full"}
    (rows,) = ask_together(conn, (_GROUND, asked))
    return redrawn_units(found.network, {each.id: each for each in as_units(rows)}, read_changes(conn, found))


def units_of(standing: Iterable[StandingUnit]) -> dict[UUID, Unit]:
    """Units of an edition with the borders that a new edition is made from: official outlines are as received."""
    return {each.unit_id: as_unit(each, official=True) for each in standing}


def redrawn_units(network: Network, was: Units, changes: Mapping[UUID, Unit | None]) -> list[UnitDraft]:
    """All units as an edition of the plan would hold them; official outlines as received, other parents derived."""
    now = {**was, **changes}
    units = {unit_id: each for unit_id, each in now.items() if each is not None}
    divided = {each.parent for each in units.values() if each.kind == "territorial"}
    households = _summed(network, was, units, changes)
    natural = {level.code for level in network.levels if level.origin == "natural"}
    derived = network.coverage == "full"
    return [
        UnitDraft(
            each.level,
            each.code,
            each.name,
            None
            if derived and each.level not in natural and unit_id in divided
            else _border(each, was.get(unit_id), natural=each.level in natural),
            None if each.parent is None else units[each.parent].code if each.parent in units else "",
            each.kind,
            households[unit_id],
            each.attrs,
            None,
            unit_id,
        )
        for unit_id, each in units.items()
    ]


def _border(now: Unit, was: Unit | None, *, natural: bool) -> BaseGeometry | None:
    """An official area's outline does not change; a unit that follows from its units has the border it had."""
    kept = was is not None and was.geom is not None and (natural or now.geom is None)
    return was.geom if was is not None and kept else now.geom


def as_unit(each: StandingUnit, *, official: bool = False) -> Unit:
    return Unit(
        each.unit_id,
        each.level,
        each.code,
        each.name,
        each.parent_unit_id,
        (official and each.outline) or each.geom,
        "dedicated" if each.kind == "dedicated" else "territorial",
        each.households,
        each.attrs,
    )


def _summed(network: Network, was: Units, now: Units, changed: Collection[UUID]) -> dict[UUID, int | None]:
    """Households of each unit: a parent's change by as much as its units' do; a born parent's are their sum."""
    numbers = {unit_id: each.households for unit_id, each in now.items()}
    depth = {level.code: len(network.chain(level.code)) for level in network.levels}
    touched = _chain(was, changed) | _chain(now, changed)
    before, after = _below(was, touched), _below(now, touched)
    for parent in sorted(after, key=lambda each: -depth[now[each].level] if each in now else 0):
        if parent not in now:
            continue
        here = [numbers[each.id] for each in after[parent]]
        if any(number is None for number in here):
            continue
        total = sum(number for number in here if number is not None)
        old = was.get(parent)
        if old is None:
            numbers[parent] = total
        elif old.households is not None and before.get(parent):
            former = [each.households for each in before[parent]]
            if None not in former:
                numbers[parent] = (
                    old.households + total - sum(number for number in former if number is not None)
                )
    return numbers


def _chain(units: Units, start: Collection[UUID]) -> set[UUID]:
    """These units and all that stands above them."""
    found: set[UUID] = set()
    waiting = set(start)
    while waiting:
        found |= waiting
        steps = (units[each].parent for each in waiting if each in units)
        waiting = {step for step in steps if step is not None} - found
    return found


def _below(units: Units, parents: Collection[UUID]) -> dict[UUID, list[Unit]]:
    families: dict[UUID, list[Unit]] = {}
    for each in units.values():
        if each.parent is not None and each.kind == "territorial" and each.parent in parents:
            families.setdefault(each.parent, []).append(each)
    return families


_OUTLINE = func.coalesce(unit.c.outline, unit_version.c.geom)
_IS_NATURAL = unit_version.c.level == any_(bindparam("natural", type_=ARRAY(Text)))
_NEEDED = case(
    (_IS_NATURAL, _OUTLINE),
    (bindparam("full", type_=Boolean) & IS_DIVIDED, null()),
    else_=unit_version.c.geom,
)
_GROUND = readable(
    STATED.with_only_columns(
        *(unit_version.c[name] for name in FIELDS[:6]),
        cast(None, JSONB).label("attrs"),
        unit.c.kind,
        _NEEDED.label("border"),
        maintain_column_froms=True,
    ).where(unit_version.c.network_id == NETWORK)
)
