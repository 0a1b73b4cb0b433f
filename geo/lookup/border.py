"""Metres to a border: the nearest place of it is found in a plane of degrees with longitudes shrunk by the
cosine of the layer's middle latitude, and the way there is then measured along the ellipsoid. The choice of the
nearest place is off by a second-order amount only, so this is right to a fraction of a percent at any distance,
in any zone, for a block as for a province.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.metric import distance_m


class Borders:
    """The outlines of a layer's units, by their index in the layer. Immutable."""

    def __init__(self, geoms: NDArray[np.object_]) -> None:
        bounds = shapely.total_bounds(geoms)
        self.shrink = float(np.cos(np.radians((bounds[1] + bounds[3]) / 2))) if len(geoms) else 1.0
        shrunk = shapely.transform(geoms, lambda xy: xy * (self.shrink, 1.0))
        self._lines = shapely.boundary(shrunk)
        self._tree = shapely.STRtree(shrunk)

    def distance_m(
        self, owner: NDArray[np.int32], lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """From each point to the border of the unit `owner` names for it, to a micrometre."""
        points = shapely.points(lon * self.shrink, lat)
        ways = shapely.shortest_line(points, self._lines[owner])
        ends = shapely.get_coordinates(ways).reshape(-1, 2, 2)[:, 1]
        return np.round(distance_m(lon, lat, ends[:, 0] / self.shrink, ends[:, 1]), 6)

    def nearest(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """The unit nearest to each point; the lowest of those equally near. -1 where there are no units."""
        found = np.full(len(lon), -1, dtype=np.int32)
        which, units = self._tree.query_nearest(shapely.points(lon * self.shrink, lat), all_matches=True)
        order = np.argsort(-units, kind="stable")
        found[which[order]] = units[order]
        return found
