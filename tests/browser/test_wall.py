"""The wall in a real browser: dots move, a click drills, Back returns, the keyboard alone does it all."""

import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from tests.browser.city import City
from tests.browser.conftest import NARROW, WIDE, Hire, Visit, Visits, at_rest, open_wall, until
from tests.city import centre, code_at

pytestmark = pytest.mark.browser

DISTRICT = code_at(0, 0, "district")
STREET = code_at(0, 0, "street")
WRITE_DOWN = """code => import("/static/map/dots.js").then(dots => {
  window.seen = [];
  const look = () => {
    seen.push(dots.drawnDots().find(one => one.code === code).x);
    requestAnimationFrame(look);
  };
  look();
})"""
"""Where a person's dot stands on the screen, frame by frame, in `seen`."""
ARRIVED = "[...m.held.values()].every(item => !item.to || performance.now() > item.until)"


def dot(window: Visit, code: str) -> dict[str, Any]:
    """A person's dot and where it stands on the screen."""
    found: list[dict[str, Any]] = []
    until(lambda: bool(found.extend(drawn(window, code)) or found))
    return found[0]


def drawn(window: Visit, code: str) -> list[dict[str, Any]]:
    return [one for one in window.module("map/dots.js", "m.drawnDots()") if one["code"] == code]


def test_dots_stand_where_people_are_and_glide_when_they_move(visit: Visits, city: City, hire: Hire) -> None:
    lon, lat = centre(2, 2)
    walker = hire("何平", (2, 2), shift_h=1)
    city.send_fix(walker, lon, lat, utc_now() - timedelta(seconds=4))
    window = visit("command", motion="no-preference")
    page = open_wall(window, f"?unit={code_at(2, 2, 'grid')}&level=grid")
    at_rest(window)
    before = dot(window, walker)
    assert (before["lon"], before["lat"]) == pytest.approx((lon, lat))
    page.evaluate(WRITE_DOWN, walker)
    city.send_fix(walker, lon + 4e-4, lat, datetime.fromisoformat(before["fixed_at"]) + timedelta(seconds=4))
    until(lambda: dot(window, walker)["lon"] == pytest.approx(lon + 4e-4, abs=1e-6))
    until(lambda: bool(window.module("map/glide.js", ARRIVED)))
    arrived = dot(window, walker)["x"]
    page.wait_for_timeout(1_000)
    assert dot(window, walker)["x"] == arrived
    on_the_way = [x for x in page.evaluate("window.seen") if before["x"] < x < arrived]
    assert len(set(on_the_way)) > 3
    assert on_the_way == sorted(on_the_way)


def test_a_click_on_the_map_drills_and_back_returns(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    expect(page.locator("#here")).to_have_text("综治网格")
    at_rest(window)
    lon, lat = centre(1, 1)
    x, y = window.module("wall/here.js", f"(p => [p.x, p.y])(m.here.map.project([{lon}, {lat}]))")
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x, box["y"] + y)
    expect(page).to_have_url(re.compile(f"unit={DISTRICT}"))
    expect(page.locator("#crumbs li")).to_have_count(2)
    page.go_back()
    expect(page.locator("#here")).to_have_text("综治网格")
    expect(page.locator("#crumbs li")).to_have_count(1)
    page.go_forward()
    expect(page.locator("#crumbs li")).to_have_count(2)


def test_the_keyboard_alone_goes_from_the_city_to_the_micro_grid_and_back(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    for depth in range(2, 7):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("#crumbs li")).to_have_count(depth)
    expect(page.locator("#here")).to_contain_text("微网格")
    expect(page.locator("#tab-people")).to_have_attribute("aria-selected", "true")
    for depth in range(5, 0, -1):
        page.keyboard.press("Backspace")
        expect(page.locator("#crumbs li")).to_have_count(depth)
    page.locator("#tab-units").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-people")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_be_visible()
    expect(page).to_have_url(re.compile("person=w"))
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()


def test_the_address_brings_the_same_view(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(
        window, f"?network=governance&unit={STREET}&level=street&list=people&person=w1&layers=people,trail"
    )
    expect(page.locator("#here")).to_have_text(f"{STREET}街道")
    expect(page.locator("#detail h2")).to_have_text("王芳")
    expect(page.locator("#detail")).to_contain_text("今日轨迹")
    expect(page.locator("#layer-cases")).not_to_be_checked()
    expect(page.locator("#layer-trail")).to_be_checked()
    page.locator("#layer-cases").check()
    expect(page).to_have_url(re.compile("layers=people,trail,cases"))


def test_nothing_is_counted_before_it_was_told(visit: Visits) -> None:
    window = visit("command")
    window.page.route(re.compile("/v1/(live|case-counts|cases)"), lambda route: None)
    page = window.open("/wall")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    expect(page.locator("#figures .big")).to_have_text([re.compile("^–")] * 5)
    expect(page.locator("#rows td").filter(has_text=re.compile(r"\d"))).to_have_count(0)
    expect(page.locator("#alerts-count")).to_have_text("正在连接")


def test_figures_count_the_people_of_the_unit(visit: Visits, hire: Hire) -> None:
    for _ in range(2):
        hire("郑欣", (6, 2), shift_h=1)
    page = open_wall(visit("command"), f"?unit={code_at(6, 2, 'district')}")
    figure = page.locator("#figures .big").first
    expect(figure).to_have_text(re.compile(r"^3\b"))  # they and w2
    row = page.locator(f"#rows tr[data-key='{code_at(6, 2, 'street')}'] td").first
    expect(row).to_have_text("2")
    row.click()
    expect(figure).to_have_text(re.compile(r"^2\b"))


@pytest.fixture
def walker(city: City, hire: Hire) -> str:
    """Somebody who has gone off, with a quarter of an hour behind them and one gap in it."""
    code, now = hire("孙丽", (1, 0), shift_h=1), utc_now()
    lon, lat = centre(1, 0)
    for seconds in [*range(600, 450, -30), *range(180, 30, -30)]:
        city.send_fix(code, lon + seconds * 1e-6, lat, now - timedelta(seconds=seconds))
    city.dismiss(code)
    return code


def test_a_trail_never_joins_its_gap(visit: Visits, walker: str) -> None:
    window = visit("command")
    open_wall(window, f"?person={walker}")
    trail = window.module("map/read_trail.js", f"m.readTrail('{walker}')")
    assert trail["gaps"] == 1
    kinds = [one["properties"]["kind"] for one in trail["features"]]
    assert kinds.count("gap") == 1
    (gap,) = (
        one["geometry"]["coordinates"] for one in trail["features"] if one["properties"]["kind"] == "gap"
    )
    for one in trail["features"]:
        if one["properties"]["kind"] == "line":
            line = one["geometry"]["coordinates"]
            assert not any(list(pair) == list(gap) for pair in pairwise(line))


def test_another_network_can_be_chosen(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    page.locator("#network").select_option("police")
    expect(page.locator("#rows tbody tr")).to_have_count(2)
    expect(page.locator("#here")).to_have_text("警格")


def test_a_broken_stream_is_told_and_heals(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#banner")).to_contain_text("连接中断")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#banner")).to_be_hidden()


def test_the_wall_in_english_says_nothing_in_chinese_of_its_own(visit: Visits) -> None:
    window = visit("command", language="en-GB")
    page = open_wall(window, "?list=people&person=w1")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#figures dt").first).to_have_text("On shift")
    expect(page.locator("#legend-body")).to_contain_text("Moving")
    own = page.locator(".numbers, .tabs, #legend, .keys, #connection").all_inner_texts()
    assert not re.search(r"[\u4e00-\u9fff]", " ".join(own))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_serious_on_the_wall(visit: Visits, size: tuple[int, int]) -> None:
    window = visit("command", size)
    open_wall(window, "?list=people")
    assert window.find_serious() == []
    open_wall(window, "?person=w1")
    assert window.find_serious() == []


def test_nothing_on_the_wall_lies_outside_the_window(visit: Visits) -> None:
    window = visit("command", NARROW)
    page = open_wall(window)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
