"""Trouble spots put there on purpose, so that whoever looks for hotspots can be marked against the truth."""

from dataclasses import dataclass

import numpy as np

from demo.city.blocks import Blocks, lonlat
from demo.city.roads import to_steps

TROUBLE = (
    ("noise", "夜市油烟噪声"), ("parking", "违规停车"), ("waste", "垃圾堆放"), ("charging", "飞线充电"), ("vendors", "占道经营"),
    ("flooding", "路面积水"), ("lamps", "路灯损坏"), ("dispute", "邻里纠纷"), ("sewage", "污水外溢"), ("digging", "占道施工"),
    ("bikes", "共享单车乱放"), ("hazard", "消防通道堵塞"),
)  # fmt: skip
"""Category code and what people call it."""
APART_M = 900.0


@dataclass(frozen=True)
class Planted:
    """A planted hotspot: `cases` extra ones a year within about `radius_m` of its middle."""

    name: str
    category: str
    lon: float
    lat: float
    radius_m: float
    cases: int


def plant_trouble(blocks: Blocks, rng: np.random.Generator) -> tuple[Planted, ...]:
    """Sixteen places where people live, well apart from one another."""
    order = rng.permutation(np.flatnonzero((blocks.households >= 18) & (blocks.area_m2 < 30_000)))
    chosen: list[int] = []
    for block in order:
        middle = blocks.centroid_m[block]
        if all(np.hypot(*(middle - blocks.centroid_m[other])) > APART_M for other in chosen):
            chosen.append(int(block))
        if len(chosen) == 16:
            break
    planted = []
    for place, block in enumerate(chosen):
        lon, lat = lonlat(to_steps(blocks.centroid_m[block]))
        category, word = TROUBLE[place % len(TROUBLE)]
        radius = float(rng.integers(60, 110))
        cases = int(rng.integers(70, 160))
        planted.append(
            Planted(f"{word}{place + 1}", category, round(float(lon), 6), round(float(lat), 6), radius, cases)
        )
    return tuple(planted)
