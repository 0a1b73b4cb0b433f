"""A plan drawn on an older edition, drawn again on the newest one by replaying its log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from core.errors import Conflict, Invalid, NotFound, Text, told
from geo.operations import Drawing, Impossible, apply
from geo.operations.cut import Changes
from geo.plans import newest_edition_id
from geo.plans.codec import read_operation, write_operation
from geo.plans.neighbourhood import read_drawing
from geo.plans.redraw import OPEN, Redraw, get_redraw, only_noded
from geo.plans.steps import Taken, keep_step
from geo.plans.working import read_changes, write_changes
from geo.tables import plan, plan_op, plan_unit


@dataclass(frozen=True)
class Clash:
    """An operation that the new ground does not allow: decide on it, then rebase again with `skip`.

    `text` ends with the place; `said` is what it was made of, without the place.
    """

    seq: int
    op: str
    text: str
    where: tuple[float, float] | None
    said: Text | None


@dataclass(frozen=True)
class Rebased:
    """`clash` None: the plan lies on the newest edition, and `same` says whether it does just what it did before."""

    plan: Redraw
    clash: Clash | None
    same: bool = True


def rebase_plan(
    conn: Connection, plan_id: int, *, by: str, now: datetime, skip: Collection[int] = ()
) -> Rebased:
    """Replay the operations that stand, without those in `skip`, on the newest edition.

    The first that clashes is returned and nothing is changed. A plan that comes out different is a draft again, and one
    that does the same keeps its state: an approval stands for what was approved.
    """
    found = get_redraw(conn, plan_id, lock=True)
    if found.state not in OPEN:
        raise Conflict(
            told("plan {plan_id} is {state} and cannot be drawn again", plan_id=plan_id, state=found.state)
        )
    before = _own_changes(conn, found)
    attempt = conn.begin_nested()
    clash = _replay(conn, found, frozenset(skip))
    if clash is not None:
        attempt.rollback()
        return Rebased(found, clash)
    attempt.commit()
    same = _same(before, _own_changes(conn, found))
    base = newest_edition_id(conn, found.network)
    conn.execute(update(plan).where(plan.c.id == plan_id).values(base_edition_id=base))
    drawn = keep_step(conn, plan_id, Taken(0, "rebase", found.state if same else "draft", by, now, ""))
    return Rebased(drawn, None, same)


def _own_changes(conn: Connection, found: Redraw) -> Changes:
    """What the plan changes in more than nodes, held against the ground its log began on."""
    log = (
        select(plan_op.c.inverse)
        .where(plan_op.c.plan_id == found.id, ~plan_op.c.undone)
        .order_by(plan_op.c.seq)
    )
    base: Changes = {}
    for inverse in conn.scalars(log):
        first = read_operation("restore", inverse).redraw(Drawing(found.network, {}), UUID(int=0))
        base = {**first, **base}
    changes = read_changes(conn, found)
    return {unit_id: now for unit_id, now in changes.items() if not only_noded(base.get(unit_id), now)}


def _same(before: Changes, after: Changes) -> bool:
    """Whether units come out alike; nodes that another plan put into a common border make no difference."""
    return before.keys() == after.keys() and all(
        was == after[unit_id] or only_noded(was, after[unit_id]) for unit_id, was in before.items()
    )


def _replay(conn: Connection, found: Redraw, skip: frozenset[int]) -> Clash | None:
    rows = conn.execute(select(plan_op).where(plan_op.c.plan_id == found.id).order_by(plan_op.c.seq)).all()
    conn.execute(delete(plan_unit).where(plan_unit.c.plan_id == found.id))
    conn.execute(
        delete(plan_op).where(plan_op.c.plan_id == found.id, plan_op.c.undone | plan_op.c.seq.in_(skip))
    )
    for row in rows:
        if row.undone or row.seq in skip:
            continue
        operation = read_operation(row.op, row.args)
        try:
            applied = apply(read_drawing(conn, found, operation), operation, row.key)
        except (Impossible, NotFound, Invalid) as reason:
            return Clash(row.seq, row.op, str(reason), getattr(reason, "where", None), reason.said)
        write_changes(conn, found, applied.changes)
        inverse = write_operation(applied.inverse)[1]
        here = (plan_op.c.plan_id == found.id) & (plan_op.c.seq == row.seq)
        conn.execute(update(plan_op).where(here).values(inverse=inverse))
    return None
