"""Colota's own JSON: OwnTracks' names without `_type`, but its speed is m/s."""

from dataclasses import replace

from tracking.formats.owntracks import location_fix
from tracking.formats.report import Message, Profile, Report


def recognise(_message: Message, value: object) -> bool:
    return isinstance(value, dict) and "_type" not in value and {"lat", "lon", "tst"} <= value.keys()


def read(_message: Message, value: object, profile: Profile) -> Report:
    item = value if isinstance(value, dict) else {}
    unit = "mps" if profile.speed_unit == "auto" else profile.speed_unit
    fix = location_fix(item | {"cog": item.get("bear", item.get("cog"))}, replace(profile, speed_unit=unit))
    return Report("colota", fixes=(replace(fix, item=item),))
