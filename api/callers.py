"""Who is asking, and what every route depends on: the transaction, the caller, the clock, the door it declares.

Each route names its door in `dependencies=[…]`: `public`, `signed_in`, `device` or `require(*roles)`.
The app refuses to start with a route that has none, and the tests read the doors from it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.routing import APIRoute
from pydantic import AwareDatetime
from sqlalchemy import Connection

from api.errors import NotSignedIn
from core.errors import Refused, told
from core.settings import Settings
from geo.lookup import Lookup
from people.access import Caller, may
from people.tokens import find_caller

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def open_transaction(request: Request) -> AsyncIterator[Connection]:
    """One request, one transaction: committed when the route returns, rolled back when it raises."""
    state = request.app.state
    async with state.turns.turn(), contextmanager_in_threadpool(state.engine.begin()) as conn:
        yield conn


def read_settings_of_app(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def read_now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now


def read_zone(request: Request) -> ZoneInfo:
    zone: ZoneInfo = request.app.state.settings.zone
    return zone


def read_lookup(request: Request) -> Lookup:
    lookup: Lookup = request.app.state.lookup
    return lookup


Conn = Annotated[Connection, Depends(open_transaction, scope="function")]
"""The request's transaction. The scope makes the commit come before the answer leaves."""
SettingsDep = Annotated[Settings, Depends(read_settings_of_app)]
Now = Annotated[datetime, Depends(read_now)]
Zone = Annotated[ZoneInfo, Depends(read_zone)]
LookupDep = Annotated[Lookup, Depends(read_lookup)]
At = Annotated[
    AwareDatetime | None,
    Query(description="by the borders in force at this instant, with an offset from UTC; left out: now"),
]

KnownAt = Annotated[
    AwareDatetime | None,
    Query(description="as was known at this instant, with an offset from UTC, before later editions told otherwise; "
          "left out: as is known now"),
]  # fmt: skip


def read_instant(now: Now, at: At = None) -> datetime:
    return at or now


Instant = Annotated[datetime, Depends(read_instant)]
"""The instant that is asked about: `at` of the address, or now."""


def session_cookie(settings: Settings) -> str:
    """The cookie's name; over TLS the prefix binds it to this host."""
    return "__Host-wangge" if is_secure(settings) else "wangge"


def is_secure(settings: Settings) -> bool:
    """Whether browsers reach the service over TLS."""
    return settings.tls_certificate is not None or settings.behind_tls_proxy


def is_foreign(request: Request) -> bool:
    """Whether the browser says that another site's page asks; programs say nothing.

    Browsers tell it in Sec-Fetch-Site (over TLS and on loopback) and in Origin (always, when something changes).
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in {None, "same-origin", "none"}:
        return True
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def refuse_foreign_change(request: Request) -> None:
    """Refused unless a changing request with a cookie comes from a page of ours, and says so."""
    if request.method in SAFE_METHODS:
        return
    told = "origin" in request.headers or "sec-fetch-site" in request.headers
    if is_foreign(request) or not told:
        raise Refused(
            "a change with a sign-in cookie must come from a page of this service (Origin or Sec-Fetch-Site tells), "
            "so nothing was done; programs use a bearer token"
        )


def find_caller_of_request(request: Request, conn: Conn, settings: SettingsDep, now: Now) -> Caller | None:
    """The caller by bearer token or session cookie; None for no one, an unknown or an expired credential."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return find_caller(conn, credential.strip(), kind="bearer", now=now)
    session = request.cookies.get(session_cookie(settings))
    if session is None:
        return None
    caller = find_caller(conn, session, kind="session", now=now)
    if caller is not None:
        refuse_foreign_change(request)
    return caller


MaybeCallerDep = Annotated[Caller | None, Depends(find_caller_of_request)]


def read_caller(caller: MaybeCallerDep) -> Caller:
    """The caller; 401 when there is none."""
    if caller is None:
        raise NotSignedIn
    return caller


CallerDep = Annotated[Caller, Depends(read_caller)]


@dataclass(frozen=True)
class Door:
    """What a route asks of its caller, readable from the app."""

    kind: Literal["public", "signed_in", "device", "roles"]
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenDoor(Door):
    """Nothing is asked here; a device's credential is checked by the route's own dependency."""

    def __call__(self) -> None:
        return None


@dataclass(frozen=True)
class GuardedDoor(Door):
    """An account must be signed in and hold one of the roles, where any are named."""

    def __call__(self, caller: CallerDep) -> None:
        if self.roles and not may(caller, *self.roles):
            roles = ", ".join(self.roles)
            raise Refused(told("this is for {roles}; ask an administrator for a grant", roles=roles))


@dataclass(frozen=True)
class NearDoor(Door):
    """Open to whoever asks from the machine itself, also with the database away; to anybody else as a guarded door.

    Behind a TLS proxy everybody seems to be near, so nobody is.
    """

    def __call__(self, request: Request) -> None:
        settings: Settings = request.app.state.settings
        if is_near(request) and not settings.behind_tls_proxy:
            return
        with request.app.state.engine.begin() as conn:
            caller = find_caller_of_request(request, conn, settings, request.app.state.clock())
        GuardedDoor(self.kind, self.roles)(read_caller(caller))


def is_near(request: Request) -> bool:
    """Whether the request comes from this machine, and from no proxy on it."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


public: Any = Depends(OpenDoor("public"))
"""Anybody, signed in or not."""
device: Any = Depends(OpenDoor("device"))
"""A device's credential, checked by the route itself."""
signed_in: Any = Depends(GuardedDoor("signed_in"))
"""Any active account."""


def require(*roles: str) -> Any:
    """An account that holds one of the roles somewhere; the route narrows to the subtree."""
    return Depends(GuardedDoor("roles", roles))


def require_unless_near(*roles: str) -> Any:
    """As `require`, but for programs on this machine, which need no account: a collector of metrics."""
    return Depends(NearDoor("roles", roles))


def door_of(route: APIRoute) -> Door:
    """The one door a route declares; ValueError when it has none or several."""
    found: list[object] = [one.dependency for one in route.dependencies]
    doors = [one for one in found if isinstance(one, Door)]
    if len(doors) != 1:
        raise ValueError(
            f"route {route.path} must name one door in its dependencies: public, signed_in, device, require(…)"
        )
    return doors[0]
