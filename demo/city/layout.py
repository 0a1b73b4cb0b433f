"""The bones of the fictional city 望澜市: outline, river, lake, rings, radials, arterials, railway.

Everything is in a plane of metres, x east and y north of the city's origin. Nothing here is taken from a map.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

OUTLINE, CENTRE_LINE, RAIL, WATER, RING, ARTERIAL, SECONDARY, STREET, LANE = range(9)
CLASS_NAMES = ("outline", "centre_line", "rail", "water", "ring", "arterial", "secondary", "street", "lane")
WALKABLE = (RING, ARTERIAL, SECONDARY, STREET, LANE)

OLD_TOWN = (-300.0, 1900.0)
OLD_TOWN_HALF = (1500.0, 1150.0)
NEW_TOWN = (2300.0, -3000.0)
LAKE = (-3300.0, -3500.0)
TOWNS = ((-6300.0, 3000.0), (6100.0, 3300.0), (-5900.0, -3500.0), (300.0, -5100.0), (6200.0, -2300.0))


@dataclass(frozen=True)
class Line:
    """One stroke of the plan: a road, a bank, a border. `name` is empty where nobody would name it."""

    shape: BaseGeometry
    kind: int
    name: str = ""


@dataclass(frozen=True)
class Layout:
    """The plan before blocks are cut: strokes, and the areas that tell land from water."""

    outline: shapely.Polygon
    river: BaseGeometry
    lake: shapely.Polygon
    old_town: shapely.Polygon
    lines: tuple[Line, ...]


def make_layout(rng: np.random.Generator) -> Layout:
    """Draw the strokes of the city; the same generator state gives the same city."""
    outline = shapely.Polygon(_outline(rng))
    centre = _river(rng)
    river = _river_band(centre, rng)
    lake = shapely.Polygon(_blob(LAKE, (620.0, 430.0), 2.4, 0.35))
    ring1 = shapely.Polygon(_blob(OLD_TOWN, OLD_TOWN_HALF, 4.5, 0.09))
    ring2 = shapely.Polygon(_blob((100.0, 200.0), (4100.0, 3500.0), 3.0, -0.05))
    ring3 = shapely.Polygon(_blob((0.0, -150.0), (6500.0, 5300.0), 2.5, 0.04))
    lines = [Line(shapely.LineString(centre), CENTRE_LINE), Line(_rail(), RAIL, "")]
    lines += [Line(part, WATER) for part in _transects(centre)]
    lines += [Line(part, STREET, "滨河路") for part in shapely.get_parts(river.boundary)]
    lines += [Line(lake.exterior, STREET, "环湖路")]
    lines += [
        Line(ring1.exterior, RING, "环城路"),
        Line(ring2.exterior, RING, "二环路"),
        Line(ring3.exterior, RING, "三环路"),
    ]
    lines += _families(centre, ring1, ring3, rng)
    lines += _old_town_lines(ring1, rng)
    lines += _radials(ring2, rng)
    clipped = [_clip(line, outline, lake, river) for line in lines]
    flat = [line for group in clipped for line in group]
    return Layout(outline, river, lake, ring1, (*flat, Line(outline.exterior, OUTLINE)))


def density(x: Floats, y: Floats) -> Floats:
    """Households per km² of built-up land around points; the old town densest, the countryside thin."""
    town = sum(900 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 750.0**2)) for cx, cy in TOWNS)
    old = 4800 * np.exp(-((((x - OLD_TOWN[0]) / 2000) ** 2 + ((y - OLD_TOWN[1]) / 1600) ** 2) ** 1.3))
    new = 2600 * np.exp(-(((x - NEW_TOWN[0]) / 2300) ** 2 + ((y - NEW_TOWN[1]) / 1700) ** 2))
    urban = 2300 / (1 + np.exp((np.hypot(x / 1.18, y + 150) - 4300) / 420))
    crowd: Floats = 0.82 * (330 + town + old + new + urban)
    return crowd


def _outline(rng: np.random.Generator) -> Floats:
    angle = np.linspace(0, 2 * pi, 460, endpoint=False)
    radius = np.ones_like(angle)
    for harmonic, size in (
        (2, 0.05),
        (3, 0.055),
        (4, 0.03),
        (5, 0.03),
        (7, 0.022),
        (11, 0.014),
        (17, 0.01),
        (29, 0.006),
    ):
        radius += size * np.sin(harmonic * angle + rng.uniform(0, 2 * pi))
    return np.column_stack([8500 * radius * np.cos(angle), 6700 * radius * np.sin(angle)])


def _river(rng: np.random.Generator) -> Floats:
    """A sine-generated curve, as meandering rivers are, from west to east."""
    s = np.arange(0, 29000, 60.0)
    phase = rng.uniform(-0.3, 0.3, 3)
    bend = (
        0.82 * np.sin(2 * pi * s / 6100 + 0.5 + phase[0])
        + 0.30 * np.sin(2 * pi * s / 3300 + 1.9 + phase[1])
        + 0.16 * np.sin(2 * pi * s / 13100 + phase[2])
        - 0.10
    )
    path = np.column_stack([np.cumsum(np.cos(bend) * 60), np.cumsum(np.sin(bend) * 60)])
    middle = path[np.argmin(np.abs(path[:, 0] - path[-1, 0] / 2))]
    shift = np.interp(0.0, path[:, 0] - middle[0], path[:, 1])
    moved: Floats = path - [middle[0], shift + 650.0]
    return moved


def _river_band(centre: Floats, rng: np.random.Generator) -> BaseGeometry:
    """The water between the banks: about 130 m wide, widening and narrowing slowly."""
    step = np.gradient(centre, axis=0)
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / np.hypot(step[:, 0], step[:, 1])[:, None]
    along = np.arange(len(centre))
    half = 66 + 14 * np.sin(along / 23 + rng.uniform(0, 6)) + 9 * np.sin(along / 9.5 + rng.uniform(0, 6))
    return shapely.Polygon(
        np.vstack([centre + normal * half[:, None], (centre - normal * half[:, None])[::-1]])
    )


def _transects(centre: Floats) -> list[shapely.LineString]:
    """Cuts across the water every 480 m, so that no stretch of river is endless."""
    step = np.gradient(centre, axis=0)
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / np.hypot(step[:, 0], step[:, 1])[:, None] * 92
    chosen = range(4, len(centre) - 4, 8)
    return [shapely.LineString([centre[i] - normal[i], centre[i] + normal[i]]) for i in chosen]


def _blob(centre: tuple[float, float], half: tuple[float, float], power: float, turn: float) -> Floats:
    """A superellipse: 2 is an ellipse, larger is squarer."""
    angle = np.linspace(0, 2 * pi, 120, endpoint=False)
    x = half[0] * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power)
    y = half[1] * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power)
    rounded = np.column_stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)])
    moved: Floats = rounded + np.asarray(centre)
    return moved


def _rail() -> shapely.LineString:
    x = np.linspace(-11000, 11000, 150)
    return shapely.LineString(
        np.column_stack([0.22 * x + 3350 + 900 * np.tanh((x * 0.55) / 4000), -x * 0.92])
    )


def _families(
    centre: Floats, ring1: shapely.Polygon, ring3: shapely.Polygon, rng: np.random.Generator
) -> list[Line]:
    """Arterials along the river and across it, between the old town and the third ring."""
    width = 1400.0
    x = np.arange(-8000, 8001, 90.0)
    course = np.interp(x, centre[:, 0], centre[:, 1])
    kernel = np.hanning(15)
    smooth = np.convolve(np.pad(course, 7, mode="edge"), kernel / kernel.sum(), mode="valid")
    lines: list[Line] = []
    offsets = [
        *(430 + np.cumsum([0, 620, 700, 760, 800, 840, 900, 950])),
        *(-430 - np.cumsum([0, 600, 680, 740, 820, 880, 950])),
    ]
    for order, planned in enumerate(offsets):
        offset = planned + rng.uniform(-40, 40)
        pull = np.exp(-(abs(offset) - 400) / width)
        y = offset + smooth * pull - 650 * (1 - pull) + 60 * np.sin(x / 2300 + order)
        lines += _between(np.column_stack([x, y]), ring1, ring3, f"东西{order}")
    y = np.arange(-7000, 7001, 90.0)
    for order, planned in enumerate(np.arange(-6100, 6200, 690.0)):
        offset = planned + rng.uniform(-70, 70)
        bend = 110 * np.sin(y / 2600 + order * 0.25) + 0.05 * y
        lines += _between(np.column_stack([offset + bend, y]), ring1, ring3, f"南北{order}")
    return lines


def _between(path: Floats, ring1: shapely.Polygon, ring3: shapely.Polygon, name: str) -> list[Line]:
    outside = shapely.LineString(path).intersection(ring3).difference(ring1)
    return [Line(part, ARTERIAL, name) for part in shapely.get_parts(outside) if part.length > 250]


def _old_town_lines(ring1: shapely.Polygon, rng: np.random.Generator) -> list[Line]:
    """The cross of the old town and its narrower streets, a little askew as old walls are."""
    lines: list[Line] = []
    turn, (cx, cy) = 0.09, OLD_TOWN
    along = np.arange(-1900, 1901, 100.0)
    for order, offset in enumerate((-1130, -740, -360, 0, 350, 720, 1120)):
        v = offset + rng.uniform(-30, 30) + 25 * np.sin(along / 420 + order)
        path = np.column_stack(
            [cx + v * np.cos(turn) - along * np.sin(turn), cy + v * np.sin(turn) + along * np.cos(turn)]
        )
        lines += _inside(path, ring1, ARTERIAL if offset == 0 else SECONDARY, f"城南北{order}")
    for order, offset in enumerate((-840, -430, 0, 400, 800)):
        v = offset + rng.uniform(-30, 30) + 25 * np.sin(along / 380 + 2 * order)
        path = np.column_stack(
            [cx + along * np.cos(turn) - v * np.sin(turn), cy + along * np.sin(turn) + v * np.cos(turn)]
        )
        lines += _inside(path, ring1, ARTERIAL if offset == 0 else SECONDARY, f"城东西{order}")
    return lines


def _inside(path: Floats, ring1: shapely.Polygon, kind: int, name: str) -> list[Line]:
    return [
        Line(part, kind, name) for part in shapely.get_parts(shapely.LineString(path).intersection(ring1))
    ]


def _radials(ring2: shapely.Polygon, rng: np.random.Generator) -> list[Line]:
    """Roads from the second ring out into the country."""
    lines = []
    reach = np.arange(3600, 11000, 130.0)
    for order in range(14):
        angle = 2 * pi * (order + 0.45) / 14 + rng.uniform(-0.09, 0.09)
        swing = angle + 0.07 * np.sin(reach / 1500 + rng.uniform(0, 6))
        path = shapely.LineString(np.column_stack([1.15 * reach * np.cos(swing), reach * np.sin(swing)]))
        lines += [Line(part, ARTERIAL, f"放射{order}") for part in shapely.get_parts(path.difference(ring2))]
    return lines


def _clip(line: Line, outline: shapely.Polygon, lake: shapely.Polygon, river: BaseGeometry) -> list[Line]:
    """Keep what lies in the city and off the lake; water is only crossed by rings, rails and every other arterial."""
    shape = line.shape.intersection(outline)
    if line.name != "环湖路":
        shape = shape.difference(lake)
    bridge = (
        line.kind in (RING, RAIL, CENTRE_LINE, WATER) or line.name == "滨河路" or line.name[-1:] in "02468"
    )
    if not bridge:
        shape = shape.difference(river)
    parts = shapely.get_parts(shape)
    return [
        Line(part, line.kind, line.name)
        for part in parts
        if part.geom_type == "LineString" and part.length > 1
    ]
