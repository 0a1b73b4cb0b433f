"""The daily report: written once for each day and network, and never again; what was handed out stays as it was."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.measures.duty_time import WorkingHours
from maps.pages import LANGUAGES, Language
from people.looks import Look, record_look
from reports.coverage.content import Reader, gather_report
from reports.coverage.kinds import Kind, write_report
from reports.words import Words

BY = "daily"
FROZEN: Final[tuple[Kind, ...]] = ("xlsx", "pdf", "csv")


def freeze_daily(
    conn: Connection, folder: Path, network: str, on: date, *, now: datetime, hours: WorkingHours
) -> Sequence[Path]:
    """Write the day's report into `folder`/<day>/ in every language where it is not there yet; returns the files written.

    The files are those of a computed day; the record of looks tells that they were made. Chinese comes last: where it is
    there, the day was handed out, and figures that are others by now join it in no other language.
    """
    if all(frozen_path(folder, network, on, kind).exists() for kind in FROZEN):
        return []
    asked = CoverageAsked(find_network_id(conn, network), None, on, on)
    report = gather_report(conn, asked, network=network, reader=Reader(BY), now=now, hours=hours)
    (folder / on.isoformat()).mkdir(parents=True, exist_ok=True)
    written = []
    for language in reversed(LANGUAGES):
        told = replace(report, words=Words(language))
        for kind in FROZEN:
            path = frozen_path(folder, network, on, kind, language)
            written += [path] if _write_once(path, write_report(conn, told, kind)) else []
    record_look(conn, Look(now, BY, "export", f"coverage daily {on}"))
    return written


def frozen_path(folder: Path, network: str, on: date, kind: str, language: Language = "zh") -> Path:
    """Where the day's report is, or would be."""
    tail = "" if language == "zh" else f"-{language}"
    return folder / on.isoformat() / f"coverage-{network}-{on}{tail}.{kind}"


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
