"""What may not be recorded is looked for in every table, in the log, and in the files of the database itself."""

import json
import logging
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.app import make_app
from core.settings import read_settings
from tests.tracking.city import EVER, NOW, make_person
from tests.tracking.test_door import DROPS, bearer, counted, enrol, everything, rows
from tracking.devices import Settings, add_device_behind, add_gateway, hand_over, revoke_device

EARLIER = NOW - timedelta(minutes=30)


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    app = make_app(read_settings({}), engine, clock=lambda: NOW)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@dataclass(frozen=True)
class Traces:
    """Words and numbers that nobody else ever wrote on this server; `token`: the credential that was shown."""

    token: str
    mark: str = field(default_factory=lambda: f"trace-{secrets.token_hex(8)}")
    lon: float = field(default_factory=lambda: round(113 + secrets.randbelow(10**7) / 10**7, 7))
    lat: float = field(default_factory=lambda: round(27 + secrets.randbelow(10**7) / 10**7, 7))

    def patterns(self) -> dict[str, bytes]:
        return {
            "mark": self.mark.encode(),
            "token": self.token.encode(),
            "lon as text": str(self.lon).encode(),
            "lat as text": str(self.lat).encode(),
            "lon as stored": struct.pack("<d", self.lon),
            "lon as sent": struct.pack(">d", self.lon),
            "lat as stored": struct.pack("<d", self.lat),
        }

    def found_in(self, content: bytes) -> set[str]:
        return {name for name, pattern in self.patterns().items() if pattern in content}


def wal_place(engine: Engine) -> str:
    with engine.connect() as conn:
        return str(conn.execute(text("SELECT pg_walfile_name(pg_current_wal_lsn())")).scalar_one())


def files_of_database(engine: Engine, since: str) -> list[Path]:
    """The files of this database, the server's write-ahead log from the segment `since` on, and its own log."""
    query = text("SELECT pg_backend_pid(), oid FROM pg_database WHERE datname = current_database()")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("CHECKPOINT"))
        pid, oid = conn.execute(query).one()
        try:
            folder = Path(f"/proc/{pid}/cwd").readlink()  # a server works in its data directory
        except OSError:
            pytest.skip("the database server is on another machine, or another user's")
    own = [path for path in (folder / "base" / str(oid)).iterdir() if path.is_file()]
    until = wal_place(engine)
    wal = [path for path in (folder / "pg_wal").iterdir() if since <= path.name <= until]
    spilled = list((folder / "base" / "pgsql_tmp").glob("**/*"))
    logs = [folder.parent / "log", folder.parent.parent / "log" / "postgresql.log"]
    return [*own, *wal, *(path for path in [*spilled, *logs] if path.is_file())]


def on_disk(engine: Engine, since: str, traces: Traces) -> set[str]:
    found: set[str] = set()
    for path in files_of_database(engine, since):
        found |= traces.found_in(path.read_bytes())
    return found


def logged(caplog: pytest.LogCaptureFixture) -> bytes:
    """Everything the service logged, at any level; the test's own client logs what it asks."""
    told = [str(vars(record)) for record in caplog.records if not record.name.startswith("httpx")]
    assert told, "requests are logged"
    return json.dumps(told).encode()


def send_all(client: TestClient, traces: Traces, at: datetime) -> list[httpx.Response]:
    """One position in each of many clients' words, and everything else a phone may say of itself."""
    second = int(at.timestamp())
    place = {"lat": traces.lat, "lon": traces.lon}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [traces.lon, traces.lat]}}
    owntracks = {"_type": "location", "tst": second, "mark": traces.mark, **place}
    bodies: list[object] = [
        {"fixes": [{"fixed_at": at.isoformat(), "mark": traces.mark, "battery_pct": 77, **place}]},
        owntracks,
        owntracks | {"t": "p"},
        owntracks | {"_type": "transition", "event": "enter"},
        {"_type": "status", "tst": second, "android": {"loc": 0, "mark": traces.mark}},
        {"_type": "steps", "tst": second, "mark": traces.mark},
        {"locations": [feature | {"properties": {"timestamp": at.isoformat(), "wifi": traces.mark}}]},
        [{"id": traces.mark, "timestamp": second, **place}],
    ]
    form = {"id": traces.mark, "timestamp": second, **place}
    own, *others = bodies
    answers = [client.post("/v1/fixes", json=own, headers=bearer(traces.token))]
    answers += [client.post("/v1/ingest", json=body, headers=bearer(traces.token)) for body in others]
    answers.append(client.get(f"/v1/ingest/{traces.token}?{urlencode(form)}"))
    answers.append(client.post(f"/v1/ingest/{traces.token}", content=urlencode(form)))
    return answers


FIXES = 6
"""Of what `send_all` sends, those that are positions."""


def handed_on(engine: Engine) -> str:
    """W1 gave the phone to W2, who is on shift; W1 was not when those positions were taken."""
    token = enrol(engine, "W1", shifts=[])
    with engine.begin() as conn:
        make_person(conn, "W2")
        hand_over(conn, "P-W1", "W2", now=EARLIER + timedelta(minutes=10))
    return token


CASES: dict[str, tuple[str, Callable[[Engine], str]]] = {**DROPS, "previous holder": ("off_shift", handed_on)}


@pytest.mark.parametrize("why", CASES)
def test_what_may_not_be_recorded_reaches_no_file(
    engine: Engine, client: TestClient, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    caplog.set_level(logging.DEBUG)
    reason, prepare = CASES[why]
    traces = Traces(prepare(engine))
    since = wal_place(engine)
    before = everything(engine)
    caplog.clear()
    at = EARLIER if why == "previous holder" else NOW
    answers = send_all(client, traces, at)
    assert [answer.status_code for answer in answers] == [200] * 10
    assert answers[0].json() == {"accepted": 0, "flagged": 0, "known": 0, "dropped": 1}
    after = everything(engine)
    after.remove(f"dropped ({NOW.date()},{reason},{FIXES})")
    assert after == before
    assert on_disk(engine, since, traces) == set()
    assert traces.found_in(logged(caplog)) == set()


def test_a_revoked_phone_leaves_a_count(
    engine: Engine, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    traces = Traces(enrol(engine))
    with engine.begin() as conn:
        revoke_device(conn, "P-W1", now=EVER)
    since = wal_place(engine)
    before = everything(engine)
    assert {answer.status_code for answer in send_all(client, traces, NOW)} == {401}
    after = everything(engine)
    after.remove(f"dropped ({NOW.date()},revoked,10)")
    assert after == before
    assert on_disk(engine, since, traces) == set()
    assert traces.found_in(logged(caplog)) == set()


def test_what_a_gateway_says_of_strangers_and_of_those_off_shift_leaves_counts(
    engine: Engine, client: TestClient
) -> None:
    with engine.begin() as conn:
        make_person(conn, "W1", shifts=[])
        traces = Traces(add_gateway(conn, "traccar"))
        add_device_behind(conn, "cam", "W1", Settings(), behind=("traccar", "861"), now=EVER)
    since = wal_place(engine)
    position = {
        "fixTime": NOW.isoformat(),
        "latitude": traces.lat,
        "longitude": traces.lon,
        "address": traces.mark,
    }
    for unique_id in ("861", "862"):
        body = {"position": position, "device": {"uniqueId": unique_id, "name": traces.mark}}
        assert client.post("/v1/ingest", json=body, headers=bearer(traces.token)).status_code == 200
    assert counted(engine) == {"off_shift": 1, "not_registered": 1}
    assert not [row for row in everything(engine) if traces.mark in row]
    assert on_disk(engine, since, traces) == set()


def test_a_call_for_help_off_shift_is_kept_and_nothing_else_of_its_message(
    engine: Engine, client: TestClient
) -> None:
    traces = Traces(enrol(engine, shifts=[], notice_at=None))
    since = wal_place(engine)
    call = {
        "fixed_at": NOW.isoformat(),
        "lon": traces.lon,
        "lat": traces.lat,
        "sos": True,
        "mark": traces.mark,
    }
    assert client.post("/v1/fixes", json={"fixes": [call]}, headers=bearer(traces.token)).status_code == 200
    assert rows(engine, "SELECT raised_at, ST_X(point) AS lon FROM sos") == [
        {"raised_at": NOW, "lon": traces.lon}
    ]
    for table in ("fix", "raw_report", "last_fix", "device_heard"):
        assert rows(engine, f"SELECT FROM {table}") == []
    assert on_disk(engine, since, traces) == {"lon as stored", "lat as stored"}, "where help is needed"


def test_the_search_finds_what_is_recorded(engine: Engine, client: TestClient) -> None:
    """Else all the tests above would hold of anything."""
    traces = Traces(enrol(engine))
    since = wal_place(engine)
    assert {answer.status_code for answer in send_all(client, traces, NOW - timedelta(minutes=1))} == {200}
    assert [row for row in everything(engine) if traces.mark in row]
    assert {"mark", "lon as stored", "lat as stored"} <= on_disk(engine, since, traces)
