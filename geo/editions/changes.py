"""What an edition changes: which units are born, changed, kept and retired, and under which ids."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from core.errors import told
from geo.editions.standing import Key, StandingUnit, read_announced, read_given, read_retired, read_standing
from geo.findings import ERROR, Finding
from geo.networks import Network
from geo.plans import as_multipolygons, geometry_column
from geo.validation.coverage import only_nodes
from geo.validation.ground import Ground, Objects


@dataclass(frozen=True)
class NextUnit:
    """One unit as the new edition holds it. `was`: its standing version; `revived`: a retired unit that comes back."""

    unit_id: UUID
    level: str
    kind: str
    origin: str
    code: str
    name: str
    parent_unit_id: UUID | None
    path: str
    households: int | None
    attrs: dict[str, Any]
    geom: BaseGeometry
    geom_sha: bytes
    was: StandingUnit | None
    revived: bool
    outline: BaseGeometry | None = None
    announced: bool = False
    """An edition that was taken back before it began bore the unit: it never held, and is born now."""

    @cached_property
    def change_kinds(self) -> list[str]:
        """Empty for an unchanged unit."""
        if self.was is None:
            return ["born"] if not self.revived else ["revived"]
        other_border = self.geom_sha != self.was.geom_sha
        moved = other_border and not only_nodes(self.was.geom, self.geom)
        kinds = {
            "geometry": other_border and moved,
            "precision": other_border and not moved,
            "recode": self.code != self.was.code,
            "rename": self.name != self.was.name,
            "reparent": self.parent_unit_id != self.was.parent_unit_id,
            "path": self.path != self.was.path and self.parent_unit_id == self.was.parent_unit_id,
            "households": self.households != self.was.households,
            "attributes": self.attrs != self.was.attrs,
        }
        return [kind for kind, changed in kinds.items() if changed]


@dataclass(frozen=True)
class Past:
    """What a network has had: the newest edition's units and the retired ones by code, those that were only announced,
    and whose every code was.
    """

    standing: dict[Key, StandingUnit]
    retired: dict[Key, StandingUnit]
    given: dict[Key, set[UUID]]
    announced: dict[Key, UUID]

    @cached_property
    def retired_ids(self) -> set[UUID]:
        return {each.unit_id for each in self.retired.values()}


def read_past(conn: Connection, network: Network) -> Past:
    standing, retired = read_standing(conn, network), read_retired(conn, network)
    return Past(standing, retired, read_given(conn, network), read_announced(conn, network))


def next_units(ground: Ground, shapes: Objects, past: Past) -> tuple[list[NextUnit], list[Finding]]:
    """The units of the new edition, parents before children. A finding for each code that was another unit's."""
    standing = {each.unit_id: each for each in past.standing.values()}
    merged, findings = _merge_alike(ground, shapes), []
    ids: dict[int, UUID] = {}
    revived: set[int] = set()
    for index, shape in merged.items():
        draft = ground.drafts[index]
        key = (draft.level, draft.code)
        known = past.standing.get(key) or past.retired.get(key)
        named = known.unit_id if known is not None else past.announced.get(key)
        ids[index] = draft.unit_id or named or uuid4()
        was_here = ids[index] in standing
        comes_back = not was_here and ids[index] in past.retired_ids
        elsewhere = draft.unit_id is None and comes_back and known is not None and _apart(known.geom, shape)
        if elsewhere or ids[index] not in past.given.get(key, {ids[index]}):
            findings.append(_given_before(ground, index))
        elif comes_back:
            revived.add(index)
    announced = set(past.announced.values())
    built = _build(ground, merged, ids, standing, revived)
    return [replace(u, announced=u.was is None and u.unit_id in announced) for u in built], findings


def _apart(one: BaseGeometry, other: BaseGeometry) -> bool:
    return float(shapely.area(shapely.intersection(one, other))) == 0


def _merge_alike(ground: Ground, shapes: Objects) -> dict[int, BaseGeometry]:
    """First index of each level and code → its area; a code that stands several times is one unit of several parts."""
    first: dict[Key, int] = {}
    parts: dict[int, list[BaseGeometry]] = {}
    for index, shape in enumerate(shapes):
        if shape is not None and ground.code(index).strip():
            key = (ground.drafts[index].level, ground.code(index))
            parts.setdefault(first.setdefault(key, index), []).append(shape)
    return {index: each[0] if len(each) == 1 else _together(each) for index, each in parts.items()}


def _together(parts: list[BaseGeometry]) -> BaseGeometry:
    union = shapely.normalize(shapely.union_all(parts, grid_size=1e-7))
    whole: BaseGeometry = as_multipolygons(geometry_column([union]))[0]
    return whole


def _given_before(ground: Ground, index: int) -> Finding:
    draft = ground.drafts[index]
    text = told(
        "{level} code {code} belonged to a unit elsewhere that was retired",
        level=draft.level,
        code=draft.code,
    )
    fix = told("choose a code that was never given")
    return ground.finding("retired_code", [index], text, fix, severity=ERROR)


def _build(
    ground: Ground,
    merged: dict[int, BaseGeometry],
    ids: dict[int, UUID],
    standing: Mapping[UUID, StandingUnit],
    revived: set[int],
) -> list[NextUnit]:
    depth = {level.code: len(ground.network.chain(level.code)) for level in ground.network.levels}
    paths: dict[UUID, str] = {}
    units = []
    for index in sorted(merged, key=lambda each: (depth[ground.level[each]], each)):
        draft, unit_id = ground.drafts[index], ids[index]
        parent = ids.get(int(ground.parent[index]))
        paths[unit_id] = unit_id.hex if parent is None else f"{paths[parent]}.{unit_id.hex}"
        unit = NextUnit(
            unit_id=unit_id,
            level=draft.level,
            kind=draft.kind,
            origin=ground.network.level(draft.level).origin,
            code=draft.code,
            name=draft.name or draft.code,
            parent_unit_id=parent,
            path=paths[unit_id],
            households=draft.households,
            attrs=dict(draft.attrs),
            geom=merged[index],
            geom_sha=hashlib.sha256(shapely.to_wkb(merged[index])).digest(),
            was=standing.get(unit_id),
            revived=index in revived,
            outline=_outline(ground, index, merged[index]),
        )
        units.append(unit)
    return units


def _outline(ground: Ground, index: int, stored: BaseGeometry) -> BaseGeometry | None:
    """The official outline that came in, where the border to be stored is not the same."""
    outline = ground.drafts[index].geom
    natural = ground.network.level(ground.level[index]).origin == "natural"
    if not natural or outline is None or ground.network.coverage != "full":
        return None
    whole: BaseGeometry = as_multipolygons(geometry_column([shapely.normalize(outline)]))[0]
    return None if whole == stored else whole


def content_sha256(units: list[NextUnit]) -> bytes:
    """Digest of what the edition says, the same for the same content whenever and wherever it is published."""
    codes = {unit.unit_id: unit.code for unit in units}
    digest = hashlib.sha256()
    for unit in sorted(units, key=lambda each: (each.level, each.kind, each.code)):
        parent = codes.get(unit.parent_unit_id) if unit.parent_unit_id else None
        line = [
            unit.level,
            unit.kind,
            unit.code,
            unit.name,
            parent,
            unit.households,
            unit.attrs,
            unit.geom_sha.hex(),
        ]
        digest.update(json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return digest.digest()
