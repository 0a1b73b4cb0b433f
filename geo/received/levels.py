"""Which levels an import brings, and where they stand in the network's tree."""

import re
from collections.abc import Sequence

import numpy as np
import shapely

from geo.networks import Level, Network
from geo.plans import UnitDraft
from geo.received.reading import BoundaryFile

_FIELD_ENDING = re.compile(r"[_ ]?(id|code|no|num|number|编码|代码|编号|码)$", re.IGNORECASE)


def named_levels(
    network: Network, file: BoundaryFile, drafts: Sequence[UnitDraft], codes: dict[str, set[str]]
) -> list[Level]:
    """The levels of one file as they shall be. `codes`: the unit codes that each level of the network has now.

    A level's parent is the one named, else the one whose codes its rows name, else the lowest level there is.
    """
    if file.level is not None:
        return _one_level(network, file, drafts, codes)
    known = {level.code: level for level in network.levels}
    levels = [] if network.levels else _chain(_by_size(drafts))
    if not levels:
        lowest = network.levels[-1].code
        for code in _by_size(drafts):
            levels.append(known.get(code) or Level(code, code, parent=lowest))
            lowest = code
    return levels


def _one_level(
    network: Network, file: BoundaryFile, drafts: Sequence[UnitDraft], codes: dict[str, set[str]]
) -> list[Level]:
    level = str(file.level)
    known = {each.code: each for each in network.levels}
    old = known.get(level)
    if old is not None and (old.parent is not None or not (file.parent_level or file.parent_field)):
        return []
    parent = file.parent_level or _parent_by_codes(network, drafts, codes, level)
    if parent is None and file.parent_field:
        parent = level_name(file.parent_field)
    if parent is None and network.levels:
        parent = network.levels[-1].code
    above = [] if parent is None or parent in known else [Level(parent, parent)]
    return [*above, Level(level, level, parent=parent)]


def _parent_by_codes(
    network: Network, drafts: Sequence[UnitDraft], codes: dict[str, set[str]], level: str
) -> str | None:
    """The level that most of the parents' codes belong to; None when none has any of them."""
    named = [draft.parent_code for draft in drafts if draft.parent_code]
    hits = {each.code: sum(code in codes.get(each.code, ()) for code in named) for each in network.levels}
    hits.pop(level, None)
    best = max(hits, key=lambda code: hits[code], default=None)
    return best if best is not None and hits[best] else None


def level_name(column: str) -> str:
    """What a column of codes is a column of: “borough_id” → “borough”."""
    return _FIELD_ENDING.sub("", column).strip("_ ") or column


def _by_size(drafts: Sequence[UnitDraft]) -> list[str]:
    """Levels by the median area of their units, the largest first; alike ones as they come."""
    areas: dict[str, list[float]] = {}
    for draft in drafts:
        areas.setdefault(draft.level, []).append(
            0.0 if draft.geom is None else float(shapely.area(draft.geom))
        )
    return sorted(areas, key=lambda level: -float(np.median(areas[level])))


def _chain(codes: Sequence[str]) -> list[Level]:
    return [Level(code, code, parent=codes[place - 1] if place else None) for place, code in enumerate(codes)]
