"""Patrol effort as Ecoscope counts it: the area of a swath along the way, once and as often as it was walked."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyproj
import shapely

from analysis.coverage.fixes import Fixes
from analysis.coverage.legs import LEG, Legs
from geo.metric import plane_xy

SWATH_M: Final = 500.0
"""Ecoscope's own width, the full one; its segments of no length count for nothing, so standing does not show here."""


@dataclass(frozen=True)
class Effort:
    """`merged_m2`: area of the union of all swaths; `unmerged_m2`: the sum of their areas."""

    merged_m2: float
    unmerged_m2: float


def measure_effort(fixes: Fixes, legs: Legs, crs: pyproj.CRS, *, swath_m: float = SWATH_M) -> Effort:
    """Of all legs with a length, in the plane `crs`. Gaps have no swath."""
    start = legs.start[(legs.kind == LEG) & (legs.length_mm > 0)]
    xy = np.stack(plane_xy(fixes.lon, fixes.lat, crs), axis=1)
    if not len(start):
        return Effort(0.0, 0.0)
    lines = shapely.linestrings(np.stack([xy[start], xy[start + 1]], axis=1))
    swaths = np.asarray(shapely.buffer(lines, swath_m / 2, quad_segs=16))
    return Effort(float(shapely.area(shapely.union_all(swaths))), float(shapely.area(swaths).sum()))
