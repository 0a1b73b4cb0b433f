"""Bringing back what an edition held, which is a new edition, and taking back one that was only announced."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from core.errors import Conflict, NotFound, told
from geo.editions.standing import read_standing
from geo.editions.takeback import take_back_edition
from geo.networks import Network, get_network
from geo.operations import Restore, Unit
from geo.plans import newest_edition_id
from geo.plans.drafts import as_unit
from geo.plans.redraw import Redraw, get_redraw
from geo.plans.steps import Taken, keep_step
from geo.plans.working import as_units
from geo.tables import STANDS, edition, plan, unit, unit_version


def restore_edition(conn: Connection, network_code: str, seq: int) -> Restore:
    """The operation that brings back what an edition held: a plan of it becomes a new edition, history stays.

    A unit that was ended since comes back as itself; one that was born since ends.
    """
    network = get_network(conn, network_code)
    columns = (edition.c.effective_from, edition.c.taken_back_at)
    query = select(*columns).where(edition.c.network_id == network.id, edition.c.seq == seq)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            told("network {network_code} has no edition {seq}", network_code=network_code, seq=seq)
        )
    if row.taken_back_at is not None:
        raise Conflict(
            told(
                "edition {seq} of {network_code} was taken back before it began: it never held",
                network_code=network_code,
                seq=seq,
            )
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


def take_back_plan(conn: Connection, plan_id: int, *, by: str, now: datetime, reason: str) -> Redraw:
    """Take back the edition of a scheduled plan; the plan as it is then: sent back with the reason, to be drawn on.

    Conflict for a plan that is not scheduled, whose instant has come, or on whose edition another one is announced.
    """
    get_network(conn, get_redraw(conn, plan_id).network.code, lock=True)
    found = get_redraw(conn, plan_id, lock=True)
    if found.state_at(now) != "scheduled":
        raise Conflict(told("plan {plan_id} is not announced: roll it back instead", plan_id=plan_id))
    stands = (edition.c.plan_id == plan_id) & STANDS
    own = conn.execute(select(edition.c.id).where(stands).order_by(edition.c.id.desc()).limit(1)).scalar_one()
    if own != newest_edition_id(conn, found.network):
        raise Conflict(
            told(
                "another edition is announced on top of plan {plan_id}: take that one back first",
                plan_id=plan_id,
            )
        )
    take_back_edition(conn, found.network.code, by=by, now=now, reason=reason)
    conn.execute(update(plan).where(plan.c.id == plan_id).values(effective_from=None, reason=None))
    return keep_step(conn, plan_id, Taken(0, "take_back", "returned", by, now, reason))
