"""The devices' verbs as an operator runs them."""

import pytest
from sqlalchemy import Connection, text

from cli.__main__ import main
from core.db import make_engine
from tests.tracking.city import NOW, make_person
from tests.tracking.test_devices import a_walk
from tracking.devices import find_devices


@pytest.fixture
def url(own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    engine = make_engine(own_database, pool_size=1)
    with engine.begin() as conn:
        for code in ("W1", "W2"):
            make_person(conn, code)
    engine.dispose()
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    return own_database


def test_a_gateway_and_a_device_behind_it_are_registered_and_listed(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["devices", "add", "traccar", "--gateway"]) == 0
    told = capsys.readouterr()
    assert "forward.retry.enable true" in told.err
    token = told.out.strip()
    assert main(["devices", "add", "cam", "--person", "W1", "--behind", "traccar", "--unique-id", "861"]) == 0
    assert capsys.readouterr().out == "", "no token: its gateway speaks for it"
    assert main(["devices", "list"]) == 0
    told = capsys.readouterr()
    assert "behind traccar as 861" in told.out
    engine = make_engine(url, pool_size=1)
    with engine.begin() as conn:
        assert find_devices(conn, [token])[token].is_gateway
    engine.dispose()


def test_whole_addresses_are_told_where_the_server_is_named(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--person",
        "W1",
        "--interval",
        "15",
        "--heartbeat",
        "300",
        "--server",
        "https://map.example.cn/",
    ]
    assert main(["devices", "add", "P1", *options]) == 0
    told = capsys.readouterr()
    token = told.out.strip()
    assert f"any client      https://map.example.cn/v1/ingest/{token}\n" in told.err
    assert (
        f"/v1/ingest/{token}?accuracy=highest&distance=0&interval=15&fastest_interval=15&heartbeat=300"
        in told.err
    )
    assert f"overland://setup?url=https%3A%2F%2Fmap.example.cn%2Fv1%2Fingest&token={token}" in told.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--person", "W1", "--format", "traccer"],
            "no client “traccer” is known here; use one of auto, colota",
        ),
        ([], "give --person CODE, or --gateway"),
        (["--gateway", "--person", "W1"], "in nobody's hands"),
        (["--person", "W1", "--behind", "g"], "go together"),
        (["--person", "W1", "--behind", "g", "--unique-id", "1"], "no gateway “g”"),
    ],
)
def test_what_cannot_be_is_told_with_the_remedy(
    url: str, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["devices", "add", "P1", *options]) == 2
    assert words in capsys.readouterr().err
    assert main(["devices", "list"]) == 0
    assert "P1" not in capsys.readouterr().out


def test_a_check_tells_what_the_way_says_and_ends_with_findings(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.devices.utc_now", lambda: NOW)
    assert main(["devices", "add", "P1", "--person", "W1"]) == 0
    assert main(["devices", "check"]) == 0
    capsys.readouterr()
    engine = make_engine(url, pool_size=1)
    with engine.begin() as conn:
        store_walk(conn)
    engine.dispose()
    assert main(["devices", "check", "P1"]) == 1
    assert "read so from now on" in capsys.readouterr().out


def store_walk(conn: Connection) -> None:
    """An hour before now, its speeds in m/s read as knots: straight into the tables, the walk is not what is tried."""
    conn.execute(
        text(
            "CREATE TABLE fix_walk PARTITION OF fix DEFAULT; CREATE TABLE raw_walk PARTITION OF raw_report DEFAULT"
        )
    )
    way = a_walk(3600, 1.3)
    rows = [
        {"s": float(at) - 3600, "lon": float(lon), "lat": float(lat), "mps": float(mps) * 0.5144}
        for at, lon, lat, mps in zip(way.at_s, way.lon, way.lat, way.speed_mps, strict=True)
    ]
    told = "SELECT id, CAST(:now AS timestamptz) + :s * interval '1 s'"
    fix = text(
        f"INSERT INTO fix (device_id, fixed_at, person_id, received_at, lon, lat, accuracy_m, speed_mps, digest)"
        f" {told}, 1, :now, :lon, :lat, 8, :mps, 1 FROM device WHERE code = 'P1'"
    )
    raw = text(
        f"INSERT INTO raw_report (device_id, fixed_at, received_at, format, is_fix, item)"
        f" {told}, :now, 'traccar', true, '{{}}' FROM device WHERE code = 'P1'"
    )
    conn.execute(fix, [row | {"now": NOW} for row in rows])
    conn.execute(raw, [{"s": row["s"], "now": NOW} for row in rows])
