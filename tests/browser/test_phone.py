"""A worker's phone page in a real browser: what must reach the service does, and the page never says more than is true."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from core.clock import utc_now
from people.accounts import add_account
from people.grants import find_unit
from people.notices import accept_notice
from people.persons import Post, add_person, assign
from tests.browser.conftest import NARROW, PASSWORD, City, Visits
from tests.city import FOUNDED, code_at

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def w5(city: City) -> None:
    """Somebody off duty who accepted the notice and never sent anything from anywhere."""
    with city.engine.begin() as conn:
        person_id = add_person(conn, "w5", "钱亮")
        unit_id = find_unit(conn, code_at(0, 2, "grid"), utc_now())
        assign(conn, person_id, Post(unit_id, "grid_worker", FOUNDED))
        accept_notice(conn, person_id, "2026-1", at=FOUNDED, how="paper: test")
        add_account(conn, "w5", PASSWORD, person_id=person_id)


def test_a_held_call_for_help_without_network_waits_says_so_and_arrives(visit: Visits, city: City) -> None:
    window = visit("w5", NARROW)
    page = window.open("/m")
    page.wait_for_selector("#main:not([aria-busy])")
    page.context.set_offline(True)
    button = page.locator("#sos-call").bounding_box()
    assert button is not None
    page.mouse.move(button["x"] + 40, button["y"] + 20)
    page.mouse.down()
    page.wait_for_timeout(2000)
    page.mouse.up()
    expect(page.locator("#sos-sure")).to_be_hidden()
    expect(page.locator("#sos-state")).to_contain_text("还没有送到")
    assert count_calls(city, "w5") == 0
    page.context.set_offline(False)
    expect(page.locator("#sos-state")).to_contain_text("服务已收到求助", timeout=30_000)
    assert count_calls(city, "w5") == 1
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


def test_the_page_says_whether_and_why_movement_is_recorded(visit: Visits) -> None:
    page = visit("w5", NARROW).open("/m")
    expect(page.locator("#duty-until")).to_have_text("现在不记录你的位置")
    expect(page.locator("#duty-why")).to_contain_text("不在岗")
    page.click("#duty-switch")
    expect(page.locator("#duty-until")).to_contain_text("自动停止")
    expect(page.locator("#duty-why")).to_contain_text("你自")
    page.click("#duty-switch")
    expect(page.locator("#duty-why")).to_contain_text("不在岗")


def test_the_phone_page_in_english_says_nothing_in_chinese_of_its_own(visit: Visits) -> None:
    page = visit("w5", NARROW, language="en-GB").open("/m")
    page.wait_for_selector("#main:not([aria-busy])")
    own = page.locator("h2, button, #duty, #cases-count, #sos, header a").all_inner_texts()
    assert set(re.findall(r"[\u4e00-\u9fff]+", " ".join(own))) <= {"网格", "中文"}
