"""Schools, hospitals, markets, parks …: the dedicated grids, each a compound of its own inside one community."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from demo.city.blocks import Blocks, lonlat, to_lattice, to_metres

KINDS = (
    ("park", "公园", 13, True),
    ("works", "产业园", 7, True),
    ("university", "学院", 4, True),
    ("hospital", "医院", 10, False),
    ("school", "学校", 37, False),
    ("market", "市场", 13, False),
    ("mall", "商业广场", 7, False),
    ("station", "客运站", 2, False),
)
"""Kind, what its name ends with, how many, whether the largest compounds are kept for it. 93 in all."""
WALL_M = 7.0


@dataclass(frozen=True)
class Site:
    """A dedicated grid; `parent` is the community's code, `shape` in WGS-84."""

    code: str
    name: str
    kind: str
    parent: str
    shape: BaseGeometry


def choose_sites(
    blocks: Blocks, community: list[str], title: dict[str, str], rng: np.random.Generator
) -> tuple[Site, ...]:
    """Turn the compounds that no street cuts into sites, the larger kinds first."""
    lake = int(np.argmax(np.where(blocks.wet, blocks.area_m2, 0)))
    compounds = np.flatnonzero(blocks.uncut & (blocks.area_m2 > 9_000))
    by_size = [lake, *compounds[np.argsort(-blocks.area_m2[compounds], kind="stable")]]
    wanted = [kind for kind in KINDS for _ in range(kind[2])]
    large = [kind for kind in wanted if kind[3]]
    small = [kind for kind in wanted if not kind[3]]
    order = [large[0], *(large[1:][int(i)] for i in rng.permutation(len(large) - 1))]
    rest = by_size[len(order) :]
    spread = np.sort(rng.choice(len(rest), len(small), replace=False))
    chosen = [*by_size[: len(order)], *(rest[int(i)] for i in spread)]
    kinds = [*order, *(small[int(i)] for i in rng.permutation(len(small)))]
    return _describe(blocks, community, title, list(zip(chosen, kinds, strict=True)))


def _describe(
    blocks: Blocks,
    community: list[str],
    title: dict[str, str],
    chosen: list[tuple[int, tuple[str, str, int, bool]]],
) -> tuple[Site, ...]:
    used: dict[str, int] = {}
    named: set[str] = set()
    sites = []
    for block, (kind, ending, _, _) in sorted(chosen, key=lambda pair: (community[pair[0]], pair[0])):
        parent = community[block]
        used[parent] = used.get(parent, 0) + 1
        word = title[parent].removesuffix("社区").removesuffix("村")
        name = next(
            n
            for n in (word + mark + ending for mark in ("", "第二", "第三", "第四", "东", "西"))
            if n not in named
        )
        named.add(name)
        inside = to_metres(blocks.shapes[block]).buffer(-WALL_M, join_style="mitre").simplify(0.5)
        largest = max(shapely.get_parts(inside), key=lambda part: float(part.area))
        shape = shapely.transform(shapely.normalize(to_lattice(largest)), lonlat)
        sites.append(Site(f"{parent}9{used[parent]:02d}", name, kind, parent, shape))
    return tuple(sites)
