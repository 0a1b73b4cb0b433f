"""The doors of phones, over HTTP on a database that commits: what is stored, what leaves nothing, who is known."""

import base64
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert, inspect, text
from sqlalchemy.dialects.postgresql import Range

import api.phones.inbox
from api.app import make_app
from core.settings import read_settings
from people.roles import list_roles
from people.tables import assignment, notice_acceptance
from tests.people.town import lay_ground
from tests.tracking.city import EVER, NOW, make_person
from tests.tracking.test_formats import MEASURES, WIRE, read_case
from tracking.checks import flag_names
from tracking.devices import (
    Settings,
    add_device,
    add_device_behind,
    add_gateway,
    hand_over,
    revoke_device,
)
from tracking.formats import Profile

MARK = "left-behind-7f3a"
LON, LAT = 113.9876543, 27.1234567
Post = Callable[..., object]


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def client(engine: Engine, clock: list[datetime]) -> Iterator[TestClient]:
    app = make_app(read_settings({}), engine, clock=lambda: clock[0])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def enrol(engine: Engine, code: str = "W1", *, profile: Profile = Profile(), **told: object) -> str:  # noqa: B008
    """A person with a phone; returns the phone's token."""
    with engine.begin() as conn:
        make_person(conn, code, **told)
        return add_device(conn, f"P-{code}", code, now=EVER, profile=profile)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def a_body(at: datetime = NOW, **more: object) -> dict[str, object]:
    return {"fixes": [{"fixed_at": at.isoformat(), "lon": LON, "lat": LAT, "note": MARK} | more]}


def rows(engine: Engine, query: str) -> list[dict[str, object]]:
    with engine.connect() as conn:
        return [dict(row) for row in conn.execute(text(query)).mappings()]


@pytest.mark.data
@pytest.mark.parametrize("name", WIRE)
def test_a_recorded_request_is_stored_as_the_fixes_it_says(
    real_data: Path, engine: Engine, client: TestClient, clock: list[datetime], name: str
) -> None:
    case = read_case(real_data, name)
    request, expected = case["request"], case["expect"]
    profile = Profile(format=case.get("profile", "auto"), encryption_key=case.get("key"))
    wanted = expected["fixes"]
    if wanted:  # a clock that has not run past the request; the batch of one client is from 08:00 UTC
        clock[0] = max(NOW, datetime.fromisoformat(wanted[-1]["fixed_at"]))
    token = enrol(engine, profile=profile)
    headers = {key: value for key, value in request["headers"].items() if key != "authorization"}
    url = f"/v1/ingest/{token}" + (f"?{request['query']}" if request["query"] else "")
    answer = client.request(request["method"], url, content=request["body"], headers=headers)
    assert answer.status_code == expected["status"]
    if "body" in expected:
        assert answer.text == expected["body"]
    stored = rows(engine, "SELECT * FROM fix ORDER BY fixed_at")
    good = [row for row in stored if row["flags"] == 0]
    assert [row["fixed_at"] for row in good] == [datetime.fromisoformat(one["fixed_at"]) for one in wanted]
    for row, want in zip(good, wanted, strict=True):
        for measure in set(MEASURES) & want.keys():
            tolerance = 0.005 if measure == "speed_mps" else 1e-9
            assert row[measure] == (
                want[measure] if want[measure] is None else pytest.approx(want[measure], abs=tolerance)
            )
    flagged = [reason for row in stored for reason in flag_names(row["flags"])]
    assert flagged == expected.get("flagged", [])
    assert len(rows(engine, "SELECT FROM last_fix")) == bool(wanted)
    if beat := expected.get("heartbeat_at"):
        assert [row["heard_at"] for row in rows(engine, "SELECT heard_at FROM device_heard")] == [
            datetime.fromisoformat(beat)
        ]
    if name == "owntracks-unknown-type":
        assert rows(engine, "SELECT item->>'steps' AS steps FROM raw_report") == [{"steps": "230"}]


def test_every_way_a_phone_can_show_its_credential_is_taken(engine: Engine, client: TestClient) -> None:
    token = enrol(engine)
    basic = base64.b64encode(f"whoever:{token}".encode()).decode()
    for n, (path, headers) in enumerate(
        [
            (f"/v1/ingest/{token}", {}),
            ("/v1/ingest", bearer(token)),
            ("/v1/ingest", {"Authorization": f"Basic {basic}"}),
            ("/v1/fixes", {"Authorization": f"Basic {basic}"}),
            ("/v1/fixes", bearer(token)),
        ]
    ):
        assert client.post(path, json=a_body(NOW - timedelta(seconds=n)), headers=headers).status_code == 200
    assert rows(engine, "SELECT count(*) AS n FROM fix") == [{"n": 5}]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("x"),
        bearer(""),
        {"Authorization": "Basic !!"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Digest x"},
    ],
)
def test_without_a_known_credential_nothing_is_taken(
    engine: Engine, client: TestClient, headers: dict[str, str]
) -> None:
    enrol(engine)
    for path in ("/v1/fixes", "/v1/ingest"):
        answer = client.post(path, json=a_body(), headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert rows(engine, "SELECT FROM fix") == []


def test_the_body_never_says_whose_it_is(engine: Engine, client: TestClient) -> None:
    token = enrol(engine, "W1")
    enrol(engine, "W2")
    query = f"id=P-W2&deviceid=P-W2&lat={LAT}&lon={LON}&timestamp={int(NOW.timestamp())}"
    headers = {"X-Limit-U": "W2", "X-Limit-D": "P-W2"}
    assert client.get(f"/v1/ingest/{token}?{query}", headers=headers).status_code == 200
    assert rows(engine, "SELECT code FROM fix JOIN person ON person.id = person_id") == [{"code": "W1"}]


def test_a_revoked_phone_is_refused_and_what_it_sent_stays(engine: Engine, client: TestClient) -> None:
    token = enrol(engine)
    assert client.post("/v1/fixes", json=a_body(), headers=bearer(token)).status_code == 200
    with engine.begin() as conn:
        revoke_device(conn, "P-W1", now=NOW)
    assert (
        client.post("/v1/fixes", json=a_body(NOW - timedelta(minutes=1)), headers=bearer(token)).status_code
        == 401
    )
    assert len(rows(engine, "SELECT FROM fix")) == 1


def test_a_phone_handed_over_gives_each_holder_what_was_recorded_in_their_hands(
    engine: Engine, client: TestClient
) -> None:
    token = enrol(engine, "W1")
    with engine.begin() as conn:
        make_person(conn, "W2")
        hand_over(conn, "P-W1", "W2", now=NOW - timedelta(minutes=5))
    for minutes in (1, 9):  # the later one first: attribution is by the time of the fix
        client.post("/v1/fixes", json=a_body(NOW - timedelta(minutes=minutes)), headers=bearer(token))
    assert rows(engine, "SELECT code FROM fix JOIN person ON person.id = person_id ORDER BY fixed_at") == [
        {"code": "W1"},
        {"code": "W2"},
    ]


def test_unknown_content_is_415_and_broken_json_422_and_nothing_is_stored(
    engine: Engine, client: TestClient
) -> None:
    token = enrol(engine)
    for path, body, status in (
        ("/v1/ingest", b"hello", 415),
        ("/v1/ingest", b'{"_type": ', 422),
        ("/v1/fixes", b'{"_type": "location"}', 415),
        ("/v1/fixes", b"", 415),
        ("/v1/fixes", b'{"fixes": [{"lon": NaN}]}', 422),
    ):
        answer = client.post(path, content=body, headers=bearer(token))
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert rows(engine, "SELECT FROM fix") == []


def test_text_that_postgresql_cannot_hold_does_not_stop_a_phone(engine: Engine, client: TestClient) -> None:
    token = enrol(engine)
    body = a_body(note="a\0b\\u0000c", **{"k\0": ["\0", {"x": "\0"}]})
    assert client.post("/v1/fixes", json=body, headers=bearer(token)).json()["accepted"] == 1
    assert rows(engine, "SELECT item->>'note' AS note FROM raw_report") == [{"note": "ab\\u0000c"}]


@pytest.mark.parametrize(
    "odd",
    [
        '"x": ' + "[" * 900 + "]" * 900,
        '"x": ' + '{"a":' * 300 + '"\\u0000"' + "}" * 300,
        '"x": 123456789012345678901234567890123',
        '"accuracy_m": 1e308, "altitude_m": -1e308',
        '"speed_mps": 5e-324, "heading_deg": "x", "battery_pct": []',
        '"x": "' + "网" * 20000 + '"',
        '"x": "\\ud83d\\ude00"',
    ],
)
def test_odd_but_valid_json_does_not_stop_a_phone(engine: Engine, client: TestClient, odd: str) -> None:
    token = enrol(engine)
    body = f'{{"fixes": [{{"fixed_at": "{NOW.isoformat()}", "lon": {LON}, "lat": {LAT}, {odd}}}]}}'
    answer = client.post("/v1/fixes", content=body.encode(), headers=bearer(token))
    assert (answer.status_code, answer.json()["dropped"]) == (200, 0)
    assert len(rows(engine, "SELECT FROM fix")) == len(rows(engine, "SELECT FROM raw_report")) == 1


def test_a_fix_without_a_time_is_kept_once_and_flagged(
    engine: Engine, client: TestClient, clock: list[datetime]
) -> None:
    token = enrol(engine)
    for _ in range(2):
        client.post("/v1/fixes", json={"fixes": [{"lon": LON, "lat": LAT}]}, headers=bearer(token))
        clock[0] += timedelta(seconds=5)
    assert [flag_names(row["flags"]) for row in rows(engine, "SELECT flags FROM fix")] == [["no_time"]]


def counted(engine: Engine) -> dict[str, int]:
    return {
        str(row["reason"]): int(str(row["count"]))
        for row in rows(engine, "SELECT reason, count FROM dropped")
    }


def test_messages_of_which_nothing_is_kept_are_counted_and_strangers_leave_no_trace(
    engine: Engine, client: TestClient
) -> None:
    token = enrol(engine)
    enrol(engine, "W2")
    statuses = [
        client.post("/v1/ingest", content=body, headers=bearer(token)).status_code
        for body in (b"hello " + MARK.encode(), b"", b'{"_type": "lwt", "tst": 1}', b"\x7e\x02", b"<event/>")
    ]
    assert statuses == [415, 200, 200, 415, 415]
    with engine.begin() as conn:
        revoke_device(conn, "P-W1", now=NOW)
    for credential in (token, token, "nobody's"):
        assert client.post("/v1/fixes", json=a_body(), headers=bearer(credential)).status_code == 401
    assert counted(engine) == {"unknown_format": 3, "empty": 1, "lwt": 1, "revoked": 2}
    assert not [row for row in everything(engine) if MARK in row]


def a_forward(unique_id: str, **more: object) -> dict[str, object]:
    at = NOW.isoformat()
    position = {
        "fixTime": at,
        "deviceTime": at,
        "valid": True,
        "longitude": LON,
        "latitude": LAT,
        "speed": 2.7,
    }
    return {"position": position | {"address": MARK} | more, "device": {"id": 1, "uniqueId": unique_id}}


def test_one_gateway_speaks_for_the_phones_behind_it_alone(engine: Engine, client: TestClient) -> None:
    own = enrol(engine, "W3")
    with engine.begin() as conn:
        for code in ("W1", "W2"):
            make_person(conn, code)
        token, other = add_gateway(conn, "traccar"), add_gateway(conn, "other")
        for code, unique_id, gateway in (
            ("a", "861", "traccar"),
            ("b", "862", "traccar"),
            ("c", "863", "other"),
        ):
            person_code = "W1" if code == "a" else "W2"
            add_device_behind(conn, code, person_code, Settings(), behind=(gateway, unique_id), now=EVER)
    for unique_id in ("861", "862", "863", "P-W3", "nobody"):
        answer = client.post("/v1/ingest", json=a_forward(unique_id), headers=bearer(token))
        assert answer.status_code == 200
    assert rows(engine, "SELECT code FROM fix JOIN device ON id = device_id ORDER BY code") == [
        {"code": "a"},
        {"code": "b"},
    ]
    assert counted(engine) == {"not_registered": 3}
    repeated = client.post("/v1/ingest", json=a_forward("861", outdated=True), headers=bearer(token))
    assert repeated.status_code == 200
    heard = rows(engine, "SELECT code FROM device_heard JOIN device ON id = device_id")
    assert heard == [{"code": "a"}]
    assert client.post("/v1/ingest", json=a_forward("863"), headers=bearer(own)).status_code == 200
    with engine.begin() as conn:
        revoke_device(conn, "traccar", now=NOW)
    assert client.post("/v1/ingest", json=a_forward("861"), headers=bearer(token)).status_code == 401
    assert client.post("/v1/ingest", json=a_forward("863"), headers=bearer(other)).status_code == 200
    codes = rows(engine, "SELECT code FROM fix JOIN device ON id = device_id ORDER BY code")
    assert [row["code"] for row in codes] == ["P-W3", "a", "b", "c"]


GPSLOGGER = f"lat={LAT}&lon={LON}&spd=1.0&timestamp={int(NOW.timestamp())}"
TRACCAR = f"id=1&lat={LAT}&lon={LON}&speed=1.0&timestamp={int(NOW.timestamp())}"


def test_a_client_that_would_throw_its_position_away_waits_for_room(
    engine: Engine, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = enrol(engine)
    usual = api.phones.inbox.MOST_WAITING
    monkeypatch.setattr(api.phones.inbox, "MOST_WAITING", 0)
    refused = client.get(f"/v1/ingest/{token}?{TRACCAR}")
    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    room = threading.Timer(1, lambda: monkeypatch.setattr(api.phones.inbox, "MOST_WAITING", usual))
    room.start()
    assert client.get(f"/v1/ingest/{token}?{GPSLOGGER}").status_code == 200
    room.join()
    assert len(rows(engine, "SELECT FROM fix")) == 1


def test_nobody_waits_for_ever_and_not_everybody_waits(
    engine: Engine, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = enrol(engine)
    monkeypatch.setattr(api.phones.inbox, "MOST_WAITING", 0)
    monkeypatch.setattr(api.phones.inbox, "_HELD_S", 0.3)
    assert client.get(f"/v1/ingest/{token}?{GPSLOGGER}").status_code == 503
    monkeypatch.setattr(api.phones.inbox, "_HELD_S", 60)
    monkeypatch.setattr(api.phones.inbox, "_MOST_HELD", 0)
    assert client.get(f"/v1/ingest/{token}?{GPSLOGGER}").status_code == 503


def everything(engine: Engine) -> list[str]:
    """Every row of every table as text, but for the people themselves."""
    tables = [
        name
        for name in inspect(engine).get_table_names()
        if name not in {"spatial_ref_sys", "alembic_version"}
    ]
    with engine.connect() as conn:
        return [
            f"{name} {row}"
            for name in tables
            for row in conn.execute(text(f'SELECT CAST(t AS text) FROM "{name}" AS t')).scalars()
        ]


def untracked(engine: Engine) -> str:
    """A volunteer on shift, with a notice: the role is not a tracked one."""
    token = enrol(engine)
    with engine.begin() as conn:
        role = next(role.code for role in list_roles(conn) if not role.tracked)
        person_id = conn.execute(text("SELECT id FROM person")).scalar_one()
        unit_id = lay_ground(conn)["G1"]
        conn.execute(
            insert(assignment).values(
                person_id=person_id, unit_id=unit_id, role=role, valid=Range(EVER, None)
            )
        )
    return token


def renewed(engine: Engine) -> str:
    """A person who accepted a notice that a later one renews."""
    token = enrol(engine)
    with engine.begin() as conn:
        conn.execute(
            text("INSERT INTO notice VALUES ('2', '新', 'new', CAST(:at AS timestamptz), true)"),
            {"at": NOW - timedelta(hours=1)},
        )
    return token


def withdrawn(engine: Engine) -> str:
    token = enrol(engine)
    with engine.begin() as conn:
        conn.execute(notice_acceptance.update().values(withdrawn_at=NOW - timedelta(hours=1)))
    return token


def nobody(engine: Engine) -> str:
    token = enrol(engine)
    with engine.begin() as conn:
        hand_over(conn, "P-W1", None, now=EVER + timedelta(days=1))
    return token


DROPS: dict[str, tuple[str, Callable[[Engine], str]]] = {
    "off shift": ("off_shift", lambda engine: enrol(engine, shifts=[])),
    "after the shift": ("off_shift", lambda engine: enrol(engine, shifts=[(NOW - timedelta(hours=8), NOW)])),
    "before the shift": (
        "off_shift",
        lambda engine: enrol(engine, shifts=[(NOW + timedelta(seconds=1), NOW + timedelta(hours=8))]),
    ),
    "no notice": ("no_notice", lambda engine: enrol(engine, notice_at=None)),
    "notice accepted later": (
        "no_notice",
        lambda engine: enrol(engine, notice_at=NOW + timedelta(seconds=1)),
    ),
    "notice withdrawn": ("no_notice", withdrawn),
    "notice renewed": ("no_notice", renewed),
    "untracked role": ("not_tracked", untracked),
    "in nobody's hands": ("no_holder", nobody),
}


def test_the_edges_of_a_shift_are_its_start_and_not_its_end(engine: Engine, client: TestClient) -> None:
    start, end = NOW - timedelta(hours=1), NOW - timedelta(minutes=1)
    token = enrol(engine, shifts=[(start, end)])
    body = {
        "fixes": [
            a_body(at)["fixes"][0]
            for at in (start - timedelta(seconds=1), start, end - timedelta(seconds=1), end)
        ]
    }
    assert client.post("/v1/fixes", json=body, headers=bearer(token)).json() == {
        "accepted": 2, "flagged": 0, "known": 0, "dropped": 2,
    }  # fmt: skip


def test_a_call_for_help_is_kept_off_shift_and_only_that(engine: Engine, client: TestClient) -> None:
    token = enrol(engine, shifts=[], notice_at=None)
    query = f"id=1&lat={LAT}&lon={LON}&timestamp={int(NOW.timestamp())}&alarm=sos"
    for _ in range(2):
        assert client.get(f"/v1/ingest/{token}?{query}").status_code == 200
    assert rows(engine, "SELECT raised_at, ST_X(point) AS lon FROM sos") == [
        {"raised_at": NOW, "lon": pytest.approx(LON)}
    ]
    assert (
        rows(engine, "SELECT FROM fix")
        == rows(engine, "SELECT FROM raw_report")
        == rows(engine, "SELECT FROM last_fix")
        == []
    )


def test_a_clock_that_runs_ahead_is_judged_by_the_receipt_and_kept_off_the_map(
    engine: Engine, client: TestClient
) -> None:
    token = enrol(engine)
    answer = client.post("/v1/fixes", json=a_body(NOW + timedelta(days=900)), headers=bearer(token))
    assert answer.json()["flagged"] == 1
    assert rows(engine, "SELECT FROM last_fix") == []


def test_a_clock_years_ahead_makes_no_day_of_its_own_for_each_fix(engine: Engine, client: TestClient) -> None:
    phone = bearer(enrol(engine))
    ahead = [NOW + timedelta(days=1, hours=1) + 41 * n * timedelta(days=1, minutes=1) for n in range(30)]
    fixes = [
        {"fixed_at": at.isoformat(), "lon": LON + n * 1e-5, "lat": LAT, "sos": n == 29}
        for n, at in enumerate(ahead)
    ]
    once = client.post("/v1/fixes", headers=phone, json={"fixes": fixes})
    again = client.post("/v1/fixes", headers=phone, json={"fixes": fixes[::-1]})
    assert (once.json()["flagged"], again.json()["known"]) == (30, 30)
    stored = rows(engine, "SELECT fixed_at - interval '1 microsecond' AS at, flags FROM fix ORDER BY lon")
    assert all(NOW < row["at"] <= NOW + timedelta(days=1) for row in stored)  # type: ignore[operator]
    assert [row["at"].time() for row in stored] == [at.time() for at in ahead]  # type: ignore[attr-defined]
    assert {tuple(flag_names(int(str(row["flags"])))) for row in stored} == {("future",)}
    assert len(rows(engine, "SELECT FROM pg_inherits WHERE inhparent = 'fix'::regclass")) <= 6
    (sos,) = rows(engine, "SELECT raised_at - interval '1 microsecond' AS at FROM sos")
    assert sos["at"] == stored[-1]["at"]
