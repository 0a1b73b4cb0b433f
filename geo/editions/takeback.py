"""Taking back an edition that was only announced: the network goes on as if it had never been published."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, literal, null, select, update

from core.db import ring
from core.errors import Conflict, Invalid, told
from geo.editions import Edition, list_editions
from geo.editions.write import keep_belief
from geo.networks import Network, get_network
from geo.plans import find_draft
from geo.tables import STANDS, edition, former_outline, plan, unit, unit_version


def take_back_edition(conn: Connection, network_code: str, *, by: str, now: datetime, reason: str) -> Edition:
    """Take back the network's newest edition before it begins; as it stood then.

    What it would have ended goes on, what it would have begun is not known any more; the edition keeps its number and
    seal and says who took it back, when and why. A draft from files that became it is a draft again. Conflict where the
    newest edition has begun or there is none; Invalid without a reason. Rings the bell "edition".
    """
    network = get_network(conn, network_code, lock=True)
    newest = next((each for each in list_editions(conn, network_code) if each.taken_back_at is None), None)
    if newest is None or newest.effective_from is None or newest.effective_from <= now:
        raise Conflict(
            told("network {network} has no edition announced that could be taken back", network=network_code)
        )
    if not reason.strip():
        raise Invalid(told("give the reason why the announced borders do not come"))
    _forget_versions(conn, network, newest.effective_from, now)
    here = (edition.c.network_id == network.id, edition.c.effective_from == newest.effective_from, STANDS)
    said = {"taken_back_at": now, "taken_back_by": by, "taken_back_reason": reason.strip()}
    for each in conn.scalars(update(edition).where(*here).values(**said).returning(edition.c.id)).all():
        _forget_units(conn, network, each)
    _reopen_draft(conn, network, newest.id)
    ring(conn, "edition")
    return newest


def _forget_versions(conn: Connection, network: Network, instant: datetime, now: datetime) -> None:
    """Only one edition that stands begins at an instant: what ends or begins then does so by it."""
    known = (unit_version.c.network_id == network.id) & func.upper_inf(unit_version.c.recorded)
    begun = known & (func.lower(unit_version.c.valid) == instant)
    never = func.tstzrange(func.lower(unit_version.c.recorded), literal(now))
    conn.execute(update(unit_version).where(begun).values(recorded=never))
    ended = known & (func.upper(unit_version.c.valid) == instant)
    keep_belief(conn, ended, {}, now=now)
    open_again = func.tstzrange(func.lower(unit_version.c.valid), null())
    conn.execute(update(unit_version).where(ended).values(valid=open_again))


def _forget_units(conn: Connection, network: Network, edition_id: int) -> None:
    """What it ended stands, what it brought back has ended as before, and official outlines are those of before."""
    conn.execute(update(unit).where(unit.c.retired_edition_id == edition_id).values(retired_edition_id=None))
    brought_back = select(unit_version.c.unit_id).where(
        unit_version.c.edition_id == edition_id, unit_version.c.change_kinds.contains(["revived"])
    )
    ended_by = (
        select(func.max(edition.c.id))
        .where(edition.c.network_id == network.id, STANDS, edition.c.effective_from == _last_instant())
        .scalar_subquery()
    )
    conn.execute(update(unit).where(unit.c.id.in_(brought_back)).values(retired_edition_id=ended_by))
    kept = (former_outline.c.edition_id == edition_id) & (former_outline.c.unit_id == unit.c.id)
    conn.execute(update(unit).where(kept).values(outline=former_outline.c.outline))


def _last_instant() -> ColumnElement[datetime]:
    """Until when the unit of the row held."""
    return (
        select(func.max(func.upper(unit_version.c.valid)))
        .where(unit_version.c.unit_id == unit.c.id, func.upper_inf(unit_version.c.recorded))
        .correlate(unit)
        .scalar_subquery()
    )


def _reopen_draft(conn: Connection, network: Network, edition_id: int) -> None:
    """A draft from files may be published for another instant; where another one is open meanwhile it gives way."""
    made_it = select(edition.c.plan_id).where(edition.c.id == edition_id)
    state = "draft" if find_draft(conn, network) is None else "withdrawn"
    was_received = (plan.c.id.in_(made_it)) & (plan.c.kind == "received")
    conn.execute(update(plan).where(was_received).values(state=state, effective_from=None))
