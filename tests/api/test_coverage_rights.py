"""Who may see coverage: a table of every route for every kind of caller.

boss1 supervises street S1 and boss2 street S2; w1 works in S1, w2 in S2; each leads, or is, whoever the column says.
"""

from typing import Final

import pytest
from fastapi import FastAPI

from tests.api.conftest import Browser

PERIOD: Final = "from=2020-01-01&to=2020-01-01"
CALLERS: Final = ("boss1", "boss2", "w1", "w2", "desk", None)
FOR_LEADERS: Final = (403, 403, 403, 403, 401)
"""Another street's supervisor, two workers, the desk, no one."""
OF_A_UNIT: Final = {
    "GET /v1/coverage": (f"/v1/coverage?unit=S1&{PERIOD}", 404),
    "GET /v1/coverage/report": (f"/v1/coverage/report?unit=S1&{PERIOD}&kind=csv", 404),
    "GET /v1/coverage/trend": (f"/v1/coverage/trend?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/unvisited": (f"/v1/coverage/unvisited?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/sites": (f"/v1/coverage/sites?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/calendar": (f"/v1/coverage/calendar?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/week": (f"/v1/coverage/week?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/checkins": (f"/v1/coverage/checkins?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/responses": (f"/v1/coverage/responses?unit=S1&{PERIOD}", 200),
    "GET /v1/coverage/proof": ("/v1/coverage/proof?unit=S1&on=2020-01-01", 422),
    "GET /v1/coverage/people": ("/v1/coverage/people?unit=S1&on=2020-01-01", 200),
    "GET /v1/coverage/notes": (f"/v1/coverage/notes?unit=S1&{PERIOD}", 200),
}
"""The address, and what a supervisor of the street is told: figures, or that none were computed."""
OF_A_PERSON: Final = {
    "GET /v1/people/{code}/coverage": "/v1/people/w1/coverage",
    "GET /v1/people/{code}/responses": "/v1/people/w1/responses",
}
OTHERS: Final = {"POST /v1/coverage/notes/{note_id}/answer"}
"""Told in tests/api/test_coverage.py."""


def statuses(browse: Browser, address: str) -> list[int]:
    return [browse(login).get(address).status_code for login in CALLERS]


@pytest.mark.parametrize("route", OF_A_UNIT)
def test_ground_is_for_whoever_supervises_it(browse: Browser, route: str) -> None:
    address, told = OF_A_UNIT[route]
    assert statuses(browse, address) == [told, *FOR_LEADERS]


@pytest.mark.parametrize("route", OF_A_PERSON)
def test_a_person_is_for_themselves_and_whoever_leads_them(browse: Browser, route: str) -> None:
    """A worker of another street does not even learn that there is such a person."""
    assert statuses(browse, OF_A_PERSON[route]) == [200, 404, 200, 404, 404, 401]


def test_no_route_of_coverage_is_missing_from_the_tables(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    routes = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if "coverage" in path or path.endswith("/responses")
    }
    assert routes - OTHERS == {*OF_A_UNIT, *OF_A_PERSON}
