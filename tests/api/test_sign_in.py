from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete
from starlette.testclient import TestClient

from api.app import make_app
from core.settings import read_settings
from people.accounts import set_active
from people.tables import sign_in_attempt
from tests.api.conftest import ORIGIN, Browser
from tests.people.town import PASSWORD, Town

RIGHT = {"login": "boss1", "password": PASSWORD}
WRONG = {"login": "boss1", "password": "wrong"}
PAGE = {"Accept": "text/html,*/*;q=0.8"}


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(town_engine: Engine, town: Town, clock: Clock) -> Iterator[TestClient]:
    """A fresh browser at a service that brakes after three attempts in a minute and has seen none yet."""
    with town_engine.begin() as conn:
        conn.execute(delete(sign_in_attempt))
    settings = read_settings({"WANGGE_SIGN_IN_ATTEMPTS": "3", "WANGGE_SIGN_IN_WINDOW_S": "60"})
    app = make_app(settings, town_engine, clock=clock)
    with TestClient(app, base_url=ORIGIN, follow_redirects=False, headers={"Origin": ORIGIN}) as opened:
        yield opened


def test_signing_in_and_out_with_a_program_of_the_page(client: TestClient) -> None:
    answer = client.post("/login", json=RIGHT)
    assert (answer.status_code, answer.json()) == (200, {"login": "boss1"})
    assert client.get("/v1/me").json()["grants"][0]["role"] == "supervisor"
    assert client.post("/logout").status_code == 204
    assert "wangge" not in client.cookies
    assert client.get("/v1/me").status_code == 401


def test_the_session_is_over_for_whoever_kept_the_cookie(client: TestClient) -> None:
    client.post("/login", json=RIGHT)
    kept = client.cookies["wangge"]
    client.post("/logout")
    client.cookies.set("wangge", kept)
    assert client.get("/v1/me").status_code == 401


def test_signing_in_with_a_form_and_no_script(client: TestClient) -> None:
    answer = client.post("/login", data=RIGHT | {"next": "/wall?level=grid"}, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/wall?level=grid")
    assert client.get("/v1/me").status_code == 200
    wrong = client.post("/login", data=WRONG | {"next": "/wall"}, headers=PAGE)
    assert (wrong.status_code, wrong.headers["location"]) == (303, "/login?problem=wrong&next=%2Fwall")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "",
        "/a\r\nSet-Cookie: x=1",
        "/\t/e",
    ],
)
def test_a_sign_in_never_leads_to_another_host(client: TestClient, target: str) -> None:
    answer = client.post("/login", data=RIGHT | {"next": target}, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_cookie_is_for_this_site_and_no_script(client: TestClient) -> None:
    cookie = client.post("/login", json=RIGHT).headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= {
        part.strip() for part in cookie.split(";")
    }
    assert "secure" not in cookie
    assert "domain" not in cookie


def test_over_tls_the_cookie_never_travels_in_the_clear(town_engine: Engine, town: Town) -> None:
    settings = read_settings({"WANGGE_BEHIND_TLS_PROXY": "true", "WANGGE_SIGN_IN_ATTEMPTS": "1000"})
    with TestClient(make_app(settings, town_engine), base_url="https://testserver") as client:
        answer = client.post("/login", json=RIGHT)
        assert answer.headers["set-cookie"].startswith("__Host-wangge=")
        assert "secure" in answer.headers["set-cookie"].lower()
        assert "max-age" in answer.headers["strict-transport-security"]
        assert client.get("/v1/me").status_code == 200


def test_a_wrong_password_an_unknown_login_and_a_disabled_account_get_the_same_answer(
    client: TestClient, town_engine: Engine, town: Town, clock: Clock
) -> None:
    with town_engine.begin() as conn:
        set_active(conn, town.accounts["desk"], active=False, now=clock())
    answers = [
        client.post("/login", json=sent)
        for sent in (WRONG, {"login": "nobody", "password": "wrong"}, {"login": "desk", "password": PASSWORD})
    ]
    with town_engine.begin() as conn:
        set_active(conn, town.accounts["desk"], active=True, now=clock())
    told = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert told[0] == told[1] == told[2]
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_guessing_is_braked_and_the_brake_lets_go(client: TestClient, clock: Clock) -> None:
    assert [client.post("/login", json=WRONG).status_code for _ in range(4)] == [401, 401, 401, 429]
    braked = client.post("/login", json=RIGHT)
    assert (braked.status_code, braked.headers["retry-after"]) == (429, "60")
    page = client.post("/login", data=RIGHT, headers=PAGE)
    assert page.headers["location"].startswith("/login?problem=throttled")
    clock.now += timedelta(seconds=61)
    assert client.post("/login", json=RIGHT).status_code == 200


def test_the_address_of_a_proxys_client_counts_only_from_a_trusted_proxy(
    town_engine: Engine, town: Town
) -> None:
    """Untrusted: the header changes nothing, all attempts are one address's."""
    settings = read_settings({"WANGGE_SIGN_IN_ATTEMPTS": "3", "WANGGE_TRUSTED_PROXIES": "10.0.0.1"})
    app = make_app(settings, town_engine, clock=lambda: datetime(2031, 1, 1, tzinfo=UTC))

    def attempts(peer: str) -> list[int]:
        client = TestClient(app, base_url=ORIGIN, client=(peer, 1))
        return [
            client.post(
                "/login",
                json={"login": f"{peer} {n}", "password": "x"},
                headers={"X-Forwarded-For": f"198.51.100.{n}"},
            ).status_code
            for n in range(4)
        ]

    assert attempts("203.0.113.9") == [401, 401, 401, 429]
    assert attempts("10.0.0.1") == [401, 401, 401, 401]


def test_a_sign_in_asked_for_by_another_site_is_refused(client: TestClient) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/login", json=RIGHT, headers=headers).status_code == 403
    del client.headers["Origin"]
    assert client.post("/login", json=RIGHT).status_code == 200


def test_a_bearer_token_needs_no_origin_and_ends_with_the_password(
    browse: Browser, client: TestClient
) -> None:
    client.post("/login", json={"login": "planner", "password": PASSWORD})
    bearer = {
        "Authorization": "Bearer " + client.post("/v1/me/tokens", json={"name": "export"}).json()["token"]
    }
    program = browse(None)
    del program.headers["Origin"]
    assert program.get("/v1/me", headers=bearer).json()["login"] == "planner"
    assert program.post("/v1/me/tokens", json={"name": "second"}, headers=bearer).status_code == 201
    change = {"old": PASSWORD, "new": "a new long password"}
    assert client.post("/v1/me/password", json=change).status_code == 204
    assert client.get("/v1/me").status_code == 200
    assert program.get("/v1/me", headers=bearer).status_code == 401
    assert client.post("/v1/me/password", json={"old": change["new"], "new": PASSWORD}).status_code == 204


def test_guessing_the_old_password_is_braked_too(client: TestClient) -> None:
    client.post("/login", json=RIGHT)
    change = {"old": "wrong", "new": "a new long password"}
    assert [client.post("/v1/me/password", json=change).status_code for _ in range(4)] == [403, 403, 403, 429]


def test_an_unknown_credential_is_no_one(browse: Browser) -> None:
    for headers in ({"Authorization": "Bearer x"}, {"Authorization": "Bearer"}, {"Cookie": "wangge=x"}):
        assert browse(None).get("/v1/me", headers=headers).status_code == 401


def test_a_page_leads_no_one_to_sign_in_and_back(browse: Browser) -> None:
    answer = browse(None).get("/wall?level=grid&unit=G1", headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fwall%3Flevel%3Dgrid%26unit%3DG1"
    assert browse(None).get("/v1/people", headers=PAGE).status_code == 401
