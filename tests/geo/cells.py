"""A drawing of a thousand cells under one official outline with a hole: shared corners, T-vertices, exclaves and enclaves."""

from functools import cache
from uuid import UUID

import numpy as np
import shapely

from geo.networks import Level, Network
from geo.operations import Doors, Drawing, Unit
from geo.plans import as_multipolygons, geometry_column
from geo.validation.arrange import arrange

CITY, WEST_HALF, EAST_HALF = UUID(int=1), UUID(int=2), UUID(int=3)
LEVELS = (
    Level("city", "市", origin="natural"),
    Level("street", "街道", parent="city"),
    Level("grid", "网格", parent="street"),
)
NETWORK = Network(1, "net", "net", "full", LEVELS)
STEP = 0.003


def cell_id(row: int) -> UUID:
    return UUID(int=1000 + row)


@cache
def thousand_cells() -> Drawing:
    """About a thousand grids of 300 m in two streets; a third are exact squares, the others lie askew."""
    random = np.random.default_rng(7)
    outline = _outline()
    row, column = np.divmod(np.arange(33 * 33), 33)
    seeds = np.stack([114.0 + STEP * column, 33.0 + STEP * row], axis=1) + STEP / 2
    seeds += random.uniform(-0.4, 0.4, seeds.shape) * STEP * (column > 11)[:, None]
    voronoi = shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=outline, ordered=True)
    cells = shapely.intersection(shapely.get_parts(voronoi), outline)
    cells = cells[~shapely.is_empty(cells)]
    shapes = arrange(cells, width_m=0.0).shapes
    shapes = _with_enclaves(_with_tees(_with_exclaves(shapes)))
    shapes = as_multipolygons(shapely.normalize(shapes))
    east = shapely.get_x(shapely.centroid(shapes)) > 114.05
    units = {
        CITY: Unit(CITY, "city", "31", "市", None, None),
        WEST_HALF: Unit(WEST_HALF, "street", "3101", "西", CITY, None),
        EAST_HALF: Unit(EAST_HALF, "street", "3102", "东", CITY, None),
    }
    for place, (shape, is_east) in enumerate(zip(shapes, east, strict=True)):
        parent = EAST_HALF if is_east else WEST_HALF
        code = f"{units[parent].code}{place:04d}"
        units[cell_id(place)] = Unit(
            cell_id(place), "grid", code, f"格{place}", parent, shape, households=50 + place % 40
        )
    doors = np.stack([random.uniform(114.0, 114.1, 20_000), random.uniform(33.0, 33.1, 20_000)], axis=1)
    return Drawing(NETWORK, units, {CITY: outline}, Doors(doors, np.ones(len(doors))))


def _outline() -> shapely.Polygon:
    """Corners and edges off the grid, and a hole that is nobody's."""
    shell = [
        (113.99911123, 33.00123456),
        (114.05033337, 32.99777771),
        (114.0987654321, 33.0011111117),
        (114.09912345678, 33.09888888),
        (114.04, 33.09455555555),
        (114.0012345678, 33.0987654),
    ]
    hole = [(114.0412345678, 33.0511111), (114.0487654, 33.0523456789), (114.0444444444, 33.0598765432)]
    return shapely.Polygon(shell, [hole])


def _with_exclaves(shapes: np.ndarray) -> np.ndarray:
    """Some cells join others far away."""
    kept, far = shapes[:-40], shapes[-40::8]
    rest = [shape for place, shape in enumerate(shapes[-40:]) if place % 8]
    joined = [shapely.union_all([kept[place * 150 + 40], shape]) for place, shape in enumerate(far)]
    kept = kept.copy()
    kept[[place * 150 + 40 for place in range(len(far))]] = joined
    return geometry_column([*kept, *rest])


def _with_tees(shapes: np.ndarray) -> np.ndarray:
    """Among the squares, pairs of every second row become one: the border between two above ends on its straight side."""
    pairs = [(column, row) for row in range(1, 32, 2) for column in range(row % 4 // 2, 9, 4)]
    middles = np.array([[(column + side, row) for side in (0, 1)] for column, row in pairs])
    places = shapely.points(np.array([114.0, 33.0]) + STEP * (middles + 0.5))
    spot, held = shapely.STRtree(shapes).query(places.ravel(), predicate="within")
    held = held[np.argsort(spot)].reshape(-1, 2)
    joined = [shapely.coverage_union_all(shapes[pair]) for pair in held]
    rest = np.setdiff1d(np.arange(len(shapes)), held)
    return geometry_column([*shapes[rest], *joined])


def _with_enclaves(shapes: np.ndarray) -> np.ndarray:
    """Every hundredth cell surrounds one of its own, so that it has a hole itself."""
    around = shapes[50::100]
    x, y = shapely.get_coordinates(shapely.point_on_surface(around)).T
    steps = STEP / 12 * np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
    corners = np.round(np.stack([x, y], axis=1)[:, None] + steps, 7)
    inside = shapely.polygons(corners)
    assert shapely.contains_properly(around, inside).all()
    shapes = shapes.copy()
    shapes[50::100] = shapely.difference(around, inside)
    return geometry_column([*shapes, *inside])
