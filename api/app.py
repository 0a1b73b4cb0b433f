"""The application: every route, every layer around them, and the rule that each route names its door."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from analysis.kept import HotspotCache
from api.callers import door_of, is_secure
from api.chores import chores_done
from api.errors import add_error_handlers
from api.live import LiveFeed
from api.middleware import BodyLimit, Frame
from api.openapi import describe
from api.pages import coverage as coverage_page
from api.pages import docs, pages, sign_in, static
from api.phones.door import PhoneDoor
from api.phones.inbox import Inbox
from api.pulse import Gate, Pulse
from api.routes import (
    alerts,
    base_map,
    case_counts,
    cases,
    checkins,
    children,
    coverage,
    coverage_people,
    coverage_report,
    coverage_sites,
    coverage_trend,
    coverage_views,
    drawings,
    editions,
    fixes,
    handover,
    health,
    hotspots,
    impact,
    in_units,
    live,
    me,
    nearest,
    networks,
    packages,
    painting,
    people,
    places,
    plan_units,
    plans,
    responses,
    search,
    streets,
    tasks,
    tiles,
    trails,
    unit_lives,
)
from api.turns import Turns
from core.clock import utc_now
from core.db import make_engine
from core.errors import Invalid
from core.log import set_up_logs
from core.settings import Settings, read_settings
from geo.lookup import Lookup
from maps.base_map import open_base_map
from tracking.checks import rules_of

SUBJECTS = (
    fixes,  # first: what thousands of phones ask should be found at once
    health,
    sign_in,
    pages,
    coverage_page,
    static,
    docs,
    me,
    tasks,
    people,
    networks,
    places,
    trails,
    live,
    children,
    alerts,
    cases,
    nearest,
    case_counts,
    in_units,
    search,
    hotspots,
    coverage,
    coverage_people,
    coverage_report,
    coverage_sites,
    coverage_trend,
    coverage_views,
    responses,
    checkins,
    tiles,
    base_map,
    plans,
    drawings,
    plan_units,
    handover,
    impact,
    painting,
    packages,
    editions,
    unit_lives,
    streets,
)
"""The modules that hold routes, each with a `router`; a new subject is a new line."""


def make_app(settings: Settings, engine: Engine, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The whole service on a migrated database. Behind it: uvicorn without its own access log and proxy headers."""
    app = FastAPI(
        title="Wangge 网格",
        description="The map room of grid governance: units, positions, trails and cases.",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # `/metrics` tells; nothing is sent anywhere
        lifespan=run_while_serving,
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.clock = clock
    app.state.turns = Turns(settings.pool_size)
    app.state.lookup = Lookup(engine)
    app.state.hotspots = HotspotCache()
    app.state.base_map = open_base_map(settings)
    app.state.feed = LiveFeed(engine, clock)
    app.state.pulse = Pulse(engine)
    app.state.inbox = Inbox(engine, app.state.lookup, rules_of(settings), clock, app.state.pulse)
    most_bytes = int(settings.max_body_mb * 1_000_000)
    entrances = (fixes.OWN, fixes.ANY)
    app.state.phones = PhoneDoor(
        entrances, app.state.inbox, most_bytes=most_bytes, secure=is_secure(settings)
    )
    for subject in SUBJECTS:
        app.router.routes.extend(subject.router.routes)
    add_error_handlers(app)
    check_doors(app)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.add_middleware(Gate, pulse=app.state.pulse)
    app.add_middleware(BodyLimit, most_bytes=most_bytes)
    app.add_middleware(Frame, secure=is_secure(settings))
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    return app


@asynccontextmanager
async def run_while_serving(app: FastAPI) -> AsyncIterator[None]:
    """What lives as long as the service does: its chores, and the live feed, whose streams end before the server waits for them."""
    feed: LiveFeed = app.state.feed
    chores = chores_done(app.state.engine, app.state.settings, app.state.clock)
    with collecting_seldom(), app.state.pulse.beating(), chores, feed.ending_on_signals():
        yield
    await feed.close()


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """What is here now stays for good and is left out of garbage collection, and the rest is gone through seldom.

    Thousands of requests under way at once look like garbage to come: with Python's own thresholds a third of a busy
    service's time goes into looking through them, and through everything that stands, again and again.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def check_doors(app: FastAPI) -> None:
    """Every route names exactly one door; a mistake here stops the start."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            door_of(route)


def make_app_from_environment() -> FastAPI:
    """The service of one process: what uvicorn calls, also in each worker. The database is named and migrated."""
    settings = read_settings()
    set_up_logs(settings.log_level)
    if settings.database_url is None:
        raise Invalid("WANGGE_DATABASE_URL is not set: start the service with ./wangge serve")
    return make_app(
        settings, make_engine(settings.database_url.get_secret_value(), pool_size=settings.pool_size)
    )
