"""Trails: the accepted fixes of a person-day as segments, the gaps between them, and the stays on the way."""

from tracking.trails.geojson import trail_geojson
from tracking.trails.stays import Stay, find_stays
from tracking.trails.trail import Gap, Trail, TrailRules, read_trail, read_trails, trail_rules_of

__all__ = [
    "Gap",
    "Stay",
    "Trail",
    "TrailRules",
    "find_stays",
    "read_trail",
    "read_trails",
    "trail_geojson",
    "trail_rules_of",
]
