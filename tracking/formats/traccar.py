"""Traccar in JSON: Traccar Client 9 (one location or several), the array of its fork, and a Traccar server's forwarding."""

from tracking.formats.report import (
    KNOT_MPS,
    Heartbeat,
    Message,
    ParsedFix,
    Profile,
    Report,
    heading,
    instant,
    number,
    percent,
    share_pct,
    speed,
    truth,
)

Item = dict[str, object]


def recognise(_message: Message, value: object) -> bool:
    return _is_client_9(value) or _is_array(value) or _is_forwarded(value)


def read(_message: Message, value: object, profile: Profile) -> Report:
    if _is_forwarded(value):
        position = value["position"] if isinstance(value, dict) else None
        return Report(
            "traccar-forward", fixes=(_forwarded(position, profile),) if isinstance(position, dict) else ()
        )
    if isinstance(value, list):
        return _array(value, profile)
    location = value.get("location") if isinstance(value, dict) else None
    items = [one for one in (location if isinstance(location, list) else [location]) if isinstance(one, dict)]
    return Report(
        "traccar-9",
        fixes=tuple(_fix(item, profile) for item in items if isinstance(item.get("coords"), dict)),
        heartbeats=tuple(_heartbeat(item) for item in items if not isinstance(item.get("coords"), dict)),
    )


def _is_client_9(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("location"), dict | list):
        return False
    return "device_id" in value or (isinstance(value["location"], dict) and "coords" in value["location"])


def _is_array(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and "timestamp" in one for one in value)
    )


def _is_forwarded(value: object) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("position"), dict) and "fixTime" in value["position"]
    )


def _fix(item: Item, profile: Profile) -> ParsedFix:
    coords, battery = _part(item, "coords"), _part(item, "battery")
    return ParsedFix(
        fixed_at=instant(item.get("timestamp")),
        lon=number(coords.get("longitude")),
        lat=number(coords.get("latitude")),
        accuracy_m=number(coords.get("accuracy"), low=0),
        altitude_m=number(coords.get("altitude")),
        speed_mps=speed(coords.get("speed"), profile.speed_unit, "mps"),
        heading_deg=heading(coords.get("heading")),
        battery_pct=share_pct(battery.get("level")),
        charging=truth(battery.get("is_charging")),
        mock=truth(item.get("mock")) is True,
        sos=item.get("alarm") == "sos",
        item=item,
    )


def _heartbeat(item: Item) -> Heartbeat:
    return Heartbeat(instant(item.get("timestamp")), share_pct(_part(item, "battery").get("level")))


def _array(items: list[object], profile: Profile) -> Report:
    told = [item for item in items if isinstance(item, dict)]
    return Report(
        "traccar-array",
        fixes=tuple(_flat(item, profile) for item in told if "lat" in item or "lon" in item),
        heartbeats=tuple(
            Heartbeat(instant(item.get("timestamp")), percent(item.get("batt")))
            for item in told
            if "lat" not in item and "lon" not in item
        ),
    )


def _flat(item: Item, profile: Profile) -> ParsedFix:
    return ParsedFix(
        fixed_at=instant(item.get("timestamp")),
        lon=number(item.get("lon")),
        lat=number(item.get("lat")),
        accuracy_m=number(item.get("accuracy"), low=0),
        altitude_m=number(item.get("altitude")),
        speed_mps=speed(item.get("speed"), profile.speed_unit, "knots"),
        heading_deg=heading(item.get("bearing")),
        battery_pct=percent(item.get("batt")),
        charging=truth(item.get("charge")),
        mock=truth(item.get("mock")) is True,
        sos=item.get("alarm") == "sos",
        item=item,
    )


def _forwarded(position: Item, _profile: Profile) -> ParsedFix:
    """A Traccar server's position: its own speeds are knots whatever the phone sent."""
    attributes = _part(position, "attributes")
    knots = number(position.get("speed"), low=0)
    return ParsedFix(
        fixed_at=instant(position.get("fixTime")),
        lon=number(position.get("longitude")),
        lat=number(position.get("latitude")),
        accuracy_m=number(position.get("accuracy"), low=0),
        altitude_m=number(position.get("altitude")),
        speed_mps=None if knots is None else knots * KNOT_MPS,
        heading_deg=heading(position.get("course")),
        battery_pct=percent(attributes.get("batteryLevel")),
        charging=truth(attributes.get("charge")),
        mock=truth(attributes.get("mock")) is True,
        sos=attributes.get("alarm") == "sos",
        item=position,
    )


def _part(item: Item, name: str) -> Item:
    part = item.get(name)
    return part if isinstance(part, dict) else {}
