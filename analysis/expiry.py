"""What has expired goes together: first what was made of fixes and names whoever they are of, then the fixes themselves."""

from datetime import datetime

from analysis.alerts import forget_alerts
from analysis.coverage.beyond.folder import expire, parquet_folder
from analysis.coverage.views.notes import forget_people
from core.settings import Settings
from tracking.purge import Begin, Purged, purge_expired, retention_of


def drop_expired(
    begin: Begin, now: datetime, settings: Settings, *, waits: bool = True
) -> tuple[Purged | None, int]:
    """What the purge of fixes did (None: another is at work) and how many exported days went. No place of anybody
    outlives the fixes that told it.
    """
    retention = retention_of(settings)
    before = now - retention.fixes
    with begin() as conn:
        forget_alerts(conn, before)
        forget_people(conn, before, settings.zone)
    days = expire(parquet_folder(settings), before=before, zone=settings.zone)
    return purge_expired(begin, now, retention, waits=waits), days
