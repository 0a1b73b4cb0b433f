"""The report of a past day, whenever it is asked for: as it was handed out then, else from what stands of the day."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, select

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import CoverageJob
from analysis.coverage.kept.due import first_standing, stale_days
from analysis.coverage.kept.late import refresh_day
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.measures.duty_time import WorkingHours
from core.clock import day_bounds
from core.errors import Invalid, NotFound
from geo.lookup import Lookup
from people.looks import Look, record_look
from reports.coverage.content import Reader, gather_report
from reports.coverage.daily import frozen_path
from reports.coverage.kinds import Kind, write_report


@dataclass(frozen=True)
class PastAsked:
    """Which day's report, as what, for whom. `unit_id` None: of the whole network; `level`: of the units told one by one, None:
    those right below. `folder`: where daily reports are frozen; None: made anew in any case.
    """

    on: date
    kind: Kind
    reader: Reader
    unit_id: UUID | None = None
    level: str | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class PastReport:
    """`frozen`: the file handed out then, whose bytes these are; None: made anew, of figures as of `as_of`. `expired`: the
    fixes behind it are gone.
    """

    content: bytes
    frozen: Path | None
    as_of: datetime | None
    expired: bool


def make_past_report(
    conn: Connection,
    lookup: Lookup,
    job: CoverageJob,
    asked: PastAsked,
    *,
    now: datetime,
    hours: WorkingHours,
) -> PastReport:
    """The day's report, on record as an export. Invalid for a day that is not over; NotFound where nothing is left of it."""
    on, network = asked.on, job.network_code
    if day_bounds(on, job.zone)[1] > now:
        raise Invalid(f"{on} is not over yet: a report is of a past day")
    expired = on < first_standing(now - timedelta(days=job.kept_days), job.zone)
    whole = asked.unit_id is None and asked.level is None
    why = f"coverage {asked.kind} {on}"
    record_look(conn, Look(now, asked.reader.who, "export", why, unit_id=asked.unit_id))
    if asked.folder is not None and whole:
        frozen = frozen_path(asked.folder, network, on, asked.kind, asked.reader.language)
        if frozen.exists():
            return PastReport(frozen.read_bytes(), frozen, None, expired)
    network_id = find_network_id(conn, network)
    if not _stands_computed(conn, network_id, job, on, now):
        if expired:
            raise NotFound(
                f"the fixes of {on} have expired (they are kept for {job.kept_days:g} days), and the day was not computed while "
                "they stood: there is no report of it and none can be made"
            )
        refresh_day(conn, lookup, job, on=on, now=now)
    wanted = CoverageAsked(network_id, asked.unit_id, on, on, asked.level)
    report = gather_report(conn, wanted, network=network, reader=asked.reader, now=now, hours=hours)
    return PastReport(write_report(conn, report, asked.kind), None, report.coverage.as_of, expired)


def _stands_computed(conn: Connection, network_id: int, job: CoverageJob, on: date, now: datetime) -> bool:
    """Whether the day is computed and no fix that may still be reckoned with came since."""
    own = (coverage_day.c.network_id == network_id, coverage_day.c.on == on)
    if conn.scalar(select(coverage_day.c.id).where(*own)) is None:
        return False
    if on < first_standing(now - timedelta(days=job.kept_days), job.zone):
        return True
    return on not in stale_days(conn, network_id, zone=job.zone, now=now, oldest=on)
