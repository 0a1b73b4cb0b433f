"""`implausible_speed` as a function of the stored fixes alone, whatever the order in which they came.

A fix that is otherwise good carries it when the nearest good fixes of the same person and device within an
hour before and after are both too fast to reach; one with none after it when the one before is; one with none
before it never. The distance is the great circle's, less both accuracies, over at least a second.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RADIUS_M = 6371008.771415059  # mean radius of WGS-84, as PostGIS takes it for a sphere
REACH = np.timedelta64(3600, "s")


def too_fast(
    track: NDArray[np.int64],
    at: NDArray[np.datetime64],
    place: tuple[Floats, Floats, Floats],
    limit_mps: float,
) -> NDArray[np.bool_]:
    """Which good fixes are implausible. Rows in order of `track` (a number for each device and person) and time.

    `place` is lon, lat in degrees and accuracy in metres (NaN: not told).
    """
    far = np.ones(len(at) + 1, bool)  # far[n]: the step into row n says nothing, or there is none
    fast = np.zeros(len(at) + 1, bool)
    if len(at) > 1:
        step = np.diff(at)
        far[1:-1] = (track[1:] != track[:-1]) | (step > REACH)
        fast[1:-1] = ~far[1:-1] & (_speed_mps(place, step) > limit_mps)
    found: NDArray[np.bool_] = fast[:-1] & (far[1:] | fast[1:])
    return found


def _speed_mps(place: tuple[Floats, Floats, Floats], step: NDArray[np.timedelta64]) -> Floats:
    lon, lat = np.radians(place[0]), np.radians(place[1])
    slack_m = np.nan_to_num(place[2])
    half = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[1:]) * np.cos(lat[:-1]) * np.sin(np.diff(lon) / 2) ** 2
    apart_m = 2 * _RADIUS_M * np.arcsin(np.sqrt(half)) - slack_m[1:] - slack_m[:-1]
    speed: Floats = np.maximum(apart_m, 0) / np.maximum(step / np.timedelta64(1, "s"), 1)
    return speed
