"""Patrols drawn as sketches: a row of cells A B C … side by side, ten columns of a sketch to a cell.

    "A----|----B----|----C"     a letter is the middle of a cell, | the border of two
     ooooo     oo               o: a fix on the line of the middles; fixes come 10 s apart, left to right

A column is about 13 m, so that ten seconds to a column is a walk. Weights of the cells are given by hand.
"""

from collections.abc import Sequence

import numpy as np
import pytest
import shapely

from analysis.coverage.day import DayCoverage, cover_day, sum_units
from analysis.coverage.fixes import SECOND_US, Duty, Fixes
from analysis.coverage.ground import NO_SITES, NO_TARGETS, Ground, Pieces, Sites, Targets
from analysis.coverage.people import OwnGround
from analysis.coverage.rules import CoverageRules
from geo.cells import cell_centres, cell_polygons, cells_of, neighbours
from geo.metric import from_metres, metric_crs, plane_xy, to_metres

RULES = CoverageRules()
CRS = metric_crs(114.05, 33.05)
DAY_US = 86_400 * SECOND_US
WIDTH = 8
START_S = 8 * 3600
"""Sketches begin at eight in the morning, unless told otherwise."""


def _row_of_cells() -> np.ndarray:
    """Cells in a straight row, west to east as far as the hexagons allow."""
    cell = cells_of(114.05, 33.05, RULES.resolution)
    row = [cell[0]]
    step = None
    for _ in range(WIDTH - 1):
        x, y = plane_xy(*cell_centres([row[-1]]), CRS)
        around = _beside(row[-1])
        ax, ay = plane_xy(*cell_centres(around), CRS)
        ways = np.stack([ax - x, ay - y], 1)
        wanted = np.array([1.0, 0.0]) if step is None else step
        best = int(np.argmax(ways @ wanted / np.linalg.norm(ways, axis=1)))
        step = ways[best]
        row.append(around[best])
    return np.array(row, np.uint64)


def _beside(cell: np.uint64) -> np.ndarray:
    lon, lat = cell_centres([cell])
    outline = shapely.get_coordinates(cell_polygons([cell])[0])
    far = np.stack([2 * outline[:-1, 0] - lon, 2 * outline[:-1, 1] - lat], 1)
    ring = np.unique(
        np.concatenate([cells_of(far[:, 0], far[:, 1], RULES.resolution), _edges(outline, lon, lat)])
    )
    ring = ring[ring != cell]
    start, end = neighbours(np.concatenate([[cell], ring]))
    return ring[end[start == 0] - 1]


def _edges(outline: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    middles = (outline[1:] + outline[:-1]) / 2
    return cells_of(middles[:, 0] * 1.5 - lon * 0.5, middles[:, 1] * 1.5 - lat * 0.5, RULES.resolution)


CELLS = _row_of_cells()
MIDDLES = np.stack(plane_xy(*cell_centres(CELLS), CRS), 1)


def at(columns: float, aside_m: float = 0.0) -> tuple[float, float]:
    """lon, lat so many columns along the row from the middle of A, and so many metres to the left of it."""
    x, y = metres(columns, aside_m)
    point = from_metres(np.array([shapely.Point(x, y)]), CRS)[0]
    return point.x, point.y


def metres(columns: float, aside_m: float = 0.0) -> tuple[float, float]:
    u = columns / 10
    here = min(max(int(np.floor(u)), 0), WIDTH - 2)
    way = MIDDLES[here + 1] - MIDDLES[here]
    left = np.array([-way[1], way[0]]) / np.linalg.norm(way)
    x, y = MIDDLES[here] + (u - here) * way + aside_m * left
    return float(x), float(y)


def sketch(line: str, *, start_s: float = START_S, step_s: float = 10) -> list[tuple[float, float]]:
    """(seconds, columns) of every o."""
    return [
        (start_s + n * step_s, column) for n, column in enumerate(i for i, c in enumerate(line) if c == "o")
    ]


def walk(
    moves: Sequence[tuple[float, float]],
    *,
    person: int = 1,
    device: int | None = None,
    aside_m: float = 0.0,
    accuracy_m: float = 5.0,
    units: str | None = None,
) -> Fixes:
    """Fixes at (seconds, columns). `units`: which unit holds each cell, as a letter a cell; all of them unit A where None."""
    places = [at(columns, aside_m) for _, columns in moves]
    lon, lat = np.array([p[0] for p in places]), np.array([p[1] for p in places])
    count = len(moves)
    cells = cells_of(lon, lat, RULES.resolution)
    held = {
        int(c): (ord(units[n]) - ord("A") if units else 0)
        for n, c in enumerate(CELLS)
        if not units or n < len(units)
    }
    return Fixes(
        person=np.full(count, person),
        device=np.full(count, person if device is None else device),
        at_us=np.array([round(s * SECOND_US) for s, _ in moves], np.int64).reshape(count),
        lon=lon,
        lat=lat,
        accuracy_m=np.full(count, accuracy_m),
        unit=np.array([held.get(int(c), -1) for c in cells], np.int64).reshape(count),
    )


def together(*walks: Fixes) -> Fixes:
    return Fixes(*(np.concatenate([getattr(w, name) for w in walks]) for name in Fixes.__dataclass_fields__))


def cells_ground(
    weights_m2: Sequence[int],
    *,
    units: str | None = None,
    observed: Sequence[bool] | None = None,
    streets: Targets = NO_TARGETS,
    doors: Targets = NO_TARGETS,
    sites: Sites = NO_SITES,
) -> Ground:
    """Whole cells A, B, C … with these weights; `units` as in `walk`."""
    count = len(weights_m2)
    unit = np.array([ord(c) - ord("A") for c in units] if units else [0] * count, np.int64)
    order = np.argsort(CELLS[:count])
    pieces = Pieces(
        unit=unit,
        cell=CELLS[:count],
        shape=to_metres(cell_polygons(CELLS[:count]), CRS),
        area_cm2=np.array(weights_m2, np.int64) * 10_000,
        cell_key=CELLS[:count][order],
        unit_key=unit[order],
        piece_key=order.astype(np.int64),
    )
    names = tuple(sorted(set(units or "A")))
    seen = np.array(observed if observed is not None else [True] * len(names))
    return Ground(CRS, names, seen, pieces, streets, doors, sites)


def doors_at(*places: tuple[float, float], unit: int = 0, households: int = 1) -> Targets:
    """Doors at (columns, metres aside)."""
    xy = np.array([metres(*place) for place in places])
    return Targets(np.full(len(places), unit), xy[:, 0], xy[:, 1], np.full(len(places), households))


def on_duty(*spans: tuple[float, float], person: int = 1) -> Duty:
    """Duty from second to second."""
    ends = np.array(spans) * SECOND_US
    return Duty(np.full(len(spans), person), ends[:, 0].astype(np.int64), ends[:, 1].astype(np.int64))


def both(*duties: Duty) -> Duty:
    return Duty(*(np.concatenate([getattr(d, name) for d in duties]) for name in Duty.__dataclass_fields__))


NOWHERE = OwnGround(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object))


def own(
    first: float, last: float, *, person: int = 1, since_s: float = -86_400, until_s: float = 172_800
) -> OwnGround:
    """A person's ground: all between two columns, 200 m to either side."""
    corners = [at(first, -200), at(last, -200), at(last, 200), at(first, 200)]
    shape = np.empty(1, object)
    shape[0] = shapely.Polygon(corners)
    return OwnGround(
        np.array([person]),
        np.array([round(since_s * SECOND_US)]),
        np.array([round(until_s * SECOND_US)]),
        shape,
    )


def cover(
    fixes: Fixes,
    ground: Ground,
    *,
    duty: Duty | None = None,
    grid: OwnGround = NOWHERE,
    rules: CoverageRules = RULES,
) -> DayCoverage:
    duty = (
        duty if duty is not None else both(*(on_duty((0, 86_400), person=p) for p in np.unique(fixes.person)))
    )
    return cover_day(fixes, duty, ground, grid, rules=rules, until_us=DAY_US)


def area_m2(day: DayCoverage, ground: Ground, key: str = "area") -> tuple[int, int, int]:
    """Visited, to be visited, possible: square metres of all units."""
    columns = sum_units(day, ground)[key]
    return tuple(int(c.sum()) // 10_000 for c in (columns.numerator, columns.denominator, columns.possible))  # type: ignore[return-value]


def ways_of(columns: float) -> object:
    """Equal to the millimetres of so many columns, to one part in a hundred: cells are not quite of one width."""
    return pytest.approx(float(np.linalg.norm(MIDDLES[1] - MIDDLES[0])) * columns * 100, rel=0.01)
