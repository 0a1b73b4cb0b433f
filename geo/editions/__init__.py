"""Editions: publishing a draft is one transaction, and a reader sees the old ground or the new one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from core.db import ring
from core.errors import Conflict, Invalid, Refused, told
from geo.editions.changes import NextUnit, Past, content_sha256, next_units, read_past
from geo.editions.lineage import write_lineage
from geo.editions.settle import settle_borders
from geo.editions.standing import carry_over, read_standing
from geo.editions.write import Stamp, unit_ids, write_units
from geo.findings import Finding, errors_of
from geo.networks import Network, get_network
from geo.plans import Plan, UnitDraft, find_draft, get_draft, newest_edition_id, read_plan_units
from geo.tables import edition, plan
from geo.validation import Checked, check_units

__all__ = [
    "Edition",
    "FindingsRefused",
    "Published",
    "check_plan",
    "list_editions",
    "publish_plan",
    "publish_units",
]


class FindingsRefused(Refused):
    """A draft whose findings keep it from being published."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message)
        self.findings = list(findings)


@dataclass(frozen=True)
class Published:
    """`changes`: how many units were born, changed, kept and retired; `counts`: units per level."""

    edition_id: int
    seq: int
    effective_from: datetime | None
    sha256: str
    counts: dict[str, int]
    changes: dict[str, int]
    findings: list[Finding]


@dataclass(frozen=True)
class Edition:
    """`effective_from` None: since ever."""

    id: int
    network_code: str
    seq: int
    effective_from: datetime | None
    published_by: str
    published_at: datetime
    sha256: str
    counts: dict[str, int]
    taken_back_at: datetime | None = None
    """Before it began; None: it stands."""
    taken_back_by: str | None = None
    taken_back_reason: str | None = None


def check_plan(conn: Connection, network_code: str) -> Checked:
    """Judge what the network's draft would publish; without a draft, the newest edition. NotFound without either."""
    network = get_network(conn, network_code)
    draft, standing = find_draft(conn, network), read_standing(conn, network)
    if draft is None and not standing:
        get_draft(conn, network_code)
    drafts = [] if draft is None else read_plan_units(conn, draft)
    return check_units(network, carry_over(network, standing, drafts))


def publish_plan(
    conn: Connection, network_code: str, *, effective_from: datetime | None = None, by: str, now: datetime
) -> Published:
    """Make the network's draft its newest edition and close the draft.

    `effective_from` None: since ever for the first edition, `now` for a later one. Publications of a network wait
    for each other. FindingsRefused where a full network has errors; Conflict where the draft was opened on an
    older edition or the instant is not after the newest edition's, which may be announced. Rings the bell "edition".
    """
    network = get_network(conn, network_code, lock=True)
    draft = get_draft(conn, network_code)
    past = read_past(conn, network)
    drafts = carry_over(network, past.standing, read_plan_units(conn, draft))
    return publish_units(conn, draft, drafts, past=past, when=When(effective_from, now, by))


@dataclass(frozen=True)
class When:
    """`effective_from` None: since ever for the first edition, `now` for a later one."""

    effective_from: datetime | None
    now: datetime
    by: str


def publish_units(
    conn: Connection, draft: Plan, drafts: Sequence[UnitDraft], *, past: Past, when: When
) -> Published:
    """Make these units the network's newest edition and close the plan. The network's row is locked by the caller."""
    network, now = draft.network, when.now
    effective_from = _effective(conn, network, draft, when.effective_from, now)
    checked = check_units(network, drafts)
    _refuse_errors(network, checked.findings)
    settled = settle_borders(checked.ground)
    units, given_before = next_units(checked.ground, settled.shapes, past)
    _refuse_errors(network, [*settled.findings, *given_before])
    if not units:
        raise Invalid(told("the draft of network {network} holds no unit with an area", network=network.code))
    row = _insert_edition(
        conn, draft, units, {"effective_from": effective_from, "published_by": when.by, "published_at": now}
    )
    ids = unit_ids(units)
    gone = [each for each in past.standing.values() if each.unit_id not in ids]
    write_units(conn, Stamp(network.id, row.id, effective_from, now, checked.ground.crs), units, gone)
    write_lineage(conn, row.id, units, gone)
    later = effective_from is not None and effective_from > now
    state = "scheduled" if later and draft.kind == "redraw" else "published"
    conn.execute(update(plan).where(plan.c.id == draft.id).values(state=state, effective_from=effective_from))
    ring(conn, "edition")
    changes = _count_changes(units, len(gone))
    return Published(row.id, row.seq, effective_from, row.sha256.hex(), row.counts, changes, checked.findings)


def _effective(
    conn: Connection, network: Network, draft: Plan, wanted: datetime | None, now: datetime
) -> datetime | None:
    newest = newest_edition_id(conn, network)
    if newest != draft.base_edition_id:
        raise Conflict(
            told(
                "network {network} was published since this draft was opened; withdraw the draft and import again",
                network=network.code,
            )
        )
    if newest is None:
        return wanted
    wanted = wanted or now
    row = conn.execute(select(edition.c.seq, edition.c.effective_from).where(edition.c.id == newest)).one()
    last = row.effective_from
    if last is None or wanted > last:
        return wanted
    if last > now:
        raise Conflict(
            told(
                "edition {seq} of {network} is announced for {instant}: take it back first, or name a later instant",
                seq=row.seq,
                network=network.code,
                instant=last.isoformat(),
            )
        )
    raise Conflict(
        told(
            "the newest edition of {network} holds from {instant}; a later instant is needed",
            network=network.code,
            instant=last.isoformat(),
        )
    )


def _refuse_errors(network: Network, findings: Sequence[Finding]) -> None:
    errors = errors_of(findings)
    if errors:
        raise FindingsRefused(
            told(
                "network {network} is not published: {count} errors", network=network.code, count=len(errors)
            ),
            findings,
        )


def _insert_edition(conn: Connection, draft: Plan, units: list[NextUnit], values: dict[str, Any]) -> Any:
    network_id = draft.network.id
    last = conn.scalar(
        select(func.coalesce(func.max(edition.c.seq), 0)).where(edition.c.network_id == network_id)
    )
    counts: dict[str, int] = {level.code: 0 for level in draft.network.levels}
    for unit in units:
        key = unit.level if unit.kind == "territorial" else f"{unit.level} ({unit.kind})"
        counts[key] = counts.get(key, 0) + 1
    row = {"network_id": network_id, "seq": (last or 0) + 1, "plan_id": draft.id, "counts": counts}
    statement = insert(edition).values(**row, **values, sha256=content_sha256(units))
    return conn.execute(statement.returning(edition)).one()


def _count_changes(units: list[NextUnit], gone: int) -> dict[str, int]:
    born = sum(unit.was is None for unit in units)
    kept = sum(not unit.change_kinds for unit in units)
    return {"born": born, "changed": len(units) - born - kept, "kept": kept, "retired": gone}


def list_editions(conn: Connection, network_code: str) -> list[Edition]:
    """The editions of a network, the newest first; those too that were taken back before they began."""
    found = get_network(conn, network_code)
    query = select(edition).where(edition.c.network_id == found.id).order_by(edition.c.seq.desc())
    return [
        Edition(
            row.id,
            network_code,
            row.seq,
            row.effective_from,
            row.published_by,
            row.published_at,
            bytes(row.sha256).hex(),
            row.counts,
            row.taken_back_at,
            row.taken_back_by,
            row.taken_back_reason,
        )
        for row in conn.execute(query)
    ]
