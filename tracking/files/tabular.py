"""CSV and XLSX tables with a column each for lon, lat and time; the columns are known by their usual names."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.errors import Invalid
from geo.tabular import Table, read_numbers, read_table
from tracking.files.table import NAMES, FixTable, Rows, no_numbers, read_instants, usable

COLUMNS = {
    "lon": ("lon", "longitude", "lng", "x", "经度"),
    "lat": ("lat", "latitude", "y", "纬度"),
    "time": ("fixed_at", "time", "timestamp", "datetime", "recorded_at", "时间", "定位时间"),
    "accuracy_m": ("accuracy_m", "accuracy", "acc", "精度"),
    "altitude_m": ("altitude_m", "altitude", "alt", "ele", "elevation", "高程"),
    "speed_mps": ("speed_mps",),
    "heading_deg": ("heading_deg", "heading", "bearing", "course", "方向"),
    "battery_pct": ("battery_pct", "battery", "batt", "电量"),
}
RANGES = {
    "accuracy_m": (0, np.inf),
    "speed_mps": (0, np.inf),
    "heading_deg": (0, 360),
    "battery_pct": (0, 100),
}
_SECONDS_END = 2147483647


def read(path: Path, zone: ZoneInfo) -> FixTable:
    """Times are ISO 8601 (read in `zone` without an offset) or epochs in seconds or milliseconds."""
    table = read_table(path)
    named = {name: column for name in COLUMNS if (column := _find(table, name))}
    if missing := [name for name in ("lon", "lat", "time") if name not in named]:
        wanted = "; ".join(f"{name}: {', '.join(COLUMNS[name])}" for name in missing)
        raise Invalid(f"{path}: missing column ({wanted}); the columns there are: {', '.join(table.columns)}")
    count = len(table.rows)
    numbers = no_numbers(count)
    for name in NAMES:
        if name in named:
            numbers[name] = _within(read_numbers(table.column(named[name])), name)
    cells = table.column(named["time"])
    found = usable(
        Rows(path.name, table.row_numbers, _times(cells, zone), numbers, np.full(count, -1, np.int8), cells)
    )
    return FixTable(
        found.name, found.fixed_at, found.numbers, found.charging, (*table.findings, *found.findings)
    )


def _find(table: Table, name: str) -> str | None:
    usual = COLUMNS[name]
    return next(
        (column for alias in usual for column in table.columns if column.strip().lower() == alias), None
    )


def _within(column: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    low, high = RANGES.get(name, (-np.inf, np.inf))
    return np.where((column >= low) & (column <= high), column, np.nan)


def _times(cells: list[str], zone: ZoneInfo) -> NDArray[np.datetime64]:
    epoch = read_numbers(cells)
    seconds = np.where(epoch > _SECONDS_END, epoch / 1000, epoch)
    told = np.isfinite(seconds) & (np.abs(seconds) < 1e11)
    instants = read_instants(cells, zone)
    instants[told] = (seconds[told] * 1e6).astype(np.int64).view("datetime64[us]")
    return instants
