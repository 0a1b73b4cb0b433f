"""One-file maps: they open from a disk with the cable out, say what they show, and trust no name."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from analysis.hotspots import Question
from core.errors import NotFound, Unavailable
from geo.lookup import Lookup
from maps.snapshots import frame
from maps.snapshots.frame import as_script_data, tokens
from maps.snapshots.grids import draw_grids
from maps.snapshots.hotspots import draw_hotspots
from maps.snapshots.trails import TrailQuestion, draw_trails
from tests.browser.conftest import NARROW, WIDE
from tests.city import code_at
from tests.maps.conftest import HOSTILE, MORNING, NOW, ZONE, Opened, OpenPage, report_cases, walk
from tracking.trails import TrailRules

DAY = date(2026, 6, 10)
TIP = ".leaflet-tooltip"


def assert_whole(opened: Opened) -> None:
    """No request, no complaint; title, legend, scale, as-of and source are there."""
    page = opened.page
    assert opened.requests == []
    assert opened.complaints == []
    assert page.locator(".legend li").count() > 0
    assert page.locator(".origin").inner_text().count("2026-06-1") == 1
    assert "来源" in page.locator(".origin").inner_text()
    assert page.locator(".leaflet-control-scale-line").inner_text().split()[1] in ("m", "km")
    assert page.locator("h1").is_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def painted(opened: Opened) -> int:
    """How many colours the map's canvases show in all."""
    return int(
        opened.page.evaluate(
            """() => { const seen = new Set(); for (const c of document.querySelectorAll("canvas")) {
                 const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                 for (let i = 0; i < d.length; i += 4 * 7) if (d[i + 3]) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
               } return seen.size; }"""
        )
    )


def test_nothing_in_the_file_points_elsewhere(conn: Connection, lookup: Lookup) -> None:
    text = draw_grids(conn, lookup, "governance", at=NOW, zone=ZONE)
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text) == []
    assert "@import" not in text
    assert set(re.findall(r"url\(([^)]{1,12})", text)) <= {"data:image/p", "#default#VML"}


@pytest.mark.browser
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_grids_open_with_their_levels_and_answer_the_pointer(
    conn: Connection, lookup: Lookup, open_page: OpenPage, size: tuple[int, int]
) -> None:
    opened = open_page(draw_grids(conn, lookup, "governance", at=NOW, zone=ZONE), size)
    assert_whole(opened)
    assert painted(opened) > 5
    if size == NARROW:
        assert not opened.page.locator(".legend").is_visible()
        opened.page.locator("summary").first.click()
    legend = opened.page.locator(".legend").inner_text()
    for words in ("区县 2", "街道 4", "社区 8", "网格 16", "微网格 64", "专属网格 2", "Dedicated grid"):
        assert words in legend
    if size == WIDE:
        opened.page.locator(".table > summary").click()
        assert opened.page.locator("tbody tr").count() == 2 + 4 + 8 + 16 + 64 + 2
        assert code_at(7, 7) in opened.page.locator("tbody").inner_text()


@pytest.mark.browser
def test_a_hostile_name_is_shown_as_it_is_and_does_nothing(
    conn: Connection, lookup: Lookup, open_page: OpenPage
) -> None:
    text = draw_grids(conn, lookup, "governance", at=NOW, zone=ZONE, unit_code=code_at(0, 0, "grid"))
    assert HOSTILE not in text
    assert "{7*7}}" in text  # not taken for a template, neither in the panel nor in the data
    opened = open_page(text)
    assert_whole(opened)
    assert HOSTILE in opened.page.evaluate("document.querySelector('tbody').textContent")
    box = opened.page.locator(".leaflet-container").bounding_box()
    assert box is not None
    opened.page.mouse.move(box["width"] / 2 - 50, box["height"] / 2 + 200)
    opened.page.mouse.move(box["width"] / 2 - 53, box["height"] / 2 + 203)
    opened.page.wait_for_selector(TIP)
    assert HOSTILE in opened.page.locator(TIP).inner_text()
    assert opened.page.title() != "owned"
    assert opened.page.locator("img").count() == 0


@pytest.mark.browser
def test_levels_are_switched_by_keyboard(conn: Connection, lookup: Lookup, open_page: OpenPage) -> None:
    opened = open_page(draw_grids(conn, lookup, "governance", at=NOW, zone=ZONE))
    map_layers = "() => { const m = Object.values(window).find((v) => v instanceof L.Map); let n = 0; m.eachLayer(() => n++); return n; }"
    before = opened.page.evaluate(map_layers)
    boxes = opened.page.locator("input[data-layer]")
    boxes.nth(4).focus()
    opened.page.keyboard.press("Space")
    assert opened.page.evaluate(map_layers) <= before - 64
    opened.page.keyboard.press("Space")
    assert opened.page.evaluate(map_layers) == before


def test_grids_of_a_unit_hold_it_and_what_lies_below(conn: Connection, lookup: Lookup) -> None:
    text = draw_grids(conn, lookup, "governance", at=NOW, zone=ZONE, unit_code=code_at(0, 0, "street"))
    assert code_at(3, 3) in text
    assert code_at(4, 0) not in text
    for network, unit in (("governance", "none"), ("police", code_at(0, 0))):
        with pytest.raises(NotFound, match="has no unit"):
            draw_grids(conn, lookup, network, at=NOW, zone=ZONE, unit_code=unit)


@pytest.mark.browser
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_trail_shows_its_dots_its_stay_and_its_gap(
    conn: Connection, lookup: Lookup, open_page: OpenPage, tmp_path: Path, size: tuple[int, int]
) -> None:
    walk(conn, lookup, tmp_path, code="W1")
    question = TrailQuestion(DAY, "W1", network_code="governance")
    opened = open_page(draw_trails(conn, lookup, question, zone=ZONE, rules=TrailRules(), now=NOW), size)
    assert_whole(opened)
    assert painted(opened) > 5
    text = opened.page.evaluate("document.querySelector('.panel').textContent")
    for words in (
        "定位点",
        "走过的线",
        "不是走过的路",
        "停留 3 分钟以上",
        "240",
        "停留 stay",
        "08:29–09:00",
    ):
        assert words in text, words
    red = tuple(int(tokens()["worker"][at : at + 2], 16) for at in (1, 3, 5))
    found = opened.page.evaluate(
        """(red) => [...document.querySelectorAll("canvas")].some((c) => {
             const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
             for (let i = 0; i < d.length; i += 4)
               if (Math.abs(d[i] - red[0]) + Math.abs(d[i + 1] - red[1]) + Math.abs(d[i + 2] - red[2]) < 9) return true;
             return false; })""",
        list(red),
    )
    assert found


def test_no_line_is_drawn_across_a_gap(conn: Connection, lookup: Lookup, tmp_path: Path) -> None:
    walk(conn, lookup, tmp_path, code="W1")
    text = draw_trails(conn, lookup, TrailQuestion(DAY, "W1"), zone=ZONE, rules=TrailRules(), now=NOW)
    parts = re.findall(r'\{"gap":(true|false),"xy":\[[^]]*\],"at":\[([0-9,]+)\]\}', text)
    lines = [[int(at) for at in ats.split(",")] for gap, ats in parts if gap == "false"]
    assert [(line[0], line[-1]) for line in lines] == [(28800, 28800 + 1790), (28800 + 3600, 28800 + 4190)]
    assert [ats for gap, ats in parts if gap == "true"] == [f"{28800 + 1790},{28800 + 3600}"]


def test_a_day_without_fixes_names_the_newest_day(conn: Connection, lookup: Lookup, tmp_path: Path) -> None:
    walk(conn, lookup, tmp_path, code="W1")
    question = TrailQuestion(date(2026, 6, 9), "全部人员")
    with pytest.raises(
        NotFound, match="no accepted fix on 2026-06-09; the newest day with fixes is 2026-06-10"
    ):
        draw_trails(conn, lookup, question, zone=ZONE, rules=TrailRules(), now=NOW)


@pytest.mark.browser
def test_hotspots_say_what_a_class_means(conn: Connection, lookup: Lookup, open_page: OpenPage) -> None:
    report_cases(conn, lookup)
    question = Question(MORNING - timedelta(days=30), MORNING + timedelta(days=1), network_code="governance")
    text = draw_hotspots(conn, lookup, question, zone=ZONE, now=NOW)
    for size in (WIDE, NARROW):
        opened = open_page(text, size)
        assert_whole(opened)
    page = opened.page.evaluate("document.querySelector('.panel').textContent")
    for words in ("热点（99%）", "冷点（90%）", "预计误报不超过 1%", "案件 188", "188 / 188", "均匀分布"):
        assert words in page, words


def test_data_cannot_leave_its_script_nor_become_a_template() -> None:
    assert as_script_data(["{{7*7}}{% x %}{# y #}", {"a": {"b": 1}}]) == (
        r'["\u007b{7*7}}\u007b% x %}\u007b# y #}",{"a":{"b":1}}]'
    )
    assert as_script_data("</script><!--\u2028") == '"\\u003c/script>\\u003c!--\\u2028"'
    with pytest.raises(ValueError, match="JSON"):
        as_script_data(float("nan"))


def test_a_missing_library_says_how_to_get_it(
    conn: Connection, lookup: Lookup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(frame, "LIBRARIES", tmp_path)
    with pytest.raises(Unavailable, match=r"leaflet.* is not installed; run \./wangge setup"):
        draw_grids(conn, lookup, "governance", at=datetime(2026, 6, 1, tzinfo=ZONE), zone=ZONE)
