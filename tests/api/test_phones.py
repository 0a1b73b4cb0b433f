"""The short way of phones: the same answers as the ordinary one, whatever is sent and however it comes."""

import itertools
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPResponse

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.app import make_app
from api.phones.door import PhoneDoor
from core.db import make_engine
from core.settings import read_settings
from tests.api.test_metrics import read_metrics
from tests.conftest import drop_database, make_database
from tests.serving import running
from tests.tracking.city import NOW
from tests.tracking.test_door import bearer, enrol
from tracking.devices import token_hash

NUMBERS = itertools.count()
SETTINGS = {"WANGGE_MAX_BODY_MB": "0.2"}
OVERLAND = {
    "locations": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [113.1, 27.8]},
            "properties": {"timestamp": NOW.isoformat(), "speed": 1},
        }
    ]
}


@pytest.fixture(scope="module")
def engine(server_url: str, template_name: str) -> Iterator[Engine]:
    name = template_name.replace("template", "phones")
    engine = make_engine(make_database(server_url, name, template_name))
    yield engine
    engine.dispose()
    drop_database(server_url, name)


@pytest.fixture
def token(engine: Engine) -> str:
    """The credential of a phone of the test's own."""
    return enrol(engine, f"W{next(NUMBERS)}")


@pytest.fixture(scope="module")
def app(engine: Engine) -> FastAPI:
    return make_app(read_settings(SETTINGS), engine, clock=lambda: NOW)


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with running(app) as port:
        yield port


@pytest.fixture(scope="module")
def ordinary(engine: Engine) -> Iterator[TestClient]:
    """Another service on the same database, asked without a wire."""
    app = make_app(read_settings(SETTINGS), engine, clock=lambda: NOW)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the calls that took the short way."""
    taken: list[str] = []
    take = PhoneDoor.take
    monkeypatch.setattr(
        PhoneDoor, "take", lambda door, call: (taken.append(call.entrance.path), take(door, call))[1]
    )
    return taken


def body_of(second: int = 0, count: int = 1, **more: object) -> bytes:
    one = {"lon": 113.15, "lat": 27.82} | more
    first = NOW - timedelta(seconds=second)
    fixes = [{"fixed_at": (first - timedelta(seconds=n)).isoformat()} | one for n in range(count)]
    return json.dumps({"fixes": fixes}).encode()


def request_of(token: str, body: bytes, *more: str, path: str = "/v1/fixes", version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}", *more]
    if token:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    answer = HTTPResponse(connection)
    answer.begin()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def stored_of(engine: Engine, token: str) -> int:
    """Fixes of the device with this credential."""
    query = "SELECT count(*) FROM fix JOIN device ON device.id = device_id WHERE token_hash = :hash"
    with engine.connect() as conn:
        return int(conn.execute(text(query), {"hash": token_hash(token)}).scalar_one())


BODIES: dict[str, Callable[[], bytes]] = {
    "a fix": body_of,
    "a flagged fix": lambda: body_of(lat=0, lon=0),
    "many": lambda: body_of(count=200),
    "nothing": lambda: b"",
    "no fixes": lambda: b'{"fixes": []}',
    "half a body": lambda: b'{"fixes": [',
    "an unknown form": lambda: b"hello",
    "another client": lambda: json.dumps(OVERLAND).encode(),
    "no text": lambda: b"\xff\xfe\x00",
    "half a surrogate": lambda: b'{"fixes": [{"note": "\\ud800"}]}',
    "too long": lambda: body_of(count=3000),
    "longer than the short way": lambda: body_of(count=1000),
}


@pytest.mark.parametrize("path", ["/v1/fixes", "/v1/ingest", "/v1/ingest?id=someone&lat=27.8&lon=113.1"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_both_ways_answer_the_same(
    engine: Engine, port: int, ordinary: TestClient, path: str, body: Callable[[], bytes]
) -> None:
    tokens = [enrol(engine, f"W{next(NUMBERS)}") for _ in range(2)]
    with connect(port) as connection:
        connection.sendall(request_of(tokens[0], body(), path=path))
        status, headers, content = read_answer(connection)
    other = ordinary.post(path, content=body(), headers=bearer(tokens[1]))
    assert status == other.status_code
    assert told(content) == told(other.content)
    assert headers.keys() - {"date"} == set(other.headers)
    named = other.headers.keys() - {"x-request-id", "content-length"}
    assert {name: headers[name] for name in named} == {name: other.headers[name] for name in named}
    assert len(headers["x-request-id"]) == 16


def told(content: bytes) -> object:
    """Without the request's own number."""
    try:
        value = json.loads(content)
    except ValueError:
        return content
    return (
        {key: one for key, one in value.items() if key != "request_id"} if isinstance(value, dict) else value
    )


@pytest.mark.parametrize("credential", ["", "Bearer nobody's", "Basic !!!", "Basic eDp4", "Digest x"])
def test_who_is_not_known_is_refused_alike(port: int, ordinary: TestClient, credential: str) -> None:
    shown = (f"Authorization: {credential}",) if credential else ()
    with connect(port) as connection:
        connection.sendall(request_of("", body_of(), *shown))
        status, headers, content = read_answer(connection)
    other = ordinary.post(
        "/v1/fixes", content=body_of(), headers={"Authorization": credential} if credential else {}
    )
    assert (status, told(content)) == (other.status_code, told(other.content)) == (401, told(content))
    assert headers["www-authenticate"] == other.headers["www-authenticate"]


def test_the_short_way_is_taken_and_counted(port: int, token: str, short: list[str]) -> None:
    before = counted(port)
    with connect(port) as connection:
        for second in range(3):
            connection.sendall(request_of(token, body_of(second)))
            assert read_answer(connection)[0] == 200
        connection.sendall(request_of(token, b"hello", path="/v1/ingest"))
        assert read_answer(connection)[0] == 415
    assert short == ["/v1/fixes"] * 3 + ["/v1/ingest"]
    after = counted(port)
    assert after["200"] - before["200"] == 3
    assert after["415"] - before["415"] == 1


def counted(port: int) -> dict[str, float]:
    with connect(port) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        metrics = read_metrics(read_answer(connection)[2].decode())
    name = 'wangge_requests_total{{method="POST",route="{}",status="{}"}}'
    of = {"200": "/v1/fixes", "415": "/v1/ingest"}
    return {status: metrics.get(name.format(path, status), 0) for status, path in of.items()}


def test_requests_of_every_shape_are_answered_in_their_order(engine: Engine, port: int, token: str) -> None:
    chunked = (
        b"POST /v1/fixes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer "
        + token.encode()
        + b"\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body_of(5)[:20], body_of(5)[20:]))
        + b"0\r\n\r\n"
    )
    health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    asked = [
        request_of(token, body_of(1)),
        request_of("x", b"{}"),
        chunked,
        health,
        request_of(token, body_of(7)),
    ]
    with connect(port) as connection:
        connection.sendall(b"".join(asked))
        with connection.makefile("rb") as answers:
            assert [read_one(answers) for _ in asked] == [200, 401, 200, 200, 200]
        for piece in (request_of(token, body_of(9))[n : n + 7] for n in range(0, 400, 7)):
            connection.sendall(piece)
        assert read_answer(connection)[0] == 200
    assert stored_of(engine, token) == 4


def read_one(answers: "socket.SocketIO") -> int:  # type: ignore[name-defined]
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline().strip().lower()) != b"":
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    answers.read(length)
    return status


@pytest.mark.parametrize(("version", "more"), [("1.1", ("Connection: close",)), ("1.0", ())])
def test_a_connection_that_shall_end_ends(port: int, token: str, version: str, more: tuple[str, ...]) -> None:
    with connect(port) as connection:
        connection.sendall(request_of(token, body_of(), *more, version=version))
        assert read_answer(connection)[0] == 200
        assert connection.recv(1) == b""


def test_who_hangs_up_before_the_answer_is_stored_all_the_same(engine: Engine, port: int, token: str) -> None:
    with engine.begin() as conn:
        conn.execute(text("LOCK TABLE device IN ACCESS EXCLUSIVE MODE"))
        with connect(port) as connection:
            connection.sendall(request_of(token, body_of()))
            time.sleep(0.1)
    until = time.monotonic() + 10
    while not stored_of(engine, token):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_neither_tokens_nor_places_are_in_the_log(
    port: int, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with connect(port) as connection:
        for sent, body in ((token, body_of()), (token, b"{"), ("who-is-this", body_of())):
            connection.sendall(request_of(sent, body, path="/v1/ingest?secret=1"))
            read_answer(connection)
    lines = [
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name.startswith("api")
    ]
    assert sum('"/v1/ingest"' in line or "'/v1/ingest'" in line for line in lines) == 3
    assert not any(word in line for line in lines for word in (token, "who-is-this", "secret", "113.15"))


def wait_for_somebody_waiting(engine: Engine) -> None:
    """Until a request has come as far as the lock on devices."""
    waits = """SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE NOT granted AND datname = current_database() AND relation = CAST('device' AS regclass)"""
    until = time.monotonic() + 30
    with engine.connect() as conn:
        while not conn.scalar(text(waits)):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_stop_answers_what_is_under_way_and_closes(engine: Engine, app: FastAPI, token: str) -> None:
    with engine.connect() as conn:
        begun = conn.begin()
        conn.execute(text("LOCK TABLE device IN ACCESS EXCLUSIVE MODE"))
        with running(app) as port:
            connection, idle = connect(port), connect(port)
            connection.sendall(request_of(token, body_of()))
            wait_for_somebody_waiting(engine)
            begun.rollback()  # while the server is being stopped
    with connection, idle:
        assert read_answer(connection)[0] == 200
        assert connection.recv(1) == b""
        assert idle.recv(1) == b""
    assert stored_of(engine, token) == 1


def test_while_the_database_is_away_phones_are_told_at_once(
    engine: Engine, app: FastAPI, port: int, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as conn:
        conn.execute(text("LOCK TABLE device IN ACCESS EXCLUSIVE MODE"))
        with connect(port) as waiting, connect(port) as late:
            waiting.sendall(request_of(token, body_of()))
            wait_for_somebody_waiting(engine)
            monkeypatch.setattr(type(app.state.pulse), "is_away", property(lambda _pulse: True))
            began = time.monotonic()
            status, headers, _ = read_answer(waiting)
            assert (status, "retry-after" in headers) == (503, True)
            late.sendall(request_of(token, body_of()))
            assert read_answer(late)[0] == 503
            assert time.monotonic() - began < 1
    monkeypatch.undo()
    with connect(port) as back:
        back.sendall(request_of(token, body_of()))
        assert read_answer(back)[0] == 200
