"""/v1/networks and /v1/units: lists, pages, children, borders, as of any instant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from starlette.testclient import TestClient

from api.app import make_app
from api.callers import session_cookie
from core.clock import utc_now
from core.db import make_engine
from core.settings import read_settings
from geo.editions import publish_plan
from geo.networks import Level, create_network
from geo.plans import UnitDraft, add_units_to_plan
from people.accounts import add_account
from people.tokens import open_session
from tests.geo.sketch import areas

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ODD = {"A": "a/b", "B": "100% 网格?#", "C": "..", "D": "x/children"}


@pytest.fixture(scope="module")
def client(server_url: str, template_name: str) -> Iterator[TestClient]:
    """Signed in as an account without any grant; three editions: four grids, then one renamed, then one gone."""
    from tests.conftest import drop_database, make_database

    name = template_name.replace("template", "units")
    engine = make_engine(make_database(server_url, name, template_name))
    settings = read_settings({})
    with engine.begin() as conn:
        _publish(conn)
        account = add_account(conn, "reader", "correct horse battery")
        secret = open_session(conn, account, now=utc_now(), lifetime=timedelta(hours=1))
    with TestClient(make_app(settings, engine), base_url="http://testserver") as opened:
        opened.cookies.set(session_cookie(settings), secret)
        yield opened
    engine.dispose()
    drop_database(server_url, name)


def _publish(conn) -> None:
    levels = (Level("the city", "市", "City"), Level("grid", "网格", "Grid", "the city"))
    create_network(conn, "odd", name="网", coverage="full", levels=levels)
    city = UnitDraft("the city", "1", "市", None)
    grids = [
        UnitDraft("grid", ODD[letter], f"格{letter}", shape, "1", households=7)
        for letter, shape in areas("AABB\nCCDD").items()
    ]
    school = UnitDraft(
        "grid", "S", "学校", shapely.box(116.0011, 39.0085, 116.0012, 39.0095), "1", kind="dedicated"
    )
    add_units_to_plan(conn, "odd", [city, *grids, school])
    publish_plan(conn, "odd", by="t", now=FIRST, effective_from=FIRST)
    renamed = [replace(grids[0], name="新名"), *grids[1:]]
    add_units_to_plan(conn, "odd", renamed)
    publish_plan(conn, "odd", by="t", now=FIRST + timedelta(days=10))
    merged = areas("AABB\nCCBB")
    add_units_to_plan(
        conn, "odd", [replace(u, geom=merged[k]) for u, k in zip(renamed[:3], "ABC", strict=True)]
    )
    publish_plan(conn, "odd", by="t", now=FIRST + timedelta(days=20))


def days(count: int) -> str:
    return (FIRST + timedelta(days=count)).isoformat()


def test_networks_tell_their_tree_and_the_edition_in_force(client: TestClient) -> None:
    (found,) = client.get("/v1/networks").json()["networks"]
    assert [(level["code"], level["parent"]) for level in found["levels"]] == [
        ("the city", None),
        ("grid", "the city"),
    ]
    assert found["edition"]["seq"] == 3
    assert found["bbox"] == pytest.approx([116.0, 39.008, 116.004, 39.01])
    (before,) = client.get("/v1/networks", params={"at": days(1)}).json()["networks"]
    assert before["edition"]["seq"] == 1
    (never,) = client.get("/v1/networks", params={"at": days(-1)}).json()["networks"]
    assert never["edition"] is None


def test_units_come_in_pages_that_lose_and_repeat_none(client: TestClient) -> None:
    whole = client.get("/v1/units", params={"network": "odd", "at": days(1)}).json()
    assert whole["next"] is None
    codes, after = [], None
    while True:
        params = {"network": "odd", "at": days(1), "limit": 1, **({"after": after} if after else {})}
        page = client.get("/v1/units", params=params).json()
        codes += [unit["code"] for unit in page["units"]]
        after = page["next"]
        if after is None:
            break
    assert codes == [unit["code"] for unit in whole["units"]]
    assert sorted(codes) == sorted(["1", "S", *ODD.values()])


def test_units_are_filtered_by_level_and_words(client: TestClient) -> None:
    grids = client.get("/v1/units", params={"network": "odd", "level": "grid", "search": "格"}).json()[
        "units"
    ]
    assert {unit["name"] for unit in grids} == {"格B", "格C"}
    assert client.get("/v1/units", params={"network": "odd", "level": "street"}).status_code == 404
    assert client.get("/v1/units", params={"network": "nowhere"}).status_code == 404


@pytest.mark.parametrize("code", ODD.values())
def test_a_code_may_hold_odd_characters(client: TestClient, code: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in code.encode())
    answer = client.get(f"/v1/units/{encoded}", params={"network": "odd", "at": days(1)})
    if code == "x/children":
        assert answer.status_code == 404  # reads as the children of x: the list tells of it
        return
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert [above["code"] for above in answer.json()["ancestors"]] == ["1"]


def test_a_unit_is_told_as_of_any_instant(client: TestClient) -> None:
    url = "/v1/units/a%2Fb"
    names = [
        client.get(url, params={"network": "odd", "at": days(n)}).json().get("name") for n in (1, 9, 10, 30)
    ]
    assert names == ["格A", "格A", "新名", "新名"]
    now = client.get(url, params={"network": "odd"}).json()
    assert (now["valid_from"][:10], now["valid_until"], now["households"]) == ("2026-01-11", None, 7)
    assert client.get(url, params={"network": "odd", "at": days(-1)}).status_code == 404


def test_children_come_in_order_with_dedicated_ones_last(client: TestClient) -> None:
    children = client.get("/v1/units/1/children", params={"network": "odd"}).json()["units"]
    assert [(unit["code"], unit["kind"]) for unit in children][-1] == ("S", "dedicated")
    assert len(children) == 4


def test_the_border_is_geojson_and_the_parent_is_the_union_of_its_children(client: TestClient) -> None:
    city = client.get("/v1/units/1/geometry", params={"network": "odd"}).json()
    border = shapely.geometry.shape(city["geometry"])
    assert border.geom_type == "MultiPolygon"
    children = client.get("/v1/units/1/children", params={"network": "odd"}).json()["units"]
    parts = [
        shapely.geometry.shape(
            client.get(f"/v1/units/{_encoded(unit['code'])}/geometry", params={"network": "odd"}).json()[
                "geometry"
            ]
        )
        for unit in children
        if unit["kind"] == "territorial"
    ]
    assert shapely.coverage_union_all(parts).equals(border)


def _encoded(code: str) -> str:
    return "".join(f"%{byte:02X}" for byte in code.encode())


def test_what_bears_just_the_text_that_is_searched_for_leads_and_every_page_follows(
    client: TestClient,
) -> None:
    params: dict[str, Any] = {"network": "odd", "at": days(1)}
    everything = client.get("/v1/units", params=params).json()["units"]
    for text in ("S", "格B", "1"):
        holds = [
            each["id"] for each in everything if text.lower() in f"{each['code']} {each['name']}".lower()
        ]
        found, after = [], ""
        while after is not None:
            asked = {**params, "limit": 1, "search": text, "after": after}
            page = client.get("/v1/units", params=asked).json()
            found += page["units"]
            after = page["next"]
        assert text in (found[0]["code"], found[0]["name"])
        assert sorted(each["id"] for each in found) == sorted(holds)
