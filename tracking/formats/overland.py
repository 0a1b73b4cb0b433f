"""Overland (iOS): {"locations": [Feature, …], "current": Feature?}; m/s, battery 0 … 1, negative means unknown."""

from tracking.formats.report import (
    Message,
    Other,
    ParsedFix,
    Profile,
    Report,
    heading,
    instant,
    number,
    share_pct,
    speed,
)

CLIENTS = {"overland": "mps"}
_CHARGING = {"unplugged": False, "charging": True, "full": True}


def recognise(_message: Message, value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("locations"), list)


def read(_message: Message, value: object, profile: Profile) -> Report:
    """`current` is newer than the batch and not in it. Visits and trips, which are no points, are kept raw.

    The reply must be exactly this, or the phone sends everything again.
    """
    told = value if isinstance(value, dict) else {}
    features = [
        *told.get("locations", []),
        *([told["current"]] if isinstance(told.get("current"), dict) else []),
    ]
    points = [one for one in features if _is_point(one)]
    return Report(
        "overland",
        fixes=tuple(_fix(one, profile) for one in points if isinstance(one, dict)),
        others=tuple(Other(None, one) for one in features if not _is_point(one)),
        reply=b'{"result":"ok"}',
    )


def _is_point(feature: object) -> bool:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return isinstance(geometry, dict) and geometry.get("type") == "Point"


def _fix(feature: dict[str, object], profile: Profile) -> ParsedFix:
    geometry, properties = feature.get("geometry"), feature.get("properties")
    found = geometry.get("coordinates") if isinstance(geometry, dict) else None
    lon, lat, *_ = [*found, None, None] if isinstance(found, list) else [None, None]
    told = properties if isinstance(properties, dict) else {}
    return ParsedFix(
        fixed_at=instant(told.get("timestamp")),
        lon=number(lon),
        lat=number(lat),
        accuracy_m=number(told.get("horizontal_accuracy"), low=0),
        altitude_m=number(told.get("altitude")),
        speed_mps=speed(told.get("speed"), profile.unit_of("overland", "mps")),
        heading_deg=heading(told.get("course")),
        battery_pct=share_pct(told.get("battery_level")),
        charging=_CHARGING.get(str(told.get("battery_state"))),
        item=feature,
    )
