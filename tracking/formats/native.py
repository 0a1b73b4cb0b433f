"""The project's own format: {"fixes": [{"fixed_at", "lon", "lat", "accuracy_m", …}, …]}."""

from tracking.formats.report import (
    Heartbeat,
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

CLIENTS = {"native": None}


def recognise(_message: Message, value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("fixes"), list)


def read(_message: Message, value: object, _profile: Profile) -> Report:
    """Items with neither lon nor lat are heartbeats, unless they call for help; those that are no objects are kept raw."""
    items = value["fixes"] if isinstance(value, dict) else []
    told = [item for item in items if isinstance(item, dict)]
    positions = [item for item in told if _is_placed(item)]
    if len(positions) == len(items):
        return Report("native", tuple(map(_fix, positions)))
    beats = [item for item in told if not _is_placed(item)]
    return Report(
        "native",
        fixes=tuple(map(_fix, positions)),
        heartbeats=tuple(
            Heartbeat(instant(beat.get("fixed_at")), percent(beat.get("battery_pct"))) for beat in beats
        ),
        others=tuple(Other(None, item) for item in items if not isinstance(item, dict)),
    )


def _is_placed(item: dict[str, object]) -> bool:
    return "lon" in item or "lat" in item or truth(item.get("sos")) is True


def _fix(item: dict[str, object]) -> ParsedFix:
    told = item.get
    return ParsedFix(
        instant(told("fixed_at")),
        number(told("lon")),
        number(told("lat")),
        number(told("accuracy_m"), low=0),
        number(told("altitude_m")),
        number(told("speed_mps"), low=0),
        heading(told("heading_deg")),
        percent(told("battery_pct")),
        truth(told("charging")),
        mock=truth(told("mock")) is True,
        sos=truth(told("sos")) is True,
        item=item,
    )
