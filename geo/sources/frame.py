"""What a source file becomes: named columns and WGS-84 shapes, row by row, with the rows that could not be used."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import Invalid
from geo.findings import RowFinding


@dataclass(frozen=True)
class RawFrame:
    """As read: shapes in the file's own CRS (None where there is none), `crs` None where the file names none."""

    layer: str | None
    crs: str | None
    columns: dict[str, list[object]]
    geometry: NDArray[np.object_]
    rows: list[int]
    findings: list[RowFinding] = field(default_factory=list)


@dataclass(frozen=True)
class SourceFrame:
    """Usable rows of a source: `geometry` in WGS-84 (two dimensions, not snapped, validity not judged).

    `crs` is the system it was converted from; `rows` are feature numbers counted from 1 (lines of a CSV, where the
    header is 1); `findings` tell of the rows that are not here, and with row 0 of the whole file.
    """

    path: Path
    layer: str | None
    crs: str
    columns: dict[str, list[object]]
    geometry: NDArray[np.object_]
    rows: list[int]
    findings: list[RowFinding]

    def __len__(self) -> int:
        return len(self.rows)

    def require(self, *columns: str) -> None:
        """Invalid unless the source has all these columns."""
        missing = [column for column in columns if column not in self.columns]
        if missing:
            there = ", ".join(self.columns) or "none"
            raise Invalid(f"{self.path}: missing column {', '.join(missing)}; the columns there are: {there}")

    def texts(self, column: str) -> list[str]:
        """A column as trimmed text, "" for nothing; whole numbers without a point, so that codes stay codes."""
        self.require(column)
        return [cell_text(value) for value in self.columns[column]]


def cell_text(value: object) -> str:
    """A property's value as trimmed text."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()
