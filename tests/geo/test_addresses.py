"""Address points: counts of households and residents, stored set by set."""

import gzip
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text

from core.errors import Invalid
from geo.addresses import AddressFile, AddressPoint, import_addresses, write_addresses
from geo.tables import address_point

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
DOORS = [
    AddressPoint("a1", "中山路1号", 116.1, 40.1, 12, 30),
    AddressPoint("a2", "中山路2号", 116.2, 40.1, 3),
]


def stored(conn: Connection) -> dict[str, tuple[int, int | None, float]]:
    lon = func.ST_X(address_point.c.point)
    rows = conn.execute(
        select(address_point.c.code, address_point.c.households, address_point.c.residents, lon)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def test_the_same_doors_again_change_nothing(conn: Connection) -> None:
    first = write_addresses(conn, DOORS, source="census", as_of=MAY)
    assert (first.new, first.changed, first.same) == (2, 0, 0)
    again = write_addresses(conn, DOORS, source="census", as_of=MAY)
    assert (again.new, again.changed, again.same) == (0, 0, 2)
    assert stored(conn) == {"a1": (12, 30, 116.1), "a2": (3, None, 116.2)}


def test_newer_knowledge_replaces_and_older_does_not(conn: Connection) -> None:
    write_addresses(conn, DOORS, source="census", as_of=JUNE)
    moved = [AddressPoint("a1", "中山路1号", 116.3, 40.1, 14)]
    assert write_addresses(conn, moved, source="old", as_of=MAY).same == 1
    assert stored(conn)["a1"] == (12, 30, 116.1)
    assert write_addresses(conn, moved, source="new", as_of=JUNE).changed == 1
    assert stored(conn)["a1"] == (14, None, 116.3)


def test_bad_rows_are_told_and_the_others_are_in(conn: Connection, tmp_path: Path) -> None:
    path = tmp_path / "doors.csv"
    rows = [
        "门牌,地址,经度,纬度,户数",
        "a1,中山路1号,116.1,40.1,12",
        "a1,again,116.1,40.1,1",
        ",nameless,116.1,40.1,1",
        "a3,swapped,40.1,116.1,1",
        "a4,nowhere,,,1",
        "a5,negative,116.1,40.1,-1",
        "a6,half,116.1,40.1,1.5",
        "a7,uncounted,116.1,40.1,",
        "a8,short,116.1",
        "a9,中山路9号,116.1,40.1,2",
    ]
    path.write_text("\n".join(rows), encoding="gb18030")
    names = {"code": "门牌", "address": "地址", "lon": "经度", "lat": "纬度", "households": "户数"}
    written = import_addresses(conn, path, AddressFile(JUNE, names))
    assert (written.new, sorted(stored(conn))) == (2, ["a1", "a9"])
    assert [(finding.row, finding.column) for finding in written.findings] == [
        *(
            (3, "门牌"),
            (4, "门牌"),
            (5, "经度"),
            (6, "经度"),
            (7, "户数"),
            (8, "户数"),
            (9, "户数"),
            (10, None),
        )
    ]


def test_a_packed_file_is_read_as_it_is_and_a_damaged_one_refused(conn: Connection, tmp_path: Path) -> None:
    path = tmp_path / "doors.csv.gz"
    packed = gzip.compress(b"code,address,lon,lat,households\na1,x,116.1,40.1,2\n")
    path.write_bytes(packed)
    assert import_addresses(conn, path, AddressFile(JUNE)).new == 1
    for damaged in (packed[:-9], packed[:30] + b"\0" * 20):
        path.write_bytes(damaged)
        with pytest.raises(Invalid, match="damaged gzip file"):
            import_addresses(conn, path, AddressFile(JUNE))


def test_a_lacking_column_and_an_unknown_name_are_refused(conn: Connection, tmp_path: Path) -> None:
    path = tmp_path / "doors.csv"
    path.write_text("code,address,lon,lat\na,b,1,2\n")
    with pytest.raises(Invalid, match="missing column households"):
        import_addresses(conn, path, AddressFile(JUNE))
    with pytest.raises(Invalid, match="an address has no owner"):
        import_addresses(conn, path, AddressFile(JUNE, {"owner": "x"}))


def test_a_door_is_found_by_its_code_through_the_index(conn: Connection) -> None:
    doors = [AddressPoint(f"d{number}", "x", 116 + number / 1e5, 40.0, 1) for number in range(12_000)]
    assert write_addresses(conn, doors, source="census", as_of=MAY).new == 12_000
    conn.execute(text("ANALYZE address_point"))
    query = select(address_point.c.id).where(address_point.c.code == "d77").compile(conn)
    plan = "\n".join(conn.exec_driver_sql(f"EXPLAIN {query}", query.params).scalars())
    assert "uq_address_point_code" in plan
