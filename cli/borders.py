"""Findings on borders for a person at a terminal, and as GeoJSON for a map."""

import json
from collections.abc import Sequence
from pathlib import Path

from cli.frame import print_table, say, whole_file
from geo.findings import Finding, RowFinding, count_rules, findings_geojson
from geo.validation.mend import MENDED

SHOWN = 40
SHOWN_A_RULE = 10


def print_rows(rows: Sequence[RowFinding]) -> None:
    """Rows of the file that could not be used."""
    for row in rows[:SHOWN]:
        say(f"  {row}")
    if len(rows) > SHOWN:
        say(f"  … and {len(rows) - SHOWN:,} more rows")


def print_mended(changes: Sequence[Finding]) -> None:
    """What --clean changed: the sums on top, each change below (all of them; the same list is in the GeoJSON)."""
    if not changes:
        return
    sums = ", ".join(
        f"{count:,} {rule.removeprefix('mended_')}" for rule, count in count_rules(changes).items()
    )
    print(f"mended: {sums}")
    print_table(("mended", "units", "lon, lat", "what"), [_row(change) for change in changes])


def print_findings(findings: Sequence[Finding]) -> None:
    """How many of each rule, and of each the worst, the rarest rules first."""
    if not findings:
        return
    counts = count_rules(findings)
    print(f"findings: {', '.join(f'{count:,} {rule}' for rule, count in counts.items())}")
    shown = [finding for rule in reversed(counts) for finding in _worst(findings, rule)]
    head = ("severity", "rule", "units", "lon, lat", "what", "remedy")
    print_table(head, [(finding.severity, *_row(finding), finding.fix) for finding in shown])
    if not counts.keys().isdisjoint(MENDED):
        print("boundaries import --clean METRES mends gaps, overlaps and unmatched edges up to that width")
    if len(shown) < len(findings):
        print(f"… and {len(findings) - len(shown):,} more, the smaller ones")


def _worst(findings: Sequence[Finding], rule: str) -> list[Finding]:
    """The largest of a rule; of shares, which should be whole, the smallest."""
    mine = [finding for finding in findings if finding.rule == rule]
    sign = 1 if mine[0].measure_unit == "pct" else -1
    return sorted(mine, key=lambda finding: sign * (finding.measure or 0))[:SHOWN_A_RULE]


def _row(finding: Finding) -> tuple[object, ...]:
    units = ", ".join(finding.units[:4]) + (" …" if len(finding.units) > 4 else "")
    where = "" if finding.where is None else f"{finding.where[0]:.6f}, {finding.where[1]:.6f}"
    return finding.rule.removeprefix("mended_"), units, where, finding.text


def write_findings(findings: Sequence[Finding], path: Path) -> None:
    """All findings as GeoJSON, an empty collection when there are none."""
    content = json.dumps(findings_geojson(findings), ensure_ascii=False, allow_nan=False)
    with whole_file(path) as part:
        part.write_text(content, "utf-8")
    if findings:
        print(f"{len(findings):,} lines on a map: {path}")
