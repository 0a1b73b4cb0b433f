"""PLT tracks of GeoLife: six header lines, then lat,lon,0,altitude in feet (-777: none),days,date,time; GMT."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from core.errors import Invalid
from geo.findings import RowFinding
from geo.tabular import decode_text, read_numbers
from tracking.files.table import FixTable, Rows, no_numbers, read_file, read_instants_fast, usable

_HEADER_LINES, _FIELDS = 6, 7
_FOOT_M = 0.3048
_NO_ALTITUDE_FT = -777


def read(path: Path, _zone: ZoneInfo) -> FixTable:
    lines = decode_text(read_file(path), path).splitlines()
    if len(lines) < _HEADER_LINES or "WGS 84" not in lines[1]:
        raise Invalid(f"{path}: is no PLT track: six header lines are missing, the second of them “WGS 84”")
    numbered = [(n, line.split(",")) for n, line in enumerate(lines, 1) if n > _HEADER_LINES and line.strip()]
    ragged = [
        RowFinding(path.name, n, None, None, f"has {len(cells)} fields of 7")
        for n, cells in numbered
        if len(cells) != _FIELDS
    ]
    rows = [(n, cells) for n, cells in numbered if len(cells) == _FIELDS]
    lat, lon, _, altitude, _, day, clock = (
        zip(*(cells for _, cells in rows), strict=True) if rows else [()] * 7
    )
    at_cells = [f"{on} {at}" for on, at in zip(day, clock, strict=True)]
    feet = read_numbers(altitude)
    numbers = no_numbers(len(rows)) | {
        "lon": read_numbers(lon),
        "lat": read_numbers(lat),
        "altitude_m": np.where(feet == _NO_ALTITUDE_FT, np.nan, feet * _FOOT_M),
    }
    found = usable(
        Rows(
            name=path.name,
            number=[n for n, _ in rows],
            fixed_at=read_instants_fast(at_cells, "%Y-%m-%d %H:%M:%S"),
            numbers=numbers,
            charging=np.full(len(rows), -1, np.int8),
            at_cell=at_cells,
        )
    )
    return FixTable(found.name, found.fixed_at, found.numbers, found.charging, (*ragged, *found.findings))
