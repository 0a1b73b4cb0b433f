"""Named roads with every junction as a vertex, so that they are also the graph people walk; and the doors along them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from demo.city.blocks import METRES_PER_STEP, Blocks, Ints, lonlat, metres, to_metres
from demo.city.layout import ARTERIAL, CLASS_NAMES, LANE, RING, SECONDARY, STREET, WALKABLE, Floats
from demo.city.names import road_words

ENDINGS = {RING: "", ARTERIAL: "大道", SECONDARY: "路", STREET: "街"}
HOUSEHOLDS_A_DOOR = 16


@dataclass(frozen=True)
class Road:
    """A named road; `shape` in WGS-84 with a vertex at every junction."""

    name: str
    kind: str
    shape: BaseGeometry


def name_roads(blocks: Blocks, rng: np.random.Generator) -> tuple[tuple[Road, ...], list[str]]:
    """The roads, and for every block the name of the road most of its border is on."""
    words = road_words(rng)
    walkable = np.isin(blocks.kind, WALKABLE)
    strokes: dict[str, list[int]] = defaultdict(list)
    for segment in np.flatnonzero(walkable):
        strokes[blocks.name[segment]].append(int(segment))
    nodes_m = metres(blocks.nodes)
    title: dict[str, str] = {}
    for stroke, segments in sorted(
        strokes.items(), key=lambda item: (int(blocks.kind[item[1]].min()), item[1][0])
    ):
        kind = int(blocks.kind[segments].min())
        if kind != LANE:
            title[stroke] = stroke if stroke.endswith("路") else next(words) + ENDINGS[kind]
    _name_lanes(blocks, strokes, title, nodes_m)
    roads = []
    for stroke, segments in strokes.items():
        kind = int(blocks.kind[segments].min())
        lines = blocks.nodes[blocks.ends[segments]].astype(float)
        merged = shapely.line_merge(shapely.MultiLineString(list(lines)))
        parts = shapely.MultiLineString(list(shapely.get_parts(shapely.normalize(merged))))
        roads.append(Road(title[stroke], CLASS_NAMES[kind], shapely.transform(parts, lonlat)))
    roads.sort(key=lambda road: (CLASS_NAMES.index(road.kind), road.name))
    return tuple(roads), _road_of_blocks(blocks, title, walkable)


def _name_lanes(
    blocks: Blocks, strokes: dict[str, list[int]], title: dict[str, str], nodes_m: Floats
) -> None:
    """A lane is the nth lane of the nearest named road."""
    major = np.array([name in title for name in blocks.name])
    middles = (nodes_m[blocks.ends[:, 0]] + nodes_m[blocks.ends[:, 1]]) / 2
    tree = shapely.STRtree(shapely.points(middles[major]))
    owner = blocks.name[major]
    count: dict[str, int] = defaultdict(int)
    for stroke, segments in strokes.items():
        if stroke not in title:
            nearest = title[owner[tree.nearest(shapely.points(middles[segments[0]]))]]
            count[nearest] += 1
            title[stroke] = f"{nearest}{count[nearest]}巷"


def _road_of_blocks(blocks: Blocks, title: dict[str, str], walkable: NDArray[np.bool_]) -> list[str]:
    border: list[dict[str, float]] = [defaultdict(float) for _ in blocks.shapes]
    for segment in np.flatnonzero(walkable):
        for side in (blocks.left[segment], blocks.right[segment]):
            if side >= 0:
                border[side][title[blocks.name[segment]]] += float(blocks.length_m[segment])
    return [max(shares, key=lambda name: (shares[name], name)) if shares else "" for shares in border]


def address_homes(
    blocks: Blocks, road_of_block: list[str], rng: np.random.Generator
) -> Iterator[tuple[str, str, float, float, int]]:
    """Code, address, lon, lat, households of every door: buildings spread over their block, numbered along its road."""
    number: dict[str, int] = defaultdict(int)
    code = 0
    for block in np.argsort(np.array(road_of_block), kind="stable"):
        homes = int(blocks.households[block])
        if homes == 0:
            continue
        doors = max(1, round(homes / HOUSEHOLDS_A_DOOR))
        shares = np.full(doors, homes // doors)
        shares[: homes % doors] += 1
        for (x, y), share in zip(_spots(blocks, int(block), doors, rng), shares, strict=True):
            road = road_of_block[block] or "滨河路"
            number[road] += 1
            code += 1
            lon, lat = np.round(lonlat(np.array([x, y])), 6)
            yield f"D{code:05d}", f"{road}{number[road]}号", float(lon), float(lat), int(share)


def _spots(blocks: Blocks, block: int, doors: int, rng: np.random.Generator) -> Ints:
    """Places inside the block (lattice), a few metres off the street, well apart."""
    shape = to_metres(blocks.shapes[block])
    yard = shape.buffer(-9.0)
    yard = shape.buffer(-3.0) if yard.is_empty else yard
    west, south, east, north = yard.bounds
    found = np.empty((0, 2))
    while len(found) < doors * 3:
        tried = rng.uniform((west, south), (east, north), (doors * 12, 2))
        found = np.vstack([found, tried[shapely.contains_xy(yard, tried[:, 0], tried[:, 1])]])
    kept = [found[0]]
    for _ in range(doors - 1):
        away = np.min([((found - place) ** 2).sum(axis=1) for place in kept], axis=0)
        kept.append(found[int(np.argmax(away))])
    return to_steps(np.array(kept))


def to_steps(places_m: Floats) -> Ints:
    """Metres as whole lattice steps."""
    steps: Ints = np.rint(places_m / METRES_PER_STEP).astype(np.int64)
    return steps
