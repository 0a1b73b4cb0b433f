"""Stays: where somebody kept within a circle for long enough, proven by the fixes between which it lasted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.metric import distance_m

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stay:
    """From the first to the last fix within reach of the first; the place is their mean. WGS-84, aware of nothing else."""

    first: int
    last: int
    lon: float
    lat: float


def find_stays(seconds: Floats, lon: Floats, lat: Floats, *, radius_m: float, least_s: float) -> list[Stay]:
    """The stays of one unbroken run of fixes in time order; `seconds` is their time on any scale.

    A stay begins at the earliest fix that is followed by `least_s` of fixes within `radius_m` of it, and lasts
    until the last of those; the next one begins after it. A gap ends a stay, so none is given to this function.
    """
    stays: list[Stay] = []
    first = 0
    while first < len(seconds) and seconds[-1] - seconds[first] >= least_s:
        last = _reach(first, lon, lat, radius_m)
        if seconds[last] - seconds[first] < least_s:
            first += 1
            continue
        here = slice(first, last + 1)
        stays.append(Stay(first, last, float(lon[here].mean()), float(lat[here].mean())))
        first = last + 1
    return stays


def _reach(first: int, lon: Floats, lat: Floats, radius_m: float) -> int:
    """The last of the fixes that follow without leaving the circle around `first`; looked at in growing steps."""
    last, step = first, 32
    while last + 1 < len(lon):
        ahead = slice(last + 1, last + 1 + step)
        outside = np.flatnonzero(distance_m(lon[first], lat[first], lon[ahead], lat[ahead]) > radius_m)
        if outside.size:
            return last + int(outside[0])
        last, step = min(last + step, len(lon) - 1), step * 2
    return last
