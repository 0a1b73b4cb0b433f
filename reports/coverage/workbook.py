"""The report as a workbook: typed cells, shares as formulas of the cells beside them, the definitions on a sheet."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.kept.writing import UNIT_FIGURES
from analysis.coverage.measures.meanings import explain
from reports.coverage.content import COUNTED, FACTORS, CoverageReport, age_of, counted, told

_HEAD = PatternFill("solid", fgColor="EEF2F6")
_BOLD = Font(bold=True)
_FIGURES = (*UNIT_FIGURES, "required")


def write_xlsx(report: CoverageReport) -> bytes:
    """Sheets: figures with their sum, what was not visited, required places, the days, the definitions, and what the file is."""
    book, say = Workbook(), report.words
    book.remove(book.worksheets[0])
    _figures(book.create_sheet(say("sheet.coverage")), report)
    _cold(book.create_sheet(say("sheet.cold")), report)
    _sites(book.create_sheet(say("sheet.sites")), report)
    _days(book.create_sheet(say("sheet.days")), report)
    _definitions(book.create_sheet(say("sheet.definitions")), report)
    _about(book.create_sheet(say("sheet.about")), report)
    for each in book.worksheets:
        _set_up(each, report)
    return _packed(book, report)


def _packed(book: Workbook, report: CoverageReport) -> bytes:
    """The same content is the same file: made when the stamp says, not when it is written."""
    book.properties.creator = report.stamp.who
    book.properties.created = book.properties.modified = report.stamp.made_at.astimezone(UTC)
    written, out = BytesIO(), BytesIO()
    with ZipFile(written, "w") as archive:
        ExcelWriter(book, archive).save()
    with ZipFile(written) as parts, ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            archive.writestr(ZipInfo(name), parts.read(name), ZIP_DEFLATED)
    return out.getvalue()


def _set_up(sheet: Any, report: CoverageReport) -> None:
    """As it is printed: the stamp at the foot, wide, all columns on a page."""
    sheet.freeze_panes = "A2"
    sheet.oddFooter.left.text = f"{report.stamp.text} · {report.title} · {report.period}"
    sheet.oddFooter.right.text = "&P / &N"
    sheet.page_setup.orientation = "landscape"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToHeight = 0


def _figures(sheet: Any, report: CoverageReport) -> None:
    say = report.words
    heads = [say("code"), say("name"), say("level")]
    for key in _FIGURES:
        one = DEFINITIONS[key]
        measure = FACTORS[one.measure][1]
        counts = [say(key, measure=measure).strip() for key in ("done", "due")]
        heads += [say.name_of(one), *counts, say("possible"), say("unobserved")]
    last = ("not_claimable", "coldest_at", "never_units")
    _head(sheet, [*heads, *(say(key) for key in (*COUNTED, *last))])
    for unit in report.rows:
        row = sheet.max_row + 1
        cells: list[Any] = [unit.code, unit.name, say.level_of(report.network, unit.level)]
        for place, key in enumerate(_FIGURES):
            figure = unit.figures[key]
            parts = (figure.numerator, figure.denominator, figure.possible, figure.not_observed)
            cells += [_share(4 + 5 * place, row), *(told(part, figure) for part in parts)]
        age = age_of(report, unit)
        cells += [*counted(unit), unit.not_claimable_days]
        cells += [_clock(report, age.last_at) if age and age.last_at else None, age.never if age else None]
        sheet.append(cells)
    _sum(sheet, say("sum"))
    _dress(sheet)


def _share(column: int, row: int) -> str:
    """The share as a formula of the two cells right of it; empty where nothing was to be visited."""
    part, whole = (f"{get_column_letter(column + n)}{row}" for n in (1, 2))
    return f'=IF({whole}=0,"",{part}/{whole})'


def _sum(sheet: Any, name: str) -> None:
    """The whole as the sum of its parts, by formula."""
    last = sheet.max_row
    cells: list[Any] = [name, None, None]
    for place in range(len(_FIGURES)):
        first = 4 + 5 * place
        letters = [get_column_letter(first + n) for n in range(1, 5)]
        cells += [_share(first, last + 1), *(f"=SUM({letter}2:{letter}{last})" for letter in letters)]
    visits, hours, longest, unsure = (get_column_letter(len(cells) + n) for n in range(1, 5))
    totals = ((visits, "SUM"), (hours, "SUM"), (longest, "MAX"), (unsure, "SUM"))
    cells += [f'=IF(COUNT({at}2:{at}{last})=0,"",{total}({at}2:{at}{last}))' for at, total in totals]
    sheet.append(cells)
    for cell in sheet[sheet.max_row]:
        cell.font = _BOLD


def _dress(sheet: Any) -> None:
    for place in range(len(_FIGURES)):
        first = 4 + 5 * place
        for row in sheet.iter_rows(min_row=2, min_col=first, max_col=first + 4):
            row[0].number_format = "0.0%"
            for cell in row[1:]:
                cell.number_format = "#,##0"
    first = 4 + 5 * len(_FIGURES)
    for row in sheet.iter_rows(min_row=2, min_col=first + 1, max_col=first + 2):
        for cell in row:
            cell.number_format = "#,##0.0"
    for (cell,) in sheet.iter_rows(min_row=2, min_col=sheet.max_column - 1, max_col=sheet.max_column - 1):
        cell.number_format = "yyyy-mm-dd hh:mm"
    _widen(sheet)


def _cold(sheet: Any, report: CoverageReport) -> None:
    say = report.words
    heads = ("order", "code", "name", "head.last", "days_ago", "duty_hours_ago", "head.households")
    _head(sheet, [say(key) for key in (*heads, "area_m2", "streets_m", "lon", "lat")])
    steps = {row: step + 1 for step, row in enumerate(report.cold.round_)}
    for row, stop in enumerate(report.cold.stops):
        leaf = stop.leaf
        sheet.append(
            [
                steps.get(row),
                leaf.code,
                leaf.name,
                _clock(report, leaf.last_at) if leaf.last_at else say("never"),
                None if stop.age is None else stop.age.total_seconds() / 86400,
                None if stop.duty_age is None else stop.duty_age.total_seconds() / 3600,
                leaf.households,
                leaf.area_cm2 / 1e4,
                leaf.street_mm / 1e3,
                round(stop.lon, 7),
                round(stop.lat, 7),
            ]
        )
        for column in (5, 6):
            sheet.cell(sheet.max_row, column).number_format = "0.0"
        sheet.cell(sheet.max_row, 4).number_format = "yyyy-mm-dd hh:mm"
    _widen(sheet)


def _days(sheet: Any, report: CoverageReport) -> None:
    say = report.words
    heads = [say("done", measure="m²"), say("due", measure="m²"), say("edition_changed")]
    _head(
        sheet,
        [say("day"), say("working_day"), say("holiday"), say.name_of(DEFINITIONS["area"]), *heads],
    )
    for day in report.days:
        row = sheet.max_row + 1
        area = day.area
        parts = [told(area.numerator, area), told(area.denominator, area)] if area else [None, None]
        share = f'=IF(F{row}=0,"",E{row}/F{row})' if area else say("not_computed")
        holiday = None if day.holiday is None else day.holiday[say.language == "en"]
        sheet.append([day.on, day.is_working, holiday, share, *parts, day.edition_changed])
        sheet.cell(row, 1).number_format = "yyyy-mm-dd"
        sheet.cell(row, 4).number_format = "0.0%"
        for column in (5, 6):
            sheet.cell(row, column).number_format = "#,##0"
    _widen(sheet)


def _sites(sheet: Any, report: CoverageReport) -> None:
    """Required places one by one; hours as numbers, instants as instants."""
    say = report.words
    heads = ("code", "name", "unit_code", "head.unit", "made", "required", "missing", "short", "presence_h")
    _head(sheet, [say(key) for key in (*heads, "head.last", "longest_h", "lon", "lat")])
    for one in report.sites:
        where = [one.code, one.name, one.unit_code, one.unit_name]
        counted: list[Any] = [one.visits, one.required, one.missing, one.short_visits]
        last = _clock(report, one.last_at) if one.last_at else say("never")
        longest = None if one.unvisited_us is None else one.unvisited_us / 3.6e9
        if not one.observed:
            counted, longest = [say("unobserved"), None, None, None], None
        sheet.append([*where, *counted, one.dwell_us / 3.6e9, last, longest, one.lon, one.lat])
        sheet.cell(sheet.max_row, 10).number_format = "yyyy-mm-dd hh:mm"
        for column in (9, 11):
            sheet.cell(sheet.max_row, column).number_format = "0.0"
    _widen(sheet)


def _definitions(sheet: Any, report: CoverageReport) -> None:
    """Each with its text by the limits the last day of the period was computed by, in the reader's language first."""
    say, meanings = report.words, explain(report.coverage.rules)
    heads = ("sheet.definitions", "version", "name", "other_name", "measure", "meaning", "other_meaning")
    _head(sheet, [say(key) for key in heads])
    for one in DEFINITIONS.values():
        told_of = meanings[one.id]
        measure = FACTORS[one.measure][1] or say("pieces")
        own, other = ((words.name_of(one), words.text_of(told_of)) for words in (say, say.other))
        sheet.append([one.id, one.version, own[0], other[0], measure, own[1], other[1]])
        for column in (6, 7):
            sheet.cell(sheet.max_row, column).alignment = Alignment(wrap_text=True, vertical="top")
    _widen(sheet)
    for letter in ("F", "G"):
        sheet.column_dimensions[letter].width = 90


def _about(sheet: Any, report: CoverageReport) -> None:
    say, found = report.words, report.coverage
    _head(sheet, [say("item"), say("content")])
    told_of = {
        "about.of": report.title,
        "about.network": report.network.code,
        "about.period": report.period,
        "about.days": len(found.days),
        "about.as_of": _clock(report, found.as_of),
        "about.resolution": found.resolution,
        "about.interval": found.interval_s,
        "about.claimable": say("claimable" if found.claimable else "not_claimable.why"),
        "about.spans": say("spans.how" if found.spans_editions else "no"),
        "unobserved": say("unobserved.text"),
        "about.who": report.stamp.who,
        "about.made_at": report.stamp.made_at.replace(tzinfo=None),
    }
    for key, value in told_of.items():
        sheet.append([say(key), value])
    _widen(sheet)


def _head(sheet: Any, names: list[str]) -> None:
    sheet.append(names)
    for cell in sheet[1]:
        cell.font, cell.fill = _BOLD, _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="top")


def _widen(sheet: Any) -> None:
    for column in range(1, sheet.max_column + 1):
        longest = max((_width(cell.value) for cell in sheet[get_column_letter(column)]), default=0)
        sheet.column_dimensions[get_column_letter(column)].width = min(max(longest + 2, 9), 48)


def _width(value: object) -> int:
    """Chinese characters are two wide; a formula is as wide as a number."""
    if value is None or (isinstance(value, str) and value.startswith("=")):
        return 8
    if isinstance(value, datetime):
        return 16
    return sum(1 if ord(letter) < 0x2E80 else 2 for letter in str(value))


def _clock(report: CoverageReport, instant: datetime) -> datetime:
    """Workbooks know no zones: the city's clock."""
    return instant.astimezone(report.stamp.made_at.tzinfo).replace(tzinfo=None)
