"""Placement, the heart: which unit of every network holds a point at an instant, one point or millions.

`Lookup` keeps one immutable `Snapshot` per network and edition in memory and shares it among all readers.
A snapshot has a `Layer` per level and kind; a layer finds owners exactly, by a tree of polygons for a few
points and by a raster of owner cells (`OwnerRaster`) for many, with the same answers.

The border rule: of all units of a level that hold a point, border included (`ST_Covers`), the one with the
lowest code in natural order owns it. It is decided at the deepest level; the levels above are its parents.
"""

from geo.lookup.answers import Nearest, PlacedUnit, Placement, Placements
from geo.lookup.lookup import Lookup
from geo.lookup.snapshot import Snapshot

__all__ = ["Lookup", "Nearest", "PlacedUnit", "Placement", "Placements", "Snapshot"]
