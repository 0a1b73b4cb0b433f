"""A Traccar server that forwards what it receives (`forward.type=json`): one position a message, of one of its devices.

Its speeds are knots whatever the device sent, its zeros mean unknown where a phone would leave the field out,
and `outdated` or invalid marks an old position sent again: a sign of life that moves nobody.
"""

from tracking.formats.report import (
    KNOT_MPS,
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
    truth,
)

CLIENTS = {"traccar-server": None}
_MARK = b'"fixTime"'

Item = dict[str, object]


def recognise(_message: Message, value: object) -> bool:
    """A position or an event of the server, with the device it is of."""
    if not isinstance(value, dict) or not isinstance(value.get("device", {}), dict):
        return False
    position = value.get("position")
    if isinstance(position, dict):
        return "fixTime" in position
    return isinstance(value.get("event"), dict) and "uniqueId" in value.get("device", {})


def gives_up(message: Message) -> bool:
    """By default it sends once; with `forward.retry.enable` ten times within two minutes."""
    return _MARK in message.body


def read(_message: Message, value: object, _profile: Profile) -> Report:
    told = value if isinstance(value, dict) else {}
    unique_id, position = _part(told, "device").get("uniqueId"), told.get("position")
    speaks_for = unique_id if isinstance(unique_id, str) else None
    if not isinstance(position, dict):
        return Report("traccar-server", speaks_for=speaks_for, ignored="no_position")
    fix = _fix(position)
    if _is_repeated(position) and not fix.sos:
        beat = Heartbeat(instant(position.get("deviceTime")), fix.battery_pct)
        return Report("traccar-server", heartbeats=(beat,), speaks_for=speaks_for)
    return Report("traccar-server", fixes=(fix,), speaks_for=speaks_for)


def _is_repeated(position: Item) -> bool:
    return truth(position.get("outdated")) is True or truth(position.get("valid")) is False


def _fix(position: Item) -> ParsedFix:
    """The position; a call for help with an old one keeps its own time and no place."""
    attributes, old = _part(position, "attributes"), _is_repeated(position)
    knots = number(position.get("speed"), low=0)
    return ParsedFix(
        fixed_at=instant(position.get("deviceTime" if old else "fixTime")),
        lon=None if old else number(position.get("longitude")),
        lat=None if old else number(position.get("latitude")),
        accuracy_m=number(position.get("accuracy"), low=0) or None,
        altitude_m=number(position.get("altitude")),
        speed_mps=None if knots is None else knots * KNOT_MPS,
        heading_deg=heading(position.get("course")),
        battery_pct=percent(attributes.get("batteryLevel")),
        charging=truth(attributes.get("charge")),
        mock=truth(attributes.get("mock")) is True,
        sos=is_sos(attributes.get("alarm")),
        item=position,
    )


def _part(item: Item, name: str) -> Item:
    part = item.get(name)
    return part if isinstance(part, dict) else {}
