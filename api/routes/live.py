"""Where people on duty are, as a stream and as of now. Who may look, at whom, is asked again while the stream runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import Connection

from api.callers import CallerDep, Conn, Now, SettingsDep, require, session_cookie
from api.live import REMEMBERED, Cursor, LiveFeed, Permit, Push, Viewer, read_cursor, tell_who
from api.wire import PUSH
from core.settings import Settings
from people.access import MAY_SEE_MOVEMENT, Caller, Scope, may, visible_units
from people.looks import Look, What, is_recorded, record_look
from people.tokens import Kind, find_caller
from tracking.live import Dot, figures_of, snapshot_dots

router = APIRouter(prefix="/v1", tags=["movement"])


class LiveDot(BaseModel):
    """A person on duty. Position and times are null for somebody who was never heard.

    `state`: moving, still, unconfirmed (a phone that sleeps while still), late, stale or silent; `reason`: why it is
    late, stale or silent, where the phone told (permission, battery, power_saving).
    """

    id: int
    code: str
    name: str
    role: str | None
    role_name: str | None
    unit_code: str | None
    unit_name: str | None
    at_unit_code: str | None
    paths: tuple[str, ...]
    state: str
    reason: str | None
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    speed_mps: float | None
    heading_deg: float | None
    battery_pct: float | None
    charging: bool | None
    fixed_at: datetime | None
    heard_at: datetime | None
    age_s: float | None
    expected_s: int


class LiveFigures(BaseModel):
    """People: `moving` is a share of `heard`; `heard` and `silent` (unheard for 15 minutes or more) of `on_shift`."""

    on_shift: int
    heard: int
    moving: int
    silent: int


class LiveState(BaseModel):
    """Everybody on duty whom the caller may see, at an instant."""

    at: datetime
    figures: LiveFigures
    dots: list[LiveDot]


class EventStream(StreamingResponse):
    """An answer that never ends by itself."""

    media_type = "text/event-stream"


def read_scope(conn: Conn, caller: CallerDep) -> Scope:
    return visible_units(conn, caller, MAY_SEE_MOVEMENT)


ScopeDep = Annotated[Scope, Depends(read_scope)]


def record_view(
    conn: Connection,
    caller: Caller,
    now: datetime,
    *,
    again: bool = False,
    view: tuple[What, str] = ("live", "wall"),
) -> None:
    """The look at everybody in each subtree of the caller is written down before anything is shown; `view`: what and why.

    `again`: a page that lost its stream comes back; a look of the last minutes stands for this one.
    """
    for grant in caller.grants:
        if grant.role in MAY_SEE_MOVEMENT:
            seen = Look(
                at=now,
                who=caller.login,
                what=view[0],
                why=view[1],
                account_id=caller.account_id,
                unit_id=grant.unit_id,
            )
            if not (again and is_recorded(conn, seen, now - REMEMBERED)):
                record_look(conn, seen)


@router.get("/live/now", dependencies=[require(*MAY_SEE_MOVEMENT)])
def give_live_state(conn: Conn, caller: CallerDep, scope: ScopeDep, now: Now) -> LiveState:
    """The state of all dots of the caller's subtrees."""
    record_view(conn, caller, now)
    dots = snapshot_dots(conn, None if scope.everywhere else scope.paths, now)
    return LiveState(
        at=now,
        figures=LiveFigures(**asdict(figures_of(dots))),
        dots=[_live_dot(dot) for dot in dots],
    )


def _live_dot(dot: Dot) -> LiveDot:
    where = dot.position
    return LiveDot(
        **tell_who(dot.standing),
        at_unit_code=where and where.at_unit_code,
        state=dot.state,
        reason=dot.reason,
        lon=where and round(where.lon, 7),
        lat=where and round(where.lat, 7),
        accuracy_m=where and where.accuracy_m,
        speed_mps=where and where.speed_mps,
        heading_deg=where and where.heading_deg,
        battery_pct=dot.battery_pct,
        charging=dot.charging,
        fixed_at=where and where.fixed_at,
        heard_at=dot.heard_at,
        age_s=dot.age_s,
        expected_s=dot.expected_s,
    )


def admit(
    conn: Conn,
    caller: CallerDep,
    now: Now,
    since: Annotated[str | None, Query(max_length=30)] = None,
    last_event_id: Annotated[str | None, Header(max_length=30)] = None,
) -> Cursor | None:
    """Let a viewer in and record the look; where it goes on, None: from the beginning."""
    cursor = read_cursor(last_event_id or since)
    record_view(conn, caller, now, again=cursor is not None)
    return cursor


@router.get(
    "/live",
    dependencies=[require(*MAY_SEE_MOVEMENT)],
    response_class=EventStream,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow_live(
    request: Request,
    settings: SettingsDep,
    scope: ScopeDep,
    since: Annotated[Cursor | None, Depends(admit)],
) -> EventStream:
    """Server-sent events: `snapshot` first, then `frame` about once a second with what changed.

    `dots` says who people are, when they come or it changes; `moved` holds a column each of what was
    told, in the order of its `id` (one value in place of a column: the same of everybody); `gone` the ids of those who
    left. The id is a cursor; a stream resumed with it (Last-Event-ID, or `since`) begins with what was missed, or with a
    snapshot where that is not known. `end` says that the caller may see nothing any more.
    """
    feed: LiveFeed = request.app.state.feed
    secret, kind = read_credential(request, settings)
    permit = permit_of(secret, kind, request.app.state.clock)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    viewers = feed.watch(f"{kind} {secret}", permit, scope, since)
    push = request.scope.get("extensions", {}).get(PUSH)
    return EventStream(_stream(feed, viewers, push), headers=headers)


async def _stream(
    feed: LiveFeed, viewers: AbstractAsyncContextManager[Viewer], push: Push | None
) -> AsyncIterator[bytes]:
    async with viewers as viewer:
        viewer.push = push
        async for frame in feed.frames(viewer):
            yield frame


def read_credential(request: Request, settings: Settings) -> tuple[str, Kind]:
    """The credential the caller was found by."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip(), "bearer"
    return request.cookies.get(session_cookie(settings), ""), "session"


def permit_of(secret: str, kind: Kind, clock: Callable[[], datetime]) -> Permit:
    """What the credential allows when it is asked again; None when it, its account or its grants are gone.

    A look at more than the viewer was shown before is written down.
    """

    def ask(conn: Connection, shown: Scope) -> Scope | None:
        now = clock()
        caller = find_caller(conn, secret, kind=kind, now=now)
        if caller is None or not may(caller, *MAY_SEE_MOVEMENT):
            return None
        scope = visible_units(conn, caller, MAY_SEE_MOVEMENT)
        if is_wider(scope, shown):
            record_view(conn, caller, now)
        return scope

    return ask


def is_wider(scope: Scope, other: Scope) -> bool:
    """Whether the scope holds ground that the other does not."""
    if scope.everywhere:
        return not other.everywhere
    return any(not other.holds(path) for path in scope.paths)
