"""A small city with a walk and some cases, and Chromium with the cable out."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Connection

from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from core.settings import read_settings
from geo.editions import publish_plan
from geo.lookup import Lookup
from geo.plans import add_units_to_plan
from tests.browser.conftest import ARGUMENTS, CHROMIUM, WIDE
from tests.city import FOUNDED, centre, code_at, governance_drafts, publish_small_city
from tracking.checks import rules_of
from tracking.files import FILES
from tracking.imports import ImportOrder, import_fixes

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 6, 11, tzinfo=UTC)
MORNING = datetime(2026, 6, 10, 0, 0, tzinfo=UTC)  # 08:00 in the city
HOSTILE = "</script><img src=http://evil.example/x.png onerror=\"document.title='owned'\">&amp;{{7*7}}"


@pytest.fixture
def lookup(conn: Connection) -> Lookup:
    """The small city; micro-grid (0, 0) has a name that would like to be markup."""
    publish_small_city(conn)
    drafts = [draft for draft in governance_drafts() if draft.level == "microgrid"]
    named = [replace(draft, name=HOSTILE) if draft.code == code_at(0, 0) else draft for draft in drafts]
    add_units_to_plan(conn, "governance", named)
    publish_plan(conn, "governance", effective_from=FOUNDED, by="test", now=FOUNDED)
    return Lookup(conn)


def walk(conn: Connection, lookup: Lookup, folder: Path, *, code: str) -> None:
    """A walk east for 20 minutes, 10 minutes' stay, 30 minutes of silence, and a walk north."""
    lon, lat = centre(0, 0)
    rows = [(n * 10, lon + n * 0.00006, lat) for n in range(120)]
    rows += [(1200 + n * 10, lon + 0.0072, lat) for n in range(60)]
    rows += [(3600 + n * 10, lon + 0.0072, lat + 0.002 + n * 0.00005) for n in range(60)]
    lines = [f"{(MORNING + timedelta(seconds=s)).isoformat()},{x:.7f},{y:.7f}" for s, x, y in rows]
    path = folder / f"{code}.csv"
    path.write_text("\n".join(["time,lon,lat", *lines]), "utf-8")
    table = FILES["csv"](path, ZONE)
    order = ImportOrder(code, "wgs84", "test", "a test")
    import_fixes(conn, lookup, [table], order, now=NOW, rules=rules_of(read_settings({})))


def report_cases(conn: Connection, lookup: Lookup) -> None:
    """Two in every square and sixty in one."""
    places = [centre(column, row) for column in range(8) for row in range(8)] * 2 + [centre(5, 2)] * 60
    reports = [
        CaseReport(
            "test", f"C{n}", "噪音", lon=lon + n % 7 * 1e-5, lat=lat + n % 5 * 1e-5, occurred_at=MORNING
        )
        for n, (lon, lat) in enumerate(places)
    ]
    take_in_cases(conn, lookup, reports, actor=Actor("test", "operator"), now=NOW)


@pytest.fixture(scope="package")
def offline_chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        message = f"there is no {CHROMIUM}; ./wangge test installs it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page opened from a file, what it asked for besides itself, and what it complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


OpenPage = Callable[..., Opened]


@pytest.fixture
def open_page(offline_chromium: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Opens a text as a page from file:// with no network."""
    contexts = []

    def open_text(text: str, size: tuple[int, int] = WIDE) -> Opened:
        path = tmp_path / "map.html"
        path.write_text(text, "utf-8")
        context = offline_chromium.new_context(viewport={"width": size[0], "height": size[1]}, offline=True)
        contexts.append(context)
        opened = Opened(context.new_page())
        own = path.as_uri()
        opened.page.on("request", lambda request: request.url in own or opened.requests.append(request.url))
        opened.page.on("console", lambda said: opened.complaints.append(said.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.goto(own)
        opened.page.wait_for_selector(".leaflet-control-scale-line")
        return opened

    yield open_text
    for context in contexts:
        context.close()
