"""What every answer has: problem documents, a request id, headers, a bound on bodies, and a commit before it."""

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Query
from sqlalchemy import Engine, func, select, text
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api.app import check_doors, make_app
from api.callers import Conn, public
from core.db import make_engine
from core.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from core.settings import Settings, read_settings
from people.tables import token
from tests.api.conftest import Browser
from tests.people.town import Town

ERRORS = {404: NotFound, 409: Conflict, 422: Invalid, 403: Refused, 503: Unavailable}


@pytest.fixture
def broken(town_engine: Engine, settings: Settings) -> TestClient:
    """The service with routes that fail in every way."""
    app = make_app(settings, town_engine)

    @app.get("/fail/{kind}", dependencies=[public])
    def fail(kind: int) -> None:
        raise ERRORS[kind](f"secret-free words about {kind}")

    @app.get("/statement", dependencies=[public])
    def run(conn: Conn, sql: str = Query()) -> None:
        conn.execute(text(sql), {"name": "a name nobody may read"} if ":name" in sql else {})

    @app.get("/crash", dependencies=[public])
    def crash() -> None:
        raise RuntimeError("a fault of ours")

    return TestClient(app, raise_server_exceptions=False)


def own_lines(caplog: pytest.LogCaptureFixture) -> str:
    """What the service logged, without the test's own client."""
    return "\n".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records if not r.name.startswith("httpx"))


@pytest.mark.parametrize("status", ERRORS)
def test_a_domain_error_has_its_status_and_words(broken: TestClient, status: int) -> None:
    answer = broken.get(f"/fail/{status}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["detail"] == f"secret-free words about {status}"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", 503),
        ("SELECT 1/0", 422),
        ("INSERT INTO role SELECT * FROM role", 409),
        ("SELECT no_such_column", 500),
        ("INSERT INTO role (code) VALUES (:name)", 500),
    ],
)
def test_what_the_database_refuses_tells_no_values(
    broken: TestClient, caplog: pytest.LogCaptureFixture, sql: str, status: int
) -> None:
    caplog.set_level(logging.INFO)
    answer = broken.get("/statement", params={"sql": sql})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.text + own_lines(caplog)
    assert "a name nobody may read" not in told
    assert "INSERT" not in told
    assert "Traceback" not in told


def test_a_crash_gets_a_fixed_text_and_the_log_the_place(
    broken: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = broken.get("/crash")
    assert (answer.status_code, "a fault of ours" in answer.text) == (500, False)
    (fault,) = [record for record in caplog.records if record.getMessage() == "fault"]
    assert vars(fault)["kind"] == "RuntimeError"
    assert "a fault of ours" not in str(vars(fault)), "an error's own words may quote a position or a token"
    assert "test_frame.py" in vars(fault)["frames"][-1]


@pytest.mark.parametrize(
    "path", ["/v1/me", "/nowhere", "/crash", "/healthz", "/docs/swagger-ui.css", "/static/tokens.css"]
)
def test_every_answer_has_the_security_headers(broken: TestClient, path: str) -> None:
    headers = broken.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert len(headers["x-request-id"]) == 16
    assert headers["cache-control"]
    assert "server" not in headers


def test_answers_about_people_are_kept_by_no_cache(browse: Browser) -> None:
    for path in ("/v1/me", "/v1/people", "/v1/people/w1"):
        assert browse("boss1").get(path).headers["cache-control"] == "no-store"


def test_a_large_body_is_refused_by_its_length_and_by_its_bytes(browse: Browser) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b"[" * 50_000

    json = {"Content-Type": "application/json"}
    for body in (b"[" * 1_000_001, chunks()):
        answer = browse("w1").post("/v1/me/tokens", content=body, headers=json)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert "1,000,000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"name": NaN}', 422),
        (b'{"name": "\\u0000"}', 422),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": "\xff"}', 400),
        ("名".encode("gb18030"), 400),
        (b'{"name":' + b"[" * 100_000, 400),
        (b'{"name": "a", "name": ["b"]}', 422),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_document(browse: Browser, body: bytes, status: int) -> None:
    answer = browse("w1").post("/v1/me/tokens", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_what_was_sent_is_not_told_back(browse: Browser) -> None:
    answer = browse(None).post("/login", json={"login": "w1", "password": ["my secret"]})
    assert answer.status_code == 422
    assert "my secret" not in answer.text


def test_tokens_in_paths_are_in_no_log(browse: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/v1/ingest/TOPSECRET", "/v1/ingest/TOPSECRET/x", "/v1/ingest/TOPSECRET?lat=1"):
        assert browse(None).post(path, content=b"{").status_code in {401, 404}
    lines = own_lines(caplog)
    assert "TOPSECRET" not in lines
    assert "/v1/ingest/{token}" in lines


def test_the_commit_comes_before_the_answer(
    app: FastAPI, browse: Browser, town_engine: Engine, town: Town
) -> None:
    seen: list[int] = []
    client = browse("w1")
    inner = client.app

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_after_looking(message: Message) -> None:
            if message["type"] == "http.response.start":
                with town_engine.connect() as other:
                    named = select(func.count()).select_from(token).where(token.c.name == "committed?")
                    seen.append(other.scalar(named) or 0)
            await send(message)

        await inner(scope, receive, send_after_looking)

    watched = TestClient(watch, base_url=str(client.base_url), headers=client.headers, cookies=client.cookies)
    assert watched.post("/v1/me/tokens", json={"name": "committed?"}).status_code == 201
    assert seen == [1]


def test_without_its_database_the_service_lives_and_is_not_ready() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:9/nowhere")
    client = TestClient(make_app(read_settings({}), engine), raise_server_exceptions=False)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    engine.dispose()


def test_a_route_without_a_door_stops_the_start(settings: Settings, town_engine: Engine) -> None:
    app = make_app(settings, town_engine)

    @app.get("/open")
    def forgotten() -> None: ...

    with pytest.raises(ValueError, match="/open must name one door"):
        check_doors(app)


def test_the_reader_of_the_document_needs_nobody_else(browse: Browser) -> None:
    page = browse(None).get("/docs").text
    assert "//" not in page.replace("<!doctype html>", "")
    assert (
        browse(None).get("/docs/swagger-ui-bundle.js").headers["content-type"].startswith("text/javascript")
    )
