"""Assignments to units that a plan ends or that lose ground by it: where each person serves then is decided, not guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    DateTime,
    all_,
    any_,
    bindparam,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, array, insert

from core.db import sql_file
from core.errors import Conflict, Invalid, told
from geo.plans.redraw import Redraw
from geo.plans.succession import Succession
from people.persons import lock_roster
from people.tables import assignment, person, post_decision, role


@dataclass(frozen=True)
class PostToDecide:
    """An assignment with the units that may follow, the proposed one first; `decided` None: nobody has decided yet."""

    assignment_id: int
    person: str
    name: str
    role: str
    unit_id: UUID
    choices: tuple[UUID, ...]
    decided: tuple[UUID, ...] | None
    by: str | None
    done_at: datetime | None


def list_posts(conn: Connection, found: Redraw, follows: Succession, now: datetime) -> list[PostToDecide]:
    """Assignments of now, and those decided on already, by unit and person. Who came after the plan's instant is no matter
    of the plan's.
    """
    mine = post_decision.c.plan_id == found.id
    stands = assignment.c.valid.contains(now)
    if found.effective_from is not None:
        stands &= func.coalesce(func.lower(assignment.c.valid) < found.effective_from, true())
    query = (
        select(
            assignment.c.id,
            assignment.c.unit_id,
            person.c.code,
            person.c.name,
            role.c.name.label("role_name"),
            post_decision.c.unit_ids,
            post_decision.c.by,
            post_decision.c.done_at,
        )
        .join(person, person.c.id == assignment.c.person_id)
        .join(role, role.c.code == assignment.c.role)
        .outerjoin(post_decision, mine & (post_decision.c.assignment_id == assignment.c.id))
        .where(
            assignment.c.unit_id.in_(list(follows.heirs)),
            stands | post_decision.c.done_at.is_not(None),
        )
        .order_by(assignment.c.unit_id, person.c.code, assignment.c.id)
    )
    return [
        PostToDecide(
            assignment_id=row.id,
            person=row.code,
            name=row.name,
            role=row.role_name,
            unit_id=row.unit_id,
            choices=follows.choices(row.unit_id),
            decided=None if row.unit_ids is None else tuple(row.unit_ids),
            by=row.by,
            done_at=row.done_at,
        )
        for row in conn.execute(query)
    ]


def decide_posts(
    conn: Connection, plan_id: int, listed: list[PostToDecide], wanted: Mapping[int, tuple[UUID, ...]], *, by: str, now: datetime
) -> None:  # fmt: skip
    """Keep where each person serves from the plan's instant on; nowhere ends the assignment.

    Conflict for one that is not on the list (any more) or has taken effect, Invalid for a unit that is no choice.
    """
    known = {each.assignment_id: each for each in listed}
    rows = []
    for assignment_id, unit_ids in wanted.items():
        post = known.get(assignment_id)
        if post is None or post.done_at is not None:
            raise Conflict(
                told(
                    "assignment {id} is not (any more) to be decided on: read the list again",
                    id=assignment_id,
                )
            )
        if not set(unit_ids) <= set(post.choices):
            raise Invalid(told("{person} may not serve in that unit by this plan", person=post.person))
        rows.append({"assignment_id": assignment_id, "unit_ids": list(dict.fromkeys(unit_ids))})
    if rows:
        new = insert(post_decision).values(plan_id=plan_id, by=by, at=now)
        kept = {name: new.excluded[name] for name in ("unit_ids", "by", "at")}
        conn.execute(new.on_conflict_do_update(index_elements=["plan_id", "assignment_id"], set_=kept), rows)


def move_posts(conn: Connection, plan_id: int, since: datetime, now: datetime) -> int:
    """Let what was decided hold from the plan's instant on; how many assignments changed.

    What has ended since it was decided on is left alone. What ends is ended first: two who change places in one role do.
    """
    waiting = (post_decision.c.plan_id == plan_id) & post_decision.c.done_at.is_(None)
    if not conn.execute(select(post_decision.c.assignment_id).where(waiting).with_for_update()).all():
        return 0
    lock_roster(conn)
    until = func.upper(assignment.c.valid)
    moving = (
        select(assignment.c.id, until.label("until"))
        .join(post_decision, post_decision.c.assignment_id == assignment.c.id)
        .where(waiting, until.is_(None) | (until > since))
        .where(post_decision.c.unit_ids != array([assignment.c.unit_id]))
        .with_for_update(of=assignment)
    )
    rows = conn.execute(moving).all()
    moved = {"ids": [row.id for row in rows], "untils": [row.until for row in rows]}
    conn.execute(_END, {"ids": moved["ids"], "plan": plan_id, "since": since})
    conn.execute(sql_file("people", "serve_where_decided"), moved | {"plan": plan_id, "since": since})
    conn.execute(update(post_decision).where(waiting).values(done_at=now))
    return len(rows)


_SINCE: BindParameter[datetime] = bindparam("since", type_=DateTime(timezone=True))
_END = (
    update(assignment)
    .where(
        assignment.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger))),
        post_decision.c.assignment_id == assignment.c.id,
        post_decision.c.plan_id == bindparam("plan"),
        assignment.c.unit_id != all_(post_decision.c.unit_ids),
        func.coalesce(func.lower(assignment.c.valid) < _SINCE, true()),
    )
    .values(valid=func.tstzrange(func.lower(assignment.c.valid), _SINCE))
)
