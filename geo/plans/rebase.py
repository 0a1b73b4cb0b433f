"""A plan drawn on an older edition, drawn again on the newest one by replaying its log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from core.errors import Conflict, Invalid, NotFound, Text, told
from geo.operations import Drawing, Impossible, Operation, Unit, apply
from geo.operations.cut import Changes
from geo.plans import newest_edition_id
from geo.plans.codec import read_operation, write_operation
from geo.plans.neighbourhood import read_drawing
from geo.plans.redraw import OPEN, Redraw, get_redraw, only_noded
from geo.plans.steps import Taken, keep_step
from geo.plans.working import read_base, read_changes, write_changes
from geo.tables import plan, plan_op, plan_unit
from geo.validation.coverage import only_nodes

OF_AN_ENDED_UNIT = ("geom", "name", "code", "parent")


OF_AN_ENDED_UNIT = ("geom", "name", "code", "parent")


@dataclass(frozen=True)
class Clash:
    """An operation that the new ground does not allow, or that would overwrite what another edition changed since: decide
    on it, then rebase again with `skip`.

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
    base = _read_old_base(conn, found)
    before = _own_changes(conn, found, base)
    attempt = conn.begin_nested()
    clash = _replay(conn, found, base, frozenset(skip))
    if clash is not None:
        attempt.rollback()
        return Rebased(found, clash)
    attempt.commit()
    same = _same(before, _own_changes(conn, found, _read_old_base(conn, found)))
    newest = newest_edition_id(conn, found.network)
    conn.execute(update(plan).where(plan.c.id == plan_id).values(base_edition_id=newest))
    drawn = keep_step(conn, plan_id, Taken(0, "rebase", found.state if same else "draft", by, now, ""))
    return Rebased(drawn, None, same)


def _read_old_base(conn: Connection, found: Redraw) -> Changes:
    """The units that the plan changes as they were on the ground its log began on; None: it bears them."""
    log = (
        select(plan_op.c.inverse)
        .where(plan_op.c.plan_id == found.id, ~plan_op.c.undone)
        .order_by(plan_op.c.seq)
    )
    base: Changes = {}
    for inverse in conn.scalars(log):
        first = read_operation("restore", inverse).redraw(Drawing(found.network, {}), UUID(int=0))
        base = {**first, **base}
    return base


def _own_changes(conn: Connection, found: Redraw, base: Changes) -> Changes:
    """What the plan changes in more than nodes."""
    changes = read_changes(conn, found)
    return {unit_id: now for unit_id, now in changes.items() if not only_noded(base.get(unit_id), now)}


def _same(before: Changes, after: Changes) -> bool:
    """Whether units come out alike; nodes that another plan put into a common border make no difference."""
    return before.keys() == after.keys() and all(
        was == after[unit_id] or only_noded(was, after[unit_id]) for unit_id, was in before.items()
    )


@dataclass(frozen=True)
class Replayed:
    """An operation on the new ground: `drawing` is as before it."""

    operation: Operation
    drawing: Drawing
    changes: Changes

    @property
    def fields(self) -> dict[UUID, set[str]]:
        """What it changes of each unit, and the borders that it reads: those of the units it names, where it moves any."""
        units = self.drawing.units
        found = {
            unit_id: set(OF_AN_ENDED_UNIT if after is None else _differing(units[unit_id], after))
            for unit_id, after in self.changes.items()
            if unit_id in units
        }
        if any("geom" in each for each in found.values()):
            for unit_id in self.operation.subjects:
                found.setdefault(unit_id, set()).add("geom")
        return found


def _replay(conn: Connection, found: Redraw, base: Changes, skip: frozenset[int]) -> Clash | None:
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
            drawing = read_drawing(conn, found, operation)
            applied = apply(drawing, operation, row.key)
            _refuse_overwriting(conn, found, base, Replayed(operation, drawing, applied.changes))
        except (Impossible, NotFound, Invalid) as reason:
            return Clash(row.seq, row.op, str(reason), getattr(reason, "where", None), reason.said)
        write_changes(conn, found, applied.changes)
        inverse = write_operation(applied.inverse)[1]
        here = (plan_op.c.plan_id == found.id) & (plan_op.c.seq == row.seq)
        conn.execute(update(plan_op).where(here).values(inverse=inverse))
    return None


def _refuse_overwriting(conn: Connection, found: Redraw, base: Changes, done: Replayed) -> None:
    """Impossible where what the operation changes of a unit is not as it was on the old base.

    The bases are compared, not the steps between: what an earlier operation of the plan did, or does no more, is no clash.
    """
    touched = done.fields
    newest = {each.id: each for each in read_base(conn, found, touched)}
    for unit_id, fields in touched.items():
        now, was = newest.get(unit_id), base.get(unit_id)
        if now is None or not fields:
            continue  # the plan bears it, or gives it nodes
        if unit_id not in base and unit_id in done.changes:
            new_here = told(
                "{level} {code} would be changed as well, which it was not on the older edition",
                level=now.level,
                code=now.code,
            )
            raise Impossible(new_here, now.geom)
        others = [] if was is None else [each for each in _differing(was, now) if each in fields]
        if was is not None and others:
            raise Impossible(_told(others[0], was, now), now.geom)


def _differing(one: Unit, other: Unit) -> list[str]:
    """In which fields the units differ. Nodes make no other border; figures follow the ground where that changes."""
    plain = [name for name in ("name", "code", "parent") if getattr(one, name) != getattr(other, name)]
    if _other_border(one, other):
        return ["geom", *plain]
    figures = (one.households, dict(one.attrs)) != (other.households, dict(other.attrs))
    return [*plain, "figures"] if figures else plain


def _other_border(one: Unit, other: Unit) -> bool:
    if one.geom is None or other.geom is None:
        return one.geom is not other.geom
    return one.geom != other.geom and not only_nodes(one.geom, other.geom)


def _told(field: str, was: Unit, now: Unit) -> Text:
    unit = {"level": now.level, "code": now.code}
    if field == "name":
        return told(
            "{level} {code} got another name by an edition since: {was} is {now} now",
            **unit,
            was=was.name,
            now=now.name,
        )
    if field == "code":
        return told(
            "{level} {was} got another code by an edition since: {now}",
            level=now.level,
            was=was.code,
            now=now.code,
        )
    texts = {
        "geom": told("the border of {level} {code} was moved by an edition since", **unit),
        "parent": told("{level} {code} came under another parent by an edition since", **unit),
        "figures": told("{level} {code} got other figures or attributes by an edition since", **unit),
    }
    return texts[field]
