"""GeoJSON points: a Feature, a FeatureCollection, with the native names as properties."""

from tracking.formats.report import (
    Message,
    Other,
    ParsedFix,
    Profile,
    Report,
    heading,
    instant,
    number,
    percent,
    truth,
)

CLIENTS = {"geojson": None}
TIME_NAMES = ("fixed_at", "timestamp", "time", "recorded_at")


def recognise(_message: Message, value: object) -> bool:
    return isinstance(value, dict) and value.get("type") in ("Feature", "FeatureCollection")


def read(_message: Message, value: object, _profile: Profile) -> Report:
    """Point features become fixes, anything else is kept raw."""
    features = _features(value)
    points = [feature for feature in features if _is_point(feature)]
    return Report(
        "geojson",
        fixes=tuple(point_fix(feature) for feature in points if isinstance(feature, dict)),
        others=tuple(Other(None, feature) for feature in features if not _is_point(feature)),
    )


def _features(value: object) -> list[object]:
    if not isinstance(value, dict):
        return []
    if value.get("type") == "Feature":
        return [value]
    features = value.get("features")
    return features if isinstance(features, list) else []


def _is_point(feature: object) -> bool:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return isinstance(geometry, dict) and geometry.get("type") == "Point"


def point_fix(feature: dict[str, object]) -> ParsedFix:
    """The fix of one Point feature; a third coordinate is the altitude."""
    geometry, properties = feature.get("geometry"), feature.get("properties")
    found = geometry.get("coordinates") if isinstance(geometry, dict) else None
    lon, lat, altitude, *_ = [*found, None, None, None] if isinstance(found, list) else [None, None, None]
    told = properties if isinstance(properties, dict) else {}
    return ParsedFix(
        fixed_at=instant(next((told[name] for name in TIME_NAMES if name in told), None)),
        lon=number(lon),
        lat=number(lat),
        accuracy_m=number(told.get("accuracy_m"), low=0),
        altitude_m=number(told.get("altitude_m", altitude)),
        speed_mps=number(told.get("speed_mps"), low=0),
        heading_deg=heading(told.get("heading_deg")),
        battery_pct=percent(told.get("battery_pct")),
        charging=truth(told.get("charging")),
        mock=truth(told.get("mock")) is True,
        sos=truth(told.get("sos")) is True,
        item=feature,
    )
