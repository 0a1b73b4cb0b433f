"""`/metrics`: true counts, told to whoever is near or may, and nothing in it that names anybody."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import metrics
from tests.api.conftest import Browser

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def read_metrics(text: str) -> dict[str, float]:
    """Values by name and labels."""
    found = (SAMPLE.match(line) for line in text.splitlines() if not line.startswith("#"))
    return {f"{m[1]}{{{m[2] or ''}}}": float(m[3]) for m in found if m}


@pytest.fixture
def near(app: FastAPI) -> TestClient:
    """A collector on the machine itself, without an account."""
    return TestClient(app, client=("127.0.0.1", 1), raise_server_exceptions=False)


def test_answers_are_counted_by_route_and_status_and_no_path_is_told(near: TestClient) -> None:
    before = read_metrics(near.get("/metrics").text)
    near.get("/v1/people/secret-code")
    near.get("/no/such/secret-place")
    text = near.get("/metrics").text
    after = read_metrics(text)
    unsigned = 'wangge_requests_total{method="GET",route="/v1/people/{code}",status="401"}'
    nowhere = 'wangge_requests_total{method="GET",route="(no such route)",status="404"}'
    assert "secret" not in text
    for name in (unsigned, nowhere):
        assert after[name] == before.get(name, 0) + 1


def test_a_stored_batch_is_counted_by_reason(near: TestClient) -> None:
    before = read_metrics(near.get("/metrics").text)
    metrics.stored(
        accepted=3, known=1, flagged={"future": 2}, dropped={"off_shift": 4}, batch=10, commit_s=0.01
    )
    after = read_metrics(near.get("/metrics").text)
    for name, more in {
        "wangge_fixes_accepted_total{}": 3,
        "wangge_fixes_known_total{}": 1,
        'wangge_fixes_flagged_total{reason="future"}': 2,
        'wangge_fixes_dropped_total{reason="off_shift"}': 4,
        "wangge_batch_fixes_sum{}": 10,
        "wangge_commit_seconds_count{}": 1,
    }.items():
        assert after[name] == before.get(name, 0) + more, name


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 401),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 401),
    ],
)
def test_only_this_machine_needs_no_account(
    app: FastAPI, address: str, headers: dict[str, str], status: int
) -> None:
    far = TestClient(app, client=(address, 1), raise_server_exceptions=False)
    assert far.get("/metrics", headers=headers).status_code == status


def test_administrators_and_auditors_read_them_from_anywhere(browse: Browser) -> None:
    assert browse("administrator").get("/metrics").status_code == 200
    assert browse("auditor").get("/metrics").status_code == 200
    assert browse("command").get("/metrics").status_code == 403


def test_gauges_of_killed_processes_are_forgotten(tmp_path: Path) -> None:
    for name in ("gauge_livesum_999999999.db", "counter_999999999.db"):
        (tmp_path / name).touch()
    metrics._forget_dead(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["counter_999999999.db"]
