"""Forms: Traccar Client to 8 (query) and 10 (body), OsmAnd, GPSLogger and others that send `lat=…&lon=…`.

All use the same names with different units, so the speed's unit is the device's setting, then the client's by
its name or its habits, then knots as the protocol has it.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from tracking.formats.report import (
    SECONDS_END,
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
    speed,
    truth,
)

Fields = Mapping[str, str]

_LON, _LAT = ("lon", "longitude", "lng"), ("lat", "latitude")
_TIME = ("timestamp", "time", "timeoffset", "tst")
_ACCURACY, _ALTITUDE = ("accuracy", "acc"), ("altitude", "alt")
_HEADING, _BATTERY = ("bearing", "heading", "course", "direction", "dir"), ("batt", "battery", "bat")
_CHARGING = ("charge", "ischarging", "charging")
_MOST_FIELDS = 200

CLIENTS = {"traccar": "knots", "osmand": "mps", "gpslogger": "mps", "locus": "mps", "phonetrack": "mps"}
_AGENTS = {"osmand": "osmand", "okhttp": "gpslogger", "locus": "locus", "phonetrack": "phonetrack"}
"""What the user agent begins with, in lower case. GPSLogger names its HTTP library alone; Traccar's clients do not use it."""
_GPSLOGGER_NAMES = {"spd", "timeoffset", "starttimestamp"}


def fields_of(message: Message) -> Fields:
    """Query and form body as one; names in lower case, the body's values win."""
    body = (
        message.body[:1].isascii()
        and message.body[:1] not in (b"{", b"[")
        and message.body.decode("utf-8", "replace")
    )
    pairs = []
    for text in (message.query, body or ""):
        pairs += parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace")[:_MOST_FIELDS]
    return {name.lower(): value for name, value in pairs}


def recognise(message: Message, value: object) -> bool:
    """A position, or a device's name with a time."""
    if value is not None:
        return False
    fields = fields_of(message)
    placed = (_one(fields, _LON) is not None and _one(fields, _LAT) is not None) or "location" in fields
    return placed or (("id" in fields or "deviceid" in fields) and _one(fields, _TIME) is not None)


def read(message: Message, _value: object, profile: Profile) -> Report:
    """One fix a request, or a heartbeat when there is no position."""
    fields = fields_of(message)
    client = _client(message, fields, profile)
    lat_text, lon_text = _one(fields, _LAT), _one(fields, _LON)
    if lat_text is None and "location" in fields:
        lat_text, _, lon_text = fields["location"].partition(",")
    at = next((found for name in _TIME if name in fields and (found := instant(fields[name]))), None)
    sos = is_sos(fields.get("alarm"))
    if lat_text is None and lon_text is None and not sos:
        return Report(
            client, heartbeats=(Heartbeat(at, percent(_one(fields, _BATTERY))),), media_type="text/plain"
        )
    return Report(
        client,
        fixes=(
            ParsedFix(
                fixed_at=at,
                lon=number(lon_text),
                lat=number(lat_text),
                accuracy_m=number(_one(fields, _ACCURACY), low=0),
                altitude_m=number(_one(fields, _ALTITUDE)),
                speed_mps=_speed(fields, client, profile),
                heading_deg=heading(_one(fields, _HEADING)),
                battery_pct=percent(_one(fields, _BATTERY)),
                charging=truth(_one(fields, _CHARGING)),
                mock=truth(fields.get("mock", "")) is True,
                sos=sos,
                item=dict(fields),
            ),
        ),
        media_type="text/plain",
    )


def _one(fields: Fields, names: tuple[str, ...]) -> str | None:
    return next((fields[name] for name in names if name in fields), None)


def gives_up(message: Message) -> bool:
    """GPSLogger: four tries of ten seconds each within some minutes, then the position is never sent again."""
    return message.body[:1] not in (b"{", b"[") and _by_habit(message, fields_of(message)) == "gpslogger"


def _client(message: Message, fields: Fields, profile: Profile) -> str:
    """The device's setting, else what the request gives away of its sender."""
    return profile.format if profile.format in CLIENTS else _by_habit(message, fields)


def _by_habit(message: Message, fields: Fields) -> str:
    if not _GPSLOGGER_NAMES.isdisjoint(fields):
        return "gpslogger"
    if "hdop" in fields and (number(fields.get("timestamp")) or 0) > SECONDS_END:
        return "osmand"  # it often goes by the name of its HTTP library, which Traccar's old client shares
    agent = message.headers.get("user-agent", "").lower()
    return next((name for start, name in _AGENTS.items() if agent.startswith(start)), "traccar")


def _speed(fields: Fields, client: str, profile: Profile) -> float | None:
    return speed(fields.get("spd", fields.get("speed")), profile.unit_of(client, CLIENTS[client]))
