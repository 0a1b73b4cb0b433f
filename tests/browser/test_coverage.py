"""The coverage page as a supervisor uses it on Monday morning, by mouse and by keyboard; a worker's own figures."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import Connection, delete, func, select

from analysis.coverage.kept.compute import CoverageJob, compute_day
from analysis.coverage.kept.tables import coverage_day, coverage_note
from analysis.coverage.rules import CoverageRules
from cases.events import Actor, Event, read_chain, write_events
from cases.intake import take_in_cases
from cases.reports import CaseReport
from cases.tables import case
from core.clock import day_bounds, day_of, utc_now
from core.errors import NotFound
from core.settings import read_settings
from geo.lookup import Lookup
from geo.tables import address_point
from geo.walkable.tables import ground_survey, site, street
from people.accounts import add_account, find_account
from people.grants import add_grant, find_unit
from people.persons import find_person
from people.shifts import Shift, add_shift
from tests.analysis.coverage.town import survey
from tests.browser.city import PASSWORD, City
from tests.browser.conftest import NARROW, USUAL, WIDE, Visits, until
from tests.city import FOUNDED, centre, code_at
from tracking.tables import fix

pytestmark = pytest.mark.browser
ZONE = read_settings({}).zone


@pytest.fixture
def computed(city: City) -> Iterator[date]:
    """The day on which w1 and w2 walked, computed; `boss` supervises w1's street."""
    now = utc_now()
    on = day_of(city.walked_at - timedelta(minutes=10), ZONE)
    job = CoverageJob("governance", ZONE, CoverageRules(), 30)
    with city.engine.begin() as conn:
        compute_day(conn, Lookup(conn), job, on=on, now=min(now, day_bounds(on, ZONE)[1]))
        if find_account_or_none(city, "boss") is None:
            account = add_account(conn, "boss", PASSWORD)
            street = find_unit(conn, code_at(0, 0, "street"), now)
            add_grant(conn, account, "supervisor", unit_id=street, now=FOUNDED)
    yield on
    with city.engine.begin() as conn:
        conn.execute(delete(coverage_day))
        conn.execute(delete(coverage_note))


@pytest.fixture
def furnished(city: City, computed: date, tmp_path: Path) -> Iterator[str]:
    """With a street, two doors and two sites about where w1 walks, and somebody with two shifts that day; their code."""
    since = city.walked_at - timedelta(minutes=10)
    until_ = min(city.walked_at, day_bounds(computed, ZONE)[1])
    code = city.hire("赵两班", (0, 0))
    job = CoverageJob("governance", ZONE, CoverageRules(), 30)
    with city.engine.begin() as conn:
        who, middle = find_person(conn, code).id, since + (until_ - since) / 2
        for begin, end in ((since, middle), (middle, until_)):
            add_shift(conn, Shift(who, begin, end))
        survey(conn, tmp_path, on=computed, near=(0, 0))
        compute_day(conn, Lookup(conn), job, on=computed, now=until_)
    yield code
    with city.engine.begin() as conn:
        for table in (street, site, address_point, ground_survey):
            conn.execute(delete(table))


def test_every_measure_leads_to_its_fixes_and_every_shift_has_its_figures(
    visit: Visits, computed: date, furnished: str
) -> None:
    window = visit("boss", WIDE)
    page = arrived(window.open(f"/coverage?from={computed}&to={computed}&person={furnished}"))
    expect(page.locator("#detail .shifts thead th")).to_have_count(4)
    expect(page.locator("#detail .shifts")).to_contain_text("全天")
    expect(page.locator("#here a")).to_have_attribute("href", re.compile("^/units/"))
    for measure, name in (
        ("streets", "道路"),
        ("doors", "户点"),
        ("households", "户数"),
        ("required", "应访完成率"),
    ):
        page.select_option("#measure", measure)
        page.locator("#figures").get_by_role("button", name="依据").first.click()
        expect(page.locator("#detail h2")).to_contain_text(name)
        page.locator("#detail tbody button").first.click()
    page.get_by_role("tab", name="未走访").click()
    expect(page.locator("#list")).to_contain_text("应访点")
    page.locator("#list").get_by_role("button", name="依据").first.click()
    expect(page.locator("#detail h2")).to_contain_text("应访完成率")
    assert window.find_serious() == []
    phone = visit(furnished, NARROW).open("/m")
    phone.fill("#day-on", computed.isoformat())
    expect(phone.locator("#day-body .shifts thead th")).to_have_count(4)


def find_account_or_none(city: City, login: str) -> int | None:
    with city.engine.begin() as conn:
        try:
            return find_account(conn, login)
        except NotFound:
            return None


def arrived(page: Page) -> Page:
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")
    expect(page.locator("#problem")).to_be_hidden()
    return page


def rest(page: Page) -> None:
    expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")


def test_from_the_street_to_the_fixes_by_mouse(visit: Visits, computed: date) -> None:
    page = arrived(visit("boss", WIDE).open(f"/coverage?from={computed}&to={computed}"))
    expect(page.locator("#figures b").first).to_have_text(re.compile(r"\d+\.\d%"))
    expect(page.locator("#figures")).to_contain_text("公顷")
    expect(page.locator("#as-of")).to_contain_text("area 1")
    expect(page.locator("#legend li")).to_have_count(6)
    expect(page.locator(".calendar button")).to_have_count(1)
    expect(page.locator("#list tbody")).to_contain_text("最长无人")
    page.get_by_role("tab", name="人员").click()
    expect(page).to_have_url(re.compile("tab=people"))
    page.get_by_role("button", name="王芳").click()
    expect(page.locator("#detail h2")).to_have_text(f"王芳 · {computed}")
    page.locator("#detail .stretch").first.click()
    expect(page.locator("#detail [role=status]")).not_to_be_empty()
    draw_over(page, 0.2, 0.9)
    expect(page).to_have_url(re.compile(r"part=\d\d%3A\d\d%3A\d\d-\d\d%3A"))
    expect(page.locator("#detail .taken")).to_be_visible()
    drawn = page.locator("#detail [role=status]").inner_text()
    page.reload()
    expect(arrived(page).locator("#detail [role=status]")).to_have_text(drawn)
    page.get_by_role("button", name="显示全天").click()
    expect(page.locator("#detail .taken")).to_be_hidden()
    page.get_by_role("tab", name="单元").click()
    page.locator("#list").get_by_role("button", name="依据").first.click()
    expect(page.locator("#detail h2")).to_contain_text("的依据 · 面积覆盖率")
    page.go_back()
    rest(page)
    expect(page.locator("#detail h2")).to_have_text(f"王芳 · {computed}")


def draw_over(page: Page, first: float, last: float) -> None:
    """Along a part of the day's band."""
    page.locator("#detail .band").scroll_into_view_if_needed()
    box = page.locator("#detail .band").bounding_box()
    assert box is not None
    for step, place in enumerate((first, (first + last) / 2, last)):
        page.mouse.move(box["x"] + place * box["width"], box["y"] + box["height"] / 2)
        if not step:
            page.mouse.down()
    page.mouse.up()


def test_cases_weeks_and_roles_stand_beside_the_figures(visit: Visits, computed: date, city: City) -> None:
    with city.engine.begin() as conn:
        send_to_case(conn)
    page = arrived(visit("boss", WIDE).open(f"/coverage?from={computed}&to={computed}&tab=cases&person=w1"))
    expect(page.locator("#list p.few")).to_contain_text("到场率 100.0%（1 / 1 次派遣）")
    expect(page.locator("#list p.few")).to_contain_text("灰色的基数太小")
    expect(page.locator("#detail .pin")).to_have_count(2)
    expect(page.locator("#trend circle")).to_have_count(1)
    expect(page.locator("#trend polyline")).to_have_count(0)
    page.get_by_role("checkbox", name="案件").check()
    expect(page).to_have_url(re.compile("cases=1"))
    expect(page.locator("#case-legend canvas")).to_have_count(6)
    page.select_option("#role", "grid_leader")
    expect(page.locator("#role-note")).to_contain_text("不能分给某个角色")
    expect(page.locator("#list")).to_contain_text("没有在岗人员")
    page.select_option("#role", "grid_worker")
    expect(page.locator("#list caption")).to_contain_text(re.compile(r"专职网格员 \d+ 人合计"))
    page.locator("#detail .stretch").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail .taken")).to_be_visible()
    expect(page.locator("#detail .stretch").first).to_be_focused()
    page.locator("#detail .stretch").last.focus()
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#detail [role=status]")).to_contain_text("显示全天")


def send_to_case(conn: Connection) -> None:
    """w1 is sent with their first fix to where they walk to, so on the day however near midnight is."""
    (lon, lat), who = centre(0, 0), find_person(conn, "w1").id
    at = conn.scalar(select(func.min(fix.c.fixed_at)).where(fix.c.person_id == who))
    report = CaseReport("test", "sent", "noise", lon=lon, lat=lat, reported_at=at)
    (taken,) = take_in_cases(conn, Lookup(conn), [report], actor=Actor("desk", "desk"), now=at)
    case_id = conn.scalar(select(case.c.id).where(case.c.number == taken.number))
    event = Event("assign", "assigned", "desk", "desk", at, evidence={"assignee": "w1"})
    write_events(conn, [read_chain(conn, case_id).append(event)])


def test_the_whole_by_keyboard_and_a_link_brings_the_same_view(visit: Visits, computed: date) -> None:
    window = visit("boss", USUAL)
    page = arrived(window.open(f"/coverage?from={computed}&to={computed}"))
    page.locator("#tab-units").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-cold")).to_be_focused()
    expect(page.locator("#list caption")).to_contain_text("建议路线")
    page.locator("input[name=show][value=share]").focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("show=age"))
    expect(page.locator("#legend h3")).to_have_text("距上次走访")
    shared = page.url
    again = arrived(visit("boss").open(shared.removeprefix(window.city.url)))
    expect(again.locator("#tab-cold")).to_have_attribute("aria-selected", "true")
    expect(again.locator("#list tbody tr")).to_have_count(page.locator("#list tbody tr").count())


def test_a_figure_that_cannot_be_claimed_says_so_beside_the_units_it_is_about(
    visit: Visits, computed: date, city: City
) -> None:
    silent = computed - timedelta(days=1)  # no phone spoke on the day before
    job = CoverageJob("governance", ZONE, CoverageRules(), 30)
    with city.engine.begin() as conn:
        compute_day(conn, Lookup(conn), job, on=silent, now=day_bounds(silent, ZONE)[1])
    page = arrived(visit("boss").open(f"/coverage?from={silent}&to={silent}"))
    expect(page.locator("#caution")).to_be_visible()
    expect(page.locator("#caution")).to_contain_text("个不能下结论")
    expect(page.locator("#list tbody tr.few").first).to_contain_text("?")


def test_a_day_that_was_not_computed_is_told(visit: Visits, computed: date) -> None:
    page = arrived(visit("boss").open("/coverage?from=2020-01-01&to=2020-01-02"))
    expect(page.locator("#nothing")).to_contain_text("没有一天算过")
    expect(page.locator("#crumbs li")).not_to_have_count(0)
    expect(page.locator("#list")).to_be_empty()


def test_a_worker_sees_the_same_and_says_what_a_time_was_and_the_supervisor_answers(
    visit: Visits, computed: date
) -> None:
    phone = visit("w1", NARROW).open("/m")
    expect(phone.locator("#day")).to_be_visible()
    phone.fill("#day-on", computed.isoformat())
    expect(phone.locator("#day-body .times")).to_be_visible()
    shown = phone.locator("#day-body .shares b").first.inner_text()
    phone.locator("#day summary").click()
    phone.locator("#day-body .stretch[data-kind=unobserved]").first.click()
    phone.select_option("#note-kind", "indoor")
    phone.fill("#note-told", "在三号楼入户")
    now = min(utc_now(), day_bounds(computed, ZONE)[1] - timedelta(minutes=1)).astimezone(ZONE)
    since = max(now - timedelta(minutes=40), day_bounds(computed, ZONE)[0].astimezone(ZONE))
    phone.fill("#note-since", f"{since:%H:%M}")
    phone.fill("#note-until", f"{max(now - timedelta(minutes=20), since + timedelta(minutes=1)):%H:%M}")
    phone.get_by_role("button", name="提交说明").click()
    expect(phone.locator("#note-said")).to_have_text("已提交，等待督导答复。")
    desk = arrived(visit("boss").open(f"/coverage?from={computed}&to={computed}&tab=notes"))
    expect(desk.locator("#list")).to_contain_text("在三号楼入户")
    desk.get_by_role("button", name="认可", exact=True).click()
    expect(desk.locator("#list")).to_contain_text("boss 已认可")
    arrived(visit("boss").open(f"/coverage?from={computed}&to={computed}&person=w1"))
    lon, lat = centre(0, 0)
    phone.context.grant_permissions(["geolocation"])
    phone.context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": 8})
    phone.get_by_role("button", name="我在这里，签到").click()
    expect(phone.locator("#checkin-list")).to_contain_text("微网格")
    phone.reload()
    phone.locator("#day").wait_for()
    expect(phone.locator("#day-notes")).to_contain_text("boss 已认可")
    expect(phone.locator("#looks-list")).to_contain_text("的巡查数字")
    assert shown


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("tab", ["cases&cases=1", "people"])
def test_axe_finds_nothing_serious(visit: Visits, computed: date, size: tuple[int, int], tab: str) -> None:
    window = visit("boss", size)
    page = arrived(window.open(f"/coverage?from={computed}&to={computed}&tab={tab}&person=w1"))
    expect(page.locator("#detail")).to_be_visible()
    assert window.find_serious() == []
    until(lambda: bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth")))


def test_english_is_complete(visit: Visits, computed: date) -> None:
    page = arrived(visit("boss", language="en-GB").open(f"/coverage?from={computed}&to={computed}&lang=en"))
    expect(page.locator("#tab-cold")).to_have_text("Unvisited")
    assert re.findall(r"coverage\.[a-z_.]+", page.locator("body").inner_text()) == []

    def as_if_of_many(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        asked = int(re.search(r"page=(\d+)", route.request.url)[1])  # type: ignore[index]
        found["units"] |= {"total": 512, "page": asked, "pages": 3}
        route.fulfill(response=answer, json=found)

    page.route("**/v1/coverage/proof?*", as_if_of_many)
    page.locator("#figures").get_by_role("button", name="Proof").first.click()
    expect(page.locator("#detail")).to_contain_text("512 deepest units have part in it; this is page 1 of 3")
    page.locator("#detail").get_by_role("button", name="Next page").click()
    expect(page.locator("#detail")).to_contain_text("page 2 of 3")
    expect(page).to_have_url(re.compile("page=2"))
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("page="))
