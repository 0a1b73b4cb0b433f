"""What the planner's page offers in each state of a plan × {planner, other street's planner, approver, worker, no one}: just what
the service lets them do.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, Visits, until
from tests.browser.planning import LEAD, Ground, asking, planned_city
from tests.city import code_at
from tests.planning_rights import OUTDATED, STATES, WHO, Ask, bring, may

pytestmark = pytest.mark.browser
SMALL = (1000, 600)
OFFERED = """() => {
    const open = (each) => each.checkVisibility() && !each.disabled;
    const any = (selector) => [...document.querySelectorAll(selector)].some(open);
    const drawing = { tools: any('[data-tool]:not([data-tool="choose"])'), undo: any("#undo"), forms: any("[data-op]") };
    const drawn = Object.keys(drawing).filter((each) => drawing[each]);
    const steps = [...document.querySelectorAll("[data-step]")].filter(open).map((each) => each.dataset.step);
    return [...steps, ...(drawn.length === 3 ? ["draw"] : drawn)].sort();
}"""


@pytest.fixture
def ground(server_url: str, template_name: str) -> Iterator[Ground]:
    with planned_city(server_url, template_name) as made:
        yield made


def show(window: Visit, plan: int, unit: str) -> None:
    """The plan's way through approval, with a unit chosen."""
    window.module("planner/state.js", f"m.go({{plan: '{plan}', view: null, tab: 'steps', unit: null}})")
    until(lambda: window.page.locator("#trouble").is_visible() or bool(window.module("planner/work.js", f"m.current()?.id === {plan}")))  # fmt: skip
    until(lambda: window.page.locator("#trouble").is_visible() or bool(window.module("planner/ground.js", f"m.units.getSource().getFeatureById('{unit}')")))  # fmt: skip
    window.module("planner/choose.js", f"m.choose(['{unit}'])")


def expect_offered(window: Visit, wanted: set[str]) -> None:
    """The lists that a publication waits for come a moment later."""
    meant, seen = sorted(wanted), None
    for _ in range(100):
        seen = window.page.evaluate(OFFERED)
        if seen == meant:
            break
        window.page.wait_for_timeout(50)
    assert seen == meant


def expect_all(window: Visit, login: str, plans: dict[int, dict[str, set[str]]], unit: str) -> None:
    """Plan → what its state allows."""
    for plan, allowed in plans.items():
        show(window, plan, unit)
        expect(window.page.locator("#plan-head h2")).to_have_count(1 if WHO[login] else 0)
        expect_offered(window, may(login, allowed))


def unit_of(ask: Ask, code: str, level: str = "microgrid") -> str:
    return str(ask("command", "GET", f"/v1/units/{code}?level={level}")["id"])


def expect_opening(window: Visit, ask: Ask, login: str, *, everywhere: bool) -> None:
    """A plan is opened, and an edition brought back, by those who plan there."""
    page = window.open("/planner")
    expect(page.locator("#plans h2").first).to_be_visible()
    form = page.locator("#open-plan")
    status = ask(login, "POST", "/v1/plans", {"name": "x"})["status"]
    if form.count():
        page.fill('#open-plan input[name="name"]', "x")
    assert (form.count() and form.evaluate("each => each.checkValidity()")) == (status == 201) == everywhere
    page = window.open("/planner?view=history&edition=1")
    expect(page.locator("#edition-changes")).to_contain_text("第一版")
    status = ask(login, "POST", "/v1/editions/governance/1/restore", {"name": "x"})["status"]
    assert page.locator("#edition button").count() == (status == 201) == everywhere


def test_what_the_page_offers_is_what_the_service_lets_each_do_in_each_state_of_a_plan(
    ground: Ground, visit: Visits
) -> None:
    ask = asking(ground)
    street, unit = unit_of(ask, "310101", "street"), unit_of(ask, code_at(1, 1))
    later = (ground.clock() + LEAD).isoformat()
    published = bring(ask, "published", street, unit_of(ask, code_at(2, 2)), later)
    plans = {
        each: bring(ask, each, street, unit, later)
        for each in STATES
        if each not in ("scheduled", "published")
    }
    windows = {login: visit(login, SMALL, place=ground) for login in ("planner", "approver", "other")}
    for login, window in windows.items():
        expect_opening(window, ask, login, everywhere=login == "planner")
        window.open("/planner")
        expect(window.page.locator("#plans h2").first).to_be_visible()
        mine = {plan: STATES[each] for each, plan in plans.items() if WHO[login] or each == "draft"}
        expect_all(window, login, mine | {published: STATES["published"]}, unit)
    scheduled = bring(ask, "scheduled", street, unit_of(ask, code_at(3, 3)), later)
    outdated = {plans[each]: OUTDATED[each] for each in ("draft", "approved")}
    for login, window in windows.items():
        expect_all(window, login, {scheduled: STATES["scheduled"], **outdated}, unit)
    windows["other"].errors = [each for each in windows["other"].errors if "404" not in each]
    page = visit("worker", place=ground).open(f"/planner?plan={plans['draft']}&tab=steps")
    expect(page.locator("#edition-changes")).to_be_visible()
    assert page.evaluate(OFFERED) == []
    expect(page.locator("#view-plans")).to_be_hidden()
    expect(page.locator("#edition button")).to_have_count(0)
    page = visit(None, place=ground).open(f"/planner?plan={plans['draft']}")
    expect(page.locator("#password")).to_be_visible()
