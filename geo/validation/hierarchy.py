"""Who belongs to whom: by the parent's code where the source gives one, by area where it does not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from core.errors import told
from geo.codes import natural_key
from geo.findings import WARNING, Finding
from geo.networks import Network
from geo.plans import UnitDraft
from geo.validation.ground import NO_PARENT, Ground, Ints, Objects, clipped, located

SHARE = 0.99
"""A unit belongs to the parent that holds at least this share of its area."""


def resolve_parents(
    network: Network, drafts: Sequence[UnitDraft], shapes: Objects
) -> tuple[Ground, list[Finding]]:
    """The ground with its parents, and what stands in the way of a tree."""
    loose = Ground(network, drafts, shapes, np.full(len(drafts), NO_PARENT, dtype=np.int64))
    by_code = _first_by_code(loose)
    by_number = _needed_by_number(network, drafts, by_code)
    parent = loose.parent.copy()
    level_above = _level_above(network, drafts)
    findings, by_area, padded = [], [], []
    for index, draft in enumerate(drafts):
        above = level_above[draft.level]
        if above is None and draft.parent_code is None:
            continue
        if draft.parent_code is None:
            by_area.append(index)
        elif above is not None and (above, draft.parent_code) in by_code:
            parent[index] = by_code[above, draft.parent_code]
        elif above is not None and (above, natural_key(draft.parent_code)[0]) in by_number:
            parent[index] = by_number[above, natural_key(draft.parent_code)[0]]
            padded.append(index)
        else:
            findings.append(_unresolved(loose, index))
    found, shared = _by_area(loose, np.array(by_area, dtype=np.int64))
    parent[by_area] = found
    findings += _padded(loose, padded)
    return replace(loose, parent=parent), findings + shared


def _first_by_code(ground: Ground) -> dict[tuple[str, str], int]:
    rows: dict[tuple[str, str], int] = {}
    for index, draft in enumerate(ground.drafts):
        if draft.kind == "territorial":
            rows.setdefault((draft.level, draft.code), index)
    return rows


def _level_above(network: Network, drafts: Sequence[UnitDraft]) -> dict[str, str | None]:
    return {level: network.level(level).parent for level in {draft.level for draft in drafts}}


def _needed_by_number(
    network: Network, drafts: Sequence[UnitDraft], by_code: dict[tuple[str, str], int]
) -> dict[tuple[str, object], int]:
    """Asked for only where a unit names a parent that no unit's code is exactly: reading numbers out of codes is slow."""
    level_above = _level_above(network, drafts)
    named = {
        (above, draft.parent_code)
        for draft in drafts
        if draft.parent_code is not None and (above := level_above[draft.level]) is not None
    }
    return {} if named <= by_code.keys() else _only_by_number(by_code)


def _only_by_number(by_code: dict[tuple[str, str], int]) -> dict[tuple[str, object], int]:
    """Level and code but for leading zeros → the unit, where that is one only."""
    rows: dict[tuple[str, object], list[int]] = {}
    for (level, code), index in by_code.items():
        rows.setdefault((level, natural_key(code)[0]), []).append(index)
    return {key: indices[0] for key, indices in rows.items() if len(indices) == 1}


def _padded(ground: Ground, rows: list[int]) -> list[Finding]:
    if not rows:
        return []
    names = sorted({str(ground.drafts[index].parent_code) for index in rows}, key=natural_key)
    text = told(
        "{count} units name a parent with other leading zeros than it has: {codes}",
        count=len(rows),
        codes=", ".join(names[:9]),
    )
    return [
        ground.finding(
            "padded_code", rows, text, told("write the parent's code alike in both"), severity=WARNING
        )
    ]


def _unresolved(ground: Ground, index: int) -> Finding:
    """Missing parent, or a cycle when following the codes of parents comes back to the unit."""
    draft = ground.drafts[index]
    steps = _cycle(ground, draft)
    place = {} if ground.shape[index] is None else located(ground.shape[index])
    if steps:
        way = " → ".join(steps)
        text = told("{level} {code} is above itself: {way}", level=draft.level, code=draft.code, way=way)
        return ground.finding("cycle", [index], text, told("name its true parent"), **place)
    above = ground.network.level(draft.level).parent
    named = {"level_1": draft.level, "code_1": draft.code, "code_2": draft.parent_code}
    text = (
        told("{level_1} {code_1} names {level_2} {code_2}, which is not there", **named, level_2=above)
        if above
        else told("{level_1} {code_1} names a parent {code_2}, but {level_1} is a root level", **named)
    )
    return ground.finding(
        "missing_parent", [index], text, told("add that parent or correct the code"), **place
    )


def _cycle(ground: Ground, draft: UnitDraft) -> list[str]:
    """The codes from a unit up to itself; empty when the way up ends elsewhere."""
    steps = [draft.code]
    while (above := ground.named_parent.get(steps[-1])) is not None:
        if above == draft.code:
            return [*steps, above]
        if above in steps:
            return []
        steps.append(above)
    return []


def check_derived(ground: Ground) -> list[Finding]:
    """Units without a shape of their own and without children to derive one from."""
    bare = np.flatnonzero(~ground.has_shape & ~ground.is_parent)
    return [
        ground.finding(
            "empty_geometry",
            [index],
            told(
                "{level} {code} has neither a border nor units in it",
                level=ground.level[index],
                code=ground.code(index),
            ),
            told("draw its border, or leave the unit out; a partial network publishes without it"),
        )
        for index in bare.tolist()
        if ground.drafts[index].geom is None
    ]


def _by_area(ground: Ground, rows: Ints) -> tuple[Ints, list[Finding]]:
    """For each of these rows the unit of its parent level that holds most of it."""
    best = np.full(len(ground.drafts), NO_PARENT, dtype=np.int64)
    findings = []
    for level in ground.network.levels:
        mine = rows[ground.level[rows] == level.code]
        if level.parent is None or not len(mine):
            continue
        child, holder, area = _intersections(ground, mine, level.parent)
        for index in mine:
            chosen = child == index
            order = np.argsort(-area[chosen], kind="stable")
            holders, held = holder[chosen][order], area[chosen][order]
            finding = _judge(ground, int(index), holders, held)
            best[index] = holders[0] if len(holders) else NO_PARENT
            findings += [] if finding is None else [finding]
    return best[rows], findings


def _intersections(ground: Ground, rows: Ints, above: str) -> tuple[Ints, Ints, np.ndarray]:
    """Pairs of row and possible parent with the area they share, in square degrees."""
    rows = rows[ground.has_shape[rows]]
    parents = np.flatnonzero((ground.level == above) & ground.territorial & ground.has_shape)
    left, right = shapely.STRtree(ground.shape[parents]).query(ground.shape[rows])
    child, holder = rows[left], parents[right]
    area = shapely.area(clipped(shapely.intersection, ground.shape[child], ground.shape[holder]))
    return child[area > 0], holder[area > 0], area[area > 0]


def _judge(ground: Ground, index: int, holders: Ints, held: np.ndarray) -> Finding | None:
    draft, shape = ground.drafts[index], ground.shape[index]
    above = ground.network.level(draft.level).parent
    named = {"level_1": draft.level, "code": draft.code, "level_2": above}
    if shape is None:
        text = told(
            "{level_1} {code} has neither a parent's code nor an area to find its {level_2} by", **named
        )
        return ground.finding("missing_parent", [index], text, told("give the parent's code"))
    if not len(holders):
        text = told("{level_1} {code} lies in no {level_2}", **named)
        return ground.finding(
            "missing_parent",
            [index],
            text,
            told("add its {level} or correct the border", level=above),
            **located(shape),
        )
    share = held[0] / shape.area
    if share >= SHARE or draft.kind == "dedicated":
        return None
    others = ", ".join(
        f"{ground.code(holder)} {100 * part / shape.area:.2f} %"
        for holder, part in zip(holders, held, strict=True)
    )
    text = told("{level_1} {code} lies in no one {level_2}: {others}", **named, others=others)
    fix = told("split it along the border of the {level}, or give the parent's code", level=above)
    return ground.finding(
        "second_parent",
        [index, *map(int, holders)],
        text,
        fix,
        measure=float(100 * share),
        measure_unit="pct",
        **located(shape),
    )
