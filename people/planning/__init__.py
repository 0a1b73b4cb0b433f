"""Which plans an account may see and what it may do in them: those whose subtree lies in ground of its grants."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from core.errors import NotFound, Refused, told
from geo.plans import geometry_column
from geo.plans.redraw import Redraw, get_redraw, is_outdated, list_redraws
from geo.plans.scene import Bbox
from geo.plans.steps import STEPS, possible_steps
from geo.tables import unit_version
from geo.validation import Surroundings
from geo.walkable.standing import read_obstacles
from people.access import (
    MAY_APPROVE,
    MAY_PLAN,
    MAY_SEE_PLANS,
    Caller,
    Scope,
    may_everywhere,
    visible_units,
)
from people.tables import assignment

ROLES_OF_STEPS = {"planner": MAY_PLAN, "approver": MAY_APPROVE}
AFTER_REBASE = ("check", "submit", "publish")
"""What a plan on an older edition has to wait with."""


def list_plans(conn: Connection, caller: Caller, network_code: str) -> list[Redraw]:
    """The network's plans in the ground where the caller plans or approves, the newest first."""
    return _within(conn, visible_units(conn, caller, MAY_SEE_PLANS), list_redraws(conn, network_code))


def find_plan(conn: Connection, caller: Caller, plan_id: int) -> Redraw:
    """NotFound for a plan that lies elsewhere, as for one that is not."""
    found = get_redraw(conn, plan_id)
    if not may_in_plan(conn, caller, found, MAY_SEE_PLANS):
        raise NotFound(told("there is no plan {plan_id}", plan_id=plan_id))
    return found


def find_own_plan(
    conn: Connection, caller: Caller, plan_id: int, roles: Collection[str] = MAY_PLAN
) -> Redraw:
    """A plan in whose ground the caller holds one of the roles; Refused for one that may only be seen."""
    found = find_plan(conn, caller, plan_id)
    if not may_in_plan(conn, caller, found, roles):
        raise Refused(
            told(
                "in the ground of plan {plan_id} this is for {roles}", plan_id=plan_id, roles=", ".join(roles)
            )
        )
    return found


def may_in_plan(conn: Connection, caller: Caller, found: Redraw, roles: Collection[str]) -> bool:
    """Whether the caller holds one of the roles for all that the plan may redraw."""
    return bool(_within(conn, visible_units(conn, caller, roles), [found]))


def read_surroundings(
    conn: Connection, box: Bbox | None, now: datetime, units: Collection[UUID] | None = None
) -> Surroundings:
    """Water and railways in a box, and which units (of these, or all) have somebody assigned, where anybody has a unit."""
    barred = [] if box is None else read_obstacles(conn, box, now.date())
    hard = geometry_column(each.geometry for each in barred if each.kind in HARD)
    now_assigned = assignment.c.valid.contains(now)
    if not conn.scalar(select(exists().where(now_assigned))):
        return Surroundings(hard)
    held = select(assignment.c.unit_id).where(now_assigned).distinct()
    if units is not None:
        held = held.where(assignment.c.unit_id.in_(units))
    return Surroundings(hard, frozenset(conn.scalars(held)))


HARD = ("water", "railway")
"""A closed compound lies in a unit as it should."""


def refuse_foreign_ground(conn: Connection, caller: Caller, unit_id: UUID | None) -> None:
    """Refused unless the caller plans in the unit's subtree; None: in everything."""
    scope = visible_units(conn, caller, MAY_PLAN)
    if not scope.everywhere and (unit_id is None or unit_id not in _units_within(conn, scope, {unit_id})):
        raise Refused(told("your grants hold for a part of the city: plan a unit in it"))


def refuse_past(caller: Caller, effective_from: datetime | None, now: datetime) -> None:
    """To change what held in the past takes an approver of the whole city: everybody's figures may change."""
    everywhere = may_everywhere(caller, *MAY_APPROVE)
    if effective_from is not None and effective_from < now and not everywhere:
        raise Refused(told("an instant in the past is for approvers of the whole city"))


def steps_open_to(
    conn: Connection, caller: Caller, found: Redraw, drew: Collection[str], now: datetime
) -> list[str]:
    """The steps that lead on from the plan's state and that this caller may take. `drew`: who has worked on it.

    A plan on an older edition is drawn again first: that is a step of its own.
    """
    mine = {role: may_in_plan(conn, caller, found, roles) for role, roles in ROLES_OF_STEPS.items()}
    if found.state_at(now) == "scheduled":
        return ["take_back"] if mine["approver"] else []
    outdated = is_outdated(conn, found)
    closed = {
        *(AFTER_REBASE if outdated else ()),
        *(("approve",) if caller.login in {found.author, *drew} else ()),
    }
    steps = [name for name in possible_steps(found) if mine[STEPS[name].role] and name not in closed]
    return [*steps, "rebase"] if outdated and mine["planner"] else steps


def _within(conn: Connection, scope: Scope, plans: Iterable[Redraw]) -> list[Redraw]:
    listed = list(plans)
    if scope.everywhere:
        return listed
    roots = {each.scope_unit_id for each in listed if each.scope_unit_id is not None}
    mine = _units_within(conn, scope, roots)
    return [each for each in listed if each.scope_unit_id in mine]


def _units_within(conn: Connection, scope: Scope, unit_ids: Collection[UUID]) -> set[UUID]:
    """Those of the units whose place, as the newest edition has it, lies in the scope: plans are drawn on that one."""
    newest = (
        select(unit_version.c.unit_id, unit_version.c.path)
        .where(unit_version.c.unit_id.in_(unit_ids), func.upper_inf(unit_version.c.recorded))
        .ext(distinct_on(unit_version.c.unit_id))
        .order_by(unit_version.c.unit_id, func.lower(unit_version.c.valid).desc().nulls_last())
        .subquery()
    )
    return set(conn.scalars(select(newest.c.unit_id).where(scope.where(newest.c.path))))
