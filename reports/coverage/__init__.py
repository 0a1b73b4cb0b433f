"""Coverage handed out: one content, as a workbook, a printed page, rows or shapes; each says who took it and when."""

from reports.coverage.content import CoverageReport, Reader, Stamp, gather_report
from reports.coverage.daily import freeze_daily
from reports.coverage.kinds import KINDS, Kind, write_report
from reports.coverage.past import PastAsked, PastReport, make_past_report
from reports.coverage.plain import write_csv, write_geojson
from reports.coverage.printed import write_pdf
from reports.coverage.workbook import write_xlsx

__all__ = [
    "KINDS",
    "CoverageReport",
    "Kind",
    "PastAsked",
    "PastReport",
    "Reader",
    "Stamp",
    "freeze_daily",
    "gather_report",
    "make_past_report",
    "write_csv",
    "write_geojson",
    "write_pdf",
    "write_report",
    "write_xlsx",
]
