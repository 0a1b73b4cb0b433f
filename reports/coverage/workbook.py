"""The report as a workbook: typed cells, shares as formulas of the cells beside them, the definitions on a sheet."""

from datetime import datetime
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.kept.writing import UNIT_FIGURES
from analysis.coverage.measures.meanings import explain
from reports.coverage.content import COUNTED, FACTORS, CoverageReport, age_of, counted, told

_HEAD = PatternFill("solid", fgColor="EEF2F6")
_BOLD = Font(bold=True)
_FIGURES = (*UNIT_FIGURES, "required")


def write_xlsx(report: CoverageReport) -> bytes:
    """Sheets: figures with their sum, what was not visited, required places, the days, the definitions, and what the file is."""
    book = Workbook()
    book.remove(book.worksheets[0])
    _figures(book.create_sheet("覆盖"), report)
    _cold(book.create_sheet("未走访"), report)
    _sites(book.create_sheet("应访点"), report)
    _days(book.create_sheet("逐日"), report)
    _definitions(book.create_sheet("口径"), report)
    _about(book.create_sheet("说明"), report)
    for each in book.worksheets:
        _set_up(each, report)
    out = BytesIO()
    book.save(out)
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
    heads = ["代码", "名称", "层级"]
    for key in _FIGURES:
        one = DEFINITIONS[key]
        measure = FACTORS[one.measure][1]
        heads += [f"{one.zh}", f"已走 {measure}".strip(), f"应走 {measure}".strip(), "可能", "未观测"]
    _head(sheet, [*heads, *COUNTED, "不能下结论的单元日", "最久未走访的单元上次走访", "从未走访的单元"])
    for unit in report.rows:
        row = sheet.max_row + 1
        cells: list[Any] = [unit.code, unit.name, unit.level]
        for place, key in enumerate(_FIGURES):
            figure = unit.figures[key]
            parts = (figure.numerator, figure.denominator, figure.possible, figure.not_observed)
            cells += [_share(4 + 5 * place, row), *(told(part, figure) for part in parts)]
        age = age_of(report, unit)
        cells += [*counted(unit), unit.not_claimable_days]
        cells += [_clock(report, age.last_at) if age and age.last_at else None, age.never if age else None]
        sheet.append(cells)
    _sum(sheet)
    _dress(sheet)


def _share(column: int, row: int) -> str:
    """The share as a formula of the two cells right of it; empty where nothing was to be visited."""
    part, whole = (f"{get_column_letter(column + n)}{row}" for n in (1, 2))
    return f'=IF({whole}=0,"",{part}/{whole})'


def _sum(sheet: Any) -> None:
    """The whole as the sum of its parts, by formula."""
    last = sheet.max_row
    cells: list[Any] = ["合计", None, None]
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
    _head(
        sheet,
        [
            "建议顺序",
            "代码",
            "名称",
            "上次走访",
            "距今天数",
            "其中工作小时",
            "户数",
            "面积 m²",
            "道路 m",
            "经度",
            "纬度",
        ],
    )
    steps = {row: step + 1 for step, row in enumerate(report.cold.round_)}
    for row, stop in enumerate(report.cold.stops):
        leaf = stop.leaf
        sheet.append(
            [
                steps.get(row),
                leaf.code,
                leaf.name,
                _clock(report, leaf.last_at) if leaf.last_at else "从未",
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
    _head(sheet, ["日期", "工作日", "节假日", "面积覆盖率", "已走 m²", "应走 m²", "当天换过版"])
    for day in report.days:
        row = sheet.max_row + 1
        area = day.area
        parts = [told(area.numerator, area), told(area.denominator, area)] if area else [None, None]
        share = f'=IF(F{row}=0,"",E{row}/F{row})' if area else "未计算"
        sheet.append([day.on, day.is_working, day.holiday, share, *parts, day.edition_changed])
        sheet.cell(row, 1).number_format = "yyyy-mm-dd"
        sheet.cell(row, 4).number_format = "0.0%"
        for column in (5, 6):
            sheet.cell(row, column).number_format = "#,##0"
    _widen(sheet)


def _sites(sheet: Any, report: CoverageReport) -> None:
    """Required places one by one; hours as numbers, instants as instants."""
    heads = ["代码", "名称", "单元代码", "单元", "已访", "应访", "还差", "时间不足"]
    _head(sheet, [*heads, "在场时间 h", "上次走访", "期内最长无人走访 h", "经度", "纬度"])
    for one in report.sites:
        where = [one.code, one.name, one.unit_code, one.unit_name]
        counted: list[Any] = [one.visits, one.required, one.missing, one.short_visits]
        last = _clock(report, one.last_at) if one.last_at else "从未"
        longest = None if one.unvisited_us is None else one.unvisited_us / 3.6e9
        if not one.observed:
            counted, longest = ["未观测", None, None, None], None
        sheet.append([*where, *counted, one.dwell_us / 3.6e9, last, longest, one.lon, one.lat])
        sheet.cell(sheet.max_row, 10).number_format = "yyyy-mm-dd hh:mm"
        for column in (9, 11):
            sheet.cell(sheet.max_row, column).number_format = "0.0"
    _widen(sheet)


def _definitions(sheet: Any, report: CoverageReport) -> None:
    """Each with its text by the limits the last day of the period was computed by."""
    _head(sheet, ["口径", "版本", "名称", "English", "计量", "含义（分子、分母、限值）", "Meaning"])
    meanings = explain(report.coverage.rules)
    for one in DEFINITIONS.values():
        told_of = meanings[one.id]
        measure = FACTORS[one.measure][1] or "个"
        sheet.append([one.id, one.version, one.zh, one.en, measure, told_of.zh, told_of.en])
        for column in (6, 7):
            sheet.cell(sheet.max_row, column).alignment = Alignment(wrap_text=True, vertical="top")
    _widen(sheet)
    for letter in ("F", "G"):
        sheet.column_dimensions[letter].width = 90


def _about(sheet: Any, report: CoverageReport) -> None:
    _head(sheet, ["项目", "内容"])
    found = report.coverage
    rows: list[tuple[str, Any]] = [
        ("范围", report.title),
        ("网", report.network),
        ("期间", report.period),
        ("已计算的天数", len(found.days)),
        ("数据截至", _clock(report, found.as_of)),
        ("格子分辨率 (H3)", found.resolution),
        ("定位间隔中位数（秒）", found.interval_s),
        ("能否据此下结论", "能" if found.claimable else "不能：定位间隔或精度不足以支持这样小的格子"),
        ("期间换过版", "是：逐日按当天边界计算后相加" if found.spans_editions else "否"),
        ("未观测", "只有不接受定位的人员服务的单元不计入分母，也不算作零"),
        ("导出人", report.stamp.who),
        ("导出时间", report.stamp.made_at.replace(tzinfo=None)),
    ]
    for row in rows:
        sheet.append(row)
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
