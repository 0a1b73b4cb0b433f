"""Time by the working calendar: China's holidays, and the weekend days that are worked for them (调休).

The days are those of the `chinesecalendar` package, which holds the State Council's yearly notices and needs no network. A
year whose notice it does not know has plain weekends, and `is_known` says so.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

from core.errors import Invalid
from core.settings import Settings


@dataclass(frozen=True)
class WorkingHours:
    """From when to when a working day is worked, by the clock of `zone`."""

    zone: ZoneInfo
    begins: time = time(8)
    ends: time = time(18)

    def __post_init__(self) -> None:
        if self.begins >= self.ends:
            raise Invalid(f"working hours end ({self.ends:%H:%M}) before they begin ({self.begins:%H:%M})")


def working_hours_of(settings: Settings) -> WorkingHours:
    return WorkingHours(settings.zone, settings.work_begins, settings.work_ends)


def is_known(on: date) -> bool:
    """Whether the notice of the year is known."""
    try:
        chinese_calendar.is_workday(on)
    except NotImplementedError:
        return False
    return True


def is_working_day(on: date) -> bool:
    """Whether it is worked: a weekday that is no holiday, or a weekend day worked for one."""
    return bool(chinese_calendar.is_workday(on)) if is_known(on) else on.weekday() < 5


def holiday_names(on: date) -> tuple[str, str] | None:
    """The holiday's names in Chinese and English; None on any other day."""
    if not is_known(on) or not chinese_calendar.is_holiday(on):
        return None
    name = chinese_calendar.get_holiday_detail(on)[1]
    return None if name is None else (str(chinese_calendar.Holiday(name).chinese), str(name))


def duty_time(since: datetime, until: datetime, hours: WorkingHours) -> timedelta:
    """How much of the time between two aware instants lies in working hours; zero where until ≤ since."""
    total = timedelta(0)
    on, last = since.astimezone(hours.zone).date(), until.astimezone(hours.zone).date()
    while on <= last and since < until:
        if is_working_day(on):
            begins = datetime.combine(on, hours.begins, hours.zone)
            ends = datetime.combine(on, hours.ends, hours.zone)
            total += max(min(ends, until) - max(begins, since), timedelta(0))
        on += timedelta(days=1)
    return total
