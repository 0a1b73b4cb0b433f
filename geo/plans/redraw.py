"""Plans that redraw: a log of operations on the newest edition, for one subtree, undone and done again without limit."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import shapely
from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, delete, func, insert, select, update

from core.db import ask_together, sql_file
from core.errors import Conflict, Invalid, NotFound, told
from geo.findings import Finding
from geo.networks import Network, as_network, get_network, list_networks
from geo.operations import Applied, Drawing, Impossible, Operation, Unit, apply
from geo.operations.cut import Changes
from geo.operations.findings import check_neighbourhood
from geo.plans import Plan, geometry_column, newest_edition_id
from geo.plans.codec import read_operation, write_operation
from geo.plans.neighbourhood import read_neighbourhood
from geo.plans.working import store_changes, write_changes
from geo.tables import STANDS, edition, network, plan, plan_op, plan_unit, unit_version
from geo.validation import Surroundings
from geo.validation.coverage import only_nodes

EDITABLE = ("draft", "checked", "returned")
OPEN = (*EDITABLE, "submitted", "approved")


@dataclass(frozen=True)
class Redraw(Plan):
    """A plan that redraws. `scope_unit_id` None: the whole network; `author`: the login of who opened it."""

    name: str = ""
    state: str = "draft"
    author: str = ""
    scope_unit_id: UUID | None = None
    effective_from: datetime | None = None
    reason: str | None = None

    def state_at(self, now: datetime) -> str:
        """A scheduled plan is published once its instant has come: nothing needs to be done then."""
        due = self.effective_from is not None and self.effective_from <= now
        return "published" if self.state == "scheduled" and due else self.state


@dataclass(frozen=True)
class Logged:
    """One operation of a plan. `undone`: it may be done again until another one takes its place."""

    seq: int
    op: str
    args: dict[str, Any]
    by: str
    at: datetime
    undone: bool


@dataclass(frozen=True)
class Done:
    """An operation in the log, and what it did."""

    seq: int
    applied: Applied

    def judge(self, around: Surroundings | None = None) -> list[Finding]:
        """What is wrong with the units it changed: the findings that the whole network would give there."""
        return check_neighbourhood(self.applied.drawing, self.applied.changes, around)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of the borders it changed, None where it changed none."""
        units = self.applied.drawing.units
        shapes = (units[each].geom for each in self.applied.changes if each in units)
        found = shapely.total_bounds(geometry_column(shapes))
        return None if np.isnan(found).any() else (found[0], found[1], found[2], found[3])


def open_redraw(
    conn: Connection, network_code: str, *, name: str, by: str, scope_unit_id: UUID | None = None
) -> Redraw:
    """A new plan on the network's newest edition; Conflict where there is none. Others may be open beside it."""
    network = get_network(conn, network_code)
    base = newest_edition_id(conn, network)
    if base is None:
        raise Conflict(
            told(
                "network {network_code} has no edition to redraw: import borders and publish them first",
                network_code=network_code,
            )
        )
    if not name.strip() or len(name) > 200:
        raise Invalid(told("a plan's name has 1 to 200 characters"))
    if scope_unit_id is not None and _path(conn, network, scope_unit_id) is None:
        raise NotFound(
            told(
                "network {network_code} has no unit {scope_unit_id} in its newest edition",
                network_code=network_code,
                scope_unit_id=scope_unit_id,
            )
        )
    values = {"network_id": network.id, "base_edition_id": base, "author": by, "name": name.strip()}
    row = insert(plan).values(**values, kind="redraw", scope_unit_id=scope_unit_id).returning(plan)
    return _redraw(conn.execute(row).one(), network)


def get_redraw(conn: Connection, plan_id: int, *, lock: bool = False) -> Redraw:
    query = select(plan).where(plan.c.id == plan_id, plan.c.kind == "redraw")
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(told("there is no plan {plan_id}", plan_id=plan_id))
    return _redraw(row, next(each for each in list_networks(conn) if each.id == row.network_id))


def list_redraws(conn: Connection, network_code: str) -> list[Redraw]:
    """Every plan that redraws the network, the newest first."""
    network = get_network(conn, network_code)
    query = select(plan).where(plan.c.network_id == network.id, plan.c.kind == "redraw")
    return [_redraw(row, network) for row in conn.execute(query.order_by(plan.c.id.desc()))]


def _redraw(row: Row[Any], network: Network) -> Redraw:
    return Redraw(
        row.id,
        network,
        row.base_edition_id,
        "redraw",
        row.name,
        row.state,
        row.author or "",
        row.scope_unit_id,
        row.effective_from,
        row.reason,
    )


def do_operation(conn: Connection, plan_id: int, operation: Operation, *, by: str, now: datetime) -> Done:
    """Do an operation in the plan and log it; what was undone before cannot be done again afterwards."""
    found, last = _editable(conn, plan_id)
    key = uuid4()
    applied, base = _apply(conn, found, operation, key)
    name, args = write_operation(operation)
    inverse = write_operation(applied.inverse)[1]
    here = {"plan": plan_id, "number": last + 1}
    logged: dict[str, Any] = {"op": name, "args": json.dumps(args), "inverse": json.dumps(inverse)}
    logged |= here | {"key": key, "by": by, "at": now}
    log = (sql_file("geo", "log_operation"), logged)
    store_changes(conn, found, applied.changes, base, (_FORGET_UNDONE, here), log, (_REOPEN, here))
    return Done(last + 1, applied)


def undo_operation(conn: Connection, plan_id: int) -> tuple[int, Changes]:
    """Undo the last operation that stands: its number, and the units as they are again."""
    found, last = _editable(conn, plan_id)
    if not last:
        raise Conflict(told("nothing is left to undo"))
    row = conn.execute(_log(plan_id).where(plan_op.c.seq == last)).one()
    inverse = read_operation("restore", row.inverse)
    changes = inverse.redraw(Drawing(found.network, {}), row.key)
    here = {"plan": plan_id, "number": last}
    write_changes(conn, found, changes, (_MARK, here | {"is_undone": True}), (_REOPEN, here))
    return last, changes


def redo_operation(conn: Connection, plan_id: int) -> Done:
    """Do the first undone operation again, with the same result."""
    found, _ = _editable(conn, plan_id)
    row = conn.execute(_log(plan_id).where(plan_op.c.undone).order_by(plan_op.c.seq).limit(1)).one_or_none()
    if row is None:
        raise Conflict(told("nothing was undone since the last operation"))
    applied, base = _apply(conn, found, read_operation(row.op, row.args), row.key)
    here = {"plan": plan_id, "number": row.seq}
    store_changes(conn, found, applied.changes, base, (_MARK, here | {"is_undone": False}), (_REOPEN, here))
    return Done(row.seq, applied)


def list_operations(conn: Connection, plan_id: int) -> list[Logged]:
    """The log, the first operation first; undone ones stand at its end."""
    return [
        Logged(row.seq, row.op, row.args, row.by, row.at, row.undone)
        for row in conn.execute(_log(plan_id).order_by(plan_op.c.seq))
    ]


def _log(plan_id: int) -> Select[Any]:
    return select(plan_op).where(plan_op.c.plan_id == plan_id)


_PLAN: BindParameter[int] = bindparam("plan")
_MARK = (
    update(plan_op)
    .where(plan_op.c.plan_id == _PLAN, plan_op.c.seq == bindparam("number"))
    .values(undone=bindparam("is_undone"))
)
_FORGET_UNDONE = delete(plan_op).where(plan_op.c.plan_id == _PLAN, plan_op.c.undone)
_REOPEN = update(plan).where(plan.c.id == _PLAN).values(state="draft")
_LOCKED = select(plan.c.id).where(plan.c.id == _PLAN).with_for_update()
_REDRAW = select(plan).where(plan.c.id == _PLAN, plan.c.kind == "redraw")
_ITS_NETWORK = select(network).join(plan, plan.c.network_id == network.c.id).where(plan.c.id == _PLAN)
_NEWEST = (
    select(func.max(edition.c.id).label("id"))
    .join(plan, plan.c.network_id == edition.c.network_id)
    .where(plan.c.id == _PLAN, STANDS)
)
_LAST = select(func.max(plan_op.c.seq).label("seq")).where(plan_op.c.plan_id == _PLAN, ~plan_op.c.undone)


def _editable(conn: Connection, plan_id: int) -> tuple[Redraw, int]:
    """The plan, locked, and the number of the last operation that stands (0: none). Conflict where it cannot be changed."""
    wanted = (_LOCKED, _REDRAW, _ITS_NETWORK, _NEWEST, _LAST)  # each sees what a plan holds once it is locked
    _, plans, networks, newest, last = ask_together(conn, *((each, {"plan": plan_id}) for each in wanted))
    if not plans:
        raise NotFound(told("there is no plan {plan_id}", plan_id=plan_id))
    found = _redraw(plans[0], as_network(networks[0]))
    if found.state not in EDITABLE:
        raise Conflict(
            told("plan {plan_id} is {state}: only a draft can be changed", plan_id=plan_id, state=found.state)
        )
    _refuse_older(found, newest[0].id)
    return found, last[0].seq or 0


def is_outdated(conn: Connection, found: Redraw) -> bool:
    """Whether an open plan lies on an edition that another one has followed."""
    return found.state in OPEN and newest_edition_id(conn, found.network) != found.base_edition_id


def refuse_old_base(conn: Connection, found: Plan) -> None:
    _refuse_older(found, newest_edition_id(conn, found.network))


def _refuse_older(found: Plan, newest: int | None) -> None:
    if newest != found.base_edition_id:
        raise Conflict(
            told(
                "network {code} was published since plan {id} was drawn: rebase the plan first",
                code=found.network.code,
                id=found.id,
            )
        )


def _apply(
    conn: Connection, found: Redraw, operation: Operation, key: UUID
) -> tuple[Applied, dict[UUID, Unit]]:
    """What the operation does, not stored yet, and how the edition has the units that it changes."""
    around = read_neighbourhood(conn, found, operation)
    applied = apply(around.drawing, operation, key)
    refuse_outside(found, applied)
    return applied, around.base_of(applied.changes)


def refuse_outside(found: Redraw, applied: Applied) -> None:
    """Beyond its scope a plan gives units nodes at most, where its own borders meet theirs."""
    if found.scope_unit_id is None:
        return
    before = {each.id: each for each in applied.inverse.units}
    for unit_id, now in applied.changes.items():
        was = before.get(unit_id)
        drawings = ((applied.drawing, now), (applied.drawing.redrawn(dict(before)), was))
        if all(
            each is None or is_within(drawing, unit_id, found.scope_unit_id) for drawing, each in drawings
        ):
            continue
        if not only_noded(was, now):
            named = now or was
            if named is None:
                raise Impossible(
                    told("unit {unit_id} lies outside of what this plan may redraw", unit_id=unit_id)
                )
            outside = told(
                "{level} {code} lies outside of what this plan may redraw", level=named.level, code=named.code
            )
            raise Impossible(outside, named.geom)


def only_noded(was: Unit | None, now: Unit | None) -> bool:
    """Whether a unit is as it was but for nodes in its border."""
    if was is None or now is None or was.geom is None or now.geom is None:
        return False
    return replace(was, geom=now.geom) == now and only_nodes(was.geom, now.geom)


def is_within(drawing: Drawing, unit_id: UUID, scope: UUID | None) -> bool:
    """Whether the unit is of the scope's subtree; None: of the whole network."""
    if scope is None:
        return True
    step: UUID | None = unit_id
    while step is not None and step != scope:
        here = drawing.units.get(step)
        step = None if here is None else here.parent
    return step is not None


def overlapping_plans(conn: Connection, found: Redraw) -> list[Redraw]:
    """Other open plans whose subtree lies in this one's or the other way round, or that change the same units."""
    mine = select(plan_unit.c.unit_id).where(plan_unit.c.plan_id == found.id)
    shared = set(conn.scalars(select(plan_unit.c.plan_id).where(plan_unit.c.unit_id.in_(mine)).distinct()))
    path = _path(conn, found.network, found.scope_unit_id)
    others = [
        each for each in list_redraws(conn, found.network.code) if each.state in OPEN and each.id != found.id
    ]
    return [
        each
        for each in others
        if each.id in shared or _nested(path, _path(conn, found.network, each.scope_unit_id))
    ]


def _nested(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return True
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _path(conn: Connection, network: Network, unit_id: UUID | None) -> str | None:
    """The ltree path in the newest edition; None for no unit."""
    query = select(unit_version.c.path).where(
        unit_version.c.unit_id == unit_id,
        unit_version.c.network_id == network.id,
        func.upper_inf(unit_version.c.valid),
        func.upper_inf(unit_version.c.recorded),
    )
    path: str | None = None if unit_id is None else conn.scalar(query)
    return path
