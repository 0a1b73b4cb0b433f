"""Files of cases: what can be used is in, what cannot is listed with row, column, value and reason."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, func, select, true

from cases.imports import ImportPlan, ImportResult, import_cases, read_time
from cases.tables import case
from cases.views import CaseFilter, list_cases
from core.errors import Invalid
from geo.lookup import Lookup
from tests.cases.town import DESK, NOW, Town

SHANGHAI = ZoneInfo("Asia/Shanghai")
COLUMNS = {
    "external_ref": "no", "category": "kind", "lon": "x", "lat": "y", "reported_at": "opened",
    "ended_at": "closed", "state": "status",
}  # fmt: skip
HEADER = "no,kind,x,y,opened,closed,status\n"
GOOD = "1,noise,121.005,31.005,2026-06-01 08:00,,open\n"


def run(conn: Connection, folder: Path, rows: str, **changes: object) -> ImportResult:
    path = folder / "cases.csv"
    path.write_text(HEADER + rows, "utf-8")
    plan = ImportPlan(**({"columns": COLUMNS, "zone": SHANGHAI} | changes))  # type: ignore[arg-type]
    return import_cases(conn, Lookup(conn), path, plan, actor=DESK, now=NOW)


def count_cases(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(case)).scalar_one()


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        ('2,noise,"121,005",31.005,2026-06-01,,', "x", "121,005", "decimal comma; write 121.005"),
        ("2,noise,NaN,31.005,2026-06-01,,", "x", "NaN", "is not a finite number"),
        ("2,noise,31.005,121.005,2026-06-01,,", "y", "121.005", "lon and lat seem swapped"),
        ("2,noise,0,0,2026-06-01,,", "x", "0", "not a place"),
        ("2,noise,121.005,,2026-06-01,,", "y", "", "is empty"),
        ("2,noise,121.005,91,2026-06-01,,", None, None, "out of range"),
        ("2,noise,121.005,31.005,03/04/2026,,", "opened", "03/04/2026", "say --time-format"),
        ("2,noise,121.005,31.005,2026-02-30,,", "opened", "2026-02-30", "no time known"),
        ("2,noise,121.005,31.005,2029-06-01,,", "opened", "2029-06-01", "in the future"),
        ("2,,121.005,31.005,2026-06-01,,", "kind", "", "is empty"),
        (",noise,121.005,31.005,2026-06-01,,", "no", "", "is empty"),
        ("2,noise,121.005,31.005,2026-06-01,,gone fishing", "status", "gone fishing", "--state “gone fishing=closed”"),
        ("2,noise,121.005,31.005,2026-06-01,,verified", "status", "verified", "not carried over"),
        ("2,noise,121.005", None, None, "3 cells where the header has 7"),
        ("1,litter,121.005,31.005,2026-06-01,,", "no", "1", "with other contents; nothing was changed"),
    ],
)  # fmt: skip
def test_a_bad_row_is_listed_and_the_others_are_in(
    conn: Connection, town: Town, tmp_path: Path, row: str, column: str | None, value: str | None, reason: str
) -> None:
    result = run(conn, tmp_path, GOOD + row + "\n")
    (finding,) = result.findings
    assert (finding.file, finding.row) == ("cases.csv", 3)
    if column is not None:
        assert (finding.column, finding.value) == (column, value)
    assert reason in finding.reason
    assert (result.rows, result.new, count_cases(conn)) == (2, 1, 1)


def test_a_row_without_coordinates_is_in_without_a_point(
    conn: Connection, town: Town, tmp_path: Path
) -> None:
    result = run(conn, tmp_path, "1,noise,,,2026-06-01,,\n")
    assert (result.new, result.without_point, result.findings) == (1, 1, [])


def test_the_same_file_again_changes_nothing(conn: Connection, town: Town, tmp_path: Path) -> None:
    rows = GOOD + "2,noise,,,2026-06-01,2026-06-02,closed\n"
    run(conn, tmp_path, rows)
    again = run(conn, tmp_path, rows)
    assert (again.new, again.repeated, count_cases(conn)) == (0, 2, 2)


def test_states_are_understood_in_two_languages_and_further_words_can_be_given(
    conn: Connection, town: Town, tmp_path: Path
) -> None:
    words = ["Closed", "办结", "Cancelled", "New", "受理", "", "Gone"]
    rows = "".join(f"{place},noise,,,2026-06-01,2026-06-02,{word}\n" for place, word in enumerate(words))
    result = run(conn, tmp_path, rows, states={"gone": "rejected"})
    assert result.states == {"closed": 2, "rejected": 2, "reported": 2, "accepted": 1}


def test_times_without_an_offset_are_in_the_zone_given(conn: Connection, town: Town, tmp_path: Path) -> None:
    run(conn, tmp_path, GOOD)
    (view,) = list_cases(conn, CaseFilter(), true()).cases
    assert view.reported_at == datetime(2026, 6, 1, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01T08:00:00+08:00", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 5, 31, 16, tzinfo=UTC)),
        ("06/01/2026 08:00:00 AM", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026/6/1 8:00", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026年6月1日 8:00", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026年6月1日", datetime(2026, 5, 31, 16, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: datetime) -> None:
    assert read_time(text, SHANGHAI) == expected


def test_a_day_first_time_is_read_when_its_form_is_said() -> None:
    assert read_time("03/04/2026 08:00", SHANGHAI, "%d/%m/%Y %H:%M") == datetime(2026, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"external_ref": "no"}, "--map category=COLUMN is missing"),
        (
            {"external_ref": "number", "category": "kind"},
            "missing column number; the columns there are: no, kind",
        ),
        ({"external_ref": "no", "category": "kind", "weight": "x"}, "no name weight"),
        ({"external_ref": "no", "category": "kind", "lon": "x"}, "both lon and lat"),
    ],
)
def test_a_wrong_map_writes_nothing_and_says_what_there_is(
    conn: Connection, town: Town, tmp_path: Path, columns: dict[str, str], reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        run(conn, tmp_path, GOOD, columns=columns)
    assert count_cases(conn) == 0


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", b'no,kind\n"1,noise\n'])
def test_an_unreadable_file_writes_nothing(
    conn: Connection, town: Town, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(content)
    with pytest.raises(Invalid):
        import_cases(conn, Lookup(conn), path, ImportPlan(COLUMNS, SHANGHAI), actor=DESK, now=NOW)
    assert count_cases(conn) == 0


def test_a_file_of_a_foreign_system_is_converted(conn: Connection, town: Town, tmp_path: Path) -> None:
    run(conn, tmp_path, "1,noise,121.0096,31.0029,2026-06-01,,\n", crs="gcj02")
    (view,) = list_cases(conn, CaseFilter(), true()).cases
    assert view.owner_code == "G1"
    assert view.lon == pytest.approx(121.0052, abs=3e-4)


def test_a_gb18030_file_is_read(conn: Connection, town: Town, tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes("编号,类别\n1,噪声扰民\n".encode("gb18030"))
    plan = ImportPlan({"external_ref": "编号", "category": "类别"}, SHANGHAI)
    import_cases(conn, Lookup(conn), path, plan, actor=DESK, now=NOW)
    (view,) = list_cases(conn, CaseFilter(), true()).cases
    assert view.category == "噪声扰民"


@pytest.mark.data
def test_los_angeles_requests_come_in_whole_with_thirteen_impossible_ends_named(
    empty_conn: Connection, real_data: Path
) -> None:
    plan = ImportPlan(
        columns={
            "external_ref": "SRNumber", "category": "RequestType", "channel": "RequestSource", "lon": "Longitude",
            "lat": "Latitude", "reported_at": "CreatedDate", "ended_at": "ClosedDate", "state": "Status",
        },
        zone=ZoneInfo("America/Los_Angeles"),
    )  # fmt: skip
    path = real_data / "la311" / "requests_2018.csv"
    result = import_cases(empty_conn, Lookup(empty_conn), path, plan, actor=DESK, now=NOW)
    assert (result.rows, result.new, result.without_point, result.findings) == (10_000, 10_000, 1_102, [])
    assert [finding.column for finding in result.warnings] == ["ClosedDate"] * 13
    assert result.states == {"closed": 9_720, "rejected": 280}
