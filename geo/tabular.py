"""Tables as people send them: CSV in UTF-8, UTF-16 or GB18030, packed by gzip or not, and XLSX, as text cells with row numbers.

Nothing is guessed about a value here; `read_number` and its like say in words why a cell is no number.
"""

import csv
import gzip
import io
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import Invalid
from geo.findings import RowFinding

MAX_BYTES = 1 << 30
"""The largest file read, and the largest an XLSX may unpack to."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+,[0-9]+")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Table:
    """Rows of text cells, trimmed, "" where empty. `row_numbers` are those a person sees: the header is row 1."""

    path: Path
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    row_numbers: list[int]
    findings: list[RowFinding] = field(default_factory=list)

    def position(self, column: str) -> int:
        """Index of a column; Invalid with the names there are."""
        self.require(column)
        return self.columns.index(column)

    def require(self, *columns: str) -> None:
        """Invalid unless the table has all these columns."""
        missing = [column for column in columns if column not in self.columns]
        if missing:
            raise Invalid(
                f"{self.path}: missing column {', '.join(missing)}; the columns there are: {', '.join(self.columns)}"
            )

    def column(self, column: str) -> list[str]:
        """All cells of a column, top to bottom."""
        position = self.position(column)
        return [row[position] for row in self.rows]

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(row number, cells by column name), top to bottom."""
        for number, row in zip(self.row_numbers, self.rows, strict=True):
            yield number, dict(zip(self.columns, row, strict=True))

    def finding(self, row: int, column: str | None, value: str | None, reason: str) -> RowFinding:
        """A finding about this file; `row` is a row number."""
        return RowFinding(self.path.name, row, column, value, reason)


def read_table(path: Path | str, *, sheet: str | None = None, keep_ragged: bool = False) -> Table:
    """A CSV or XLSX file as text; Invalid when it cannot be read at all.

    A row with more or fewer cells than the header, or with control characters, is a finding and left out;
    with `keep_ragged` it is a finding and stays, cut or filled to the header's width. Blank lines are no rows; nor is
    one of separators alone, unless with `keep_ragged`.
    """
    path = Path(path)
    content = _read_bytes(path)
    if content[:4] == b"PK\x03\x04" or path.suffix.lower() == ".xlsx":
        raw = _xlsx_rows(path, content, sheet)
    elif content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Invalid(f"{path}: an old .xls workbook; save it as .xlsx or CSV")
    else:
        raw = _csv_rows(path, decode_text(content, path))
    return _table(path, raw, keep_ragged=keep_ragged)


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Invalid(f"{path}: {size:,} bytes, more than {MAX_BYTES:,}; split it")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise Invalid(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if content[:2] == b"\x1f\x8b":
        content = _unpacked(content, path)
    if not content.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise Invalid(f"{path}: the file is empty")
    return content


def _unpacked(content: bytes, path: Path) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            unpacked = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid(f"{path}: is a damaged gzip file: {error}") from error
    if len(unpacked) > MAX_BYTES:
        raise Invalid(f"{path}: unpacks to more than {MAX_BYTES:,} bytes; split it")
    return unpacked


def decode_text(content: bytes, path: Path) -> str:
    """Text from UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030; Invalid with the place of the bad byte."""
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    failure: UnicodeDecodeError | None = None
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            failure = failure or error
            continue
        if "\x00" in text:
            row = text.count("\n", 0, text.index("\x00")) + 1
            raise Invalid(f"{path}, line {row}: holds zero bytes, so it is no text file")
        return text
    if failure is None:
        raise Invalid(f"{path}: the encoding is unknown")
    row = content.count(b"\n", 0, failure.start) + 1
    raise Invalid(
        f"{path}, line {row}: byte 0x{content[failure.start]:02x} is neither UTF-8 nor GB18030 text; save it as UTF-8"
    )


_Raw = Iterator[tuple[int, Sequence[str]]]


def _csv_rows(path: Path, text: str) -> _Raw:
    """(row number, cells); the row number is the line where the row begins."""
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    begins = 1
    try:
        for cells in reader:
            if reader.line_num > begins and reader.line_num == text.count("\n") + (not text.endswith("\n")):
                _check_quotes(path, text, begins, reader.line_num)
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Invalid(f"{path}, line {reader.line_num}: {error}") from error


def _check_quotes(path: Path, text: str, begins: int, ends: int) -> None:
    """Invalid when the last row runs over lines because its quote is never closed."""
    rest = text.split("\n")[begins - 1 : ends]
    if sum(line.count('"') for line in rest) % 2:
        raise Invalid(f'{path}, line {begins}: a quote (") is opened and never closed')


def _delimiter(text: str) -> str:
    header = re.sub(r'"[^"]*"', "", text[: text.find("\n")] if "\n" in text else text)
    return max(",;\t|", key=header.count)


def _xlsx_rows(path: Path, content: bytes, sheet: str | None) -> _Raw:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_BYTES:
            raise Invalid(f"{path}: unpacks to {unpacked:,} bytes, more than {MAX_BYTES:,}; split it")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            names = book.sheetnames
            if sheet is not None and sheet not in names:
                raise Invalid(f"{path}: there is no sheet “{sheet}”; the sheets are: {', '.join(names)}")
            page = book[sheet or names[0]]
            page.reset_dimensions()
            rows = [(number, [_cell_text(cell) for cell in row]) for number, row in enumerate(page.values, 1)]
            book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, SyntaxError) as error:
        raise Invalid(f"{path}: no readable XLSX workbook ({error}); save it again, or as CSV") from error
    except AttributeError as error:
        raise Invalid(f"{path}: its first sheet holds no cells (a chart?); name another sheet") from error
    width = max((len(cells) for _, cells in rows), default=0)
    return ((number, cells + [""] * (width - len(cells))) for number, cells in rows)


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _table(path: Path, raw: _Raw, *, keep_ragged: bool) -> Table:
    header: tuple[str, ...] | None = None
    table: Table | None = None
    keep_separators = keep_ragged and path.suffix.lower() != ".xlsx"
    for number, cells in raw:
        row = tuple(cell.strip() for cell in cells)
        if not any(row) and not (keep_separators and len(row) > 1):
            continue
        if table is None or header is None:
            header = _header(path, row)
            table = Table(path, header, [], [])
            continue
        reason = _row_trouble(row, len(header))
        if reason is not None:
            table.findings.append(table.finding(number, None, None, reason))
            if not keep_ragged:
                continue
        table.rows.append((row + ("",) * len(header))[: len(header)])
        table.row_numbers.append(number)
    if table is None:
        raise Invalid(f"{path}: the file is empty")
    return table


def _header(path: Path, row: tuple[str, ...]) -> tuple[str, ...]:
    while row and not row[-1]:
        row = row[:-1]
    names = tuple(name or f"column {position}" for position, name in enumerate(row, 1))
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"{path}: the header names column “{name}” twice; rename one")
        if _UNPRINTABLE.search(name):
            raise Invalid(f"{path}: the header holds control characters, so this is no table of text")
    return names


def _row_trouble(row: tuple[str, ...], width: int) -> str | None:
    if len(row) < width or any(row[width:]):
        return f"has {len(row)} cells where the header has {width}"
    if any(map(_UNPRINTABLE.search, row)):
        return "holds control characters"
    return None


def read_number(text: str) -> float:
    """A finite number from a cell; ValueError whose text is the reason for people."""
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    if _NUMBER.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    if _COMMA_NUMBER.fullmatch(text):
        raise ValueError(f"has a decimal comma; write {text.replace(',', '.')}")
    if text.lstrip("+-").lower() in ("nan", "inf", "infinity"):
        raise ValueError("is not a finite number")
    raise ValueError("is not a number")


def read_whole_number(text: str) -> int:
    """A whole number from a cell (“12”, “12.0”); ValueError whose text is the reason for people."""
    value = read_number(text)
    if value != int(value):
        raise ValueError("is not a whole number")
    return int(value)


def read_lon_lat(lon: str, lat: str) -> tuple[float, float]:
    """A position from two cells, in degrees; ValueError whose text is the reason for people."""
    lon_deg, lat_deg = read_number(lon), read_number(lat)
    reason = position_trouble(lon_deg, lat_deg)
    if reason is not None:
        raise ValueError(reason)
    return lon_deg, lat_deg


def position_trouble(lon_deg: float, lat_deg: float) -> str | None:
    """Why two numbers are no position in degrees; None when they are one."""
    if -180 <= lon_deg <= 180 and -90 <= lat_deg <= 90:
        return None
    if -180 <= lat_deg <= 180 and -90 <= lon_deg <= 90:
        return f"latitude {lat_deg:g} is out of range; lon and lat seem swapped"
    if abs(lon_deg) > 360 or abs(lat_deg) > 360:
        return f"{lon_deg:g}, {lat_deg:g} are no degrees; say the CRS (EPSG:n)"
    return f"{lon_deg:g}, {lat_deg:g} is out of range"


def read_numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """A column of cells as numbers, NaN where `read_number` would refuse."""
    return np.fromiter(map(_number_or_nan, texts), dtype=np.float64, count=len(texts))


def _number_or_nan(text: str) -> float:
    try:
        return read_number(text)
    except ValueError:
        return math.nan
