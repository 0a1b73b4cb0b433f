"""Every route × {owner, colleague, stranger, no one}. The routes are the application's: a new one without a case fails.

The owner is the worker w1; the colleague supervises w1's street; the stranger supervises the other street.
"""

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api.app import make_app
from api.callers import Door, door_of
from api.openapi import describe
from core.db import make_engine
from core.settings import read_settings
from people.access import GRANT_ROLES
from tests.api.conftest import Browser, first_status

Ask = Callable[..., int]
PEOPLE = {"owner": "w1", "colleague": "boss1", "stranger": "boss2", "no one": None}


@dataclass(frozen=True)
class Case:
    """A request and what each of the four gets: owner, colleague, stranger, no one."""

    statuses: tuple[int, int, int, int]
    url: str
    send: Callable[[], dict[str, Any]] | dict[str, Any] = field(default_factory=dict)
    by_device: bool = False  # the owner's request carries the credential of the owner's phone
    endless: bool = False


ANYBODY = (200, 200, 200, 200)
SIGNED_IN = (200, 200, 200, 401)
OF_DEVICE = (200, 401, 401, 401)
NO_PLANNER = (403, 403, 403, 401)
OWN = (200, 404, 404, 401)  # of a person's own: the supervisors of the town are no persons


def new_case() -> dict[str, Any]:
    """A report of a case nobody reported before, in G1."""
    body = {
        "channel": "test",
        "external_ref": uuid.uuid4().hex,
        "category": "noise",
        "lon": 121.005,
        "lat": 31.005,
    }
    return {"json": body}


CASES: dict[str, Case] = {
    "GET /healthz": Case(ANYBODY, "/healthz"),
    "GET /readyz": Case(ANYBODY, "/readyz"),
    "GET /metrics": Case((403, 403, 403, 401), "/metrics"),
    "GET /openapi.json": Case(ANYBODY, "/openapi.json"),
    "GET /docs": Case(ANYBODY, "/docs"),
    "GET /docs/start.js": Case(ANYBODY, "/docs/start.js"),
    "GET /docs/{name}": Case((404, 404, 404, 404), "/docs/package.json"),
    "POST /login": Case((401, 401, 401, 401), "/login", {"json": {"login": "w1", "password": "wrong"}}),
    "POST /logout": Case((204, 204, 204, 401), "/logout"),
    "GET /v1/me": Case(SIGNED_IN, "/v1/me"),
    "GET /v1/me/notice": Case(OWN, "/v1/me/notice"),
    "POST /v1/me/notice": Case(OWN, "/v1/me/notice", {"json": {"version": "v1"}}),
    "DELETE /v1/me/notice": Case(OWN, "/v1/me/notice"),
    "GET /v1/me/duty": Case(OWN, "/v1/me/duty"),
    "PUT /v1/me/duty": Case(OWN, "/v1/me/duty", {"json": {"on": False}}),
    "GET /v1/me/looks": Case(OWN, "/v1/me/looks"),
    "GET /v1/me/checkins": Case(OWN, "/v1/me/checkins"),
    "POST /v1/me/checkins": Case(
        (201, 404, 404, 401),
        "/v1/me/checkins",
        {"json": {"lon": 121.005, "lat": 31.005, "accuracy_m": 8}},
    ),
    "GET /v1/me/tokens": Case(SIGNED_IN, "/v1/me/tokens"),
    "POST /v1/me/tokens": Case((201, 201, 201, 401), "/v1/me/tokens", {"json": {"name": "test"}}),
    "DELETE /v1/me/tokens/{token_id}": Case((404, 404, 404, 401), "/v1/me/tokens/0"),
    "POST /v1/me/password": Case(
        (403, 403, 403, 401), "/v1/me/password", {"json": {"old": "wrong", "new": "another password"}}
    ),
    "GET /v1/people": Case((403, 200, 200, 401), "/v1/people"),
    "GET /v1/people/{code}": Case((200, 200, 404, 401), "/v1/people/w1"),
    "GET /v1/people/{code}/today": Case((200, 200, 404, 401), "/v1/people/w1/today"),
    "GET /v1/people/{code}/looks": Case((403, 403, 403, 401), "/v1/people/w1/looks"),
    "GET /v1/places": Case(SIGNED_IN, "/v1/places?lon=116.3&lat=39.9"),
    "POST /v1/places": Case(SIGNED_IN, "/v1/places", {"json": {"points": [{"lon": 116.3, "lat": 39.9}]}}),
    "GET /v1/live/now": Case((403, 200, 200, 401), "/v1/live/now"),
    "GET /v1/live": Case((403, 200, 200, 401), "/v1/live", endless=True),
    "POST /v1/me/device": Case((201, 404, 404, 401), "/v1/me/device"),
    "POST /v1/fixes": Case(OF_DEVICE, "/v1/fixes", {"json": {"fixes": []}}, by_device=True),
    "GET /v1/ingest": Case(
        OF_DEVICE, "/v1/ingest?lat=31.005&lon=121.005&timestamp=1780000000", by_device=True
    ),
    "POST /v1/ingest": Case(OF_DEVICE, "/v1/ingest", {"json": {"_type": "lwt"}}, by_device=True),
    "GET /v1/ingest/{token}": Case(
        OF_DEVICE, "/v1/ingest/{token}?lat=31&lon=121&timestamp=1780000000", by_device=True
    ),
    "POST /v1/ingest/{token}": Case(
        OF_DEVICE, "/v1/ingest/{token}", {"json": {"_type": "lwt"}}, by_device=True
    ),
    "GET /v1/tiles/{layer}": Case(SIGNED_IN, "/v1/tiles/governance.grid"),
    "GET /v1/tiles/{layer}/{z}/{x}/{y}.mvt": Case(SIGNED_IN, "/v1/tiles/governance.grid/10/856/417.mvt"),
    "GET /v1/base-map": Case(SIGNED_IN, "/v1/base-map"),
    "GET /v1/base-map/{z}/{x}/{y}": Case((404, 404, 404, 401), "/v1/base-map/10/856/417"),
    "GET /login": Case((303, 303, 303, 200), "/login"),
    "GET /": Case(SIGNED_IN, "/"),
    "GET /wall": Case(SIGNED_IN, "/wall"),
    "GET /planner": Case(SIGNED_IN, "/planner"),
    "GET /m": Case(SIGNED_IN, "/m"),
    "GET /coverage": Case((403, 200, 200, 401), "/coverage"),
    "GET /static/{path:path}": Case(ANYBODY, "/static/tokens.css"),
    "GET /static/vendor/{path:path}": Case((404, 404, 404, 404), "/static/vendor/left-pad/index.js"),
    "GET /v1/cases": Case(SIGNED_IN, "/v1/cases"),
    "GET /v1/case-counts": Case(SIGNED_IN, "/v1/case-counts"),
    "GET /v1/cases-in-units": Case(
        SIGNED_IN, "/v1/cases-in-units?since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z"
    ),
    "GET /v1/fixes-in-units": Case(
        SIGNED_IN, "/v1/fixes-in-units?since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z"
    ),
    "POST /v1/cases": Case((201, 201, 201, 401), "/v1/cases", new_case),
    "GET /v1/cases/{number}": Case((200, 200, 404, 401), "/v1/cases/{case}"),
    "POST /v1/cases/{number}/events": Case(
        (409, 409, 404, 401),
        "/v1/cases/{case}/events",
        {"json": {"kind": "note", "after_seq": 99, "note": "x"}},
    ),
    "GET /v1/cases/{number}/nearest": Case((403, 200, 404, 401), "/v1/cases/{case}/nearest"),
    "GET /v1/alerts": Case((403, 200, 200, 401), "/v1/alerts"),
    "POST /v1/alerts/{alert_id}/acknowledge": Case(
        (403, 404, 404, 401), "/v1/alerts/sos-999999/acknowledge", {"json": {}}
    ),
    "GET /v1/search": Case(SIGNED_IN, "/v1/search?q=w1"),
    "GET /v1/live/units": Case((403, 200, 200, 401), "/v1/live/units?parent=T"),
    "GET /v1/me/tasks": Case(OWN, "/v1/me/tasks"),
    "POST /v1/me/answer": Case((404, 404, 404, 401), "/v1/me/answer", {"json": {"answer": "well"}}),
    "GET /v1/hotspots": Case((403, 200, 403, 401), "/v1/hotspots?unit=S1"),
    "GET /v1/coverage": Case((403, 404, 403, 401), "/v1/coverage?unit=S1"),
    "GET /v1/coverage/responses": Case((403, 200, 403, 401), "/v1/coverage/responses?unit=S1"),
    "GET /v1/coverage/checkins": Case((403, 200, 403, 401), "/v1/coverage/checkins?unit=S1"),
    "GET /v1/coverage/trend": Case((403, 200, 403, 401), "/v1/coverage/trend?unit=S1"),
    "GET /v1/people/{code}/responses": Case((200, 200, 404, 401), "/v1/people/w1/responses"),
    "GET /v1/coverage/unvisited": Case((403, 200, 403, 401), "/v1/coverage/unvisited?unit=S1"),
    "GET /v1/coverage/sites": Case((403, 200, 403, 401), "/v1/coverage/sites?unit=S1"),
    "GET /v1/coverage/calendar": Case((403, 200, 403, 401), "/v1/coverage/calendar?unit=S1"),
    "GET /v1/coverage/week": Case((403, 200, 403, 401), "/v1/coverage/week?unit=S1"),
    "GET /v1/coverage/proof": Case((403, 422, 403, 401), "/v1/coverage/proof?unit=S1&on=2020-01-01"),
    "GET /v1/coverage/report": Case((403, 404, 403, 401), "/v1/coverage/report?unit=S1"),
    "GET /v1/coverage/people": Case((403, 200, 403, 401), "/v1/coverage/people?unit=S1&on=2020-01-01"),
    "GET /v1/coverage/notes": Case(
        (403, 200, 403, 401), "/v1/coverage/notes?unit=S1&from=2020-01-01&to=2020-01-01"
    ),
    "POST /v1/coverage/notes/{note_id}/answer": Case(
        (403, 404, 404, 401), "/v1/coverage/notes/999999/answer", {"json": {"answer": "accepted"}}
    ),
    "GET /v1/people/{code}/coverage": Case((200, 200, 404, 401), "/v1/people/w1/coverage"),
    "POST /v1/me/notes": Case(
        (201, 404, 404, 401),
        "/v1/me/notes",
        {
            "json": {
                "kind": "rest",
                "since": "2020-01-02T00:00:00Z",
                "until": "2020-01-02T01:00:00Z",
                "told": "x",
            }
        },
    ),
    "GET /v1/networks": Case(SIGNED_IN, "/v1/networks"),
    "GET /v1/units": Case(SIGNED_IN, "/v1/units"),
    "GET /v1/units/{code:path}": Case(SIGNED_IN, "/v1/units/G1"),
    "GET /v1/units/{code:path}/children": Case(SIGNED_IN, "/v1/units/S1/children"),
    "GET /v1/units/{code:path}/geometry": Case(SIGNED_IN, "/v1/units/G1/geometry"),
    "GET /v1/plans": Case(NO_PLANNER, "/v1/plans"),
    "POST /v1/plans": Case(NO_PLANNER, "/v1/plans", {"json": {"name": "x", "network": "none"}}),
    "GET /v1/plans/{plan_id}": Case(NO_PLANNER, "/v1/plans/{plan}"),
    "POST /v1/plans/{plan_id}/steps": Case(NO_PLANNER, "/v1/plans/{plan}/steps", {"json": {"step": "x"}}),
    "POST /v1/plans/{plan_id}/publish": Case(NO_PLANNER, "/v1/plans/{plan}/publish", {"json": {}}),
    "POST /v1/plans/{plan_id}/rebase": Case(NO_PLANNER, "/v1/plans/{plan}/rebase", {"json": {"skip": [0]}}),
    "POST /v1/plans/{plan_id}/take-back": Case(
        NO_PLANNER, "/v1/plans/{plan}/take-back", {"json": {"reason": "x"}}
    ),
    "GET /v1/plans/{plan_id}/drawing": Case(NO_PLANNER, "/v1/plans/{plan}/drawing"),
    "GET /v1/plans/{plan_id}/units": Case(NO_PLANNER, "/v1/plans/{plan}/units"),
    "POST /v1/plans/{plan_id}/operations": Case(
        NO_PLANNER, "/v1/plans/{plan}/operations", {"json": {"op": "none", "args": {}}}
    ),
    "POST /v1/plans/{plan_id}/undo": Case(NO_PLANNER, "/v1/plans/{plan}/undo"),
    "POST /v1/plans/{plan_id}/redo": Case(NO_PLANNER, "/v1/plans/{plan}/redo"),
    "GET /v1/plans/{plan_id}/findings": Case(NO_PLANNER, "/v1/plans/{plan}/findings"),
    "GET /v1/plans/{plan_id}/affected": Case(NO_PLANNER, "/v1/plans/{plan}/affected"),
    "GET /v1/plans/{plan_id}/impact": Case(NO_PLANNER, "/v1/plans/{plan}/impact"),
    "GET /v1/plans/{plan_id}/blocks": Case(NO_PLANNER, "/v1/plans/{plan}/blocks?parent=x"),
    "POST /v1/plans/{plan_id}/painting": Case(
        NO_PLANNER, "/v1/plans/{plan}/painting", {"json": {"parent": "x"}}
    ),
    "POST /v1/plans/{plan_id}/trials": Case(
        NO_PLANNER, "/v1/plans/{plan}/trials", {"json": {"operations": [{"op": "x", "args": {}}]}}
    ),
    "GET /v1/plans/{plan_id}/handover": Case(NO_PLANNER, "/v1/plans/{plan}/handover"),
    "PUT /v1/plans/{plan_id}/handover": Case(NO_PLANNER, "/v1/plans/{plan}/handover", {"json": {"x": 1}}),
    "POST /v1/plans/{plan_id}/suggestions": Case(
        NO_PLANNER, "/v1/plans/{plan}/suggestions", {"json": {"parent": "x"}}
    ),
    "GET /v1/plans/{plan_id}/file": Case(NO_PLANNER, "/v1/plans/{plan}/file"),
    "POST /v1/plans/{plan_id}/file": Case(NO_PLANNER, "/v1/plans/{plan}/file", {"content": b"no file"}),
    "GET /v1/streets": Case(SIGNED_IN, "/v1/streets?bbox=121,31,121.1,31.1"),
    "GET /v1/editions": Case(SIGNED_IN, "/v1/editions"),
    "GET /v1/editions/{network}/{seq}/changes": Case(SIGNED_IN, "/v1/editions/governance/1/changes"),
    "POST /v1/editions/{network}/{seq}/restore": Case(
        NO_PLANNER, "/v1/editions/governance/1/restore", {"json": {"name": "x"}}
    ),
    "GET /v1/unit-lives/{unit_id}": Case(SIGNED_IN, f"/v1/unit-lives/{uuid.uuid5(uuid.NAMESPACE_OID, 'G1')}"),
    "GET /v1/unit-lives/{unit_id}/borders": Case(
        SIGNED_IN, f"/v1/unit-lives/{uuid.uuid5(uuid.NAMESPACE_OID, 'G1')}/borders"
    ),
    "GET /units/{unit_id}": Case(SIGNED_IN, f"/units/{uuid.uuid5(uuid.NAMESPACE_OID, 'G1')}"),
    "GET /v1/trails": Case((200, 200, 404, 401), "/v1/trails?person=w1"),
}


def list_routes() -> dict[str, Door]:
    """`METHOD /path` → door, from an application that has not been started."""
    app = make_app(read_settings({}), make_engine("postgresql:///never_connected"))
    return {
        f"{method} {route.path}": door_of(route)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    }


ROUTES = list_routes()


def test_every_route_has_a_case_and_every_case_a_route() -> None:
    assert sorted(CASES) == sorted(ROUTES)


def test_nothing_is_reachable_but_routes_with_a_door(app: FastAPI) -> None:
    assert [route for route in app.routes if not isinstance(route, APIRoute)] == []


@pytest.fixture
def ask(case_number: str, plan_id: str) -> Ask:
    return functools.partial(ask_for, {"{case}": case_number, "{plan}": plan_id})


def ask_for(
    made: dict[str, str],
    client: TestClient,
    name: str,
    *,
    token: str = "unknown",
    headers: dict[str, str] | None = None,
) -> int:
    """The status of a case's request; `token` is the credential of a phone."""
    case = CASES[name]
    sent = dict(headers or {})
    if case.by_device and "{token}" not in case.url and token != "unknown":
        sent["Authorization"] = f"Bearer {token}"
    url = case.url.replace("{token}", token)
    for blank, value in made.items():
        url = url.replace(blank, value)
    body = case.send() if callable(case.send) else case.send
    if case.endless:
        return first_status(client, url, sent)
    return client.request(name.split(maxsplit=1)[0], url, headers=sent, **body).status_code


@pytest.mark.parametrize("name", CASES)
def test_each_of_the_four_gets_what_is_intended(name: str, browse: Browser, phone: str, ask: Ask) -> None:
    got = {
        who: ask(browse(login), name, token=phone if who == "owner" else "unknown")
        for who, login in PEOPLE.items()
    }
    assert got == dict(zip(PEOPLE, CASES[name].statuses, strict=True))


@pytest.mark.parametrize("name", [name for name, door in ROUTES.items() if door.kind == "roles"])
@pytest.mark.parametrize("role", [role for role in GRANT_ROLES if role not in {"supervisor", "worker"}])
def test_a_role_held_everywhere_opens_exactly_the_doors_that_name_it(
    name: str, role: str, browse: Browser, ask: Ask
) -> None:
    assert (ask(browse(role), name) != 403) == (role in ROUTES[name].roles)


CHANGING = [
    name
    for name, door in ROUTES.items()
    if door.kind in {"roles", "signed_in"} and not name.startswith("GET ")
]


@pytest.mark.parametrize("name", CHANGING)
def test_a_change_asked_for_by_another_site_is_refused(name: str, browse: Browser, ask: Ask) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert ask(browse("w1"), name, headers=headers) == 403
    silent = browse("w1")
    del silent.headers["Origin"]
    assert ask(silent, name) == 403


def test_whoever_may_name_a_unit_may_name_an_instant(app: FastAPI) -> None:
    """Cases of a unit are those of its whole life; a plan lies on the edition that it was drawn on."""
    reads = {path: found["get"] for path, found in describe(app)["paths"].items() if "get" in found}
    names = {path: {each["name"] for each in read.get("parameters", [])} for path, read in reads.items()}
    asked = {path for path, given in names.items() if "unit" in given and "plan_id" not in given}
    assert len(asked) > 10
    assert {path for path in asked if "at" not in names[path]} == {"/v1/cases"}
