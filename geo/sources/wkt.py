"""CSV with a column of WKT."""

import re
from pathlib import Path

import numpy as np
import shapely

from core.errors import Invalid
from geo.findings import RowFinding
from geo.sources.frame import RawFrame
from geo.tabular import read_table

NAMES = ("wkt", "geometry", "geom", "the_geom", "wkt_geom", "shape")
_SRID = re.compile(r"\s*SRID=([0-9]{1,6})\s*;\s*(.*)", re.IGNORECASE | re.DOTALL)


def read_wkt_table(path: Path) -> RawFrame:
    """Rows of a CSV whose shapes are WKT, or EWKT with one SRID, in a column of one of NAMES."""
    table = read_table(path)
    named = [column for column in table.columns if column.lower() in NAMES]
    if len(named) != 1:
        raise Invalid(
            f"{path}: name the column of WKT “wkt” (known: {', '.join(NAMES)}); "
            f"the columns there are: {', '.join(table.columns)}"
        )
    split = [_split(text) for text in table.column(named[0])]
    srids = {srid for srid, text in split if text}
    if len(srids) > 1:
        raise Invalid(f"{path}: its rows name several SRIDs ({', '.join(sorted(map(str, srids)))})")
    geometry = np.array(
        shapely.from_wkt([text or None for _, text in split], on_invalid="ignore"), dtype=object
    )
    findings = list(table.findings)
    readable = []
    for position, (row, (_, text)) in enumerate(zip(table.row_numbers, split, strict=True)):
        if text and geometry[position] is None:
            findings.append(RowFinding(path.name, row, named[0], text[:40], "is no WKT"))
        else:
            readable.append(position)
    columns: dict[str, list[object]] = {}
    for name in (column for column in table.columns if column != named[0]):
        cells = table.column(name)
        columns[name] = [cells[position] or None for position in readable]
    srid = srids.pop() if srids else None
    rows = [table.row_numbers[position] for position in readable]
    return RawFrame(None, srid and f"EPSG:{srid}", columns, geometry[readable], rows, findings)


def _split(text: str) -> tuple[str | None, str]:
    match = _SRID.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)
