"""When a network is at work: what its rules say, or office hours from Monday to Friday.

{"working_time": {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "17:00", "off": ["2026-10-01"]}}; 1 is Monday, `off` are
days of rest, `to` before `from` lasts past midnight and counts to the day it began.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

OFFICE_HOURS: Final[Mapping[str, Any]] = {"days": (1, 2, 3, 4, 5), "from": "09:00", "to": "17:00"}


def is_at_work(rules: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> bool:
    """Whether a network with these rules is at work now. What cannot be read counts as not told."""
    told = rules.get("working_time")
    given = told if isinstance(told, Mapping) else {}
    begins, ends = _time(given, "from"), _time(given, "to")
    here = now.astimezone(zone)
    if begins < ends:
        return begins <= here.time() < ends and _is_working_day(given, here)
    if here.time() >= begins:
        return _is_working_day(given, here)
    return here.time() < ends and _is_working_day(given, here - timedelta(days=1))


def _is_working_day(given: Mapping[str, Any], day: datetime) -> bool:
    days, off = given.get("days"), given.get("off")
    wanted = days if isinstance(days, Sequence) else OFFICE_HOURS["days"]
    return day.isoweekday() in wanted and not (isinstance(off, Sequence) and day.date().isoformat() in off)


def _time(given: Mapping[str, Any], name: str) -> time:
    try:
        return time.fromisoformat(str(given[name]))
    except (KeyError, ValueError):
        return time.fromisoformat(OFFICE_HOURS[name])
