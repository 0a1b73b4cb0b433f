"""The small city for the planner's page: planners, an approver, a case and somebody at work, and a clock that can be put on."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from core.clock import utc_now
from core.db import make_engine
from geo.editions import publish_plan
from geo.lookup import Lookup
from geo.received import import_received
from geo.received.folder import read_boundary_folder
from geo.tables import network
from people.accounts import find_account
from people.grants import add_grant, find_unit
from people.persons import Post, add_person, assign
from people.tokens import issue_bearer
from tests.browser.city import City
from tests.browser.conftest import running_service
from tests.city import FOUNDED, SOUTH, STEP, WEST, centre, code_at, publish_small_city
from tests.conftest import drop_database, make_database
from tests.people.town import make_account
from tests.planning_rights import Ask

ROLES = {
    "planner": ("planner", None),
    "approver": ("approver", None),
    "command": ("command", None),
    "other": ("planner", "310202"),
    "worker": ("worker", None),
}
MOST = 43
"""Households that a micro-grid may have by its network's rule: the north-east one has one more."""
WANGLAN = Path(__file__).parents[2] / "data" / "boundaries" / "wanglan"
LEAD = timedelta(minutes=20)
NAMES = {"check": "检查并定稿", "submit": "提交审批", "send_back": "退回修改", "approve": "批准"}


@dataclass
class Ground(City):
    """A city whose clock can be put on. `case`: number of the open case in the second micro-grid of the second row."""

    ahead: timedelta = timedelta()
    case: str = ""

    def clock(self) -> datetime:
        return utc_now() + self.ahead


@contextmanager
def planned_city(server_url: str, template_name: str) -> Iterator[Ground]:
    """A city of its own: what is published here is nobody else's."""
    name = f"wangge_planner_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template_name), pool_size=10)
    made = Ground("", engine)
    with engine.begin() as conn:
        publish_small_city(conn)
        rules = {"size": {"microgrid": {"households": [10, MOST]}}}
        conn.execute(update(network).where(network.c.code == "governance").values(rules=rules))
        for login, (role, unit) in ROLES.items():
            unit_id = find_unit(conn, unit, utc_now()) if unit else None
            add_grant(conn, make_account(conn, login), role, unit_id=unit_id, now=FOUNDED)
        home = find_unit(conn, code_at(1, 1, "grid"), utc_now())
        assign(conn, add_person(conn, "w1", "王芳"), Post(home, "grid_worker", FOUNDED))
        lon, lat = centre(1, 1)
        report = CaseReport(
            "test", "1", "noise", lon=lon, lat=lat, occurred_at=utc_now() - timedelta(hours=2)
        )
        (taken,) = take_in_cases(conn, Lookup(conn), [report], actor=Actor("t", "operator"), now=utc_now())
        made.case = taken.number
    with running_service(engine, clock=made.clock) as made.url:
        yield made
    engine.dispose()
    drop_database(server_url, name)


def asking(ground: Ground) -> Ask:
    """`ask(login, method, path, body)`: the service's answer to somebody's program, with `status` and `ok`."""
    tokens: dict[str, str] = {}

    def request(login: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        if login not in tokens:
            with ground.engine.begin() as conn:
                tokens[login] = issue_bearer(conn, find_account(conn, login), uuid.uuid4().hex, now=utc_now())
        bearer = {"Authorization": f"Bearer {tokens[login]}"}
        answer = httpx.request(method, f"{ground.url}{path}", json=body, headers=bearer, timeout=60)
        return answer.json() | {"status": answer.status_code, "ok": answer.is_success}

    return request


def ask(ground: Ground, path: str) -> Any:
    """What the service answers to the command post's program."""
    return asking(ground)("command", "GET", path)


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


def middle(page: Page) -> tuple[float, float]:
    """Where the middle of the map is on the screen."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def is_still(page: Page) -> bool:
    """Whether the map has drawn and moves no more."""
    return bool(page.evaluate("Boolean(window.planner) && !planner.map.getView().getAnimating() && planner.units.getSource().getFeatures().length > 0"))  # fmt: skip


def picture(page: Page, name: str) -> None:
    """For the guide: written where WANGGE_TEST_PICTURES names a folder."""
    folder = os.environ.get("WANGGE_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def expect_said(page: Page, text: str) -> None:
    expect(page.locator("#message")).to_contain_text(text)


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


@contextmanager
def fictional_city(server_url: str, template_name: str) -> Iterator[Ground]:
    """The 5,657 micro-grids and the dedicated grids of the city that ships, with a planner."""
    name = f"wangge_planner_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template_name), pool_size=10)
    made = Ground("", engine)
    received = read_boundary_folder(WANGLAN)
    with engine.begin() as conn:
        import_received(conn, received, author="test")
        publish_plan(conn, received.network, effective_from=received.effective_from, by="test", now=utc_now())
        add_grant(conn, make_account(conn, "planner"), "planner", unit_id=None, now=FOUNDED)
    with running_service(engine, clock=made.clock) as made.url:
        yield made
    engine.dispose()
    drop_database(server_url, name)
