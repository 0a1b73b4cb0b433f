"""Cases from a file: columns by name, words of states and times understood, every row that cannot be used listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from cases.events import Actor
from cases.flow import ENDED, STATES
from cases.intake import Taken, take_in_cases
from cases.reports import CaseReport, check_report
from core.errors import Invalid
from geo.coordinates import to_wgs84
from geo.findings import RowFinding
from geo.lookup import Lookup
from geo.tabular import Table, read_lon_lat, read_number, read_table, read_whole_number

NAMES: Final = (
    "external_ref", "category", "channel", "level", "description", "lon", "lat", "accuracy_m",
    "occurred_at", "reported_at", "ended_at", "state",
)  # fmt: skip
REQUIRED: Final = ("external_ref", "category")
TIME_FORMATS: Final = (
    "%m/%d/%Y %I:%M:%S %p", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M", "%Y年%m月%d日", "%Y年%m月%d日 %H时%M分",
)  # fmt: skip
"""Beside ISO 8601. Day and month are never guessed: 03/04/2018 without AM or PM needs `time_format`."""

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "reported": ("open", "new", "submitted", "unassigned", "待受理", "新建"),
    "accepted": ("pending", "in progress", "acknowledged", "已受理", "立案", "办理中", "处理中"),
    "closed": (
        "closed (transferred)", "completed", "resolved", "done", "referred out", "办结", "已办结", "已结案", "结束", "归档",
    ),
    "rejected": ("cancelled", "canceled", "invalid", "不予立案", "作废", "撤销"),
    "duplicate": ("closed (duplicate)", "open (duplicate)", "new (duplicate)", "已合并"),
}  # fmt: skip
STATE_WORDS: Final[dict[str, str]] = {
    **{state: state for state in STATES},
    **{name: state for state, (name, _) in STATES.items()},
    **{word: state for state, words in _WORDS.items() for word in words},
}
"""What other systems call a state, in lower case, and which of ours it is."""
_NOT_CARRIED_OVER: Final = ("assigned", "handled", "verified")


@dataclass(frozen=True)
class ImportPlan:
    """How a file is read. `columns` maps NAMES to its columns; `states` more words of states, in lower case.

    Instants without an offset are in `zone`; `channel` is used where no column is mapped to it.
    """

    columns: Mapping[str, str]
    zone: ZoneInfo
    channel: str = "import"
    crs: str = "wgs84"
    time_format: str | None = None
    states: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ImportResult:
    """What became of a file. `findings` are of rows left out; `warnings` of rows taken in with a value set aside."""

    rows: int = 0
    new: int = 0
    repeated: int = 0
    without_point: int = 0
    findings: list[RowFinding] = field(default_factory=list)
    warnings: list[RowFinding] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)


def import_cases(
    conn: Connection, lookup: Lookup, path: Path, plan: ImportPlan, *, actor: Actor, now: datetime
) -> ImportResult:
    """Take in the cases of a CSV or XLSX file; the rows that cannot be used are findings, the others are in.

    Invalid, and nothing written, for an unreadable file or a column that is not there.
    """
    table = read_table(path)
    _check_columns(table, plan)
    result = ImportResult(rows=len(table.rows) + len(table.findings), findings=list(table.findings))
    numbers, reports = [], []
    for number, cells in table.records():
        report = _RowReader(table, number, cells, plan, result).read(now)
        if report is not None:
            numbers.append(number)
            reports.append(report)
    reports = _to_wgs84(reports, plan.crs)
    taken = take_in_cases(conn, lookup, reports, actor=actor, now=now)
    for number, report, one in zip(numbers, reports, taken, strict=True):
        _count(
            result, table.finding(number, plan.columns["external_ref"], report.external_ref, ""), report, one
        )
    result.findings.sort(key=lambda finding: finding.row)
    return result


def _count(result: ImportResult, place: RowFinding, report: CaseReport, taken: Taken) -> None:
    if taken.outcome == "different":
        reason = f"is known as case {taken.number} with other contents; nothing was changed"
        result.findings.append(RowFinding(place.file, place.row, place.column, place.value, reason))
    elif taken.outcome == "repeat":
        result.repeated += 1
    else:
        result.new += 1
        result.without_point += report.lon is None
        result.states[report.state] = result.states.get(report.state, 0) + 1


def _check_columns(table: Table, plan: ImportPlan) -> None:
    unknown = sorted(set(plan.columns) - set(NAMES))
    if unknown:
        raise Invalid(f"--map knows no name {', '.join(unknown)}; the names are {', '.join(NAMES)}")
    missing = [name for name in REQUIRED if name not in plan.columns]
    if missing:
        raise Invalid(
            f"--map {missing[0]}=COLUMN is missing; the columns of {table.path} are: {', '.join(table.columns)}"
        )
    if ("lon" in plan.columns) != ("lat" in plan.columns):
        raise Invalid("map both lon and lat, or neither")
    table.require(*plan.columns.values())
    wrong = sorted(set(plan.states.values()) - set(STATES))
    if wrong:
        raise Invalid(f"there is no state {', '.join(wrong)}; the states are {', '.join(STATES)}")


class _RowReader:
    """One row on its way to a report; what cannot be read becomes a finding."""

    def __init__(
        self, table: Table, number: int, cells: Mapping[str, str], plan: ImportPlan, result: ImportResult
    ) -> None:
        self.table, self.number, self.cells, self.plan, self.result = table, number, cells, plan, result
        self.good = True

    def read(self, now: datetime) -> CaseReport | None:
        """The report, or None when the row has a fatal fault."""
        lon, lat = self._position()
        state = self._state()
        report = CaseReport(
            channel=self._text("channel") or self.plan.channel,
            external_ref=self._text("external_ref"),
            category=self._text("category"),
            level=self._level(),
            description=self._text("description"),
            lon=lon,
            lat=lat,
            accuracy_m=self._accuracy_m(),
            occurred_at=self._instant("occurred_at"),
            reported_at=self._instant("reported_at"),
            state=state,
            ended_at=self._instant("ended_at") if state in ENDED else None,
        )
        if not self.good:
            return None
        for trouble in check_report(report, now):
            self._tell(trouble.field, trouble.reason, fatal=trouble.fatal)
        return report if self.good else None

    def _text(self, name: str) -> str:
        column = self.plan.columns.get(name)
        return "" if column is None else self.cells[column]

    def _tell(self, name: str, reason: str, *, fatal: bool = True) -> None:
        finding = self.table.finding(self.number, self.plan.columns.get(name, name), self._text(name), reason)
        (self.result.findings if fatal else self.result.warnings).append(finding)
        self.good = self.good and not fatal

    def _position(self) -> tuple[float | None, float | None]:
        lon, lat = self._text("lon"), self._text("lat")
        if not lon and not lat:
            return None, None
        for name, text in (("lon", lon), ("lat", lat)):
            try:
                read_number(text)
            except ValueError as error:
                self._tell(name, str(error))
                return None, None
        if self.plan.crs.upper().startswith("EPSG"):
            return read_number(lon), read_number(lat)
        try:
            return read_lon_lat(lon, lat)
        except ValueError as error:
            self._tell("lat" if "latitude" in str(error) else "lon", str(error))
            return None, None

    def _level(self) -> int:
        text = self._text("level")
        try:
            return read_whole_number(text) if text else 1
        except ValueError as error:
            self._tell("level", str(error))
            return 1

    def _accuracy_m(self) -> float | None:
        text = self._text("accuracy_m")
        try:
            return read_number(text) if text else None
        except ValueError as error:
            self._tell("accuracy_m", str(error))
            return None

    def _instant(self, name: str) -> datetime | None:
        text = self._text(name)
        if not text:
            return None
        try:
            return read_time(text, self.plan.zone, self.plan.time_format)
        except ValueError as error:
            self._tell(name, str(error))
            return None

    def _state(self) -> str:
        word = " ".join(self._text("state").lower().split())
        if not word:
            return "reported"
        state = {**STATE_WORDS, **self.plan.states}.get(word)
        if state is None:
            self._tell("state", f"is no state known here; say which one it is: --state “{word}=closed”")
        elif state in _NOT_CARRIED_OVER:
            self._tell(
                "state",
                f"{state} is not carried over: only reported, accepted, closed, rejected, duplicate are",
            )
        return state or "reported"


def read_time(text: str, zone: ZoneInfo, time_format: str | None = None) -> datetime:
    """An instant as aware UTC; ValueError whose text is the reason for people."""
    for pattern in (time_format,) if time_format else (None, *TIME_FORMATS):
        try:
            value = datetime.fromisoformat(text) if pattern is None else datetime.strptime(text, pattern)  # noqa: DTZ007
        except ValueError:
            continue
        value = value if value.tzinfo is not None else value.replace(tzinfo=zone)
        try:
            return value.astimezone(UTC)
        except OverflowError:
            break
    wanted = f"does not read as {time_format}" if time_format else "is no time known here; say --time-format"
    raise ValueError(wanted)


def _to_wgs84(reports: Sequence[CaseReport], crs: str) -> list[CaseReport]:
    if crs == "wgs84":
        return list(reports)
    placed = [one for one in reports if one.lon is not None]
    lon, lat = to_wgs84(
        np.array([one.lon for one in placed], dtype=np.float64),
        np.array([one.lat for one in placed], dtype=np.float64),
        crs,
    )
    there = iter(zip(lon.tolist(), lat.tolist(), strict=True))
    moved = []
    for one in reports:
        where = next(there) if one.lon is not None else (None, None)
        moved.append(replace(one, lon=where[0], lat=where[1]))
    return moved
