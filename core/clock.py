"""Time: aware UTC inside, the city's zone for people and days. Domain functions take `now` as a value."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import Invalid


def utc_now() -> datetime:
    """The present instant, aware, UTC. Called at the entry points only."""
    return datetime.now(UTC)


def read_instant(text: str, *, zone: ZoneInfo | None = None) -> datetime:
    """An ISO 8601 instant as aware UTC; one without an offset is read in `zone`, or refused when that is None."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(f"“{text}” is no instant: write it as 2026-06-10T08:00:00+08:00") from error
    if value.tzinfo is None:
        if zone is None:
            raise Invalid(f"“{text}” has no offset from UTC: write it as {text.strip()}+08:00")
        value = value.replace(tzinfo=zone)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise Invalid(f"“{text}” is out of range") from error


def day_bounds(on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """First instant of the civil day and of the next one, as aware UTC; Invalid at the ends of the calendar."""
    try:
        start = datetime.combine(on, time(), zone)
        return start.astimezone(UTC), datetime.combine(on + timedelta(days=1), time(), zone).astimezone(UTC)
    except OverflowError as error:
        raise Invalid(f"“{on}” is out of range") from error


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The civil day an instant belongs to; Invalid at the ends of the calendar."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError as error:
        raise Invalid(f"“{instant.isoformat()}” is out of range") from error
