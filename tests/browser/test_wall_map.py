"""The map of the wall in a real browser: groups and labels, tails, the address, the kiosk, and a feed that breaks."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from core.clock import utc_now
from tests.browser.city import City
from tests.browser.conftest import Hire, Visit, Visits, at_rest, open_wall, running_service, until
from tests.city import centre, code_at

pytestmark = pytest.mark.browser

GRID = f"?unit={code_at(0, 0, 'grid')}&level=grid"
CROWD = """(count) => import("/static/map/dots.js").then((dots) => {
  const fixed_at = new Date().toISOString();
  const one = (n) => ({ id: 1000 + n, code: `c${n}`, name: `人${n}`, state: n % 4 ? "still" : "moving", fixed_at,
    heard_at: fixed_at, paths: [], lon: 113.9 + 0.2 * ((n * 0.618) % 1), lat: 33.1 + 0.2 * ((n * 0.414) % 1) });
  dots.updateDots(Array.from({ length: count }, (_, n) => one(n)), []);
})"""
FAR_OUT = "?at=11.00/33.2000/114.0000"


def crowd(window: Visit, count: int) -> None:
    """So many more people on the map, a quarter of them moving."""
    window.page.evaluate(CROWD, count)
    until(lambda: everybody(window) >= count)


def everybody(window: Visit) -> int:
    """How many are drawn, alone or in groups: the map composes with its next frame."""
    groups = window.module("map/dots.js", "m.drawnGroups()")
    return int(sum(one["count"] for one in groups)) + int(
        window.module("map/dots.js", "m.drawnDots().length")
    )


def test_a_crowd_far_out_is_grouped_and_a_click_on_a_group_goes_nearer(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window, FAR_OUT)
    at_rest(window)
    crowd(window, 900)
    until(lambda: bool(window.module("map/dots.js", "m.drawnGroups().length")))
    groups = window.module("map/dots.js", "m.drawnGroups()")
    alone = window.module("map/dots.js", "m.drawnDots()")
    held = window.module(
        "map/glide.js", "[...m.held.values()].filter(one => one.to).map(one => one.dot.state)"
    )
    assert sum(one["count"] for one in groups) + len(alone) == len(held) >= 900
    moving = sum(one["moving"] for one in groups) + sum(one["state"] == "moving" for one in alone)
    assert moving == held.count("moving") >= 225
    assert 10 < len(groups) < 300
    page.locator("#layer-groups").uncheck()
    until(lambda: window.module("map/dots.js", "m.drawnDots().length") == len(held))
    assert window.module("map/dots.js", "m.drawnGroups()") == []
    page.locator("#layer-groups").check()
    until(lambda: len(window.module("map/dots.js", "m.drawnGroups()")) == len(groups))
    zoom = window.module("wall/here.js", "m.here.map.getZoom()")
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = min(groups, key=lambda one: abs(one["x"] - 700) + abs(one["y"] - 350))
    page.mouse.click(box["x"] + middle["x"], box["y"] + middle["y"])
    until(lambda: window.module("wall/here.js", "m.here.map.getZoom()") > zoom + 1)


def test_who_calls_for_help_stands_alone_and_is_named(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window, FAR_OUT)
    at_rest(window)
    crowd(window, 900)
    until(lambda: window.module("map/dots.js", "m.drawnDots().every(one => one.id !== 1007)"))
    page.evaluate("import('/static/map/dots.js').then(m => m.alarmDots([1007]))")
    over = "m.composition().over.map(({ item }) => item.dot?.id ?? null)"
    until(lambda: 1007 in window.module("map/picture.js", over))
    top = window.module("map/picture.js", over)
    assert top.count(1007) >= 2  # the mark, and the name beside it
    assert None in top  # there are groups
    assert None not in top[top.index(1007) :]  # and none lies above


def test_labels_never_lie_on_one_another(visit: Visits) -> None:
    window = visit("command")
    window.open("/")
    chosen = window.module(
        "map/labels.js",
        """m.chooseLabels(Array.from({ length: 400 }, (_, id) => (
             { id, x: (id * 37) % 600, y: (id * 91) % 400, width: 60, height: 16, weight: id % 5 })))""",
    )
    assert 20 < len(chosen) <= 120
    for place, one in enumerate(chosen):
        for other in chosen[:place]:
            assert abs(one["x"] - other["x"]) >= 60 or abs(one["y"] - other["y"]) >= 16


def test_a_dot_is_never_ahead_of_what_was_received(visit: Visits) -> None:
    window = visit("command")
    window.open("/")
    glide = """(() => {
      const dot = (lon, fixed_at) => ({ id: 7, lon, lat: 31, fixed_at, state: "moving" });
      m.place(dot(121, "2026-06-10T01:00:00Z"), 0, true);
      m.place(dot(121.01, "2026-06-10T01:05:00Z"), 1000, true);
      const item = m.held.get(7);
      const at = (now) => m.unproject(m.where(item, now))[0];
      const still = (m.place(dot(121.02, "2026-06-10T01:06:00Z"), 99000, false), m.held.get(7));
      return [at(1000), at(8500), at(16000), at(60000), m.unproject(m.where(still, 99000))[0]];
    })()"""
    begin, half, end, later, still = window.module("map/glide.js", glide)
    assert (begin, half) == (pytest.approx(121), pytest.approx(121.005))
    assert end == later == pytest.approx(121.01)  # 15 s at most, then it stands at the fix
    assert still == pytest.approx(121.02)  # who asked for no motion gets none


def test_a_tail_keeps_its_minutes_dashes_its_gaps_and_grows(visit: Visits) -> None:
    window = visit("command")
    window.open("/")
    made = window.module(
        "map/tail.js",
        """(() => {
      const start = Date.parse("2026-06-10T01:00:00Z");
      const tail = { runs: [], stays: [] };
      const fix = (minute) => m.growTail(tail, { lon: 121 + minute / 1000, lat: 31, expected_s: 10,
        fixed_at: new Date(start + minute * 60000).toISOString() });
      for (let minute = 0; minute <= 30; minute += 1) if (minute < 10 || minute > 20) fix(minute);
      const again = fix(30);
      const kinds = (minutes) => {
        const found = m.tailFeatures(tail, minutes && start + (30 - minutes) * 60000, start + 30 * 60000);
        const count = (kind) => found.filter(({ properties }) => properties.kind === kind).length;
        return [count("fix"), count("gap"), Math.min(...found.filter(({ properties }) => properties.kind === "fix").map(({ properties }) => properties.newness))];
      };
      const told = [again, kinds(null), kinds(10), kinds(25)];
      m.trimTail(tail, start + 25 * 60000);
      return [...told, tail.runs.length, tail.runs.flat().length];
    })()""",
    )
    again, all_of_it, ten, twenty_five, runs, fixes = made
    assert again is False  # the same fix twice is no news
    assert all_of_it[:2] == [20, 1]
    assert ten[:2] == [10, 0]
    assert twenty_five[:2] == [15, 1]
    assert all_of_it[2] == 0 <= ten[2] < 0.2
    assert (runs, fixes) == (1, 7)


def test_the_trail_of_the_chosen_grows_with_the_feed_and_others_can_be_kept(
    visit: Visits, city: City, hire: Hire
) -> None:
    walker = hire("冯涛", (0, 0), shift_h=1)
    lon, lat = centre(0, 0)
    for seconds in (90, 60, 30):
        city.send_fix(walker, lon, lat, utc_now() - timedelta(seconds=seconds))
    window = visit("command")
    page = open_wall(window, f"{GRID}&person={walker}&trail=10")
    features = "m.here.map.getSource('trail').serialize().data.features ?? []"
    until(lambda: len(window.module("wall/here.js", features)) > 0)
    before = len(window.module("wall/here.js", features))
    city.send_fix(walker, lon + 3e-4, lat + 3e-4, utc_now() - timedelta(seconds=0.2))
    until(lambda: len(window.module("wall/here.js", features)) > before)
    open_wall(window, f"{GRID}&person={walker}&trail=10&kept=w2")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile(f"kept=w2,{walker}"))
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("kept=w2(&|$)"))


def test_the_address_holds_where_the_map_was_moved_to(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    at_rest(window)
    assert "at=" not in page.url
    page.locator("#zoom-in").click()
    expect(page).to_have_url(re.compile(r"at=\d+\.\d\d/33\.\d+/11[34]\.\d+"))
    address = page.url
    zoom = window.module("wall/here.js", "m.here.map.getZoom()")
    open_wall(window, address.partition("/wall")[2])
    at_rest(window)
    assert window.module("wall/here.js", "m.here.map.getZoom()") == pytest.approx(zoom, abs=0.02)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#crumbs li")).to_have_count(2)
    expect(page).not_to_have_url(re.compile("at="))
    page.go_back()
    expect(page).to_have_url(address)
    until(lambda: abs(window.module("wall/here.js", "m.here.map.getZoom()") - zoom) < 0.02)


def test_the_kiosk_shows_figures_and_map_and_hides_a_resting_pointer(visit: Visits) -> None:
    window = visit("command")
    page = open_wall(window)
    size = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    page.goto(f"{page.url}?kiosk")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    for hidden in ("#rows", "#tab-units", "#language", "[data-sign-out]", "#zoom-in", "#layer-people"):
        expect(page.locator(hidden)).to_be_hidden()
    for shown in ("#figures", "#crumbs", "#scale", "#source", "#clock", "#legend", "#as-of"):
        expect(page.locator(shown)).to_be_visible()
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") > size
    expect(page.locator("html")).to_have_attribute("data-resting", "")
    page.mouse.move(700, 500)
    expect(page.locator("html")).not_to_have_attribute("data-resting", "")


def test_a_wall_comes_back_by_itself_after_the_service_was_away(visit: Visits, city: City) -> None:
    with running_service(city.engine) as url:
        window = visit("command", place=City(url, city.engine))
        page = window.page
        open_wall(window)
        page.evaluate("window.sameDocument = true")
        port = int(url.rpartition(":")[2])
    expect(page.locator("#banner")).to_contain_text("连接中断")
    expect(page.locator("#banner")).to_have_attribute("data-age", re.compile(r"\d"))
    assert "old" in (page.locator("#map").get_attribute("class") or "")
    assert page.evaluate("getComputedStyle(document.querySelector('#map canvas')).filter").startswith(
        "grayscale"
    )
    with running_service(city.engine, port):
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        expect(page.locator("#banner")).to_be_hidden()
        assert page.evaluate("window.sameDocument")
        assert "old" not in (page.locator("#map").get_attribute("class") or "").split()
        page.goto("about:blank")
    window.forgive_the_cut()
