from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy import Connection, event, select

from core.errors import Invalid
from geo.tabular import read_table
from people.persons import find_person, list_assignments
from people.roster import Imported, import_people, import_shifts
from people.shifts import shifts_covering
from people.tables import assignment, person
from tests.people.town import NOW, Town

ZONE = ZoneInfo("Asia/Shanghai")
HEAD = ["code", "name", "phone", "role", "unit", "from", "to"]


def take_in(conn: Connection, path: Path, now: datetime = NOW) -> Imported:
    return import_people(conn, read_table(path), zone=ZONE, now=now)


def write_csv(path: Path, *rows: list[str], head: list[str] = HEAD, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(",".join(row) for row in [head, *rows]) + "\n", encoding)
    return path


GOOD = [
    ["P1", "张伟", "138-0000 0000", "专职网格员", "G1", "2026-06-01", ""],
    ["P2", "李娜", "", "police", "G2", "2026/6/1", "2026-06-30"],
    ["P2", "李娜", "", "instructor", "G1", "", ""],
    ["P3", "王芳", "", "", "", "", ""],
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_people_and_their_posts_go_in(conn: Connection, town: Town, tmp_path: Path, encoding: str) -> None:
    done = take_in(conn, write_csv(tmp_path / "p.csv", *GOOD, encoding=encoding))
    assert (done.rows, done.people, done.assignments, done.findings) == (4, 3, 3, [])
    police, instructor = list_assignments(conn, [find_person(conn, "P2").id], NOW, past=True)[
        find_person(conn, "P2").id
    ]
    assert (police.role_name, police.unit_code, police.tracked) == ("民警", "G2", True)
    assert police.since == datetime(2026, 5, 31, 16, tzinfo=UTC)
    assert police.until == datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert (instructor.since, instructor.until) == (NOW, None)


def test_the_same_file_as_xlsx_goes_in_alike(conn: Connection, town: Town, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [HEAD, *GOOD]:
        book.active.append([date(2026, 6, 1) if cell == "2026-06-01" else cell for cell in row])
    book.save(tmp_path / "p.xlsx")
    done = take_in(conn, tmp_path / "p.xlsx")
    assert (done.people, done.assignments, done.findings) == (3, 3, [])


def test_the_same_file_twice_changes_nothing(conn: Connection, town: Town, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "p.csv", *GOOD)
    take_in(conn, file)
    before = conn.execute(select(assignment).order_by(assignment.c.id)).all()
    done = take_in(conn, file, now=NOW + timedelta(days=1))
    assert (done.people, done.changed, done.assignments, done.findings) == (0, 0, 0, [])
    assert conn.execute(select(assignment).order_by(assignment.c.id)).all() == before


def test_a_later_file_changes_names_and_ends(conn: Connection, town: Town, tmp_path: Path) -> None:
    take_in(conn, write_csv(tmp_path / "p.csv", *GOOD))
    done = take_in(
        conn,
        write_csv(tmp_path / "q.csv", ["P1", "张伟伟", "", "grid_worker", "G1", "2026-06-01", "2026-06-20"]),
    )
    assert (done.people, done.changed, done.findings) == (0, 2, [])
    changed = find_person(conn, "P1")
    (post,) = list_assignments(conn, [changed.id], NOW)[changed.id]
    assert (changed.name, post.until) == ("张伟伟", datetime(2026, 6, 20, 16, tzinfo=UTC))


BAD = {
    ",无名,,,,,": ("code", "a code has"),
    "a b,空格,,,,,": ("code", "a code has"),
    "B3,,,,,,": ("name", "a name has"),
    "B4,赵,abc,,,,": ("phone", "no telephone"),
    "B5,赵,,皇帝,G1,,": ("role", "is no role"),
    "B6,赵,,police,NOPE,,": ("unit", "no unit has this code"),
    "B7,赵,,police,,,": ("unit", "needs both"),
    "B8,赵,,,G1,,": ("role", "needs both"),
    "B9,赵,,police,G1,2026-13-01,": ("from", "is no date"),
    "B10,赵,,police,G1,2026-06-02,2026-06-01": ("to", "before the first day"),
    "P1,张伟,,专职网格员,G1,2026-06-05,": (None, "serves there in this role already"),
    "B12,赵": (None, "cells where the header"),
}


def test_every_bad_row_is_told_with_place_and_reason_and_the_others_go_in(
    conn: Connection, town: Town, tmp_path: Path
) -> None:
    lines = [",".join(HEAD), *map(",".join, GOOD), *BAD, "Z1,好,,,,,"]
    file = tmp_path / "p.csv"
    file.write_text("\n".join(lines), "utf-8")
    done = take_in(conn, file)
    told = {found.row: (found.column, found.reason) for found in done.findings}
    assert sorted(told) == list(range(6, 6 + len(BAD)))
    for row, (column, reason) in enumerate(BAD.values(), 6):
        assert told[row][0] == column
        assert reason in told[row][1]
    codes = set(conn.scalars(select(person.c.code)))
    assert codes == {"w1", "w2", "P1", "P2", "P3", "Z1"}


def test_thousands_of_rows_cost_a_few_statements(conn: Connection, town: Town, tmp_path: Path) -> None:
    """Good, bad and repeated rows alike: none of them is a statement of its own."""
    rows = [
        [f"N{n}", f"人{n}", "", "police", "G1" if n % 3 else "NOPE", "2026-06-01", ""] for n in range(3000)
    ]
    file = write_csv(tmp_path / "p.csv", *rows, *rows[:100])
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    done = take_in(conn, file)
    event.remove(conn, "before_cursor_execute", note)
    assert (done.rows, done.people, done.assignments, len(done.findings)) == (3100, 2000, 2000, 1034)
    assert len(asked) < 20
    assert take_in(conn, file).changed == 0


def test_a_row_that_is_refused_leaves_nothing_of_itself(conn: Connection, town: Town, tmp_path: Path) -> None:
    take_in(conn, write_csv(tmp_path / "p.csv", *GOOD))
    done = take_in(
        conn,
        write_csv(
            tmp_path / "q.csv",
            ["P1", "改名", "", "grid_worker", "G1", "2026-06-05", ""],  # held already from the first of June
            ["P2", "李娜", "", "police", "G2", "2026-06-10", "2026-07-30"],  # until the end of June
        ),
    )
    assert (done.changed, done.assignments, len(done.findings)) == (0, 0, 2)
    assert find_person(conn, "P1").name == "张伟"


def test_a_file_without_the_columns_changes_nothing(conn: Connection, town: Town, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="missing column code"):
        take_in(conn, write_csv(tmp_path / "p.csv", ["1"], head=["编号"]))


def test_shifts_go_in_once_and_bad_ones_are_told(conn: Connection, town: Town, tmp_path: Path) -> None:
    day = "2026-07-01"
    file = write_csv(
        tmp_path / "s.csv",
        ["w1", f"{day}T08:00", f"{day}T17:00"],
        ["w1", f"{day}T08:00+08:00", f"{day}T17:00+08:00"],
        ["nobody", f"{day}T08:00", f"{day}T17:00"],
        ["w1", "morning", f"{day}T17:00"],
        ["w1", f"{day}T17:00", f"{day}T08:00"],
        ["w1", f"{day}T16:00", f"{day}T18:00"],
        head=["person", "starts_at", "ends_at"],
    )
    done = import_shifts(conn, read_table(file), zone=ZONE)
    assert (done.shifts, [(found.row, found.column) for found in done.findings]) == (
        1,
        [(4, "person"), (5, "starts_at"), (6, None), (7, None)],
    )
    start = datetime(2026, 7, 1, tzinfo=UTC)
    found = shifts_covering(conn, [town.persons["w1"]], start, start + timedelta(days=1))
    assert [(one.starts_at, one.ends_at) for one in found[town.persons["w1"]]] == [
        (start, start + timedelta(hours=9))
    ]
