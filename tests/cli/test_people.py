"""The people's verbs as an operator runs them: what goes in, what is told, and the exit codes."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cli.__main__ import main
from core.clock import utc_now
from core.db import make_engine
from people.accounts import find_account, sign_in
from people.notices import list_acceptances
from people.persons import find_person, list_assignments
from people.tables import account, assignment, person, role, shift
from people.tokens import find_caller
from tests.people.town import build_town

Run = Callable[..., int]


@pytest.fixture
def url(own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    engine = make_engine(own_database, pool_size=1)
    with engine.begin() as conn:
        build_town(conn, utc_now())
    engine.dispose()
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    return own_database


def ask(url: str, question: Callable[..., object]) -> object:
    engine = make_engine(url, pool_size=1)
    with engine.begin() as conn:
        answer = question(conn)
    engine.dispose()
    return answer


def test_a_roster_goes_in_and_its_bad_rows_are_told(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "p.csv"
    file.write_text("code,name,role,unit\nP1,张伟,专职网格员,G1\nP2,李娜,皇帝,G1\n", "gb18030")
    assert main(["people", "import", str(file)]) == 1
    told = capsys.readouterr().err
    assert "p.csv, row 3, column role “皇帝”: is no role" in told
    assert "1 people and 1 assignments entered" in told
    assert main(["people", "import", str(tmp_path / "none.csv")]) == 2
    (tmp_path / "wrong.csv").write_text("编号\n1\n", "utf-8")
    assert main(["people", "import", str(tmp_path / "wrong.csv")]) == 2
    assert "the columns there are: 编号" in capsys.readouterr().err
    assert ask(url, lambda conn: conn.scalar(select(func.count()).select_from(person))) == 3


def test_an_account_gets_a_password_once_a_grant_and_a_token(url: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["accounts", "add", "Zhao"]) == 0
    password = capsys.readouterr().out.strip()
    assert len(password) >= 16
    assert main(["grants", "add", "zhao", "supervisor", "--unit", "S1"]) == 0
    assert main(["tokens", "add", "zhao", "export"]) == 0
    secret = capsys.readouterr().out.strip()
    caller = ask(url, lambda conn: find_caller(conn, secret, kind="bearer", now=utc_now()))
    assert [(one.role, one.unit_id is None) for one in caller.grants] == [("supervisor", False)]
    assert main(["accounts", "disable", "zhao"]) == 0
    assert ask(url, lambda conn: find_caller(conn, secret, kind="bearer", now=utc_now())) is None
    assert main(["accounts", "enable", "zhao"]) == 0
    assert main(["grants", "list", "zhao"]) == 0
    assert "supervisor" in capsys.readouterr().out


def test_a_password_is_read_from_stdin_and_not_echoed(
    url: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a password of mine\n"))
    assert main(["accounts", "add", "qian", "--password-stdin", "--person", "nobody"]) == 2
    assert main(["accounts", "add", "qian", "--password-stdin"]) == 0
    told = capsys.readouterr()
    assert "a password of mine" not in told.out + told.err

    def signs_in(conn):
        from datetime import timedelta

        return sign_in(conn, "qian", "a password of mine", now=utc_now(), lifetime=timedelta(1)) is not None

    assert ask(url, signs_in) is True
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["accounts", "password", "qian", "--password-stdin"]) == 2
    assert ask(url, signs_in) is True


@pytest.mark.parametrize(
    "verb",
    [
        "accounts add w1",
        "accounts disable nobody",
        "grants add w1 supervisor --unit X",
        "grants revoke 99",
        "people assign nobody police G1",
        "people assign w1 emperor G1",
        "people assign w1 police NOPE",
        "people assign w1 grid_worker G1",
        "people assign w1 police G1 --from 2026-06-10T08:00 --to 2026-06-01T08:00",
        "people end w1 --unit G2",
        "people end w1 --at 1999-01-01T00:00",
        "people add-role police --zh 又一个 --en another",
        "people add-role River --zh 河长 --en warden",
        "tokens revoke w1 99",
        "shifts add nobody --from 2026-06-10T08:00 --to 2026-06-10T09:00",
        "shifts add w1 --from soon --to 2026-06-10T09:00",
        "shifts add w1 --from 2026-06-10T08:00 --to 2026-06-10T09:00 --days 0",
        "notices accept v9 w1 --paper 1",
        "notices publish v1 --zh /nowhere --en /nowhere",
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    url: str, verb: str, capsys: pytest.CaptureFixture
) -> None:
    def count(conn):
        return [
            conn.scalar(select(func.count()).select_from(table))
            for table in (account, shift, assignment, role)
        ]

    before = ask(url, count)
    assert main(verb.split()) == 2
    assert capsys.readouterr().err.startswith("wangge: ")
    assert ask(url, count) == before


def test_shifts_day_by_day_and_a_notice_on_paper(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    hours = ["--from", "2026-07-01T08:00", "--to", "2026-07-01T17:00"]
    assert main(["shifts", "add", "w1", *hours, "--days", "5"]) == 0
    assert main(["shifts", "add", "w1", *hours, "--days", "6"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["5", "1"]
    for name in ("zh", "en"):
        (tmp_path / name).write_text(f"notice {name}", "utf-8")
    texts = ["--zh", str(tmp_path / "zh"), "--en", str(tmp_path / "en")]
    assert main(["notices", "publish", "v2", *texts, "--renews"]) == 0
    assert main(["notices", "accept", "v2", "w1", "w2", "--paper", "柜 3"]) == 0
    assert main(["notices", "withdraw", "w2"]) == 0

    def standing(conn):
        return [
            [
                (one.version, one.how)
                for one in list_acceptances(conn, find_person(conn, code).id)
                if not one.withdrawn_at
            ]
            for code in ("w1", "w2")
        ]

    assert ask(url, standing) == [[("v1", "paper: test"), ("v2", "paper: 柜 3")], []]
    assert ask(url, lambda conn: find_account(conn, "w1")) is not None


def test_somebody_takes_another_post_in_a_role_of_the_citys_own(
    url: str, capsys: pytest.CaptureFixture
) -> None:
    assert (
        main(["people", "add-role", "river_warden", "--zh", "河长", "--en", "river warden", "--tracked"]) == 0
    )
    assert main(["people", "end", "w1", "--unit", "G1"]) == 0
    assert main(["people", "assign", "w1", "河长", "G2", "--to", "2999-01-01T00:00"]) == 0
    assert main(["people", "roles"]) == 0
    assert "river_warden" in capsys.readouterr().out

    def posts(conn):
        found = find_person(conn, "w1").id
        listed = list_assignments(conn, [found], utc_now(), past=True)[found]
        return [(one.role, one.unit_code, one.until is None, one.tracked) for one in listed]

    assert ask(url, posts) == [("grid_worker", "G1", False, True), ("river_warden", "G2", False, True)]
