"""The ground of a day, from the borders, surveys and address points as they stood."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import Range

from analysis.coverage.fixes import Bools, Floats, Ints, Shapes
from analysis.coverage.ground import NO_TARGETS, Ground, Sites, Targets, Walkable, cut_pieces
from analysis.coverage.kept.people import find_seen
from analysis.coverage.rules import CoverageRules
from geo.lookup import Snapshot
from geo.metric import from_metres, metric_crs_of, plane_xy, to_metres
from geo.tables import address_point
from geo.walkable import Obstacle, Site, read_obstacles, read_sites, read_streets
from people.tables import assignment

STRETCH_M: Final = 20.0
"""Streets are passed stretch by stretch of at most this length."""

GRID: Final = "grid"
"""The level that one worker walks, where a network has it."""


@dataclass(frozen=True)
class DayGround:
    """`leaf`: rows of the snapshot's units that have none below them, in the order of `ground.units`. `leaf_of`: of each
    row of the snapshot its place among them, -1 for none; one longer, so that NO_ROW is none.
    """

    ground: Ground
    snapshot: Snapshot
    leaf: Ints
    leaf_of: Ints


def survey_ground(
    conn: Connection,
    snapshot: Snapshot,
    *,
    on: date,
    between: tuple[datetime, datetime],
    rules: CoverageRules,
    only: Collection[int] | None = None,
) -> DayGround:
    """The ground of a network on a day; `between`: the day, for who serves where. `only`: of these unit versions alone,
    in the plane of the whole.
    """
    leaf, leaf_of = find_leaves(snapshot)
    crs = metric_crs_of(snapshot.units.geom[leaf])
    if only is not None:
        leaf, leaf_of = _chosen(snapshot, leaf, only)
    shapes = snapshot.units.geom[leaf]
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    box = (west, south, east, north)
    place = _Placing(snapshot, leaf_of, crs)
    obstacles = read_obstacles(conn, box, on)
    barred = _widened(obstacles, crs)
    closed = _widened([each for each in obstacles if each.kind == "compound"], crs)
    named = read_streets(conn, box, on)
    streets = to_metres(np.array([street.geometry for street in named], object), crs)
    walkable = _walkable(to_metres(shapes, crs), streets, barred, closed, rules.trail_buffer_m)
    ground = Ground(
        crs=crs,
        units=tuple(str(code) for code in snapshot.units.code[leaf]),
        observed=find_observed(conn, snapshot, leaf, between),
        pieces=cut_pieces(list(shapes), crs, rules.resolution, walkable=walkable, sliver=rules.sliver_share),
        streets=_stretches(streets, [street.name for street in named], closed, place),
        doors=_doors(conn, box, place),
        sites=_sites(read_sites(conn, box, on), place, margin_m=rules.passing_m),
    )
    return DayGround(ground, snapshot, leaf, leaf_of)


def find_leaves(snapshot: Snapshot) -> tuple[Ints, Ints]:
    """The territorial units with no territorial unit below them."""
    units = snapshot.units
    territorial = units.kind == "territorial"
    parents = np.unique(units.parent_row[territorial])
    rows = np.flatnonzero(
        territorial & ~np.isin(np.arange(len(units)), parents) & ~shapely.is_empty(units.geom)
    )
    leaf_of = np.full(len(units) + 1, -1)
    leaf_of[rows] = np.arange(len(rows))
    return rows.astype(np.int64), leaf_of


def _chosen(snapshot: Snapshot, leaf: Ints, only: Collection[int]) -> tuple[Ints, Ints]:
    rows = leaf[np.isin(snapshot.units.version_id[leaf], list(only))]
    leaf_of = np.full(len(snapshot.units) + 1, -1)
    leaf_of[rows] = np.arange(len(rows))
    return rows, leaf_of


@dataclass(frozen=True)
class _Placing:
    """Which unit of the ground holds positions, and where they lie in the plane."""

    snapshot: Snapshot
    leaf_of: Ints
    crs: pyproj.CRS

    def units(self, lon: Floats, lat: Floats) -> Ints:
        return self.leaf_of[self.snapshot.place_many(lon, lat).row]

    def units_of(self, points: Shapes) -> Ints:
        """Of points in the plane."""
        lon, lat = shapely.get_coordinates(from_metres(points, self.crs)).T
        return self.units(lon.copy(), lat.copy())


def _widened(obstacles: Sequence[Obstacle], crs: pyproj.CRS) -> Shapes:
    """Obstacles as areas in the plane."""
    shapes = to_metres(np.array([each.geometry for each in obstacles], object), crs)
    widths = np.array([each.width_m / 2 for each in obstacles], np.float64)
    return np.asarray(shapely.buffer(shapes, widths), dtype=object).reshape(len(obstacles))


def _walkable(
    units: Shapes, streets: Shapes, barred: Shapes, closed: Shapes, reach_m: float
) -> dict[int, Walkable]:
    """What bounds walking in each unit: where it has streets, the ground by them less closed compounds; else all of it
    less water, railways and compounds.
    """
    by_street = {
        row: shapely.buffer(shape, reach_m)
        for row, shape in _by_unit(units, streets, margin_m=reach_m).items()
    }
    all_barred, all_closed = _by_unit(units, barred), _by_unit(units, closed)
    rows = {*by_street, *all_barred}
    return {
        row: Walkable(all_closed.get(row) if row in by_street else all_barred.get(row), by_street.get(row))
        for row in rows
    }


def _by_unit(units: Shapes, shapes: Shapes, *, margin_m: float = 0) -> dict[int, BaseGeometry]:
    """What of the shapes lies in each unit or within a margin of it, as one."""
    parts = shapely.get_parts(shapes)
    grown = shapely.buffer(units, margin_m) if margin_m else units
    part, unit = shapely.STRtree(grown).query(parts, predicate="intersects")
    inside = shapely.intersection(parts[part], grown[unit])
    found: dict[int, BaseGeometry] = {}
    order = np.lexsort((part, unit))  # in one order whatever else is looked at
    rows, first = np.unique(unit[order], return_index=True)
    ends = np.append(first, len(order))[1:]
    for row, begin, end in zip(rows.tolist(), first.tolist(), ends.tolist(), strict=True):
        found[row] = shapely.union_all(inside[order[begin:end]])
    return found


def _stretches(streets: Shapes, names: Sequence[str], closed: Shapes, place: _Placing) -> Targets:
    """The streets in stretches of at most STRETCH_M, each at its middle, with its length in millimetres."""
    parts, street = shapely.get_parts(streets, return_index=True)
    lines = shapely.segmentize(parts, STRETCH_M)
    xy, of = shapely.get_coordinates(lines, return_index=True)
    if not len(xy):
        return NO_TARGETS
    same = of[1:] == of[:-1]
    begin, end = xy[:-1][same], xy[1:][same]
    middle = np.asarray(shapely.points((begin + end) / 2), dtype=object)
    length = np.rint(np.hypot(*(end - begin).T) * 1000).astype(np.int64)
    unit = place.units_of(middle)
    shut = np.zeros(len(middle), np.bool_)
    shut[shapely.STRtree(closed).query(middle, predicate="within")[0]] = True
    kept = (unit >= 0) & ~shut & (length > 0)
    at = shapely.get_coordinates(middle[kept])
    name = np.array(names, object)[street[of[:-1][same][kept]]]
    return Targets(unit[kept], at[:, 0], at[:, 1], length[kept], name)


def _doors(conn: Connection, box: tuple[float, float, float, float], place: _Placing) -> Targets:
    """The address points in use, with their households."""
    rows = conn.execute(
        select(
            func.ST_X(address_point.c.point).label("lon"),
            func.ST_Y(address_point.c.point).label("lat"),
            address_point.c.households,
            address_point.c.address,
        )
        .where(address_point.c.active, address_point.c.point.op("&&")(func.ST_MakeEnvelope(*box, 4326)))
        .order_by(address_point.c.code)
    ).all()
    if not rows:
        return NO_TARGETS
    lon, lat = np.array([row.lon for row in rows]), np.array([row.lat for row in rows])
    households = np.array([row.households for row in rows], np.int64)
    unit = place.units(lon, lat)
    x, y = plane_xy(lon, lat, place.crs)
    kept = unit >= 0
    name = np.array([row.address for row in rows], object)[kept]
    return Targets(unit[kept], x[kept], y[kept], households[kept], name)


def _sites(sites: Sequence[Site], place: _Placing, *, margin_m: float) -> Sites:
    """Sites with their margin; each belongs to the unit of its middle. Of several with one code the first counts."""
    shapes = to_metres(np.array([site.geometry for site in sites], object), place.crs)
    unit = place.units_of(shapely.point_on_surface(shapes)) if len(sites) else np.empty(0, np.int64)
    first = {site.code: row for row, site in reversed(list(enumerate(sites)))}
    kept = np.array([row for row in sorted(first.values()) if unit[row] >= 0], np.int64)
    own = [sites[row] for row in kept.tolist()]
    return Sites(
        tuple(site.code for site in own),
        unit[kept],
        np.asarray(shapely.buffer(shapes[kept], margin_m), dtype=object).reshape(len(own)),
        np.array([site.visits for site in own], np.int64),
        np.array([site.days for site in own], np.int64),
        np.array([site.least_s for site in own], np.int64),
        tuple(site.name for site in own),
    )


def find_observed(
    conn: Connection, snapshot: Snapshot, leaf: Ints, between: tuple[datetime, datetime]
) -> Bools:
    """False for a unit served only by people who cannot be seen. Going up from it, the first step that anybody serves
    decides; what lies below a grid is one step with it, for micro-grids have helpers beside their grid's own worker.
    """
    during: Range[datetime] = Range(*between)
    posts = conn.execute(
        select(assignment.c.unit_id, assignment.c.person_id).where(assignment.c.valid.overlaps(during))
    ).all()
    can_be_seen = find_seen(conn, {post.person_id for post in posts}, between)
    by_whom: dict[UUID, bool] = {}
    for post in posts:
        by_whom[post.unit_id] = by_whom.get(post.unit_id, False) or post.person_id in can_be_seen
    units = snapshot.units
    served = np.array([unit in by_whom for unit in units.unit_id], np.bool_)
    by_seen = np.array([by_whom.get(unit, False) for unit in units.unit_id], np.bool_)
    some, seen = np.zeros(len(leaf), np.bool_), np.zeros(len(leaf), np.bool_)
    row, in_grid = leaf.copy(), _lies_in_grid(snapshot, leaf)
    open_ = np.ones(len(leaf), np.bool_)
    while open_.any():
        some[open_] |= served[row[open_]]
        seen[open_] |= by_seen[row[open_]]
        in_grid &= units.level[row] != GRID
        row = np.where(open_, units.parent_row[row], row)
        open_ &= (row >= 0) & ~seen & (~some | in_grid)
    return seen | ~some


def _lies_in_grid(snapshot: Snapshot, leaf: Ints) -> Bools:
    """Whether each unit is a grid or has one above it."""
    found, row = np.zeros(len(leaf), np.bool_), leaf.copy()
    while (there := row >= 0).any():
        found[there] |= snapshot.units.level[row[there]] == GRID
        row = np.where(there, snapshot.units.parent_row[row], -1)
    return found
