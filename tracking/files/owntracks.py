"""OwnTracks files: a JSON array, one JSON object a line, or the Recorder's .rec lines (time TAB * TAB json)."""

from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import Invalid
from geo.findings import RowFinding
from geo.tabular import decode_text
from tracking.files.table import FixTable, read_file, table_of_fixes
from tracking.formats.owntracks import CLIENTS, location_fix
from tracking.formats.report import ParsedFix, load_json


def read(path: Path, _zone: ZoneInfo) -> FixTable:
    """Locations become fixes; pings repeat an old place and are left out, as are the other types."""
    text = decode_text(read_file(path), path)
    findings: list[RowFinding] = []
    fixes: list[tuple[int, ParsedFix]] = []
    for row, value in _items(path, text, findings):
        if not isinstance(value, dict) or not isinstance(value.get("_type"), str):
            findings.append(
                RowFinding(path.name, row, "_type", None, "is missing: this is no OwnTracks object")
            )
        elif value["_type"] == "location" and value.get("t") != "p":
            fixes.append((row, location_fix(value, CLIENTS["owntracks"])))
    if findings and not fixes and len(findings) == len(text.splitlines()):
        raise Invalid(f"{path}: holds no OwnTracks object ({findings[0].reason})")
    table = table_of_fixes(path.name, fixes)
    return FixTable(table.name, table.fixed_at, table.numbers, table.charging, (*findings, *table.findings))


def _items(path: Path, text: str, findings: list[RowFinding]) -> list[tuple[int, object]]:
    """(line or position in the array, value)."""
    if text.lstrip().startswith("["):
        try:
            whole = load_json(text.encode())
        except Invalid as error:
            raise Invalid(f"{path}: {error}") from error
        return list(enumerate(whole, 1)) if isinstance(whole, list) else []
    found: list[tuple[int, object]] = []
    for row, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append((row, load_json(line.rpartition("\t")[2].encode())))
        except Invalid:
            findings.append(RowFinding(path.name, row, None, None, "is no JSON object"))
    return found
