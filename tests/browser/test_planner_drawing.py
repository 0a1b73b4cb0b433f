"""How a planner draws in a real browser, judged by what is stored: traced, snapped, typed, and by arrow keys; on the page in English."""

from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from geo.walkable.tables import street
from tests.browser.conftest import Visit, Visits, until
from tests.browser.planning import (
    Ground,
    asking,
    expect_said,
    is_still,
    pixel,
    planned_city,
    tab_to,
    type_place,
)
from tests.city import FOUNDED, SOUTH, STEP, WEST, code_at

pytestmark = pytest.mark.browser
CHINESE = """() => {
    const words = [];
    const note = (text) => /[\\u4e00-\\u9fff]/.test(text ?? "") && words.push(text.trim());
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) note(walk.currentNode.textContent);
    for (const each of document.querySelectorAll("[title], [aria-label], [placeholder], [aria-description]")) {
        for (const name of ["title", "aria-label", "placeholder", "aria-description"]) note(each.getAttribute(name));
    }
    return [...new Set(words)];
}"""
OF_THE_CITY = ("综治网格", "警格", "3101", "3102", "实验小学", "东门市场", "中文")
"""Names that people gave, and the way to the page in Chinese."""


@pytest.fixture
def ground(server_url: str, template_name: str) -> Iterator[Ground]:
    with planned_city(server_url, template_name) as made:
        with made.engine.begin() as conn:
            line = f"SRID=4326;MULTILINESTRING(({lon(0.5)} {lat(2.8)},{lon(0.5)} {lat(4.2)}))"
            row = {"source": "test", "code": "1", "name": "路", "kind": "residential", "digest": "1"}
            since = f"[{FOUNDED:%Y-%m-%d},)"
            conn.execute(insert(street).values(**row, valid=since, geom=line))
        yield made


def lon(column: float) -> float:
    return round(WEST + STEP * column, 7)


def lat(row: float) -> float:
    return round(SOUTH + STEP * row, 7)


def stored(ground: Ground, plan: int) -> dict[str, list[tuple[float, float]]]:
    """Code, and name → the corners of the unit as the plan has them stored, by columns and rows."""
    drawing = asking(ground)("planner", "GET", f"/v1/plans/{plan}/drawing")
    return {
        each["properties"][key]: corners(each["geometry"])
        for each in drawing["features"]
        for key in ("code", "name")
    }


def corners(geometry: dict[str, Any]) -> list[tuple[float, float]]:
    places = shapely.get_coordinates(shapely.geometry.shape(geometry))
    return [(round((x - WEST) / STEP, 4), round((y - SOUTH) / STEP, 4)) for x, y in places]


def click(page: Page, *places: tuple[float, float]) -> None:
    """One after another; the last one ends the line."""
    for place in places[:-1]:
        page.mouse.click(*pixel(page, *place))
        page.wait_for_timeout(300)  # two clicks at once are one double click, wherever they are
    page.mouse.dblclick(*pixel(page, *places[-1]))


def open_plan_beside_another(ground: Ground, window: Visit) -> int:
    """Of one street, for which another plan is open."""
    ask = asking(ground)
    street_id = ask("planner", "GET", "/v1/units/310101?level=street")["id"]
    assert ask("planner", "POST", "/v1/plans", {"name": "West side", "unit_id": street_id})["ok"]
    page = window.open("/planner?lang=en")
    page.fill('#open-plan input[name="name"]', "Old town")
    page.fill("#open-plan .finder input", "310101")
    page.keyboard.press("Enter")
    expect(page.locator('#open-plan input[name="unit"]')).not_to_have_value("")
    page.click("#open-plan button.main")
    expect(page.locator("#plan-head .warning")).to_contain_text("1 besides this one: West side (planner)")
    until(lambda: is_still(page))
    expect_drawn_streets(page, window)
    return int(page.evaluate("new URLSearchParams(location.search).get('plan')"))


def expect_drawn_streets(page: Page, window: Visit) -> None:
    until(lambda: bool(window.module("planner/ground.js", "m.streets.getSource().getFeatures().length")))


def move_a_vertex(ground: Ground, page: Page, plan: int) -> None:
    """By arrow keys, then to typed coordinates: the four units around it have it alike."""
    around = [code_at(*each) for each in ((1, 1), (2, 1), (1, 2), (2, 2))]
    page.keyboard.press("5")
    type_place(page, 2, 2)
    expect_said(page, "Vertex taken")
    tab_to(page, "#map")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect_said(page, "units changed 4")
    units = stored(ground, plan)
    (moved,) = set.intersection(*(set(units[code]) for code in around))
    assert (2, 2) not in {place for code in around for place in units[code]}
    a_pixel = (pixel(page, 3, 3)[0] - pixel(page, 2, 3)[0]) ** -1
    assert moved == pytest.approx((2 + 32 * a_pixel, 2 - a_pixel), abs=1.6 * a_pixel)
    type_place(page, *moved)
    expect_said(page, "Vertex taken")
    type_place(page, 2.2, 2.2)
    page.click("#pen-done")
    until(lambda: all((2.2, 2.2) in stored(ground, plan)[code] for code in around))
    assert moved not in stored(ground, plan)[around[0]]


def trace(ground: Ground, page: Page, plan: int) -> None:
    """A dedicated grid whose border follows one that is there, around the vertex that was moved."""
    page.keyboard.press("6")
    page.fill('#dedicated-form input[name="name"]', "Market hall")
    page.click("#trace")
    page.mouse.click(*pixel(page, 1.6, 2.1))
    for place in ((1.9, 2.15), (2.19, 2.19), (2.15, 1.9)):
        page.mouse.move(*pixel(page, *place), steps=3)
    page.wait_for_timeout(300)
    page.mouse.click(*pixel(page, 2.1, 1.6))
    page.click("#trace")
    click(page, (1.6, 1.6))
    expect_said(page, "New dedicated grid")
    hall = stored(ground, plan)["Market hall"]
    assert (2.2, 2.2) in hall
    near = [
        min(abs(y - 1 - 1 - (x - 1) / 6) for x, y in hall if x < 1.9 and y > 1.9),
        min(abs(x - 2 - (y - 1) / 6) for x, y in hall if y < 1.9 and x > 1.9),
    ]
    assert max(near) < 1e-3


def snap(ground: Ground, page: Page, plan: int) -> None:
    """To the parent's outline, a street and a border; then, switched off, to nothing."""
    corner = code_at(0, 3)
    page.keyboard.press("2")
    click(page, (0.3, 3.97), (0.54, 3.5), (0.3, 3.03))
    expect_said(page, "Split by a line: units changed 2")
    places = stored(ground, plan)[corner]
    assert min(abs(x - 0.5) for x, y in places if 3.4 < y < 3.6) < 1e-3
    assert {y for x, y in places if 0.2 < x < 0.4} == {3, 4}
    page.click("#undo")
    expect_said(page, "is undone")
    page.click("#snap")
    type_place(page, 0.3, 3)
    page.mouse.click(*pixel(page, 0.54, 3.5))
    type_place(page, 0.3, 4)
    page.click("#pen-done")
    expect_said(page, "Split by a line: units changed 2")
    assert [x for x, y in stored(ground, plan)[corner] if 3.4 < y < 3.6] == [pytest.approx(0.54, abs=0.02)]
    page.click("#snap")
    page.keyboard.press("3")
    click(page, (3.03, 3.97), (3.2, 3.5), (3.03, 3.03))
    expect_said(page, "Shift a border: units changed 2")
    for code in (code_at(2, 3), code_at(3, 3)):
        assert {(x, y) for x, y in stored(ground, plan)[code] if 2.9 < x < 3.1} == {(3, 3), (3, 4)}


def expect_english(page: Page) -> None:
    """On every tab, with findings, with a unit chosen, and in the history."""
    page.keyboard.press("2")
    page.click("#pen-done")
    expect(page.locator("#trouble")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator("#trouble")).to_be_hidden()  # what was refused is no more of interest
    page.click("#tab-findings")
    page.click("#check-whole")
    expect(page.locator(".findings li").first).to_be_visible()
    for way in ("#tab-findings", "#tab-units", "#tab-log", "#tab-handover", "#tab-steps", "#view-history"):
        page.click(way)
        if way == "#tab-units":
            page.locator("#tab-body tbody tr button").first.click()
            expect(page.locator("#chosen [data-op]").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        left = [each for each in page.evaluate(CHINESE) if not any(name in each for name in OF_THE_CITY)]
        assert left == [], way


def test_lines_are_traced_snapped_typed_and_moved_by_keys_on_the_page_in_english(
    ground: Ground, visit: Visits
) -> None:
    window = visit("planner", place=ground, language="en-GB")
    plan = open_plan_beside_another(ground, window)
    page = window.page
    page.evaluate("document.activeElement.blur()")
    move_a_vertex(ground, page, plan)
    trace(ground, page, plan)
    snap(ground, page, plan)
    expect_english(page)
    assert window.find_serious() == []
