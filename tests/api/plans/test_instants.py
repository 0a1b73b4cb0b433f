"""Whatever tells of the ground takes an instant: asked about one before a redraw, it answers by the borders of before."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import shapely
from sqlalchemy import Engine, insert

from analysis.coverage.kept.compute import CoverageJob, compute_day
from analysis.coverage.rules import CoverageRules
from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from core.clock import day_of
from core.settings import Settings
from geo.lookup import Lookup
from people.grants import add_grant, find_unit
from people.persons import Post, add_person, assign
from tests.api.plans.conftest import NOW, Ask, Clock, approve, open_plan, split, unit_id
from tests.city import FOUNDED, centre, code_at
from tests.people.town import make_account
from tracking.partitions import ensure_partitions
from tracking.tables import fix

LON, LAT = centre(-0.3, 0)
"""In the west of the first micro-grid, which the redraw gives to a new one."""
OLD, GRID = code_at(0, 0), code_at(0, 0, "grid")
WALKED_AT = NOW - timedelta(days=1)
AFTER = NOW + timedelta(days=1, minutes=1)
SPAN = {"since": WALKED_AT.isoformat(), "until": NOW.isoformat()}
PERIOD = {"from": "{day}", "to": "{day}"}
OF_A_UNIT: dict[str, dict[str, str]] = {
    "/v1/hotspots": {},
    "/v1/case-counts": {},
    "/v1/coverage": PERIOD,
    "/v1/coverage/report": PERIOD,
    "/v1/coverage/unvisited": PERIOD,
    "/v1/coverage/sites": PERIOD,
    "/v1/coverage/calendar": PERIOD,
    "/v1/coverage/week": PERIOD,
    "/v1/coverage/trend": PERIOD,
    "/v1/coverage/responses": PERIOD,
    "/v1/coverage/checkins": PERIOD,
    "/v1/coverage/notes": PERIOD,
    "/v1/coverage/people": {"on": "{day}"},
    "/v1/coverage/proof": {"on": "{day}"},
}
"""Routes that tell of a unit by its code, with what else they ask for."""
Read = Any


@pytest.fixture
def walked(engine: Engine, settings: Settings) -> str:
    """The day before the redraw, computed: a walk and a case at the place. Returns the day."""
    on = day_of(WALKED_AT, settings.zone)
    with engine.begin() as conn:
        add_grant(conn, make_account(conn, "command"), "command", unit_id=None, now=FOUNDED)
        person = add_person(conn, "w", "李四")
        assign(conn, person, Post(find_unit(conn, GRID, NOW), "grid_worker", FOUNDED))
        ensure_partitions(conn, fix, [WALKED_AT.date()])
        version = Lookup(conn).place(LON, LAT, at=NOW)[0].unit.unit_version_id
        walk = [
            {"device_id": 1, "person_id": person, "fixed_at": WALKED_AT + timedelta(seconds=10 * n), "received_at": NOW}
            | {"lon": LON, "lat": LAT + n * 1e-6, "accuracy_m": 5.0, "digest": n, "unit_version_id": version}
            for n in range(30)
        ]  # fmt: skip
        conn.execute(insert(fix), walk)
        report = CaseReport("test", "1", "noise", lon=LON, lat=LAT, reported_at=WALKED_AT)
        take_in_cases(conn, Lookup(conn), [report], actor=Actor("desk", "desk"), now=NOW)
        compute_day(
            conn, Lookup(conn), CoverageJob("governance", settings.zone, CoverageRules(), 30), on=on, now=NOW
        )
    return on.isoformat()


@pytest.fixture
def born(ask: Ask, clock: Clock, walked: str) -> str:
    """The code of the unit born by a redraw a day later, which also renames the old one; it is in force when this returns."""
    plan = open_plan(ask)
    split(ask, plan)
    args = {"unit": unit_id(ask, 0, 0), "name": "新名"}
    assert ask("planner", "POST", f"/v1/plans/{plan}/operations", {"op": "rename", "args": args})["ok"]
    (code,) = {each["code"] for each in ask("planner", "GET", f"/v1/plans/{plan}/affected")["units"]} - {OLD}
    approve(ask, plan)
    effective = (AFTER - timedelta(minutes=1)).isoformat()
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": effective})["ok"]
    clock.now = AFTER
    return code


@pytest.fixture
def asked_at(ask: Ask) -> Read:
    """`asked_at(path, before, **query)`: as somebody who may see everything, about before or after the redraw."""

    def read(path: str, before: bool, **query: object) -> Any:
        instant = (NOW if before else AFTER).isoformat()
        return ask("command", "GET", f"{path}?{urlencode({**query, 'at': instant})}")

    return read


def test_each_lookup_tile_and_figure_answers_by_the_borders_of_the_instant(
    asked_at: Read, born: str, walked: str
) -> None:
    def both(path: str, pick: Any, **query: object) -> tuple[Any, Any]:
        return tuple(pick(asked_at(path, before, **query)) for before in (True, False))  # type: ignore[return-value]

    def codes(answer: Any) -> list[str]:
        return [each["code"] for each in answer["units"]]

    assert both("/v1/places", lambda told: told["placements"][0]["units"][-5]["code"], lon=LON, lat=LAT) == (
        OLD,
        born,
    )
    listed = both("/v1/units", lambda told: born in codes(told), level="microgrid", network="governance")
    assert listed == (False, True)
    assert both("/v1/networks", lambda told: told["networks"][0]["edition"]["seq"]) == (1, 2)
    assert both("/v1/search", lambda told: [hit["code"] for hit in told["results"]], q=born) == ([], [born])
    assert both("/v1/search", lambda told: [hit["code"] for hit in told["results"]], q="新名") == ([], [OLD])
    editions = both("/v1/tiles/governance.microgrid", lambda told: told["tiles"][0].partition("edition=")[2])
    assert len(set(editions)) == 2
    tile = "/v1/tiles/governance.microgrid/14/13380/6588.mvt"
    assert [born.encode() in each for each in both(tile, lambda told: told["content"])] == [False, True]
    ids = both(
        f"/v1/units/{GRID}/children", lambda told: {each["code"]: each["id"] for each in told["units"]}
    )
    counts = both("/v1/case-counts", lambda told: told["by_unit"], unit=GRID)
    assert counts == ({hexed(ids[0][OLD]): 1}, {hexed(ids[1][born]): 1})
    for kind in ("cases", "fixes"):
        held = both(f"/v1/{kind}-in-units", lambda told, kind=kind: {each["code"]: each[kind] for each in told["units"]}, view="as_of", **SPAN)  # fmt: skip
        count = {"cases": 1, "fixes": 30}[kind]
        assert held == ({OLD: count}, {born: count})
    used = both("/v1/hotspots", lambda told: told["facts"]["cases_used"], unit=OLD)
    assert used == (1, 0)
    names = both(
        "/v1/coverage", lambda told: told["whole"]["name"], unit=OLD, **{"from": walked, "to": walked}
    )
    assert (names[0] != "新名", names[1]) == (True, "新名")
    west = both(
        "/v1/coverage/report", border_west, unit=OLD, kind="geojson", **{"from": walked, "to": walked}
    )
    assert west[0] < LON < west[1]

    for path, query in OF_A_UNIT.items():
        wanted = {name: value.format(day=walked) for name, value in query.items()}
        before, after = both(path, lambda told: told["status"], unit=born, **wanted)
        assert (before, after != 404) == (404, True), path


def test_what_was_known_before_a_back_dated_publication_is_told_when_it_is_asked_for(
    ask: Ask, clock: Clock
) -> None:
    plan = open_plan(ask)
    split(ask, plan)
    (born,) = {each["code"] for each in ask("planner", "GET", f"/v1/plans/{plan}/affected")["units"]} - {OLD}
    approve(ask, plan)
    since, at = NOW - timedelta(days=30), NOW - timedelta(days=10)
    dated = {"effective_from": since.isoformat(), "reason": "the order is of that day"}
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", dated)["ok"]

    def holder(**asked: Any) -> Any:
        query = {name: instant.isoformat() for name, instant in asked.items()}
        told = ask("worker", "GET", f"/v1/places?{urlencode({'lon': LON, 'lat': LAT} | query)}")
        assert told["known_at"] == (query["known_at"].replace("+00:00", "Z") if "known_at" in query else None)
        placed = next(each for each in told["placements"] if each["network"] == "governance")
        return next((unit["code"] for unit in placed["units"] if unit["level"] == "microgrid"), None)

    before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    assert [holder(at=at), holder(at=at, known_at=after), holder(at=at, known_at=before)] == [born, born, OLD]
    assert [holder(at=since - timedelta(days=1), known_at=known) for known in (before, after)] == [OLD, OLD]
    assert [holder(), holder(known_at=after), holder(known_at=before)] == [born, born, OLD]
    assert holder(at=at, known_at=FOUNDED - timedelta(days=1)) is None
    point = {"lon": LON, "lat": LAT, "at": at.isoformat()}
    for known, code in ((None, born), (after, born), (before, OLD)):
        knowing = {} if known is None else {"known_at": known.isoformat()}
        many = ask("worker", "POST", "/v1/places", {"points": [point, point], **knowing})["places"]
        placed = [next(each for each in one["placements"] if each["network"] == "governance") for one in many]
        assert [each["units"][0]["code"] for each in placed] == [code, code]
        query = urlencode({"at": at.isoformat(), **knowing})
        codes = [each["code"] for each in ask("worker", "GET", f"/v1/units?level=microgrid&{query}")["units"]]
        assert (len(codes), born in codes) == ((64, False) if known == before else (65, True))
        grid = ask("worker", "GET", f"/v1/units/{code_at(0, 0, 'grid')}/children?{query}")["units"]
        assert (born in {each["code"] for each in grid}) == (known != before)
        area = ask("worker", "GET", f"/v1/units/{OLD}?{query}")
        assert (area["area_m2"] > 40_000, area["valid_until"]) == (known == before, None)
        assert (area["households"] == 30) == (known == before)
        seq = ask("worker", "GET", f"/v1/networks?{query}")["networks"][0]["edition"]["seq"]
        assert seq == (1 if known == before else 2)
        life = ask("worker", "GET", f"/v1/unit-lives/{area['id']}?{urlencode(knowing)}")
        assert [each["edition"] for each in life["chapters"]] == ([1] if known == before else [1, 2])
        borders = ask("worker", "GET", f"/v1/unit-lives/{area['id']}/borders?{urlencode(knowing)}")[
            "features"
        ]
        assert [each["properties"]["version_id"] for each in borders] == [
            each["version_id"] for each in life["chapters"]
        ]
    assert (
        ask("worker", "GET", f"/v1/places?lon={LON}&lat={LAT}&known_at=2026-06-01T00:00:00")["status"] == 422
    )
    assert (
        ask(None, "GET", f"/v1/places?lon={LON}&lat={LAT}&known_at={quote(before.isoformat())}")["status"]
        == 401
    )


def hexed(unit_id: str) -> str:
    return unit_id.replace("-", "")


def border_west(told: Any) -> float:
    (feature,) = told["features"]
    return float(shapely.from_geojson(str(feature["geometry"]).replace("'", '"')).bounds[0])
