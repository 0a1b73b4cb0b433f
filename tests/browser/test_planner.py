"""The planner in a real browser: one draws and submits, another decides and schedules, by mouse and by keys alone; then the
ground switches, and people and cases with it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from core.clock import utc_now
from geo.tables import unit_version
from people.tables import assignment, person
from tests.browser.conftest import NARROW, Visit, Visits, until
from tests.browser.planning import (
    LEAD,
    NAMES,
    Ground,
    ask,
    expect_said,
    fictional_city,
    is_still,
    middle,
    picture,
    pixel,
    planned_city,
    tab_to,
    type_place,
)
from tests.city import SOUTH, STEP, WEST, code_at

pytestmark = pytest.mark.browser
DRAWN_CHANGES = """async () => {
    const [ground, looks] = await Promise.all([import("/static/planner/ground.js"), import("/static/planner/looks.js")]);
    return ground.changes.getSource().getFeatures().filter((each) => looks.changeStyle(each, 1)).map((each) => {
        const style = looks.changeStyle(each, 1);
        return [each.get("part"), each.get("code"), each.get("kinds"), style.getStroke()?.getLineDash() ?? null, style.getText()?.getText() ?? null];
    });
}"""


@pytest.fixture
def ground(server_url: str, template_name: str) -> Iterator[Ground]:
    with planned_city(server_url, template_name) as made:
        yield made


@pytest.fixture
def thousands(server_url: str, template_name: str) -> Iterator[Ground]:
    with fictional_city(server_url, template_name) as made:
        yield made


def open_planner(window: Visit) -> Page:
    page = window.open("/planner")
    expect(page.locator("#open-plan")).to_be_visible()
    return page


def log_of(page: Page) -> list[str]:
    page.click("#tab-log")
    return page.locator(".log li > span:nth-child(2)").all_inner_texts()


def in_force_from(ground: Ground) -> str:
    """The instant of the plan, as a date and time field of the page has it."""
    local = (ground.clock() + LEAD).astimezone(ZoneInfo("Asia/Shanghai"))
    return local.strftime("%Y-%m-%dT%H:%M:%S")


def approve_and_schedule(visit: Visits, ground: Ground, name: str) -> None:
    """By another person, for an instant to come; what follows for cases and people is decided before."""
    page = visit("approver", place=ground).open("/planner")
    page.click(f"text={name}")
    page.click("#tab-steps")
    page.fill("#step-comment", "同意")
    page.click('[data-step="approve"]')
    expect(page.locator('[data-step="publish"]')).to_be_disabled()
    page.locator("#publish").get_by_role("button", name="交接").click()
    moving = page.locator("#handover li", has_text=ground.case)
    expect(moving.locator("select")).to_contain_text("31010100102网格")
    expect(page.locator("#handover li", has_text="王芳").locator("select")).to_contain_text("任职到此结束")
    page.locator("#handover li", has_text="王芳").locator("select").select_option(
        label="兼管 31010100102网格"
    )
    picture(page, "planner-handover")
    page.click("#handover button.main")
    expect(page.locator("#handover-state")).to_contain_text("都已确认")
    page.click("#tab-steps")
    page.fill('#publish input[name="at"]', in_force_from(ground))
    page.click('[data-step="publish"]')
    expect_said(page, "已成为第 2 版")
    expect(page.locator("#plan-head .chip")).to_have_text("待生效")


def after_the_instant(visit: Visits, ground: Ground, born: str, place: tuple[float, float]) -> None:
    """The lookup and a wall that was open before know the new borders; yesterday's question gets yesterday's answer."""
    wall = visit("command", place=ground).open(f"/wall?unit={born[:11]}&level=grid")
    expect(wall.locator("#rows")).to_contain_text("1号微网格")
    expect(wall.locator("#rows")).not_to_contain_text(born)
    asked = f"/v1/places?lon={WEST + place[0] * STEP}&lat={SOUTH + place[1] * STEP}"
    assert born not in str(ask(ground, asked))
    ground.ahead = LEAD + timedelta(minutes=1)
    until(lambda: born in str(ask(ground, asked)), 20)
    yesterday = (utc_now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert born not in str(ask(ground, f"{asked}&at={yesterday}"))
    wall.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(wall.locator("#rows")).to_contain_text(born)


def serves_in(ground: Ground, person_code: str) -> set[str]:
    """The units in which somebody serves by the city's clock."""
    with ground.engine.connect() as conn:
        held = (
            select(unit_version.c.code)
            .join_from(assignment, person, person.c.id == assignment.c.person_id)
            .join(unit_version, unit_version.c.unit_id == assignment.c.unit_id)
            .where(person.c.code == person_code, assignment.c.valid.contains(ground.clock()))
            .where(func.upper_inf(unit_version.c.recorded), unit_version.c.valid.contains(ground.clock()))
        )
        return set(conn.scalars(held))


def paint_by_mouse(page: Page) -> None:
    """A micro-grid comes under the grid north of its own; the figures say so before it is done."""
    page.click('[data-tool="paint"]')
    page.fill("#chosen .finder input", "310101001")
    page.keyboard.press("Enter")
    row = page.locator("#painted tr", has_text="31010100102网格")
    row.locator("input").check()
    until(lambda: not page.evaluate("planner.map.getView().getAnimating()"))
    page.mouse.move(*pixel(page, 1.5, 1.5))
    page.mouse.down()
    page.mouse.move(*pixel(page, 1.6, 1.6), steps=3)
    page.mouse.up()
    expect(page.locator("#painted caption")).to_contain_text("已涂 1 块")
    expect(row).to_contain_text("→")
    picture(page, "planner-paint")
    page.click("#paint-give")
    expect_said(page, "改归属：")
    paint_a_whole_unit(page)
    page.click('[data-tool="choose"]')


def paint_a_whole_unit(page: Page) -> None:
    """It is said to be a merge before it is done; taken back it is as if it had not been."""
    page.fill("#chosen .finder input", code_at(2, 6, "grid"))
    page.keyboard.press("Enter")
    taker = page.locator("#painted tr", has_text=f"{code_at(2, 6, 'grid')}网格1号微网格").locator("input")
    taker.check()
    until(lambda: not page.evaluate("planner.map.getView().getAnimating()"))
    page.mouse.click(*pixel(page, 3.5, 6.5))
    expect(page.locator("#paint-merges")).to_contain_text("2号微网格的地全部给了")
    page.click("#paint-give")
    expect_said(page, "已并成一个")
    expect(page.locator("#painted tbody tr")).to_have_count(3)
    page.click("#undo")
    expect_said(page, "已撤销第 4 步")
    expect(page.locator("#painted tbody tr")).to_have_count(4)


def test_by_mouse_a_plan_is_drawn_mended_and_submitted_and_holds_from_its_instant(
    ground: Ground, visit: Visits
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
    expect(page.locator("#compare tbody tr.first")).to_have_count(3)
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
    paint_by_mouse(page)
    page.click("#tab-findings")
    page.click("#check-whole")
    finding = page.locator('.findings li[data-rule="size"]', has_text=code_at(7, 7))
    expect(finding).to_contain_text(f"微网格 {code_at(7, 7)} 有")
    finding.locator(".go").click()
    until(lambda: is_still(page))
    finding.locator("[data-mend]").click()
    expect_said(page, "均分：2 个单元变化")
    page.fill("#goto-field", code_at(6, 6))
    page.keyboard.press("Enter")
    page.fill('#chosen input[name="name"]', "滨江微网格")
    page.click('#chosen [data-op="rename"]')
    expect_said(page, "改名：1 个单元变化")
    assert log_of(page) == ["画线拆分", "移动顶点", "改归属", "均分", "改名"]
    page.click("#tab-steps")
    page.click('[data-step="check"]')
    page.click('[data-step="submit"]')
    expect(page.locator("#plan-head .chip")).to_have_text("待审批")
    expect(page.locator("#undo")).to_be_disabled()
    approve_and_schedule(visit, ground, "东片调整")
    after_the_instant(visit, ground, born, (1.2, 4.5))
    until(lambda: code_at(0, 2, "grid") == ask(ground, f"/v1/cases/{ground.case}")["owner_code"], 20)
    assert serves_in(ground, "w1") == {code_at(0, 0, "grid"), code_at(0, 2, "grid")}
    see_history(visit("command", place=ground), born)


def test_units_above_the_drawn_ones_are_chosen_merged_renamed_and_moved_and_a_line_may_bear_all_anew(
    ground: Ground, visit: Visits
) -> None:
    window = visit("planner", (1366, 768), place=ground)
    page = open_planner(window)
    page.fill('#open-plan input[name="name"]', "合并网格")
    page.click("#open-plan button.main")
    expect(page.locator("#tab-body tbody tr")).to_have_count(66)
    page.select_option("#units-level", "grid")
    expect(page.locator("#tab-body tbody tr")).to_have_count(16)
    one, other = (page.locator("#tab-body tbody tr", has_text=code_at(0, row, "grid")) for row in (0, 2))
    one.locator("input").check()
    other.locator("input").check()
    expect(page.locator("#chosen li")).to_have_count(2)
    page.select_option(
        '#chosen select[name="identity"]', label=f"保留 {code_at(0, 2, 'grid')} {code_at(0, 2, 'grid')}网格"
    )
    page.click('#chosen [data-op="merge"]')
    expect_said(page, "合并：2 个单元变化")
    expect(page.locator("#tab-body tbody tr")).to_have_count(15)
    grids = page.locator('#compare [data-level="grid"]')
    expect(grids).to_contain_text("124 户换单元")
    expect(grids.locator("tbody tr.first", has_text="撤")).to_contain_text(code_at(0, 0, "grid"))
    page.fill("#goto-field", code_at(0, 2, "grid"))
    page.keyboard.press("Enter")
    page.fill('#chosen input[name="name"]', "滨江网格")
    page.click('#chosen [data-op="rename"]')
    expect(page.locator("#tab-body tbody")).to_contain_text("滨江网格")
    expect(page.locator("#chosen h2").first).to_have_text("所选单元")
    page.locator("#tab-body tbody tr", has_text=code_at(2, 0, "grid")).locator("button").click()
    page.fill('#chosen [aria-label="改归属"] input[role="combobox"]', code_at(0, 0, "community"))
    page.keyboard.press("Enter")
    expect(page.locator('#chosen input[name="parent"]')).not_to_have_value("")
    page.click('#chosen [data-op="reparent"]')
    expect(page.locator('#compare [data-level="community"] tbody tr.first')).to_have_count(2)
    expect(page.locator('#compare [data-level="grid"] .balance tbody tr')).to_have_count(4)
    picture(page, "planner-levels")
    page.click('[data-tool="split"]')
    page.select_option("#split-form select", "new")
    type_place(page, 5.4, 3.98)
    type_place(page, 5.5, 5.02)
    page.keyboard.press("Control+Enter")
    expect_said(page, "画线拆分：2 个单元变化")
    born = page.locator('#compare [data-level="microgrid"] tr[data-change="born"]')
    expect(born).to_have_count(2)
    assert window.find_serious() == []


def see_history(window: Visit, born: str) -> None:
    """Whoever is signed in sees what the edition changed, and where a unit came from."""
    page = window.open("/planner")
    expect(page.locator("#view-plans")).to_be_hidden()
    expect(page.locator("#edition-changes")).to_contain_text(born)
    expect_told_apart(page, born)
    page.locator("#edition-changes tr", has_text=born).locator("button").click()
    expect(page.locator("#life")).to_contain_text("拆出")
    until(lambda: not page.evaluate("planner.map.getView().getAnimating()"))
    picture(page, "planner-history")
    page.locator("#slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#edition-changes")).to_contain_text("第一版")
    assert window.find_serious() == []
    page.click("#life .title a")
    see_life(window, born)


def expect_told_apart(page: Page, born: str) -> None:
    """A unit that only bears another name is drawn otherwise than one whose border moved, and named as it was and is."""
    drawn = page.evaluate(DRAWN_CHANGES)
    looks = {code: (kinds, dash, text) for part, code, kinds, dash, text in drawn if part == "unit"}
    kinds, dash, text = looks[code_at(6, 6)]
    assert (kinds, dash) == (["rename"], [2, 4])
    assert text is None or text.endswith("→ 滨江微网格")
    kinds, dash, _ = looks[code_at(1, 4)]
    assert ("geometry" in kinds, dash) == (True, None)
    assert looks[born][0] == ["born"]
    assert code_at(1, 4) in {code for part, code, *_ in drawn if part == "moved"} | {born}
    assert code_at(6, 6) not in {code for part, code, *_ in drawn if part == "moved"}
    row = page.locator("#edition-changes tr", has_text="滨江微网格")
    expect(row.locator(".chip")).to_have_text("改名")


def see_life(window: Visit, born: str) -> None:
    """The pages of two units: the one that was born, and the one it came from, whose border of then lies over today's."""
    page = window.page
    expect(page.locator("#called")).to_contain_text(born)
    row = page.locator("#kin tbody tr")
    expect(row).to_contain_text("拆出")
    row.locator("a").click()
    expect(page.locator("#times tbody tr")).to_have_count(2)
    expect(page.locator("#times tr[aria-selected=true]")).to_contain_text("至今")
    tab_to(page, "#times input:checked")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#times tr[aria-selected=true]")).to_contain_text("自始")
    expect(page.locator("#legend")).to_contain_text("今天的边界")
    expect(page.locator("#kin caption")).to_have_text("地块去了哪些单元")
    assert "version=" in page.url
    picture(page, "unit-life")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert window.find_serious() == []
    page.goto(f"{window.city.url}/units/00000000-0000-0000-0000-000000000000?lang=en")
    expect(page.locator("#trouble")).to_contain_text("There is no such unit")
    page.wait_for_load_state("networkidle")  # both of its questions are answered with 404, in either order
    window.errors = [one for one in window.errors if "404" not in one]


def test_by_keys_alone_a_plan_is_drawn_mended_sent_back_and_scheduled(ground: Ground, visit: Visits) -> None:
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
        page.keyboard.press("ArrowLeft")
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
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    for step in ("check", "submit"):
        take_step_by_keys(page, step)
    expect(page.locator("#plan-head .chip")).to_have_text("待审批")
    approver = visit("approver", place=ground)
    open_by_keys(approver.open("/planner"), "西片调整")
    tab_to(approver.page, "#step-comment")
    approver.page.keyboard.type("北边再")
    approver.module("planner/tabs.js", "m.showTab()")  # as when something arrives meanwhile
    approver.page.keyboard.type("让一点")
    take_step_by_keys(approver.page, "send_back")
    expect(approver.page.locator("#plan-head .chip")).to_have_text("已退回")
    page.reload()
    expect(page.locator("blockquote")).to_have_text("北边再让一点")
    for step in ("check", "submit"):
        take_step_by_keys(page, step)
    expect(page.locator("#plan-head .chip")).to_have_text("待审批")
    schedule_by_keys(approver, ground)
    after_the_instant(visit, ground, code_at(1, 0, "grid") + "05", (1.2, 0.5))


def take_step_by_keys(page: Page, step: str) -> None:
    taken = page.locator(".way li", has_text=NAMES[step])
    expect(page.locator(f'[data-step="{step}"]')).to_be_visible()
    times = taken.count()
    tab_to(page, f'[data-step="{step}"]')
    page.keyboard.press("Enter")
    expect(taken).to_have_count(times + 1)


def open_by_keys(page: Page, name: str) -> None:
    """The plan, at its way through approval."""
    expect(page.locator(".plans a", has_text=name)).to_be_visible()
    tab_to(page, ".plans a")
    page.keyboard.press("Enter")
    expect(page.locator("#plan-head h2")).to_have_text(name)
    tab_to(page, '[role="tab"][aria-selected="true"]')
    page.keyboard.press("ArrowLeft")


def type_instant(page: Page, wanted: str) -> None:
    """Into the date and time field that has the focus, in the order that this browser's own language asks for."""
    for order in ("%m%d%Y%I%M%S%p", "%Y%m%d%H%M%S"):
        page.keyboard.type(datetime.fromisoformat(wanted).strftime(order))
        if page.evaluate("document.activeElement.value") == wanted:
            return
        for _part in range(8):
            page.keyboard.press("ArrowLeft")


def schedule_by_keys(window: Visit, ground: Ground) -> None:
    page = window.page
    page.reload()
    take_step_by_keys(page, "approve")
    tab_to(page, "#tab-steps")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#handover")).to_be_visible()
    tab_to(page, "#handover button.main")
    page.keyboard.press("Enter")
    expect(page.locator("#handover-state")).to_contain_text("都已确认")
    assert window.find_serious() == []
    tab_to(page, "#tab-handover")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#publish")).to_be_visible()
    tab_to(page, '#publish input[name="at"]')
    wanted = in_force_from(ground)
    type_instant(page, wanted)
    expect(page.locator('#publish input[name="at"]')).to_have_value(wanted)
    tab_to(page, '#publish [data-step="publish"]')
    page.keyboard.press("Enter")
    expect_said(page, "已成为第 2 版")


def test_on_a_narrow_screen_the_page_fits_and_a_unit_is_renamed_and_each_sees_what_is_theirs(
    ground: Ground, visit: Visits
) -> None:
    window = visit("planner", NARROW, place=ground)
    page = open_planner(window)
    page.fill('#open-plan input[name="name"]', "改名")
    page.fill("#open-plan .finder input", code_at(3, 3, "grid"))
    page.keyboard.press("Enter")
    expect(page.locator('#open-plan input[name="unit"]')).not_to_have_value("")
    page.click("#open-plan button.main")
    expect(page.locator("#tab-body tbody tr")).to_have_count(4)
    wide = "m.boxInView()[2] - m.boxInView()[0]"  # it looks at its ground at once
    until(lambda: window.module("planner/ground.js", wide) < 8 * STEP)
    row = page.locator("#tab-body tbody tr", has_text=code_at(3, 3))
    row.locator("button").click()
    page.fill('#chosen input[name="name"]', "滨江微网格")
    page.click('#chosen [data-op="rename"]')
    expect(page.locator("#compare")).to_contain_text("滨江微网格")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert window.find_serious() == []
    with_plan = page.url.removeprefix(ground.url)
    page = visit("approver", place=ground).open(with_plan)
    expect(page.locator("#plan-head h2")).to_have_text("改名")
    expect(page.locator('[data-tool="split"]')).to_be_disabled()
    page.click("#tab-steps")
    expect(page.locator("[data-step]")).to_have_count(0)
    page = visit("worker", place=ground).open(with_plan)
    expect(page.locator("#edition-changes")).to_be_visible()
    expect(page.locator("#view-plans")).to_be_hidden()
    stranger = visit("other", place=ground)
    page = stranger.open(with_plan)
    expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#tools")).to_be_hidden()
    nobody = visit(None, place=ground)
    expect(nobody.open("/planner").locator("#password")).to_be_visible()
    for window in (stranger, nobody):
        assert [one for one in window.errors if "404" not in one and "401" not in one] == []
        window.errors.clear()


def test_in_a_city_of_thousands_every_unit_is_found_chosen_and_changed_from_afar(
    thousands: Ground, visit: Visits
) -> None:
    window = visit("planner", place=thousands)
    page = open_planner(window)
    page.fill('#open-plan input[name="name"]', "全市调整")
    page.click("#open-plan button.main")
    expect(page.locator("#units-state")).to_have_text("列出 100 个，共 5,750 个单元")
    expect(page.locator("#far")).to_contain_text("太多")
    page.click("#units-next")
    expect(page.locator("#tab-body tbody tr")).to_have_count(200)
    page.fill("#unit-search", "云桥社区第三网格")
    expect(page.locator("#units-state")).to_have_text("共 7 个单元")
    for row in (0, 1):  # neither is on the map
        page.locator("#tab-body tbody input").nth(row).check()
    expect(page.locator("#chosen h2").first).to_have_text("已选 2 个单元")
    page.click('[data-op="merge"]')
    expect_said(page, "合并：1 个单元变化")
    expect(page.locator("#units-state")).to_have_text("共 6 个单元")
    page.fill("#unit-search", "没有这个名字")
    expect(page.locator("#units-state")).to_contain_text("没有编码或名称含")
    zoomed_out = page.evaluate("planner.map.getView().getZoom()")
    assert (
        page.evaluate("planner.units.getSource().getFeatures().map(each => each.get('change'))").count(
            "changed"
        )
        == 1
    )
    by_keys_go_to(page, "云桥社区第三网格6号微网格")
    expect(page.locator("#chosen h2").first).to_have_text("云桥社区第三网格6号微网格")
    expect(page.locator("#far")).to_be_hidden()
    assert page.evaluate("planner.map.getView().getZoom()") > zoomed_out + 3
    until(lambda: page.evaluate("planner.units.getSource().getFeatures().length") > 6)
    page.fill('#chosen input[name="name"]', "滨江微网格")
    page.click('#chosen [data-op="rename"]')
    expect_said(page, "改名：1 个单元变化")
    page.click("#whole")
    expect(page.locator("#far")).to_be_visible()
    expect(page.locator("#chosen h2").first).to_have_text("滨江微网格")  # what is chosen stays in hand
    assert window.find_serious() == []
    page.focus("#map")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")  # the crosshair stands in the middle of the city
    expect(page.locator("#chosen .chosen-list li")).to_have_count(1)
    page.click("#far button")
    expect(page.locator("#far")).to_be_hidden()
    move_as_a_picture(page)


def move_as_a_picture(page: Page) -> None:
    """No border is drawn while the map is dragged; it is when it rests, where it lies then."""
    until(lambda: is_still(page))
    page.evaluate("planner.units.on('prerender', () => (window.draws += 1))")
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y)
    page.mouse.move(x + 16, y)
    shift = "new DOMMatrix(getComputedStyle(document.querySelector('.picture')).transform).e"
    until(lambda: page.evaluate(shift) > 0)
    page.evaluate("window.draws = 0")
    page.mouse.move(x + 64, y + 24, steps=6)
    until(lambda: page.evaluate(shift) > 40)
    assert page.evaluate("window.draws") == 0
    page.mouse.up()
    until(lambda: page.evaluate(shift) == 0 and page.evaluate("window.draws") > 0)


def by_keys_go_to(page: Page, name: str) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type(name)
    expect(page.locator("#goto .found [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect_said(page, name)
