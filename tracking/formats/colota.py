"""Colota's own JSON: OwnTracks' names without `_type`, but its speed is m/s."""

from tracking.formats.owntracks import location_fix
from tracking.formats.report import Message, Profile, Report

CLIENTS = {"colota": "mps"}


def recognise(_message: Message, value: object) -> bool:
    return isinstance(value, dict) and "_type" not in value and {"lat", "lon", "tst"} <= value.keys()


def read(_message: Message, value: object, profile: Profile) -> Report:
    item = value if isinstance(value, dict) else {}
    fix = location_fix(item | {"cog": item.get("bear", item.get("cog"))}, profile.unit_of("colota", "mps"))
    return Report("colota", fixes=(fix._replace(item=item),))
