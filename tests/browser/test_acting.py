"""Acting from the wall in a real browser: finding, following, sending somebody, answering a call for help."""

import re
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from analysis.alerts import watch, watch_rules_of
from core.clock import utc_now
from core.settings import read_settings
from people.accounts import add_account, find_account
from people.grants import add_grant, find_unit, revoke_grant
from people.tokens import issue_bearer
from tests.browser.city import PASSWORD, City
from tests.browser.conftest import NARROW, Hire, Visits, open_wall, running_service, until
from tests.city import FOUNDED, centre, code_at

pytestmark = pytest.mark.browser
HERE = (2, 4)
"""A square near which nobody else walks."""


@pytest.fixture(scope="module", autouse=True)
def viewers(city: City) -> None:
    """`east` and `guest` look."""
    with city.engine.begin() as conn:
        east = find_unit(conn, code_at(5, 5, "district"), utc_now())
        add_grant(conn, add_account(conn, "east", PASSWORD), "supervisor", unit_id=east, now=FOUNDED)
        add_grant(conn, add_account(conn, "guest", PASSWORD), "command", unit_id=None, now=FOUNDED)


@pytest.fixture
def worker(city: City, hire: Hire) -> str:
    """陈晨, on shift and heard just now."""
    code = hire("陈晨", HERE, shift_h=1)
    city.send_fix(code, *centre(*HERE))
    return code


@pytest.fixture
def case(city: City, worker: str) -> str:
    """A new urgent case beside the worker, reported over HTTP; its number."""
    with city.engine.begin() as conn:
        secret = issue_bearer(
            conn,
            find_account(conn, "command"),
            "t",
            now=utc_now(),
            expires_at=utc_now() + timedelta(hours=1),
        )
    lon, lat = centre(*HERE)
    report = {
        "channel": "12345",
        "external_ref": f"t-{utc_now().timestamp()}",
        "category": "积水",
        "level": 3,
        "description": "路口积水",
        "lon": lon + 3e-4,
        "lat": lat,
    }
    answer = httpx.post(
        f"{city.url}/v1/cases", json=report, headers={"Authorization": f"Bearer {secret}"}
    ).raise_for_status()
    number: str = answer.json()["number"]
    return number


def address(page: Page, key: str) -> str | None:
    found: str | None = page.evaluate("key => new URLSearchParams(location.search).get(key)", key)
    return found


def test_a_case_is_assigned_in_two_clicks_acknowledged_on_the_phone_and_the_wall_shows_it(
    visit: Visits, case: str, worker: str
) -> None:
    wall = open_wall(visit("command"), "?list=cases")
    wall.locator(f"#rows tr[data-key='{case}']").click()
    expect(wall.locator(".places li").first).to_contain_text("微网格")
    nearest = wall.locator(".nearest .worker").first
    expect(nearest).to_contain_text("陈晨")
    expect(nearest).to_contain_text("米")
    nearest.click()
    wall.get_by_role("button", name="受理并派给 陈晨").click()
    expect(wall.locator(".sent")).to_contain_text("已派给 陈晨尚未知悉")
    expect(wall.locator(".log li")).to_have_count(3)

    phone = visit(worker, NARROW).open("/m")
    mine = phone.locator(f".case[data-number='{case}']")
    expect(mine).to_contain_text("路口积水")
    mine.get_by_role("button", name="收到，已知悉").click()
    expect(mine.locator(".chip")).to_contain_text("已知悉")
    expect(wall.locator(".sent .good")).to_contain_text("已知悉")

    mine.get_by_role("button", name="处置完成").click()
    mine.get_by_label("说明（可不填）").fill("已疏通")
    mine.get_by_role("button", name="处置完成").click()
    expect(mine).to_have_count(0)
    expect(wall.locator(".log")).to_contain_text("已疏通")
    expect(wall.locator(".nearest")).to_be_hidden()


def test_the_keyboard_alone_answers_an_alert_and_sends_somebody(visit: Visits, case: str) -> None:
    page = open_wall(visit("command"))
    row = page.locator(".alert", has_text=case)
    expect(row).to_be_visible()
    press_until(page, "Tab", "document.activeElement.closest('.alert') !== null")
    press_until(page, "ArrowDown", f"document.activeElement.textContent.includes('{case}')")
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_have_text("积水")
    expect(page.locator(".worker").first).to_be_visible()
    press_until(page, "Tab", "document.activeElement.matches('.worker')")
    page.keyboard.press("Enter")
    expect(page.locator(".confirm .main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".sent")).to_contain_text("已派给")
    expect(row).to_have_count(0)  # taken up, it is over
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()


def press_until(page: Page, key: str, holds: str) -> None:
    """Press a key until something has the focus, as somebody without a pointer does."""
    for _ in range(80):
        if page.evaluate(holds):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never led there: {holds}")


REFUSED = {
    "template": "the case is {case_state_1}: {case_step_1} leads on from {case_state_2}; possible now: {case_step_2}",
    "values": {
        "case_state_1": "accepted",
        "case_step_1": "close",
        "case_state_2": "verified",
        "case_step_2": "reject, assign",
    },
}


def test_search_finds_people_units_and_cases_and_goes_there(visit: Visits, case: str) -> None:
    window = visit("command")
    page = open_wall(window)
    refused = window.page.evaluate(
        "said => import('/static/words.js').then(m => m.refusal({ said }))", REFUSED
    )
    assert refused == "案件已受理：“结案”只能接在已核查之后；现在可以：不予受理、派遣"
    page.keyboard.press("/")
    page.keyboard.type("李强")
    expect(page.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_have_text("李强")
    assert address(page, "person") == "w2"
    page.keyboard.press("/")
    page.keyboard.type(code_at(5, 5, "community"))
    expect(page.locator("[role=option]").first).to_contain_text("社区")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#here")).to_contain_text(f"{code_at(5, 5, 'community')}社区")
    page.keyboard.press("/")
    page.keyboard.type(case)
    expect(page.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#detail .subtitle")).to_have_text(case)


def test_search_and_the_nearest_stay_within_ones_ground(visit: Visits, case: str) -> None:
    window = visit("east")
    page = open_wall(window)
    page.locator("#search").fill("王芳")
    expect(page.locator("#search-results")).to_contain_text("没有找到")
    page.locator("#search").fill(case)
    expect(page.locator("#search-results")).to_contain_text(f"没有找到“{case}”")
    assert window.page.evaluate(f"fetch('/v1/cases/{case}/nearest').then(answer => answer.status)") == 404
    window.errors = [error for error in window.errors if "404" not in error]


def test_the_map_keeps_to_a_followed_person_until_it_is_moved(visit: Visits, city: City, worker: str) -> None:
    window = visit("command", motion="no-preference")
    page = open_wall(window, f"?person={worker}")
    page.get_by_role("button", name="跟随").click()
    expect(page.get_by_role("button", name=re.compile("正在跟随"))).to_have_attribute("aria-pressed", "true")
    assert address(page, "follow") == "1"
    lon, lat = centre(*HERE)
    city.send_fix(worker, lon + 6e-4, lat)

    def lead() -> float:
        """How far the middle of what is free on the map is behind the dot, in pixels."""
        dot, middle = window.module(
            "wall/here.js",
            "import('/static/wall/going.js').then(go => import('/static/map/dots.js').then(dots => "
            f"[dots.drawnDots().find(one => one.code === '{worker}').x, innerWidth / 2 + go.offsetNow()[0]]))",
        )
        return abs(float(dot) - float(middle))

    at_the_fix = f"[...m.held.values()].some(({{ dot }}) => dot.code === '{worker}' && Math.abs(dot.lon - {lon + 6e-4}) < 1e-6)"
    until(lambda: bool(window.module("map/glide.js", at_the_fix)))
    until(lambda: lead() < 40)
    page.keyboard.press("Escape")
    assert address(page, "follow") is None
    assert address(page, "person") == worker
    page.get_by_role("button", name="跟随").click()
    page.mouse.move(900, 500)
    page.mouse.down()
    page.mouse.move(1000, 560, steps=5)
    page.mouse.up()
    expect(page.get_by_role("button", name="跟随", exact=True)).to_have_attribute("aria-pressed", "false")


@pytest.fixture
def quiet(city: City, hire: Hire) -> str:
    """赵静, on shift for an hour, was never heard, and was asked two minutes ago."""
    code, now = hire("赵静", (0, 2), shift_h=1), utc_now()
    rules = watch_rules_of(read_settings({}))
    for at in (now - timedelta(seconds=150), now):
        with city.engine.begin() as conn:
            watch(conn, at, rules)
    return code


def test_a_silent_worker_is_asked_first_and_the_rail_shows_the_answer(visit: Visits, quiet: str) -> None:
    wall = open_wall(visit("command"))
    row = wall.locator("[data-kind=silent] .alert", has_text="赵静")
    expect(row).to_contain_text("已询问")
    phone = visit(quiet, NARROW).open("/m")
    phone.locator("#asked").get_by_role("button", name="在室内办事或开会").click()
    expect(phone.locator("#asked-said")).to_contain_text("在室内办事或开会")
    expect(row).to_contain_text("本人答：在室内办事或开会")
    row.get_by_role("button", name=re.compile("确认")).click()
    expect(row).to_contain_text("command")
    expect(row.locator(".take")).to_be_hidden()


def test_a_call_for_help_outlives_the_service_and_is_answered_by_name(
    visit: Visits, city: City, worker: str
) -> None:
    with running_service(city.engine) as url:
        other = City(url, city.engine)
        window = visit("command", place=other)
        wall = open_wall(window)
        phone_window = visit(worker, NARROW, place=other)
        phone = phone_window.open("/m")
        phone.click("#sos-call")
        phone.get_by_role("button", name="发出求助").click()
        expect(phone.locator("#sos-state")).to_contain_text("服务已收到求助")
        call = wall.locator("[data-kind=sos] .alert", has_text="陈晨")
        expect(call).to_be_visible()
        expect(wall.locator("#alerts-list > li").first).to_have_attribute("data-kind", "sos")
        expect(wall.locator("#say-now")).to_contain_text("紧急求助")
        port = int(url.rpartition(":")[2])
    expect(wall.locator("#connection")).to_have_attribute("data-state", "broken")
    expect(wall.locator("#banner")).to_contain_text("连接中断")
    with running_service(city.engine, port):
        expect(wall.locator("#connection")).to_have_attribute("data-state", "live")
        wall.reload()
        call.get_by_role("button", name=re.compile("确认")).click()
        expect(call).to_contain_text("command")
        expect(phone.locator("#sos-state")).to_contain_text("command 在")
        for one in (window, phone_window):
            one.page.goto("about:blank")
    for one in (window, phone_window):
        one.forgive_the_cut()


def test_a_viewer_whose_grant_ends_is_told_and_sees_nothing_new(visit: Visits, city: City) -> None:
    window = visit("guest")
    page = open_wall(window)
    with city.engine.begin() as conn:
        (grant,) = conn.exec_driver_sql(
            "SELECT access_grant.id FROM access_grant JOIN account ON account.id = account_id WHERE login = 'guest'"
        ).scalars()
        revoke_grant(conn, grant, utc_now())
    expect(page.locator("#connection")).to_have_attribute("data-state", "ended")
    expect(page.locator("#banner")).to_contain_text("授权已改变")
    window.errors = [error for error in window.errors if "403" not in error]


def test_axe_finds_nothing_serious_while_acting(visit: Visits, case: str, worker: str) -> None:
    window = visit("command")
    page = open_wall(window, f"?case={case}&list=cases")
    page.locator(".worker").first.click()
    expect(page.locator(".alert").first).to_be_visible()
    page.locator("#search").fill("陈")
    expect(page.locator("[role=option]").first).to_be_visible()
    assert window.find_serious() == []
    phone = visit(worker, NARROW)
    phone.open("/m").wait_for_selector("#main:not([aria-busy])")
    phone.page.click("#sos-call")
    assert phone.find_serious() == []
