"""What legs cross, held against general intersection of shapes."""

import numpy as np
import shapely

from analysis.coverage.crossings import Borders, find_crossings
from analysis.coverage.plane.squares import places_of

RNG = np.random.default_rng(4)


def ground() -> np.ndarray:
    """Ragged cells over a square kilometre, one of them with a hole, and an island in two parts."""
    seeds = shapely.MultiPoint(RNG.uniform(0, 1000, (60, 2)))
    square = shapely.box(0, 0, 1000, 1000)
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=square)), square)
    hole = shapely.centroid(cells[0]).buffer(15)
    apart = shapely.MultiPolygon([shapely.box(1100, 0, 1150, 50), shapely.box(1200, 0, 1250, 50)])
    return np.array([cells[0].difference(hole), *cells[1:], hole, apart], object)


def test_shares_and_places_are_those_of_intersection() -> None:
    pieces = ground()
    starts = RNG.uniform(-50, 1300, (3000, 2)).round(1)
    starts[:500, 1] = RNG.uniform(-10, 60, 500)
    ends = np.stack([starts, starts + RNG.normal(0, 60, (3000, 2))], 1)
    ends[:50, 1] = shapely.get_coordinates(pieces[:40])[:50]  # legs that end on a corner
    tree = shapely.STRtree(pieces)
    held = []
    for side in (0, 1):
        row, piece = tree.query(shapely.points(ends[:, side]), predicate="intersects")
        of = np.full(len(ends), -1)
        of[row[::-1]] = piece[::-1]
        held.append(of)
    begin, end = (places_of(*ends[:, side].T) for side in (0, 1))
    found = find_crossings(Borders(pieces), begin, end, (held[0], held[1]))
    lines = shapely.linestrings(ends)
    row, piece = tree.query(lines)
    share = shapely.length(shapely.intersection(lines[row], pieces[piece])) / shapely.length(lines[row])
    expected = {(r, p): s for r, p, s in zip(row, piece, share, strict=True) if s > 1e-9}
    got = dict(zip(zip(found.leg, found.piece, strict=True), found.share, strict=True))
    assert {key for key, s in got.items() if s > 1e-9} == set(expected)
    assert max(abs(got[key] - expected[key]) for key in expected) < 1e-9
    assert (found.near <= found.far).all()
    assert (found.far - found.near >= found.share - 1e-9).all()
    assert np.bincount(found.leg, found.share).max() <= 1 + 1e-9


def test_no_legs_cross_nothing() -> None:
    nothing = np.empty(0, np.int64)
    nowhere = np.empty(0, np.complex128)
    assert len(find_crossings(Borders(ground()), nowhere, nowhere, (nothing, nothing)).leg) == 0
