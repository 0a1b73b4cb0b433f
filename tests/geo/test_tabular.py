"""Tables as people send them, and as nobody should."""

import math
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from geo import tabular
from geo.tabular import read_lon_lat, read_number, read_numbers, read_table, read_whole_number

TEXT = "编码,名称,lon,lat\n110101,东城,116.4,39.9\n110102,西城,116.3,39.8\n"


def written(folder: Path, content: bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_the_same_table_is_read_from_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    table = read_table(written(tmp_path, TEXT.encode(encoding)))
    assert table.columns == ("编码", "名称", "lon", "lat")
    assert table.column("名称") == ["东城", "西城"]
    assert table.row_numbers == [2, 3]
    assert not table.findings


def test_excel_says_the_same_as_csv(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in (
        ["编码", "名称", "when", None],
        ["0012", "甲", datetime(2026, 6, 10, 8, 30)],  # noqa: DTZ001  (as Excel has it)
        [12.0, 1.5, None],
    ):
        page.append(row)
    book.save(tmp_path / "people.xlsx")
    table = read_table(tmp_path / "people.xlsx")
    assert table.columns == ("编码", "名称", "when")
    assert table.rows == [("0012", "甲", "2026-06-10 08:30:00"), ("12", "1.5", "")]
    assert table.row_numbers == [2, 3]
    with pytest.raises(Invalid, match="there is no sheet “x”; the sheets are: Sheet"):
        read_table(tmp_path / "people.xlsx", sheet="x")


def test_row_numbers_are_lines_of_the_file_also_after_blank_and_folded_lines(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b'code,note\n1,"two\nlines"\n\n2,x\n,\n3,y\n'))
    assert list(zip(table.row_numbers, table.column("code"), strict=True)) == [(2, "1"), (5, "2"), (7, "3")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen_from_the_header(tmp_path: Path, delimiter: str) -> None:
    table = read_table(written(tmp_path, TEXT.replace(",", delimiter).encode()))
    assert table.column("lat") == ["39.9", "39.8"]


def test_a_ragged_row_is_a_finding_and_the_others_are_in(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n1,2\n3\n4,5,6\n7,8,\n9,\x01\n")
    table = read_table(path)
    assert table.rows == [("1", "2"), ("7", "8")]
    assert [(f.row, f.reason) for f in table.findings] == [
        (3, "has 1 cells where the header has 2"),
        (4, "has 3 cells where the header has 2"),
        (6, "holds control characters"),
    ]
    kept = read_table(path, keep_ragged=True)
    assert kept.rows[:4] == [("1", "2"), ("3", ""), ("4", "5"), ("7", "8")]
    assert len(kept.findings) == 3


def test_a_missing_column_lists_those_there_are(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, TEXT.encode()))
    with pytest.raises(Invalid, match="missing column 经度; the columns there are: 编码, 名称, lon, lat"):
        table.column("经度")


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.csv", "the file is empty"),
        (b"\xef\xbb\xbf \n", "a.csv", "the file is empty"),
        (b"PK\x03\x04broken", "a.xlsx", "no readable XLSX"),
        (b"not a workbook", "a.xlsx", "no readable XLSX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "old .xls"),
        (b"a,b\n1,\xff\xff\xff\n", "a.csv", "line 2: byte 0xff is neither"),
        (b"a,b\n1,\x00\n", "a.csv", "line 2: holds zero bytes"),
        (b"a,a\n1,2\n", "a.csv", "names column “a” twice"),
        (b'a,b\n1,2\n3,"open\n4,5\n', "a.csv", "line 3: a quote .* is opened and never closed"),
        (b"a\x07,b\n1,2\n", "a.csv", "control characters"),
    ],
)
def test_an_unreadable_file_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, content: bytes, name: str, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        read_table(written(tmp_path, content, name))


def test_a_missing_file_a_folder_and_a_hostile_name_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path, "nul\x00.csv", "n" * 5000):
        with pytest.raises(Invalid, match="cannot be read"):
            read_table(path)


def test_a_zip_that_unpacks_to_far_too_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular, "MAX_BYTES", 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 10_000_000)
    with pytest.raises(Invalid, match="unpacks to"):
        read_table(tmp_path / "bomb.xlsx")
    with pytest.raises(Invalid, match="split it"):
        read_table(written(tmp_path, b"a\n" * 600_000))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("39,9042", "write 39.9042"),
        ("NaN", "is not a finite number"),
        ("-inf", "is not a finite number"),
        ("1_000", "is not a number"),
        ("0x10", "is not a number"),
        ("１２", "is not a number"),
        ("1e999", "is not a number"),
    ],
)
def test_a_cell_that_is_no_number_says_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_number(text)


def test_whole_numbers_may_have_been_through_excel() -> None:
    assert read_whole_number(" 12.0 ") == 12
    with pytest.raises(ValueError, match="whole"):
        read_whole_number("12.5")


def test_positions_say_swapped_and_out_of_range() -> None:
    assert read_lon_lat("116.4", "39.9") == (116.4, 39.9)
    with pytest.raises(ValueError, match="lon and lat seem swapped"):
        read_lon_lat("39.9", "116.4")
    with pytest.raises(ValueError, match="no degrees; say the CRS"):
        read_lon_lat("39500000", "4400000")


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.floats().map(str), st.text(max_size=6), st.sampled_from(["1,5", " 7 ", "+3.", "1_0"]))
    )
)
def test_a_column_reads_like_its_cells(texts: list[str]) -> None:
    def one(text: str) -> float:
        try:
            return read_number(text)
        except ValueError:
            return math.nan

    got = read_numbers(texts).tolist()
    assert [repr(value) for value in got] == [repr(one(text)) for text in texts]
