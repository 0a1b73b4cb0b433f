"""The daily report: written once for each day and network, and never again; what was handed out stays as it was."""

import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.measures.duty_time import WorkingHours
from people.looks import Look, record_look
from reports.coverage.content import gather_report
from reports.coverage.plain import write_csv
from reports.coverage.printed import write_pdf
from reports.coverage.workbook import write_xlsx

BY = "daily"


def freeze_daily(
    conn: Connection, folder: Path, network: str, on: date, *, now: datetime, hours: WorkingHours
) -> Sequence[Path]:
    """Write the day's report into `folder`/<day>/ where it is not there yet; returns the files written.

    The files are those of a computed day; the record of looks tells that they were made.
    """
    names = {
        kind: folder / on.isoformat() / f"coverage-{network}-{on}.{kind}" for kind in ("xlsx", "pdf", "csv")
    }
    if all(path.exists() for path in names.values()):
        return []
    asked = CoverageAsked(find_network_id(conn, network), None, on, on)
    report = gather_report(conn, asked, network=network, who=BY, now=now, hours=hours)
    contents = {"xlsx": write_xlsx(report), "pdf": write_pdf(conn, report), "csv": write_csv(report)}
    (folder / on.isoformat()).mkdir(parents=True, exist_ok=True)
    written = [path for kind, path in names.items() if _write_once(path, contents[kind])]
    record_look(conn, Look(now, BY, "export", f"coverage daily {on}"))
    return written


def _write_once(path: Path, content: bytes) -> bool:
    """Whole or not at all, and never over what is there."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True
