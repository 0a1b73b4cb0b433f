"""What a plan leaves to be decided on: who holds open cases and where people serve once it is in force, and letting it hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, or_, select, union

from cases.rehoming import CaseToMove, confirm_cases, list_cases, move_cases
from cases.tables import case_rehoming
from core.errors import Conflict, told
from geo.operations import Unit
from geo.plans import newest_edition_id
from geo.plans.redraw import Redraw, get_redraw
from geo.plans.succession import read_succession
from geo.tables import STANDS, edition, plan
from people.planning.posts import PostToDecide, decide_posts, list_posts, move_posts
from people.tables import post_decision


@dataclass(frozen=True)
class Handover:
    """`units`: every unit that is named in the lists, as it will be, or as it was when it ends."""

    cases: list[CaseToMove] = field(default_factory=list)
    posts: list[PostToDecide] = field(default_factory=list)
    units: dict[UUID, Unit] = field(default_factory=dict)

    @property
    def undecided(self) -> int:
        return sum(one.decided is None for one in self.cases) + sum(one.decided is None for one in self.posts)


def read_handover(conn: Connection, found: Redraw, now: datetime) -> Handover:
    """The lists as of now. Of a plan that is withdrawn, or that another edition has followed, nothing is open."""
    if found.state == "withdrawn" or _is_followed(conn, found):
        return Handover()
    follows = read_succession(conn, found)
    cases = list_cases(conn, found.id, follows)
    posts = list_posts(conn, found, follows, now)
    told = [(one.unit_id, *one.choices) for one in cases] + [(one.unit_id, *one.choices) for one in posts]
    named = {unit_id: follows.named(unit_id) for ids in told for unit_id in ids}
    return Handover(cases, posts, {unit_id: each for unit_id, each in named.items() if each is not None})


def _is_followed(conn: Connection, found: Redraw) -> bool:
    own = conn.scalar(select(func.max(edition.c.id)).where(edition.c.plan_id == found.id, STANDS))
    return own is not None and own != newest_edition_id(conn, found.network)


@dataclass(frozen=True)
class Wanted:
    """Case number → unit that holds it; assignment → units in which the person serves, none: it ends."""

    cases: Mapping[str, UUID]
    posts: Mapping[int, tuple[UUID, ...]]


def decide_handover(conn: Connection, found: Redraw, wanted: Wanted, *, by: str, now: datetime) -> Handover:
    """Keep what was decided; in a plan that is in force already it holds at once."""
    read = read_handover(conn, found, now)
    confirm_cases(conn, found.id, read.cases, wanted.cases, by=by, now=now)
    decide_posts(conn, found.id, read.posts, wanted.posts, by=by, now=now)
    take_effect(conn, now)
    return read_handover(conn, found, now)


def refuse_undecided(conn: Connection, found: Redraw, now: datetime) -> None:
    """Conflict while open cases or assignments of changed units wait for somebody's decision."""
    left = read_handover(conn, found, now).undecided
    if left:
        raise Conflict(
            told(
                "plan {plan_id} leaves {count} open cases and assignments to be decided on: confirm them first",
                plan_id=found.id,
                count=left,
            )
        )


def take_effect(conn: Connection, now: datetime) -> int:
    """Let what was decided for plans in force hold; how many cases and assignments changed. Again changes nothing."""
    waiting = union(
        select(case_rehoming.c.plan_id).where(case_rehoming.c.done_at.is_(None)),
        select(post_decision.c.plan_id).where(post_decision.c.done_at.is_(None)),
    ).subquery()
    query = (
        select(plan.c.id, plan.c.effective_from, edition.c.published_at)
        .join(waiting, waiting.c.plan_id == plan.c.id)
        .join(edition, edition.c.plan_id == plan.c.id)
        .where(
            STANDS,
            plan.c.state.in_(("scheduled", "published")),
            or_(plan.c.effective_from.is_(None), plan.c.effective_from <= now),
        )
        .order_by(edition.c.id)
    )
    changed = 0
    for row in conn.execute(query).all():
        get_redraw(conn, row.id, lock=True)
        since = max(
            row.effective_from or row.published_at, row.published_at
        )  # nobody served elsewhere in the past
        changed += move_cases(conn, row.id, now) + move_posts(conn, row.id, since, now)
    return changed
