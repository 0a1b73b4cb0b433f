"""The wall in Chromium over the fictional city, fed by bench/wall_feed.js in place of the live stream."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Engine, Text, cast, func, select

from api.app import make_app
from api.callers import session_cookie
from bench.ground import CITY, own_database
from core.clock import utc_now
from core.errors import Unavailable
from core.settings import Settings
from geo.editions import publish_plan
from geo.received import import_received
from geo.received.folder import read_boundary_folder
from geo.tables import unit_version
from people.accounts import add_account
from people.grants import add_grant
from people.tokens import open_session

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--expose-gc",
)
FEED = Path(__file__).with_name("wall_feed.js")
WIDE = (1920, 1080)
START_S = 30


@contextmanager
def wall_page(settings: Settings, query: str = "") -> Iterator[tuple[Page, list[dict[str, Any]]]]:
    """The wall, its map drawn, and the city's micro-grids to walk in."""
    if not CHROMIUM.exists():
        raise Unavailable(f"there is no {CHROMIUM}: apt-get install chromium")
    with own_database(settings) as engine:
        cookie = _publish(engine, settings)
        with _serving(settings, engine) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
            context = browser.new_context(
                viewport={"width": WIDE[0], "height": WIDE[1]}, locale="zh-CN", bypass_csp=True
            )
            context.add_cookies([{"name": session_cookie(settings), "value": cookie, "url": url}])
            context.add_init_script(path=FEED)
            page = context.new_page()
            page.goto(f"{url}/wall{query}")
            page.wait_for_function("window.feed")
            yield page, grids_of(engine)
            browser.close()


def grids_of(engine: Engine) -> list[dict[str, Any]]:
    """Micro-grids as the feed wants them, in an order that spreads over the city."""
    point = unit_version.c.geom.ST_PointOnSurface()
    wanted = select(
        cast(unit_version.c.path, Text).label("path"),
        unit_version.c.code,
        unit_version.c.name,
        func.ST_X(point).label("lon"),
        func.ST_Y(point).label("lat"),
    )
    wanted = wanted.where(unit_version.c.level == "microgrid").order_by(func.md5(unit_version.c.code))
    with engine.connect() as conn:
        return [dict(row) for row in conn.execute(wanted).mappings()]


def _publish(engine: Engine, settings: Settings) -> str:
    """The city, and somebody who may see all of it; returns their session."""
    now = utc_now()
    with engine.begin() as conn:
        received = read_boundary_folder(CITY.parent)
        import_received(conn, received, author="bench")
        publish_plan(conn, received.network, by="bench", now=now)
        account_id = add_account(conn, "bench", "correct horse battery")
        add_grant(conn, account_id, "command", unit_id=None, now=now)
        return open_session(conn, account_id, now=now, lifetime=timedelta(hours=settings.session_hours))


@contextmanager
def _serving(settings: Settings, engine: Engine) -> Iterator[str]:
    config = uvicorn.Config(
        make_app(settings, engine),
        port=0,
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started and time.monotonic() < until:
        time.sleep(0.1)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(START_S)
