"""What a file has different from a plan, one by one, each with the operation that takes it over or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, Text, told
from geo.flows import flow, identities
from geo.operations import CreateDedicated, Dissolve, Impossible, Operation, Unit
from geo.operations.returned import Incoming, Newcomer, ReplaceFromFile
from geo.plans import geometry_column
from geo.plans.packages.matching import Matched, apart, differing, size_m2, wide_part
from geo.plans.packages.reading import Feature


@dataclass(frozen=True)
class Difference:
    """`kind`: border, name, code, households, level, missing, new, repeated, overlap, unreadable, outside or locked.

    `unit` None: none has it yet. `features`: their numbers in the file, from 1; `where`: the ground that differs, or the
    place of the trouble; `why`: what stands against taking it over, where `operation` is None.
    """

    unit: UUID | None
    kind: str
    features: tuple[int, ...]
    before: str | int | None = None
    after: str | int | None = None
    where: BaseGeometry | None = None
    area_m2: float | None = None
    why: Text | None = None
    operation: Operation | None = None


def compare_with_file(matched: Matched) -> Iterator[Difference]:
    """Units in the file's order, then new ones, ground held twice, and units that the file lacks."""
    overlaps = list(_overlaps(matched))
    for unit_id, features in matched.units.items():
        yield from _of_unit(matched, matched.drawing.units[unit_id], features)
    twice = {number for each in overlaps for number in each.features}
    for each in matched.strangers:
        yield _new(matched, each, twice) if each.geom is not None else _unreadable(None, each)
    yield from overlaps
    for unit in matched.missing:
        yield _missing(matched, unit)


def _of_unit(matched: Matched, unit: Unit, features: list[Feature]) -> Iterator[Difference]:
    for each in features:
        if each.geom is None:
            yield _unreadable(unit, each)
    readable = [each for each in features if each.geom is not None]
    if unit.id not in matched.own:
        for each in readable:
            yield from _not_own(matched, unit, each)
    elif len(readable) > 1:
        yield _repeated(matched, unit, readable)
    else:
        if features[0].number not in matched.by_ground:
            yield from _of_fields(unit, features[0])
        for each in readable:
            yield from _of_border(matched, unit, each)


def _unreadable(unit: Unit | None, each: Feature) -> Difference:
    unit_id = None if unit is None else unit.id
    return Difference(unit_id, "unreadable", (each.number,), where=each.place, why=each.trouble)


def _not_own(matched: Matched, unit: Unit, each: Feature) -> Iterator[Difference]:
    """A unit that the plan may not redraw: told where the file has something else of it."""
    named = {"level": unit.level, "code": unit.code}
    if unit.id not in matched.inside:
        where = differing(unit, each.geom)
        other = (each.name or unit.name, each.code or unit.code) != (unit.name, unit.code)
        if where is not None or other:
            why = told("{level} {code} lies outside of what this plan may redraw", **named)
            yield _on(where, Difference(unit.id, "outside", (each.number,), why=why))
        return
    yield from _of_fields(unit, each)
    where = each.geom if unit.geom is None else differing(unit, each.geom)
    if where is not None:
        try:
            matched.drawing.editable(unit.id)
        except Impossible as reason:
            yield _on(where, Difference(unit.id, "locked", (each.number,), why=reason.said))


def _on(where: BaseGeometry | None, found: Difference) -> Difference:
    """A difference of some ground, with its area."""
    return replace(found, where=where, area_m2=size_m2(where))


def _of_fields(unit: Unit, each: Feature) -> Iterator[Difference]:
    at = (each.number,)
    for name in ("name", "code"):
        before, after = getattr(unit, name), getattr(each, name)
        if after is not None and after != before:
            wanted = ReplaceFromFile((Incoming(unit.id, **{name: after}),))
            yield Difference(unit.id, name, at, before, after, operation=wanted)
    if each.households is not None and each.households != str(unit.households):
        yield _of_households(unit, each.households, at)
    if each.level is not None and each.level != unit.level:
        why = told(
            "a unit does not change its level by a file: set it back to {level} there", level=unit.level
        )
        yield Difference(unit.id, "level", at, unit.level, each.level, why=why)


def _of_households(unit: Unit, written: str, at: tuple[int, ...]) -> Difference:
    if not (written.isdecimal() and written.isascii() and len(written) < 10):
        why = told("households are a whole number from 0 on")
        return Difference(unit.id, "households", at, unit.households, written, why=why)
    wanted = ReplaceFromFile((Incoming(unit.id, households=int(written)),))
    return Difference(unit.id, "households", at, unit.households, int(written), operation=wanted)


def _of_border(matched: Matched, unit: Unit, each: Feature) -> Iterator[Difference]:
    where = differing(unit, each.geom)
    if where is None:
        return
    lost = None if unit.kind == "dedicated" else apart(unit.geom, each.geom)
    heirs, fresh = matched.heirs_of(unit, lost)
    why = _goes_to(fresh[0]) if fresh else None
    wanted = None if fresh else ReplaceFromFile((Incoming(unit.id, each.geom),), heirs)
    yield _on(where, Difference(unit.id, "border", (each.number,), why=why, operation=wanted))


def _goes_to(each: Feature) -> Text:
    return told(
        "its ground goes to feature {number}, which is to be a new unit: accept that one", number=each.number
    )


def _repeated(matched: Matched, unit: Unit, features: list[Feature]) -> Difference:
    """An id that several features have: a unit divided in the other program, where they do not overlap."""
    at = tuple(each.number for each in features)
    parts = geometry_column(each.geom for each in features)
    shared = [_shared(one, other) for row, one in enumerate(features) for other in features[row + 1 :]]
    twice: BaseGeometry | None = next((each for each in shared if each is not None), None)
    where = twice or shapely.MultiPolygon(list(shapely.get_parts(parts)))
    if unit.kind == "dedicated" or twice is not None:
        why = told(
            "{level} {code} stands in the file more than once: leave one feature of it",
            level=unit.level,
            code=unit.code,
        )
        return _on(where, Difference(unit.id, "repeated", at, unit.code, why=why))
    moved = flow(geometry_column([unit.geom]), parts, matched.drawing.doors)
    keeps = identities(moved, np.ones(1), len(parts))
    fresh = [each for each, keep in zip(features, keeps, strict=True) if keep is None]
    born = tuple(_newcomer(matched, unit, each) for each in fresh)
    heirs, _ = matched.heirs_of(unit, apart(unit.geom, shapely.union_all(parts)))
    main = () if 0 not in keeps else (Incoming(unit.id, parts[keeps.index(0)]),)
    wanted = ReplaceFromFile(main, heirs, () if main else (unit.id,), born)
    return _on(where, Difference(unit.id, "repeated", at, unit.code, operation=wanted))


def _shared(one: Feature, other: Feature) -> BaseGeometry | None:
    return wide_part(shapely.intersection(one.geom, other.geom))


def _newcomer(matched: Matched, giver: Unit, each: Feature) -> Newcomer:
    """With the name and the code that the feature has of its own, not those that came along as copies."""
    if each.geom is None:
        raise Invalid(told("it has no geometry: draw it, or delete the feature"))
    names = {unit.name for unit in matched.drawing.units.values()}
    code = each.code if each.code and (giver.level, each.code) not in matched.drawing.given else None
    name = each.name if each.name and each.name not in names else None
    return Newcomer(giver.level, giver.parent, each.geom, name, code)


def _new(matched: Matched, each: Feature, twice: set[int]) -> Difference:
    giver = _giver(matched, each)
    why: Text | None = None
    wanted: Operation | None = None
    if giver is None:
        why = told("it lies outside of what this plan may redraw")
    elif each.kind == "dedicated":
        wanted = _new_dedicated(matched, giver, each)
        if wanted is None:
            why = told("no unit that a dedicated {level} belongs below holds it", level=each.level or "unit")
    elif each.level not in (None, giver.level):
        why = told("its ground is that of {level} units: write {level} there", level=giver.level)
    elif each.number in twice:
        why = told("other features hold some of its ground: cut it out of them there")
    else:
        wanted = ReplaceFromFile(born=(_newcomer(matched, giver, each),))
    return _on(
        each.geom,
        Difference(None, "new", (each.number,), None, each.code or each.name, why=why, operation=wanted),
    )


def _giver(matched: Matched, each: Feature) -> Unit | None:
    """The unit of the plan that has most of the feature's ground."""
    leaves, shapes, tree = matched.drawing.leaves
    met = [
        row for row in tree.query(each.geom, predicate="intersects").tolist() if leaves[row].id in matched.own
    ]
    if each.level is not None and any(leaves[row].level == each.level for row in met):
        met = [row for row in met if leaves[row].level == each.level]
    if not met:
        return None
    areas = shapely.area(shapely.intersection(shapes[met], each.geom))
    return leaves[met[int(areas.argmax())]] if areas.max() > 0 else None


def _new_dedicated(matched: Matched, giver: Unit, each: Feature) -> CreateDedicated | None:
    network, units = matched.drawing.network, matched.drawing.units
    level = next((known for known in network.levels if known.code == each.level), None)
    step: Unit | None = giver
    while step is not None and (level is None or step.level != level.parent):
        step = None if step.parent is None else units.get(step.parent)
    if step is None or level is None or each.geom is None:
        return None
    made = _newcomer(matched, Unit(step.id, level.code, "", "", step.id, None), each)
    return CreateDedicated(step.id, level.code, each.geom, made.name or "", made.code)


def _overlaps(matched: Matched) -> Iterator[Difference]:
    """Ground that two features hold, where the plan has one of them otherwise."""
    claims, tree = matched.claims
    units = matched.drawing.units
    for row, (unit_id, each) in enumerate(claims):
        if unit_id is not None and differing(units[unit_id], each.geom) is None:
            continue
        for other in sorted(tree.query(each.geom, predicate="intersects").tolist()):
            other_id, its = claims[other]
            done = other < row and (other_id is None or differing(units[other_id], its.geom) is not None)
            if (
                other == row
                or done
                or (unit_id == other_id is not None)
                or not _one_cover(matched, claims[row], claims[other])
            ):
                continue
            shared = _shared(each, its)
            if shared is not None:
                at = (each.number, its.number)
                why = told(
                    "features {one} and {other} hold the same ground: cut it out of one of them there",
                    one=at[0],
                    other=at[1],
                )
                yield _on(
                    shared, Difference(unit_id or other_id, "overlap", at, each.code, its.code, why=why)
                )


def _one_cover(
    matched: Matched, one: tuple[UUID | None, Feature], other: tuple[UUID | None, Feature]
) -> bool:
    """Whether both are units of one path of levels; a new one is where its ground is."""
    levels = [
        matched.drawing.units[unit_id].level if unit_id is not None else each.level
        for unit_id, each in (one, other)
    ]
    return None in levels or levels[1] in matched.drawing.cover_levels(str(levels[0]))


def _missing(matched: Matched, unit: Unit) -> Difference:
    if unit.kind == "dedicated":
        return _on(unit.geom, Difference(unit.id, "missing", (), unit.code, operation=Dissolve(unit.id)))
    heirs, fresh = matched.heirs_of(unit, unit.geom)
    nobody = told(
        "the file gives the ground of {level} {code} to nobody: draw it into others there, or dissolve the unit here",
        level=unit.level,
        code=unit.code,
    )
    wanted = ReplaceFromFile((), heirs, (unit.id,)) if heirs and not fresh else None
    return _on(
        unit.geom,
        Difference(
            unit.id,
            "missing",
            (),
            unit.code,
            why=None if wanted else _goes_to(fresh[0]) if fresh else nobody,
            operation=wanted,
        ),
    )
