"""A small city behind a real server, and Chromium in front of it that may reach nothing else."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)
from sqlalchemy import Engine

from api.app import make_app
from api.callers import session_cookie
from core.clock import utc_now
from core.db import make_engine
from core.settings import read_settings
from people.accounts import find_account
from people.tokens import open_session
from tests.browser.city import City, settle
from tests.conftest import drop_database, make_database
from tests.serving import running

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
MODULES = Path(__file__).parent.parent.parent / "node_modules"
WIDE, USUAL, NARROW = (1920, 1080), (1366, 768), (390, 844)
COARSE = 0.5
"""Points of the screen for one of the page's: a quarter of the points, all of which a processor has to draw here."""
CUT = r"ERR_(CONNECTION|INCOMPLETE|EMPTY|INTERNET_DISCONNECTED)"
PATIENCE_S = 40
"""A busy machine is slow, not wrong: only what never comes to hold takes so long."""
expect.set_options(timeout=PATIENCE_S * 1000)


@contextmanager
def running_service(engine: Engine, port: int = 0, clock: Callable[[], datetime] = utc_now) -> Iterator[str]:
    """A service on a database of its own or another's; the address."""
    app = make_app(read_settings({"WANGGE_SIGN_IN_ATTEMPTS": "1000"}), engine, clock=clock)
    with running(app, port) as taken:
        yield f"http://127.0.0.1:{taken}"


@pytest.fixture(scope="package", autouse=True)
def brisk() -> Iterator[None]:
    """The service's rounds come ten times as often: what is looked at here is that they come, not the pause."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.chores.WATCH_S", 1)
        patch.setattr("api.live.feed.RECHECK_S", 2)
        yield


@pytest.fixture(scope="package")
def city(brisk: None, server_url: str, template_name: str) -> Iterator[City]:
    name = template_name.replace("template", "browser")
    engine = make_engine(make_database(server_url, name, template_name), pool_size=10)
    with running_service(engine) as url:
        made = City(url, engine)
        settle(made)
        yield made
    engine.dispose()
    drop_database(server_url, name)


@pytest.fixture
def hire(city: City) -> Iterator["Hire"]:
    """`hire(name, square, …)` as `City.hire`, for this test alone: however it ends, they go off duty with it."""
    hired: list[str] = []

    def hire_one(name: str, square: tuple[int, int], **how: Any) -> str:
        hired.append(city.hire(name, square, **how))
        return hired[-1]

    yield hire_one
    for code in hired:
        city.dismiss(code)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        message = f"there is no {CHROMIUM}; ./wangge test installs it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A window, and what went wrong in it: errors on the console and requests to other hosts."""

    page: Page
    city: City
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def enter(self, login: str) -> None:
        """Signed in already, as somebody who did so this morning."""
        with self.city.engine.begin() as conn:
            secret = open_session(conn, find_account(conn, login), now=utc_now(), lifetime=timedelta(hours=1))
        name = session_cookie(read_settings({}))
        self.page.context.add_cookies([{"name": name, "value": secret, "url": self.city.url}])

    def open(self, path: str) -> Page:
        self.page.goto(self.city.url + path)
        return self.page

    def module(self, path: str, expression: str) -> Any:
        """The value of an expression over `m`, a module of the page as the page itself has it."""
        return self.page.evaluate(f"import('/static/{path}').then(m => {expression})")

    def forgive_the_cut(self) -> None:
        """While the service or the network is away, a browser says so on its console."""
        self.errors = [one for one in self.errors if not re.search(CUT, one)]

    def find_serious(self) -> list[str]:
        """What axe finds that is serious or critical."""
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


Visits = Callable[..., Visit]
Hire = Callable[..., str]


@pytest.fixture
def visit(chromium: Browser, city: City) -> Iterator[Visits]:
    """`visit(login, size)` opens a window; afterwards nothing may have gone wrong in any.

    The camera jumps, as for people who asked their system for less motion, but where a test is about motion.
    """
    opened: list[tuple[BrowserContext, Visit]] = []

    def open_window(
        login: str | None = None,
        size: tuple[int, int] = USUAL,
        language: str = "zh-CN",
        place: City = city,
        motion: Literal["reduce", "no-preference"] = "reduce",
    ) -> Visit:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            reduced_motion=motion,
            device_scale_factor=1 if os.environ.get("WANGGE_TEST_PICTURES") else COARSE,
            is_mobile=size == NARROW,
            has_touch=size == NARROW,
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        made = Visit(context.new_page(), place)
        watch(context, made)
        opened.append((context, made))
        if login:
            made.enter(login)
        return made

    yield open_window
    for context, _ in opened:
        context.close()
    assert [made.foreign for _, made in opened if made.foreign] == []
    assert [made.errors for _, made in opened if made.errors] == []


def watch(context: BrowserContext, made: Visit) -> None:
    """Note every request to another host, which finds no way out, and what the console calls an error."""

    def note_request(request: Request) -> None:
        if not request.url.startswith((made.city.url + "/", "data:", "blob:")):
            made.foreign.append(request.url)

    def note(message: ConsoleMessage) -> None:
        by_a_tool = "inline style" in message.text and not message.location["url"]  # axe tries some
        if message.type == "error" and not by_a_tool:
            made.errors.append(f"{message.text} {message.location}")

    context.on("request", note_request)
    context.on("console", note)
    made.page.on("pageerror", lambda error: made.errors.append(str(error)))


def open_wall(window: Visit, query: str = "") -> Page:
    """The wall with its map drawn and the feed running."""
    page = window.open(f"/wall{query}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#rows tbody tr, #rows .note").first).to_be_visible()
    expect(page.locator("#map canvas").first).to_be_visible()
    return page


def at_rest(window: Visit) -> None:
    """The camera stands still and everything is drawn."""
    until(lambda: bool(window.module("wall/here.js", "m.here.map.loaded() && !m.here.map.isMoving()")))


def until(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for a condition that a browser's own waiting has no words for."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.1)
