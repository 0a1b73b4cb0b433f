"""Bringing back what an edition held, and taking back an announced one: both are new editions."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update

from core.errors import Conflict, Invalid, NotFound, told
from geo.editions import Published, When, list_editions, publish_units
from geo.editions.changes import read_past
from geo.editions.standing import read_standing
from geo.networks import Network, get_network
from geo.operations import Drawing, Restore, Unit
from geo.plans import Plan
from geo.plans.drafts import as_unit, redrawn_units, units_of
from geo.plans.redraw import get_redraw
from geo.plans.working import as_units
from geo.tables import edition, plan, unit, unit_version


def restore_edition(conn: Connection, network_code: str, seq: int) -> Restore:
    """The operation that brings back what an edition held: a plan of it becomes a new edition, history stays.

    A unit that was ended since comes back as itself; one that was born since ends.
    """
    network = get_network(conn, network_code)
    query = select(edition.c.effective_from).where(edition.c.network_id == network.id, edition.c.seq == seq)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            told("network {network_code} has no edition {seq}", network_code=network_code, seq=seq)
        )
    then = {each.id: each for each in _units_at(conn, network, row.effective_from)}
    now = {each.unit_id: as_unit(each) for each in read_standing(conn, network).values()}
    changed = [each for each in then.values() if now.get(each.id) != each]
    gone = tuple(unit_id for unit_id in now if unit_id not in then)
    if not changed and not gone:
        raise Conflict(
            told(
                "network {network_code} holds what edition {seq} held already",
                network_code=network_code,
                seq=seq,
            )
        )
    divided = {each.parent for each in then.values() if each.kind == "territorial"}
    units = tuple(replace(each, geom=None) if each.id in divided else each for each in changed)
    return Restore(units, gone)


def _units_at(conn: Connection, network: Network, instant: datetime | None) -> list[Unit]:
    """The units that hold from the instant (None: since ever), as known now, with their stored borders."""
    valid = unit_version.c.valid
    holds = func.lower_inf(valid) if instant is None else valid.op("@>")(instant)
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "attrs")
    border = func.ST_AsBinary(unit_version.c.geom).label("wkb")
    query = (
        select(*(unit_version.c[name] for name in names), unit.c.kind, border)
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(unit_version.c.network_id == network.id, func.upper_inf(unit_version.c.recorded), holds)
    )
    return as_units(conn.execute(query).all())


def withdraw_scheduled(conn: Connection, plan_id: int, *, by: str, now: datetime, reason: str) -> Published:
    """Take back an edition that has not begun: another one takes its place at its instant, with what held before it.

    Conflict for a plan that is not scheduled, whose instant has come, or that another edition follows.
    """
    network = get_redraw(conn, plan_id).network
    get_network(conn, network.code, lock=True)
    found = get_redraw(conn, plan_id, lock=True)
    newest = list_editions(conn, network.code)[0]
    own = conn.scalar(select(edition.c.id).where(edition.c.plan_id == plan_id))
    if found.state_at(now) != "scheduled" or newest.id != own:
        raise Conflict(
            told(
                "plan {plan_id} is not the next edition of {code} to begin: roll it back instead",
                plan_id=plan_id,
                code=network.code,
            )
        )
    if not reason.strip():
        raise Invalid(told("give the reason why the announced borders do not come"))
    past = read_past(conn, network)
    back = restore_edition(conn, network.code, newest.seq - 1)
    changes = back.redraw(Drawing(network, {}), UUID(int=0))
    values = {"network_id": network.id, "base_edition_id": newest.id, "author": by, "kind": "redraw"}
    values |= {"name": found.name, "reason": reason.strip(), "state": "approved"}
    taken_back = conn.execute(insert(plan).values(**values).returning(plan.c.id)).scalar_one()
    drafts = redrawn_units(network, units_of(past.standing.values()), changes)
    when = When(newest.effective_from, now, by)
    published = publish_units(
        conn, Plan(taken_back, network, newest.id, "redraw"), drafts, past=past, when=when
    )
    conn.execute(update(plan).where(plan.c.id == plan_id).values(state="withdrawn"))
    return published
