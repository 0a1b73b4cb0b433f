"""Coverage handed out: a workbook whose sums are right, rows and shapes that a reader opens, pages with Chinese letters."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from fontTools.ttLib import TTFont
from openpyxl import load_workbook
from sqlalchemy import Connection

from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import find_network_id, read_coverage
from analysis.coverage.measures.duty_time import WorkingHours
from geo.lookup import Lookup
from maps.pages import LANGUAGES, read_words
from people.shifts import Shift, add_shift
from reports.coverage import (
    CoverageReport,
    Reader,
    gather_report,
    write_csv,
    write_geojson,
    write_pdf,
    write_xlsx,
)
from reports.coverage.content import FACTORS
from reports.coverage.drawing import COLOURS, draw_map, rank_of
from reports.coverage.printed import _content, _font_folder, _percent
from reports.words import FOLDER, Words
from tests.analysis.coverage.town import JOB, MORNING, NOW, ON, ZONE, add_fixes, build, survey


@pytest.fixture
def report(conn: Connection) -> CoverageReport:
    """The small city's day: w1 walked a grid, a volunteer serves the other district."""
    person_id = build(conn)
    add_fixes(conn, person_id, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW)
    asked = CoverageAsked(find_network_id(conn, "governance"), None, ON, ON)
    return gather_report(
        conn, asked, network="governance", reader=Reader("boss"), now=NOW, hours=WorkingHours(ZONE)
    )


def test_the_workbook_has_typed_cells_whose_sums_are_the_whole(report: CoverageReport) -> None:
    book = load_workbook(io.BytesIO(write_xlsx(report)))
    assert book.sheetnames == ["覆盖", "未走访", "应访点", "逐日", "口径", "说明"]
    rows = list(book["覆盖"].iter_rows(min_row=2, values_only=True))
    units, total = rows[:-1], rows[-1]
    whole = report.coverage.whole.figures["area"]
    assert sum(row[4] for row in units) == pytest.approx(whole.numerator / 1e4)
    assert sum(row[5] for row in units) == pytest.approx(
        (whole.denominator + whole.not_observed) / 1e4 - sum(row[7] for row in units)
    )
    assert total[4:6] == ("=SUM(E2:E3)", "=SUM(F2:F3)")
    assert units[0][3] == '=IF(F2=0,"",E2/F2)'
    assert isinstance(units[0][4], float)
    heads = [cell.value for cell in book["覆盖"][1]]
    visits = heads.index("走访次数")
    assert [row[visits] for row in units] == [report.coverage.whole.visits, 0]
    assert units[0][visits + 2] == pytest.approx((report.coverage.whole.unvisited_us or 0) / 3.6e9)
    assert total[visits + 2] == '=IF(COUNT(AJ2:AJ3)=0,"",MAX(AJ2:AJ3))'
    assert [row[heads.index("应访完成率") + 1] for row in units] == [0, 0]
    (day,) = book["逐日"].iter_rows(min_row=2, values_only=True)
    assert day[0].date() == ON
    meant = {row[0]: row[5] for row in book["口径"].iter_rows(min_row=2, values_only=True)}
    assert {"area", "streets", "doors", "households", "required"} <= meant.keys()
    assert "不超过 25 米" in meant["doors"]
    assert all("分子" in text and "分母" in text for text in meant.values())
    told = dict(book["说明"].iter_rows(min_row=2, values_only=True))
    assert told["导出人"] == "boss"
    assert "boss" in book["覆盖"].oddFooter.left.text


def test_the_figures_of_every_sheet_add_up_to_those_of_the_door(conn: Connection, tmp_path: Path) -> None:
    """Two days of the small city with streets, doors and sites: what a reader adds up is what the door tells of the whole."""
    worker, before = build(conn), ON - timedelta(days=1)
    survey(conn, tmp_path)
    add_shift(conn, Shift(worker, MORNING - timedelta(days=1), MORNING - timedelta(hours=20)))
    for on, at in ((before, MORNING - timedelta(days=1)), (ON, MORNING)):
        add_fixes(conn, worker, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], at=at)
        compute_day(conn, Lookup(conn), JOB, on=on, now=NOW)
    asked = CoverageAsked(find_network_id(conn, "governance"), None, before, ON)
    report = gather_report(
        conn, asked, network="governance", reader=Reader("boss"), now=NOW, hours=WorkingHours(ZONE)
    )
    door = read_coverage(conn, asked).whole
    book = load_workbook(io.BytesIO(write_xlsx(report)))
    heads = [cell.value for cell in book["覆盖"][1]]
    units = list(book["覆盖"].iter_rows(min_row=2, max_row=book["覆盖"].max_row - 1, values_only=True))
    for key, figure in door.figures.items():
        first, by = heads.index(DEFINITIONS[key].zh), FACTORS[figure.definition.measure][0]
        parts = (figure.numerator, figure.denominator, figure.possible, figure.not_observed)
        for place, whole in enumerate(parts, first + 1):
            assert sum(row[place] for row in units) == pytest.approx(whole / by), (key, heads[place])
        assert figure.denominator, key
    assert sum(row[heads.index("走访次数")] for row in units) == door.visits
    sites = list(book["应访点"].iter_rows(min_row=2, values_only=True))
    assert sum(min(row[4], row[5]) for row in sites) == door.figures["required"].numerator
    assert sum(row[5] for row in sites) == door.figures["required"].denominator
    assert (
        sum(row[6] for row in sites)
        == door.figures["required"].denominator - door.figures["required"].numerator
    )
    days = list(book["逐日"].iter_rows(min_row=2, values_only=True))
    assert [row[0].date() for row in days] == [before, ON]
    assert sum(row[4] for row in days) == pytest.approx(door.figures["area"].numerator / 1e4)
    assert sum(row[5] for row in days) == pytest.approx(door.figures["area"].denominator / 1e4)
    rows = list(csv.DictReader(io.StringIO(write_csv(report).decode("utf-8-sig"), newline="")))
    for key, figure in door.figures.items():
        assert (
            sum(int(row[f"{key}_numerator_{figure.definition.measure}"]) for row in rows) == figure.numerator
        )


def test_the_rows_open_in_a_spreadsheet_and_carry_who_took_them(report: CoverageReport) -> None:
    content = write_csv(report)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["code"] for row in rows] == ["3101", "3102"]
    whole = report.coverage.whole.figures["area"]
    assert sum(int(row["area_numerator_cm2"]) for row in rows) == whole.numerator
    assert {row["exported_by"] for row in rows} == {"boss"}
    assert [(row["spans_editions"], row["days_computed"], row["claimable"]) for row in rows] == [
        ("False", "1", "True")
    ] * 2
    assert (rows[0]["worst_interval_s"], rows[0]["required_denominator_count"]) == ("10.0", "0")
    assert rows[1]["area_share"] == ""  # served by a volunteer alone: never nought


def test_the_shapes_are_the_units_with_the_same_figures(conn: Connection, report: CoverageReport) -> None:
    found = json.loads(write_geojson(conn, report))
    assert found["exported_by"] == "boss"
    assert [one["properties"]["code"] for one in found["features"]] == ["3101", "3102"]
    assert all(shapely.geometry.shape(one["geometry"]).area > 0 for one in found["features"])


def test_the_map_hatches_what_is_not_observed_and_classes_the_rest(
    conn: Connection, report: CoverageReport
) -> None:
    drawn = draw_map(conn, report)
    assert drawn.count("<path d=") == 4  # two districts, the hatching itself, and the bar of scale
    names = [unit.name for unit in report.rows]
    assert [drawn.count(f">{name}</text>") for name in names] == [2, 2], "a light edge, and the name over it"
    assert re.search(r">\d+ k?m</text>", drawn)
    assert drawn.count('fill="url(#none)"') == 1
    assert f'fill="{COLOURS[0]}"' in drawn
    assert [rank_of(share) for share in (0, 0.199, 0.2, 0.5, 0.8, 1)] == [0, 0, 1, 2, 4, 4]


def test_the_printed_report_tells_nothing_to_be_visited_from_nobody_to_be_seen(
    report: CoverageReport,
) -> None:
    """No door is known: a dash; the other district is served by a volunteer alone: not observed."""
    west, east = report.rows
    assert [_percent(unit.figures["doors"], report.words) for unit in (west, east)] == ["–", "–"]
    assert _percent(west.figures["area"], report.words).endswith(" %")
    assert _percent(east.figures["area"], report.words) == "未观测"


def test_the_printed_report_embeds_a_chinese_font(conn: Connection, report: CoverageReport) -> None:
    printed = write_pdf(conn, report)
    assert printed.startswith(b"%PDF-")
    assert b"/FontFile" in printed or b"/ObjStm" in printed
    assert len(printed) > 10_000
    with TTFont(next(iter(sorted(Path(_font_folder().name).glob("*chinese*400*"))))) as font:
        assert {ord(letter) for letter in "巡查覆盖未走访"} <= set(font.getBestCmap())


CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def test_every_text_stands_in_both_languages() -> None:
    both = [read_words(language, FOLDER) for language in LANGUAGES]
    assert both[0].keys() == both[1].keys()
    blanks = [[sorted(re.findall(r"\{(\w+)\}", text)) for text in words.values()] for words in both]
    assert blanks[0] == blanks[1]
    chinese = {key for key, text in both[1].items() if CHINESE.search(text)}
    assert chinese == {"other_name", "other_meaning"}, "the columns that tell the other language"


def test_who_reads_english_gets_all_of_it_in_english(conn: Connection, report: CoverageReport) -> None:
    """The same figures under other words; what is Chinese still is a name."""
    english = replace(report, words=Words("en"))
    names = {
        report.title,
        *(unit.name for unit in report.rows),
        *(stop.leaf.name for stop in report.cold.stops),
    }
    book, in_chinese = (load_workbook(io.BytesIO(write_xlsx(one))) for one in (english, report))
    assert book.sheetnames == [
        "Coverage",
        "Unvisited",
        "Required places",
        "Day by day",
        "Definitions",
        "About",
    ]
    for sheet, other in zip(book.worksheets, in_chinese.worksheets, strict=True):
        cells, others = (list(one.iter_rows(values_only=True)) for one in (sheet, other))
        assert [len(row) for row in cells] == [len(row) for row in others]
        if sheet.title == "Definitions":
            cells = [row[:3] + row[4:6] for row in cells]
        texts = {value for row in cells for value in row if isinstance(value, str)}
        assert not {text for text in texts - names if CHINESE.search(text)}, sheet.title
        numbers = [
            [value for row in one for value in row if isinstance(value, float)] for one in (cells, others)
        ]
        assert numbers[0] == numbers[1]
    assert [row[2] for row in book["Coverage"].iter_rows(min_row=2, max_row=3, values_only=True)] == [
        "District",
        "District",
    ]
    assert in_chinese["覆盖"]["C2"].value == "区县"
    printed = _content(english)
    told = json.dumps(printed, ensure_ascii=False)
    for name in sorted(filter(None, names), key=len, reverse=True):
        told = told.replace(name, "")
    assert not CHINESE.search(told)
    assert printed["rows"][1][1] == "Unobserved"
    assert write_pdf(conn, english).startswith(b"%PDF-")


def test_rows_and_shapes_keep_their_columns_and_say_the_rest_in_the_readers_language(
    conn: Connection, report: CoverageReport
) -> None:
    english = replace(report, words=Words("en"))
    rows = [
        list(csv.DictReader(io.StringIO(write_csv(one).decode("utf-8-sig"), newline="")))
        for one in (report, english)
    ]
    assert rows[0][0].keys() == rows[1][0].keys()
    assert [one[0]["level_name"] for one in rows] == ["区县", "District"]
    assert rows[0][1]["remark"].startswith("只有不接受定位")
    assert "not tracked" in rows[1][1]["remark"]
    assert rows[1][0]["remark"] == ""
    found = json.loads(write_geojson(conn, english))
    assert found["language"] == "en"
    assert found["definitions"]["doors"]["name"] == "Address points passed"
    assert "Denominator" in found["definitions"]["required"]["text"]


def test_the_same_content_is_the_same_file(conn: Connection, report: CoverageReport) -> None:
    """Whenever it is written: what a file tells of its making is the stamp."""
    book = load_workbook(io.BytesIO(first := write_xlsx(report)))
    assert book.properties.modified == NOW.replace(tzinfo=None)
    assert write_xlsx(report) == first
    printed = write_pdf(conn, report)
    assert f"D:{NOW.astimezone(ZONE):%Y%m%d}".encode() in printed or b"/ObjStm" in printed
    assert write_pdf(conn, report) == printed
