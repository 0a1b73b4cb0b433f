"""A file of borders as drafts: which column is what, and the rows that could not be used."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Invalid
from geo.findings import RowFinding
from geo.plans import Kind, UnitDraft
from geo.sources import read_source
from geo.sources.frame import SourceFrame, cell_text
from geo.tabular import read_table, read_whole_number

FROM_CHILDREN = "named by its children"
"""`source` of a unit that no file describes."""

_TABLES = (".csv", ".xlsx", ".txt", ".tsv")


@dataclass(frozen=True)
class BoundaryFile:
    """One file and what its columns mean. `level` or `level_field`; `derived`: rows without shapes."""

    path: Path
    code_field: str
    name_field: tuple[str, ...] = ()
    level: str | None = None
    level_field: str | None = None
    parent_field: str | None = None
    parent_level: str | None = None
    parent_name_field: str | None = None
    households_field: str | None = None
    kind: Kind = "territorial"
    kind_field: str | None = None
    layer: str | None = None
    crs: str | None = None
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    derived: bool = False


@dataclass(frozen=True)
class ReadFile:
    """`parent_names`: names of parents by code, as their children's rows give them."""

    drafts: list[UnitDraft]
    crs: str
    findings: list[RowFinding]
    parent_names: dict[str, str]


def read_drafts(file: BoundaryFile) -> ReadFile:
    """Every usable row as a draft; Invalid when the file cannot be read or a column is missing."""
    if file.level is None and file.level_field is None:
        raise Invalid(f"{file.path}: say which level it holds, or which column holds the level")
    frame = _read_frame(file)
    frame.require(*_needed(file))
    chosen = _chosen(frame, file)
    rows = _Rows(frame, file)
    drafts, findings = [], list(frame.findings)
    for index in chosen:
        draft, reason = rows.draft(index)
        if draft is not None:
            drafts.append(draft)
        if reason is not None:
            findings.append(reason)
    if not drafts:
        raise Invalid(f"{file.path}: no row of it can be used{_why(findings)}")
    return ReadFile(drafts, frame.crs, findings, rows.parent_names())


def _why(findings: Sequence[RowFinding]) -> str:
    return f"; the first: {findings[0]}" if findings else ""


def _needed(file: BoundaryFile) -> list[str]:
    single = (
        file.code_field,
        file.level_field,
        file.parent_field,
        file.parent_name_field,
        file.households_field,
        file.kind_field,
    )
    return [*(name for name in single if name is not None), *file.name_field, *file.where]


def _read_frame(file: BoundaryFile) -> SourceFrame:
    if not file.derived:
        return read_source(file.path, layer=file.layer, crs=file.crs)
    if file.path.suffix.lower() not in _TABLES:
        raise Invalid(f"{file.path}: names and codes without shapes are read from {', '.join(_TABLES)}")
    table = read_table(file.path)
    columns: dict[str, list[object]] = {name: list(table.column(name)) for name in table.columns}
    shapes: NDArray[np.object_] = np.full(len(table.row_numbers), None, dtype=object)
    return SourceFrame(
        file.path, None, "none", columns, shapes, list(table.row_numbers), list(table.findings)
    )


def _chosen(frame: SourceFrame, file: BoundaryFile) -> list[int]:
    texts = {column: frame.texts(column) for column in file.where}
    return [i for i in range(len(frame)) if all(texts[name][i] in file.where[name] for name in texts)]


class _Rows:
    """Rows of a frame read by the roles of their columns."""

    def __init__(self, frame: SourceFrame, file: BoundaryFile) -> None:
        self.frame, self.file = frame, file
        self.codes = frame.texts(file.code_field)
        self.names = [frame.texts(name) for name in file.name_field] or [self.codes]
        self.parents = frame.texts(file.parent_field) if file.parent_field else None
        self.levels = frame.texts(file.level_field) if file.level_field else None
        self.kinds = frame.texts(file.kind_field) if file.kind_field else None
        self.households = frame.texts(file.households_field) if file.households_field else None
        self.free = [name for name in frame.columns if name not in {*_needed(file)}]
        layer = f", layer {frame.layer}" if frame.layer and frame.layer != file.path.stem else ""
        self.origin = f"{file.path.name}{layer}"

    def draft(self, index: int) -> tuple[UnitDraft | None, RowFinding | None]:
        """The row as a unit, and what is wrong with the row; both where only a number is unreadable."""
        if several := self._several(index):
            return None, several
        code = self.codes[index]
        level = self.file.level or (self.levels[index] if self.levels else "")
        kind: str = self.kinds[index] if self.kinds else self.file.kind
        if not code:
            return None, self._trouble(index, self.file.code_field, "", "no code")
        if not level:
            return None, self._trouble(index, self.file.level_field, "", "no level")
        if kind not in ("territorial", "dedicated"):
            return None, self._trouble(index, self.file.kind_field, kind, "write territorial or dedicated")
        households, reason = self._households(index)
        draft = UnitDraft(
            level=level,
            code=code,
            name=next((names[index] for names in self.names if names[index]), code),
            geom=self.frame.geometry[index],
            parent_code=(self.parents[index] or None) if self.parents else None,
            kind="dedicated" if kind == "dedicated" else "territorial",
            households=households,
            attrs={name: _plain(self.frame.columns[name][index]) for name in self.free},
            source=f"{self.origin}, row {self.frame.rows[index]}",
        )
        return draft, reason

    def _several(self, index: int) -> RowFinding | None:
        """A list or an object where one value is needed: its text would be taken for a code that nobody gave."""
        for column in _needed(self.file):
            value = self.frame.columns[column][index]
            if isinstance(value, list | tuple | dict | np.ndarray):
                return self._trouble(index, column, cell_text(value), "holds several values; write one")
        return None

    def _households(self, index: int) -> tuple[int | None, RowFinding | None]:
        text = self.households[index] if self.households else ""
        if not text:
            return None, None
        try:
            count = read_whole_number(text)
        except ValueError as error:
            return None, self._trouble(index, self.file.households_field, text, str(error))
        if not 0 <= count < 2**31:
            return None, self._trouble(index, self.file.households_field, text, "is no number of households")
        return count, None

    def _trouble(self, index: int, column: str | None, value: str, reason: str) -> RowFinding:
        return RowFinding(str(self.file.path), self.frame.rows[index], column, value or None, reason)

    def parent_names(self) -> dict[str, str]:
        if self.parents is None or self.file.parent_name_field is None:
            return {}
        names = self.frame.texts(self.file.parent_name_field)
        return {parent: name for parent, name in zip(self.parents, names, strict=True) if parent and name}


def _plain(value: object) -> Any:
    """A property as JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return cell_text(value)
