"""A worker's phone page in a real browser: what must reach the service does, and the page never says more than is true."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.city import City
from tests.browser.conftest import NARROW, Hire, Visits

pytestmark = pytest.mark.browser


@pytest.fixture
def rested(hire: Hire) -> str:
    """Somebody off duty who accepted the notice and never sent anything from anywhere."""
    return hire("钱亮", (0, 2))


def test_a_held_call_for_help_without_network_waits_says_so_and_arrives(
    visit: Visits, city: City, rested: str
) -> None:
    window = visit(rested, NARROW)
    page = window.open("/m")
    page.wait_for_selector("#main:not([aria-busy])")
    page.context.set_offline(True)
    button = page.locator("#sos-call")
    button.hover()
    page.mouse.down()
    expect(button).to_have_attribute("data-holding", "yes")
    expect(button).not_to_have_attribute("data-holding", "yes")  # held long enough
    page.mouse.up()
    expect(page.locator("#sos-sure")).to_be_hidden()
    expect(page.locator("#sos-state")).to_contain_text("还没有送到")
    assert count_calls(city, rested) == 0
    page.context.set_offline(False)
    expect(page.locator("#sos-state")).to_contain_text("服务已收到求助")
    assert count_calls(city, rested) == 1
    page.reload()
    expect(page.locator("#sos-state")).to_contain_text("服务已收到求助")
    page.get_by_role("button", name="知道了").click()
    expect(page.locator("#sos-state")).to_be_hidden()
    window.forgive_the_cut()


def test_a_short_touch_asks_before_it_calls(visit: Visits, city: City) -> None:
    page = visit("w3", NARROW).open("/m")
    page.wait_for_selector("#main:not([aria-busy])")
    page.click("#sos-call")
    page.get_by_role("button", name="取消").click()
    page.keyboard.press("Tab")
    expect(page.locator("#sos-state")).to_be_hidden()
    assert count_calls(city, "w3") == 0


def count_calls(city: City, person: str) -> int:
    query = text("SELECT count(*) FROM sos JOIN person ON person.id = person_id WHERE person.code = :code")
    with city.engine.connect() as conn:
        return int(conn.execute(query, {"code": person}).scalar_one())


def test_the_page_says_whether_and_why_movement_is_recorded(visit: Visits, rested: str) -> None:
    page = visit(rested, NARROW).open("/m")
    expect(page.locator("#duty-until")).to_have_text("现在不记录你的位置")
    expect(page.locator("#duty-why")).to_contain_text("不在岗")
    page.click("#duty-switch")
    expect(page.locator("#duty-until")).to_contain_text("自动停止")
    expect(page.locator("#duty-why")).to_contain_text("你自")
    page.click("#duty-switch")
    expect(page.locator("#duty-why")).to_contain_text("不在岗")


def test_the_phone_page_in_english_says_nothing_in_chinese_of_its_own(visit: Visits, rested: str) -> None:
    page = visit(rested, NARROW, language="en-GB").open("/m")
    page.wait_for_selector("#main:not([aria-busy])")
    own = page.locator("h2, button, #duty, #cases-count, #sos, header a").all_inner_texts()
    assert set(re.findall(r"[\u4e00-\u9fff]+", " ".join(own))) <= {"网格", "中文"}
