"""Why a phone may be silent, by what it told last. A guess, and shown as one."""

from collections.abc import Mapping
from typing import Any, Final, Literal

Reason = Literal["battery", "permission", "power_saving", "network", "unknown"]
LOW_BATTERY_PCT: Final = 10
FOREGROUND_ONLY: Final = -2
"""OwnTracks for Android tells its location permission as 0 or -1 (always, precise or coarse), -2 or -3 (only while the
app is open), -4 (none); `ps` power saving, `bo` battery optimisation, `hib` hibernation as 0 or 1."""


def likely_reason(battery_pct: float | None, charging: bool | None, status: object) -> Reason:
    """A missing permission explains a silence whatever else is told; then an empty battery, then power saving. A phone
    that told it was in order and is not heard has no network, as far as one can guess.
    """
    told = status if isinstance(status, Mapping) else {}
    android, ios = _part(told, "android"), _part(told, "iOS")
    if _lacks_permission(android, ios):
        return "permission"
    if battery_pct is not None and battery_pct <= LOW_BATTERY_PCT and not charging:
        return "battery"
    if any(_number(android.get(name)) == 1 for name in ("ps", "bo", "hib")):
        return "power_saving"
    return "network" if android or ios else "unknown"


def _lacks_permission(android: Mapping[str, Any], ios: Mapping[str, Any]) -> bool:
    location = _number(android.get("loc"))
    allowed = ios.get("locationManagerAuthorizationStatus")
    return (location is not None and location <= FOREGROUND_ONLY) or (
        isinstance(allowed, str) and not allowed.endswith("AuthorizedAlways")
    )


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
