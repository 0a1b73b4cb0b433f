"""Sign-in, start page and the phone page in a real browser."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.city import PASSWORD
from tests.browser.conftest import NARROW, WIDE, Hire, Visits, until

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_told_in_place_and_the_right_one_leads_on(visit: Visits) -> None:
    window = visit()
    page = window.open("/login?next=/wall")
    page.fill("#login", "command")
    page.fill("#password", "not this one")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_have_text("账号或密码不对。")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/wall"))
    window.errors = [error for error in window.errors if "401" not in error]


LOADED = """() => ["/v1/cases?", "/v1/case-counts"].every(part => performance.getEntriesByType("resource")
    .some(entry => entry.name.includes(part) && entry.responseEnd > 0))"""
"""What the wall asks for has come: a sign-out in the middle of it would be answered by 401s."""


def test_a_page_asked_for_without_signing_in_leads_to_the_form_and_back(visit: Visits) -> None:
    window = visit()
    page = window.open("/wall?network=police")
    expect(page).to_have_url(re.compile("/login"))
    page.fill("#login", "command")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(re.compile("/wall.network=police"))
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    until(lambda: bool(page.evaluate(LOADED)))
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(re.compile("/login"))


def test_no_other_site_is_followed_after_signing_in(visit: Visits) -> None:
    window = visit()
    page = window.open("/login?next=https://elsewhere.example/")
    page.fill("#login", "command")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"{window.city.url}/")


def test_the_language_is_kept_from_page_to_page(visit: Visits) -> None:
    page = visit("command").open("/")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The map room of grid governance")
    page.goto(page.url.partition("?")[0])
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_start_page_shows_doors_and_networks(visit: Visits) -> None:
    page = visit("command").open("/")
    expect(page.locator(".doors a")).to_have_count(4)  # wall, coverage, planner, phone
    expect(page.locator(".networks tbody tr")).to_have_count(2)
    expect(page.locator(".networks")).to_contain_text("微网格 64 · 专属网格 2")
    page.get_by_role("link", name=re.compile("警格")).click()
    expect(page.locator("#here")).to_have_text("警格")


def test_a_person_accepts_the_notice_goes_on_duty_sends_and_goes_off(visit: Visits, hire: Hire) -> None:
    page = visit(hire("周敏", (0, 1), accepts=False), NARROW).open("/m")
    expect(page.locator("#notice-text")).to_have_text("在岗期间记录位置。")
    expect(page.locator("#duty-switch")).to_be_disabled()
    page.click("#notice-accept")
    expect(page.locator("#notice-state")).to_contain_text("同意了")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/me/device", hold)
    page.click("#duty-switch")
    expect(page.locator("#duty-until")).to_contain_text("自动停止")
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"longitude": 114.001, "latitude": 33.203, "accuracy": 9})
    page.check("#send-switch")
    state = page.locator("#send-state")
    expect(state).not_to_contain_text("等待定位")  # the credential is still on its way
    held[0].continue_()
    expect(state).to_contain_text("正在等待定位")
    page.context.set_geolocation({"longitude": 114.0011, "latitude": 33.203, "accuracy": 9})
    expect(state).to_contain_text("最近一次")
    page.reload()
    expect(page.locator("#trail-sum")).to_contain_text("1 个定位点")
    page.click("#duty-switch")
    expect(page.locator("#duty-until")).to_have_text("现在不记录你的位置")
    expect(page.locator("#send")).to_be_hidden()


def test_a_person_reads_who_looked(visit: Visits) -> None:
    visit("command").open("/wall").wait_for_selector("#connection[data-state=live]")
    page = visit("w3", NARROW).open("/m")
    expect(page.locator("#looks-list li").first).to_contain_text("command")


def test_everything_on_the_phone_page_can_be_hit_with_a_thumb(visit: Visits) -> None:
    page = visit("w3", NARROW).open("/m")
    page.wait_for_selector("#main:not([aria-busy])")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for target in page.locator("button:visible, a.button:visible, label.switch:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_serious_on_the_pages(visit: Visits, size: tuple[int, int]) -> None:
    window = visit(None, size)
    window.open("/login")
    assert window.find_serious() == []
    window.enter("w3")
    window.open("/")
    assert window.find_serious() == []
    window.open("/m").wait_for_selector("#main:not([aria-busy])")
    assert window.find_serious() == []


def test_the_reader_of_the_interface_works_offline(visit: Visits) -> None:
    page = visit("command").open("/docs")
    expect(page.locator(".opblock").first).to_be_visible()
