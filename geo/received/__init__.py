"""Areas as received: files of borders into a network's draft, with everything that was wrong with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.errors import Invalid
from geo.editions.standing import carry_over, read_standing
from geo.findings import Finding, RowFinding
from geo.networks import Coverage, Level, Network, add_levels, change_network, create_network, find_network
from geo.plans import (
    Plan,
    UnitDraft,
    add_units_to_plan,
    find_draft,
    read_plan_units,
    rewrite_plan,
)
from geo.received.levels import named_levels
from geo.received.reading import FROM_CHILDREN, BoundaryFile, ReadFile, read_drafts
from geo.validation import check_units
from geo.validation.mend import mend_units

__all__ = ["BoundaryFile", "Imported", "Received", "import_received"]


@dataclass(frozen=True)
class Received:
    """Files for one network and how to take them. None: as the network is, or the default.

    `clean_m`: mend defects up to this width; None repairs nothing. `levels` empty: found from the files.
    """

    network: str
    files: Sequence[BoundaryFile]
    name: str | None = None
    coverage: Coverage | None = None
    levels: Sequence[Level] = ()
    rules: dict[str, Any] | None = None
    effective_from: datetime | None = None
    clean_m: float | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did to the draft. `rows`: rows that could not be used; `mended`: what --clean changed."""

    network: Network
    units: int
    crs: tuple[str, ...]
    rows: list[RowFinding]
    mended: list[Finding]
    findings: list[Finding] = field(default_factory=list)


def import_received(conn: Connection, received: Received, *, author: str | None = None) -> Imported:
    """Put files into the network's draft (made where needed, partial unless told otherwise) and judge the draft."""
    files = [(file, read_drafts(file)) for file in received.files]
    network = _network(conn, received, files)
    drafts = _with_parents(conn, network, files)
    found = add_units_to_plan(conn, network.code, drafts, author=author)
    mended = _mend(conn, found, received.clean_m) if received.clean_m else []
    checked = check_units(network, _candidate(conn, found))
    return Imported(
        network=network,
        units=len(drafts),
        crs=tuple(dict.fromkeys(read.crs for _, read in files if read.crs != "none")),
        rows=[finding for _, read in files for finding in read.findings],
        mended=mended,
        findings=checked.findings,
    )


def _network(conn: Connection, received: Received, files: Iterable[tuple[BoundaryFile, ReadFile]]) -> Network:
    """The network with every level the files need."""
    network = find_network(conn, received.network)
    if network is None:
        network = create_network(
            conn,
            received.network,
            name=received.name,
            coverage=received.coverage or "partial",
            levels=received.levels,
        )
    elif received.levels:
        network = add_levels(conn, network.code, received.levels)
    network = change_network(
        conn, network.code, name=received.name, coverage=received.coverage, rules=received.rules
    )
    for file, read in files if not received.levels else ():
        network = add_levels(
            conn, network.code, named_levels(network, file, read.drafts, _codes(conn, network))
        )
    return network


def _codes(conn: Connection, network: Network) -> dict[str, set[str]]:
    """The unit codes of each level, in the draft and in the newest edition."""
    codes: dict[str, set[str]] = {}
    for level, code in read_standing(conn, network):
        codes.setdefault(level, set()).add(code)
    draft = find_draft(conn, network)
    for unit in read_plan_units(conn, draft) if draft else []:
        codes.setdefault(unit.level, set()).add(unit.code)
    return codes


def _with_parents(
    conn: Connection, network: Network, files: Iterable[tuple[BoundaryFile, ReadFile]]
) -> list[UnitDraft]:
    """All drafts of the files, and units for parents that nothing describes: derived, named as their children say."""
    drafts = [draft for _, read in files for draft in read.drafts]
    names = {code: name for _, read in files for code, name in read.parent_names.items()}
    described = {draft.level for draft in drafts} | _described(conn, network)
    made: dict[tuple[str, str], UnitDraft] = {}
    for draft in drafts:
        above = network.level(draft.level).parent
        if above is not None and draft.parent_code is not None and above not in described:
            code = draft.parent_code
            made[above, code] = UnitDraft(above, code, names.get(code, code), None, source=FROM_CHILDREN)
    return [*made.values(), *drafts]


def _described(conn: Connection, network: Network) -> set[str]:
    """Levels whose units the draft or the newest edition knows from more than their children."""
    draft = find_draft(conn, network)
    units = read_plan_units(conn, draft) if draft else []
    standing = {level for level, _ in read_standing(conn, network)}
    return standing | {unit.level for unit in units if unit.source != FROM_CHILDREN}


def _candidate(conn: Connection, found: Plan) -> list[UnitDraft]:
    return carry_over(found.network, read_standing(conn, found.network), read_plan_units(conn, found))


def _mend(conn: Connection, found: Plan, width_m: float) -> list[Finding]:
    """Mend the draft together with what it takes over; a group that changes is the draft's from now on."""
    if not 0 < width_m <= 100:
        raise Invalid(f"--clean {width_m}: give a width above 0 and up to 100 metres")
    before = _candidate(conn, found)
    mended = mend_units(found.network, before, width_m=width_m)
    mine = {(draft.level, draft.kind) for draft in read_plan_units(conn, found)}
    changed = {
        (new.level, new.kind)
        for old, new in zip(before, mended.drafts, strict=True)
        if old is not new and not _same(old, new)
    }
    rewrite_plan(
        conn, found, [draft for draft in mended.drafts if (draft.level, draft.kind) in mine | changed]
    )
    return mended.changes


def _same(old: UnitDraft, new: UnitDraft) -> bool:
    if old.geom is None or new.geom is None:
        return old.geom is new.geom
    return replace(old, geom=None) == replace(new, geom=None) and bool(old.geom.equals(new.geom))
