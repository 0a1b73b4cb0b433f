"""The planner in a real browser: one draws and submits by mouse, by keys alone, another approves; then the ground switches."""

import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from core.clock import utc_now
from core.db import make_engine
from geo.tables import network
from people.grants import add_grant, find_unit
from people.tokens import issue_bearer
from tests.browser.city import City
from tests.browser.conftest import NARROW, Visit, Visits, running_service, until
from tests.city import FOUNDED, SOUTH, STEP, WEST, code_at, publish_small_city
from tests.conftest import drop_database, make_database
from tests.people.town import make_account

pytestmark = pytest.mark.browser

ROLES = {"planner": ("planner", None), "approver": ("approver", None), "command": ("command", None)}
MOST = 43
"""Households that a micro-grid may have by its network's rule: the north-east one has one more."""


@pytest.fixture
def ground(server_url: str, template_name: str) -> Iterator[City]:
    """A city of its own: what is published here is nobody else's."""
    name = f"wangge_planner_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template_name), pool_size=10)
    with engine.begin() as conn:
        publish_small_city(conn)
        rules = {"size": {"microgrid": {"households": [10, MOST]}}}
        conn.execute(update(network).where(network.c.code == "governance").values(rules=rules))
        for login, (role, unit) in ROLES.items():
            unit_id = find_unit(conn, unit, utc_now()) if unit else None
            add_grant(conn, make_account(conn, login), role, unit_id=unit_id, now=FOUNDED)
    with running_service(engine) as url:
        yield City(url, engine)
    engine.dispose()
    drop_database(server_url, name)


def ask(ground: City, path: str) -> Any:
    """What the service answers to the command post's program."""
    with ground.engine.begin() as conn:
        account = conn.exec_driver_sql("SELECT id FROM account WHERE login = 'command'").scalar_one()
        token = issue_bearer(conn, account, uuid.uuid4().hex, now=utc_now())
    return httpx.get(f"{ground.url}{path}", headers={"Authorization": f"Bearer {token}"}).json()


def pixel(page: Page, column: float, row: float) -> tuple[float, float]:
    """Where a place of the lattice is on the screen."""
    x, y = page.evaluate(
        """([lon, lat]) => {
            const [x, y] = planner.map.getPixelFromCoordinate(ol.proj.fromLonLat([lon, lat]));
            const box = document.getElementById("map").getBoundingClientRect();
            return [box.x + x, box.y + y];
        }""",
        [WEST + STEP * column, SOUTH + STEP * row],
    )
    return x, y


def is_still(page: Page) -> bool:
    """Whether the map has drawn and moves no more."""
    return bool(page.evaluate("Boolean(window.planner) && !planner.map.getView().getAnimating() && planner.units.getSource().getFeatures().length > 0"))  # fmt: skip


def open_planner(window: Visit) -> Page:
    page = window.open("/planner")
    expect(page.locator("#open-plan")).to_be_visible()
    return page


def picture(page: Page, name: str) -> None:
    """For the guide: written where WANGGE_TEST_PICTURES names a folder."""
    folder = os.environ.get("WANGGE_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def expect_said(page: Page, text: str) -> None:
    expect(page.locator("#message")).to_contain_text(text)


def log_of(page: Page) -> list[str]:
    page.click("#tab-log")
    return page.locator(".log li > span:nth-child(2)").all_inner_texts()


def approve_and_schedule(visit: Visits, ground: City, name: str, seconds: int) -> None:
    """By another person, for an instant that is soon."""
    page = visit("approver", place=ground).open("/planner")
    page.click(f"text={name}")
    page.click("#tab-steps")
    page.fill("#step-comment", "同意")
    page.click('[data-step="approve"]')
    page.wait_for_selector("#publish")
    at = page.evaluate(
        "s => import('/static/planner/forms.js').then(m => m.localOf(Date.now() + s * 1000))", seconds
    )
    page.fill('#publish input[name="at"]', at)
    page.click('[data-step="publish"]')
    expect_said(page, "已成为第 2 版")
    expect(page.locator("#plan-head .chip")).to_have_text("待生效")


def test_by_mouse_a_plan_is_drawn_mended_and_submitted_and_holds_from_its_instant(
    ground: City, visit: Visits
) -> None:
    page = open_planner(visit("planner", place=ground))
    page.fill('#open-plan input[name="name"]', "东片调整")
    page.click("#open-plan button.main")
    expect(page.locator("#tab-body tbody tr")).to_have_count(66)
    until(lambda: is_still(page))
    page.click('[data-tool="split"]')
    for place in ((1.4, 4), (1.5, 4.5)):
        page.mouse.click(*pixel(page, *place))
    page.mouse.dblclick(*pixel(page, 1.4, 5))
    expect_said(page, "画线拆分：2 个单元变化")
    born = code_at(1, 4, "grid") + "05"
    expect(page.locator("#compare tbody tr.first")).to_have_count(2)
    expect(page.locator("#compare")).to_contain_text(born)
    page.click('[data-tool="shift"]')
    page.mouse.click(*pixel(page, 4, 3))
    page.mouse.click(*pixel(page, 4.3, 3.5))
    page.mouse.dblclick(*pixel(page, 4, 4))
    expect_said(page, "移动边界：2 个单元变化")
    page.click("#undo")
    expect_said(page, "已撤销第 2 步")
    page.click('[data-tool="vertex"]')
    start, end = pixel(page, 2, 2), pixel(page, 2.2, 2.2)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    expect_said(page, "移动顶点：4 个单元变化")
    picture(page, "planner-plan")
    page.click("#tab-findings")
    page.click("#check-whole")
    finding = page.locator('.findings li[data-rule="size"]', has_text=code_at(7, 7))
    finding.locator(".go").click()
    until(lambda: is_still(page))
    finding.locator("[data-mend]").click()
    expect_said(page, "均分：2 个单元变化")
    assert log_of(page) == ["画线拆分", "移动顶点", "均分"]
    page.click("#tab-steps")
    page.click('[data-step="check"]')
    page.click('[data-step="submit"]')
    expect(page.locator("#plan-head .chip")).to_have_text("待审批")
    expect(page.locator("#undo")).to_be_disabled()
    approve_and_schedule(visit, ground, "东片调整", 6)
    place = f"/v1/places?lon={WEST + 1.2 * STEP}&lat={SOUTH + 4.5 * STEP}"
    until(lambda: born in str(ask(ground, place)))
    yesterday = (utc_now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert born not in str(ask(ground, f"{place}&at={yesterday}"))
    wall = visit("command", place=ground).open(f"/wall?unit={code_at(1, 4, 'grid')}&level=grid")
    expect(wall.locator("#rows")).to_contain_text(born)
    see_history(visit("command", place=ground), born)


def see_history(window: Visit, born: str) -> None:
    """Whoever is signed in sees what the edition changed, and where a unit came from."""
    page = window.open("/planner")
    expect(page.locator("#view-plans")).to_be_hidden()
    expect(page.locator("#edition-changes")).to_contain_text(born)
    page.locator("#edition-changes tr", has_text=born).locator("button").click()
    expect(page.locator("#life")).to_contain_text("拆出")
    until(lambda: not page.evaluate("planner.map.getView().getAnimating()"))
    picture(page, "planner-history")
    page.locator("#slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#edition-changes")).to_contain_text("第一版")
    assert window.find_serious() == []


def tab_to(page: Page, selector: str) -> None:
    """Step on by Tab until the element has the focus."""
    for _ in range(400):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no way by Tab to {selector}")


def type_place(page: Page, column: float, row: float) -> None:
    """A place by its coordinates."""
    tab_to(page, "#place")
    page.keyboard.press("Control+A")
    page.keyboard.type(f"{WEST + STEP * column:.7f}, {SOUTH + STEP * row:.7f}")
    page.keyboard.press("Enter")


def test_by_keys_alone_a_plan_is_drawn_mended_and_submitted(ground: City, visit: Visits) -> None:
    window = visit("planner", place=ground)
    page = open_planner(window)
    tab_to(page, '#open-plan input[name="name"]')
    page.keyboard.type("西片调整")
    page.keyboard.press("Enter")
    expect(page.locator("#tab-body tbody tr")).to_have_count(66)
    until(lambda: is_still(page))
    tab_to(page, '[data-tool="split"]')
    page.keyboard.press("Enter")
    type_place(page, 1.4, -0.02)
    type_place(page, 1.5, 1.02)
    page.keyboard.press("Control+Enter")
    expect_said(page, "画线拆分：2 个单元变化")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("3")
    type_place(page, 4, 3)
    type_place(page, 4.3, 3.5)
    type_place(page, 4, 4)
    page.keyboard.press("Control+Enter")
    expect_said(page, "移动边界：2 个单元变化")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Z")
    expect_said(page, "已撤销第 2 步")
    page.keyboard.press("5")
    type_place(page, 2, 2)
    expect_said(page, "已选中顶点")
    tab_to(page, "#map")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    expect_said(page, "移动顶点：4 个单元变化")
    page.keyboard.press("1")
    tab_to(page, "#tab-units")
    page.keyboard.press("ArrowRight")
    tab_to(page, "#check-whole")
    page.keyboard.press("Enter")
    mend = '.findings li[data-rule="size"] [data-mend="split_even"]'
    expect(page.locator(mend)).to_be_visible()
    tab_to(page, mend)
    page.keyboard.press("Enter")
    expect_said(page, "均分：2 个单元变化")
    assert window.find_serious() == []
    tab_to(page, "#tab-findings")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    for step in ("check", "submit"):
        expect(page.locator(f'[data-step="{step}"]')).to_be_visible()
        tab_to(page, f'[data-step="{step}"]')
        page.keyboard.press("Enter")
    expect(page.locator("#plan-head .chip")).to_have_text("待审批")


def test_on_a_narrow_screen_the_page_fits_and_a_unit_is_renamed(ground: City, visit: Visits) -> None:
    window = visit("planner", NARROW, place=ground)
    page = open_planner(window)
    page.fill('#open-plan input[name="name"]', "改名")
    page.click("#open-plan button.main")
    row = page.locator("#tab-body tbody tr", has_text=code_at(3, 3))
    row.locator("button").click()
    page.fill('#chosen input[name="name"]', "滨江微网格")
    page.click('#chosen [data-op="rename"]')
    expect(page.locator("#compare")).to_contain_text("滨江微网格")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert window.find_serious() == []
