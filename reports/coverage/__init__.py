"""Coverage handed out: one content, as a workbook, a printed page, rows or shapes; each says who took it and when."""

from reports.coverage.content import CoverageReport, Reader, Stamp, gather_report
from reports.coverage.daily import freeze_daily
from reports.coverage.plain import write_csv, write_geojson
from reports.coverage.printed import write_pdf
from reports.coverage.workbook import write_xlsx

__all__ = [
    "CoverageReport",
    "Reader",
    "Stamp",
    "freeze_daily",
    "gather_report",
    "write_csv",
    "write_geojson",
    "write_pdf",
    "write_xlsx",
]
