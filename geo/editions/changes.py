"""What an edition changes: which units are born, changed, kept and retired, and under which ids."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import shapely
from shapely.geometry.base import BaseGeometry

from geo.editions.standing import Key, StandingUnit
from geo.findings import ERROR, Finding
from geo.plans import as_multipolygons, geometry_column
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

    @property
    def change_kinds(self) -> list[str]:
        """Empty for an unchanged unit."""
        if self.was is None:
            return ["born"] if not self.revived else ["revived"]
        kinds = {
            "geometry": self.geom_sha != self.was.geom_sha,
            "rename": self.name != self.was.name,
            "reparent": self.parent_unit_id != self.was.parent_unit_id,
            "path": self.path != self.was.path and self.parent_unit_id == self.was.parent_unit_id,
            "households": self.households != self.was.households,
            "attributes": self.attrs != self.was.attrs,
        }
        return [kind for kind, changed in kinds.items() if changed]


def next_units(
    ground: Ground, shapes: Objects, standing: dict[Key, StandingUnit], retired: dict[Key, StandingUnit]
) -> tuple[list[NextUnit], list[Finding]]:
    """The units of the new edition, parents before children. A finding for each code that was another unit's."""
    merged, findings = _merge_alike(ground, shapes), []
    ids: dict[int, UUID] = {}
    revived: set[int] = set()
    for index, shape in merged.items():
        key = (ground.drafts[index].level, ground.code(index))
        old = retired.get(key) if key not in standing else None
        if old is not None and not shapely.area(shapely.intersection(old.geom, shape)):
            findings.append(_given_before(ground, index))
        elif old is not None:
            revived.add(index)
        known = standing.get(key) or old
        ids[index] = known.unit_id if known is not None else uuid4()
    return _build(ground, merged, ids, standing, revived), findings


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
    text = f"{draft.level} code {draft.code} belonged to a unit elsewhere that was retired"
    return ground.finding("retired_code", [index], text, "choose a code that was never given", severity=ERROR)


def _build(
    ground: Ground,
    merged: dict[int, BaseGeometry],
    ids: dict[int, UUID],
    standing: dict[Key, StandingUnit],
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
            was=standing.get((draft.level, draft.code)),
            revived=index in revived,
        )
        units.append(unit)
    return units


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
