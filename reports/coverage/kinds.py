"""What a report can be written as."""

from typing import Final, Literal, get_args

from sqlalchemy import Connection

from reports.coverage.content import CoverageReport
from reports.coverage.plain import write_csv, write_geojson
from reports.coverage.printed import write_pdf
from reports.coverage.workbook import write_xlsx

Kind = Literal["xlsx", "pdf", "csv", "geojson"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def write_report(conn: Connection, report: CoverageReport, kind: Kind) -> bytes:
    """The file's content."""
    if kind == "xlsx":
        return write_xlsx(report)
    if kind == "csv":
        return write_csv(report)
    return write_pdf(conn, report) if kind == "pdf" else write_geojson(conn, report)
