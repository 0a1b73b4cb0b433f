"""Traccar Client in JSON: version 9 (one location or several), and the array of its fork."""

from tracking.formats.report import (
    Heartbeat,
    Message,
    ParsedFix,
    Profile,
    Report,
    heading,
    instant,
    is_sos,
    number,
    percent,
    share_pct,
    speed,
    truth,
)

CLIENTS = {"traccar-9": "mps", "traccar-array": "knots"}

Item = dict[str, object]


def recognise(_message: Message, value: object) -> bool:
    return _is_client_9(value) or _is_array(value)


def read(_message: Message, value: object, profile: Profile) -> Report:
    if isinstance(value, list):
        return _array(value, profile)
    location = value.get("location") if isinstance(value, dict) else None
    items = [one for one in (location if isinstance(location, list) else [location]) if isinstance(one, dict)]
    return Report(
        "traccar-9",
        fixes=tuple(_fix(item, profile) for item in items if _is_placed(item)),
        heartbeats=tuple(_heartbeat(item) for item in items if not _is_placed(item)),
    )


def _is_placed(item: Item) -> bool:
    """A call for help is one also without a place."""
    return isinstance(item.get("coords"), dict) or is_sos(item.get("alarm"))


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


def _fix(item: Item, profile: Profile) -> ParsedFix:
    coords, battery = _part(item, "coords"), _part(item, "battery")
    return ParsedFix(
        fixed_at=instant(item.get("timestamp")),
        lon=number(coords.get("longitude")),
        lat=number(coords.get("latitude")),
        accuracy_m=number(coords.get("accuracy"), low=0),
        altitude_m=number(coords.get("altitude")),
        speed_mps=speed(coords.get("speed"), profile.unit_of("traccar-9", "mps")),
        heading_deg=heading(coords.get("heading")),
        battery_pct=share_pct(battery.get("level")),
        charging=truth(battery.get("is_charging")),
        mock=truth(item.get("mock")) is True,
        sos=is_sos(item.get("alarm")),
        item=item,
    )


def _heartbeat(item: Item) -> Heartbeat:
    return Heartbeat(instant(item.get("timestamp")), share_pct(_part(item, "battery").get("level")))


def _array(items: list[object], profile: Profile) -> Report:
    told = [item for item in items if isinstance(item, dict)]
    return Report(
        "traccar-array",
        fixes=tuple(_flat(item, profile) for item in told if _is_flat_placed(item)),
        heartbeats=tuple(
            Heartbeat(instant(item.get("timestamp")), percent(item.get("batt")))
            for item in told
            if not _is_flat_placed(item)
        ),
    )


def _is_flat_placed(item: Item) -> bool:
    return "lat" in item or "lon" in item or is_sos(item.get("alarm"))


def _flat(item: Item, profile: Profile) -> ParsedFix:
    return ParsedFix(
        fixed_at=instant(item.get("timestamp")),
        lon=number(item.get("lon")),
        lat=number(item.get("lat")),
        accuracy_m=number(item.get("accuracy"), low=0),
        altitude_m=number(item.get("altitude")),
        speed_mps=speed(item.get("speed"), profile.unit_of("traccar-array", "knots")),
        heading_deg=heading(item.get("bearing")),
        battery_pct=percent(item.get("batt")),
        charging=truth(item.get("charge")),
        mock=truth(item.get("mock")) is True,
        sos=is_sos(item.get("alarm")),
        item=item,
    )


def _part(item: Item, name: str) -> Item:
    part = item.get(name)
    return part if isinstance(part, dict) else {}
