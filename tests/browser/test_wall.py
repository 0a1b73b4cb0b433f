"""The wall in a real browser: dots move, a click drills, Back returns, the keyboard alone does it all."""

import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from people.grants import find_unit
from people.notices import accept_notice
from people.persons import Post, add_person, assign
from people.shifts import Shift, add_shift
from tests.browser.conftest import NARROW, WIDE, City, Visit, Visits, at_rest, open_wall, until
from tests.city import FOUNDED, centre, code_at
from tracking.devices import add_device

pytestmark = pytest.mark.browser

DISTRICT = code_at(0, 0, "district")
STREET = code_at(0, 0, "street")
ARRIVED = "[...m.held.values()].every(item => !item.to || performance.now() > item.until)"


def dot(window: Visit, code: str) -> dict[str, Any]:
    """A person's dot and where it stands on the screen."""
    found = window.module("map/dots.js", "m.drawnDots()")
    return next(one for one in found if one["code"] == code)


def test_dots_stand_where_people_are_and_glide_when_they_move(visit: Visits, city: City) -> None:
    window = visit("command", motion="no-preference")
    page = open_wall(window, f"?unit={code_at(0, 0, 'grid')}&level=grid")
    before = dot(window, "w1")
    assert (before["lon"], before["lat"]) == pytest.approx(centre(0, 0))
    lon, lat = centre(0, 0)
    city.send_fix("w1", lon + 4e-4, lat, datetime.fromisoformat(before["fixed_at"]) + timedelta(seconds=4))
    until(lambda: dot(window, "w1")["x"] > before["x"] + 2)
    on_the_way = dot(window, "w1")["x"]
    until(lambda: bool(window.module("map/glide.js", ARRIVED)))
    arrived = dot(window, "w1")["x"]
    page.wait_for_timeout(1_000)
    assert on_the_way < arrived == dot(window, "w1")["x"]


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


def test_figures_count_the_people_of_the_unit(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    expect(page.locator("#figures .big").first).to_have_text(re.compile("^[23]"))
    row = page.locator(f"#rows tr[data-key='{code_at(5, 5, 'district')}'] td").first
    expect(row).to_have_text("1")
    row.click()
    expect(page.locator("#figures .big").first).to_have_text(re.compile("^1"))


@pytest.fixture
def walker(city: City) -> str:
    """Somebody whom no other test moves: off shift now, with a quarter of an hour behind them and one gap in it."""
    now = utc_now()
    lon, lat = centre(1, 0)
    with city.engine.begin() as conn:
        person_id = add_person(conn, "w6", "孙丽")
        assign(conn, person_id, Post(find_unit(conn, code_at(1, 0, "grid"), now), "grid_worker", FOUNDED))
        accept_notice(conn, person_id, "2026-1", at=FOUNDED, how="paper: test")
        add_shift(conn, Shift(person_id, now - timedelta(hours=1), now - timedelta(seconds=30)))
        city.phones["w6"] = add_device(conn, "phone-w6", "w6", now=FOUNDED)
    for seconds in [*range(600, 450, -30), *range(180, 30, -30)]:
        city.send_fix("w6", lon + seconds * 1e-6, lat, now - timedelta(seconds=seconds))
    return "w6"


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
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=20_000)
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
