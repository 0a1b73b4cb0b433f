"""A file of fixes as columns, and the shared ways from cells to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import Invalid
from geo.findings import RowFinding
from tracking.batches import MEASURES
from tracking.formats.report import ParsedFix

NAMES = ("lon", "lat", *MEASURES)
FIRST, LAST = np.datetime64("1990-01-01", "us"), np.datetime64("2100-01-01", "us")


@dataclass(frozen=True)
class FixTable:
    """Usable rows as columns of one length (NaN: not told, charging -1: not told), and a finding for each other row."""

    name: str
    fixed_at: NDArray[np.datetime64]
    numbers: dict[str, NDArray[np.float64]]
    charging: NDArray[np.int8]
    findings: tuple[RowFinding, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.fixed_at)


@dataclass(frozen=True)
class Rows:
    """Columns as read, before the unusable rows are put aside. `at_cell` and so on are shown in findings."""

    name: str
    number: Sequence[int]
    fixed_at: NDArray[np.datetime64]
    numbers: dict[str, NDArray[np.float64]]
    charging: NDArray[np.int8]
    at_cell: Sequence[str]


def read_file(path: Path) -> bytes:
    """The content; Invalid for a file that cannot be read or holds nothing."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path}: cannot be read: {error.strerror}") from error
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise Invalid(f"{path}: the file is empty")
    return content


def read_instants(cells: Sequence[str], zone: ZoneInfo | None = None) -> NDArray[np.datetime64]:
    """UTC instants of ISO 8601 cells, NaT where there is none; one without an offset is read in `zone`, or NaT when None."""
    return np.array([_instant(cell, zone) for cell in cells], "datetime64[us]")


def _instant(cell: str, zone: ZoneInfo | None) -> np.datetime64:
    try:
        found = datetime.fromisoformat(cell.strip())
        if found.tzinfo is None and zone is None:
            return np.datetime64("NaT")
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        return np.datetime64(aware.astimezone(ZoneInfo("UTC")).replace(tzinfo=None), "us")
    except (ValueError, OverflowError):
        return np.datetime64("NaT")


def read_instants_fast(cells: Sequence[str], pattern: str) -> NDArray[np.datetime64]:
    """UTC instants of cells in one strptime pattern, vectorised; NaT where a cell is different."""
    found = pd.to_datetime(pd.Series(cells, dtype="str"), format=pattern, errors="coerce", utc=True)
    return found.dt.tz_localize(None).to_numpy("datetime64[us]")


def usable(rows: Rows) -> FixTable:
    """Put aside rows without a usable time or position, each with a finding that says why."""
    lon, lat = rows.numbers["lon"], rows.numbers["lat"]
    late = (rows.fixed_at < FIRST) | (rows.fixed_at >= LAST)
    placed = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    good = placed & ~np.isnat(rows.fixed_at) & ~late
    findings = tuple(_finding(rows, n) for n in np.flatnonzero(~good).tolist())
    numbers = {name: column[good] for name, column in rows.numbers.items()}
    return FixTable(rows.name, rows.fixed_at[good], numbers, rows.charging[good], findings)


def _finding(rows: Rows, n: int) -> RowFinding:
    row, cell, at = rows.number[n], rows.at_cell[n], rows.fixed_at[n]
    if np.isnat(at):
        return RowFinding(rows.name, row, "time", cell, "is no time" if cell else "is empty")
    if not FIRST <= at < LAST:
        return RowFinding(rows.name, row, "time", cell, "is no time a fix of ours can have (1990 to 2099)")
    lon, lat = float(rows.numbers["lon"][n]), float(rows.numbers["lat"][n])
    if np.isnan(lon) or np.isnan(lat):
        return RowFinding(rows.name, row, "lon" if np.isnan(lon) else "lat", None, "is no number")
    swapped = abs(lon) <= 90 and abs(lat) <= 180
    return RowFinding(
        rows.name,
        row,
        "lat" if abs(lat) > 90 else "lon",
        f"{lat if abs(lat) > 90 else lon:g}",
        "is out of range" + ("; lon and lat seem swapped" if swapped else ""),
    )


def table_of_fixes(name: str, fixes: Sequence[tuple[int, ParsedFix]]) -> FixTable:
    """The table of fixes that a wire format read, each with its row number."""
    parsed = [one for _, one in fixes]
    at = [None if one.fixed_at is None else one.fixed_at.replace(tzinfo=None) for one in parsed]
    numbers = {
        column: np.array([np.nan if (v := getattr(one, column)) is None else v for one in parsed], np.float64)
        for column in NAMES
    }
    charging = np.array([-1 if one.charging is None else int(one.charging) for one in parsed], np.int8)
    instants = np.array(at, "datetime64[us]")
    return usable(Rows(name, [row for row, _ in fixes], instants, numbers, charging, [""] * len(fixes)))


def no_numbers(count: int) -> dict[str, NDArray[np.float64]]:
    """Columns in which nothing is told yet."""
    return {name: np.full(count, np.nan) for name in NAMES}
