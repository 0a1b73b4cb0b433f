"""A trail as GeoJSON: the same bytes for the same fixes. Lines for segments, none across a gap."""

from collections.abc import Iterator

import numpy as np
import orjson

from tracking.trails.trail import Trail

Feature = dict[str, object]


def trail_geojson(trail: Trail) -> bytes:
    """A FeatureCollection. `kind` of a feature is segment (LineString of two fixes or more), gap (MultiPoint of its two
    ends: no line), stay (Point, with its time and fixes) or fix (Point); times are UTC.
    """
    features = [*_segments(trail), *_gaps(trail), *_stays(trail), *_fixes(trail)]
    return orjson.dumps(
        {
            "type": "FeatureCollection",
            "person": trail.person_code,
            "name": trail.name,
            "on": trail.on.isoformat(),
            "fixes": len(trail.fixed_at),
            "moved_m": round(trail.moved_m, 1),
            "stays": len(trail.stays),
            "gaps": len(trail.gaps),
            "observed_s": _rounded(sum(_waited_s(trail, first, last) for first, last in trail.segments), 3),
            "unobserved_s": _rounded(sum(_waited_s(trail, gap.first, gap.last) for gap in trail.gaps), 3),
            "features": features,
        }
    )


def _segments(trail: Trail) -> Iterator[Feature]:
    for first, last in trail.segments:
        if last > first:
            line = [_position(trail, n) for n in range(first, last + 1)]
            yield _feature(
                {"type": "LineString", "coordinates": line},
                {
                    "kind": "segment",
                    "since": _time(trail, first),
                    "until": _time(trail, last),
                    "length_m": round(trail.length_m(first, last), 1),
                },
            )


def _gaps(trail: Trail) -> Iterator[Feature]:
    for gap in trail.gaps:
        yield _feature(
            {"type": "MultiPoint", "coordinates": [_position(trail, gap.first), _position(trail, gap.last)]},
            {
                "kind": "gap",
                "reason": gap.reason,
                "since": _time(trail, gap.first),
                "until": _time(trail, gap.last),
                "seconds": _waited_s(trail, gap.first, gap.last),
                "apart_m": round(trail.length_m(gap.first, gap.last), 1),
            },
        )


def _stays(trail: Trail) -> Iterator[Feature]:
    for stay in trail.stays:
        yield _feature(
            {"type": "Point", "coordinates": [round(stay.lon, 7), round(stay.lat, 7)]},
            {
                "kind": "stay",
                "since": _time(trail, stay.first),
                "until": _time(trail, stay.last),
                "seconds": _waited_s(trail, stay.first, stay.last),
                "fixes": stay.last - stay.first + 1,
            },
        )


def _fixes(trail: Trail) -> Iterator[Feature]:
    for n in range(len(trail.fixed_at)):
        yield _feature(
            {"type": "Point", "coordinates": _position(trail, n)},
            {
                "kind": "fix",
                "at": _time(trail, n),
                "accuracy_m": _rounded(trail.accuracy_m[n], 1),
                "speed_mps": _rounded(trail.speed_mps[n], 2),
                "heading_deg": _rounded(trail.heading_deg[n], 1),
            },
        )


def _feature(geometry: Feature, properties: Feature) -> Feature:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _position(trail: Trail, n: int) -> list[float]:
    return [float(trail.lon[n]), float(trail.lat[n])]


def _time(trail: Trail, n: int) -> str:
    return f"{np.datetime_as_string(trail.fixed_at[n], unit='us').removesuffix('.000000')}Z"


def _waited_s(trail: Trail, first: int, last: int) -> float:
    return round(float((trail.fixed_at[last] - trail.fixed_at[first]) / np.timedelta64(1, "s")), 3)


def _rounded(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
