"""Moving a case along: one step, judged by the table of `cases.flow`, under a lock, logged."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from cases.events import Actor, Event, Evidence, read_chain, write_events
from cases.flow import ENDED, STEPS, check_needs, check_source, find_step
from cases.intake import BELL
from cases.tables import case, case_event
from cases.views import CaseView, find_case, network_of_holder, path_of, visible
from core.db import ring
from core.errors import Conflict, Invalid, NotFound, Refused, told
from geo.tables import unit_version
from people.access import Caller, serves_within, visible_units
from people.grants import find_unit
from people.tables import person


@dataclass(frozen=True)
class StepRequest:
    """What is to happen. `after_seq` is the newest event the caller knows of: if there is a newer one, nothing happens.

    `unit` is a unit's code in the network of the unit that holds the case, `assignee` a person's code,
    `duplicate_of` a case number.
    """

    kind: str
    after_seq: int
    note: str = ""
    assignee: str | None = None
    unit: str | None = None
    duplicate_of: str | None = None
    lon: float | None = None
    lat: float | None = None
    evidence: Evidence = field(default_factory=dict)

    @property
    def given(self) -> frozenset[str]:
        """Names of the fields that are filled."""
        fields = {
            "note": self.note.strip(),
            "assignee": self.assignee,
            "unit": self.unit,
            "duplicate_of": self.duplicate_of,
        }
        return frozenset(name for name, value in fields.items() if value)


def take_step(
    conn: Connection, caller: Caller, number: str, request: StepRequest, *, now: datetime
) -> CaseView:
    """Take one step; the case as it is afterwards. The same request again, as the newest event, changes nothing.

    NotFound for a case the caller may not see, Refused for a step that is not theirs, Conflict for a step that does not
    lead on from the case's state or when somebody was quicker.
    """
    step = find_step(request.kind)
    check_needs(request.kind, request.given)
    seen = visible(conn, caller)
    _lock_cases(conn, number, request.duplicate_of)
    view = find_case(conn, number, seen)
    if _is_repeat(conn, caller, view, request):
        return view
    role = find_standing(conn, caller, view).role_for(request.kind)
    if view.seq != request.after_seq:
        raise Conflict(
            told(
                "case {number} has moved on: its newest event is {seq}, not {after}; look again",
                number=number,
                seq=view.seq,
                after=request.after_seq,
            )
        )
    check_source(request.kind, view.state)
    if request.kind == "acknowledge" and view.acknowledged_at is not None:
        raise Conflict(told("case {number} is acknowledged already", number=number))
    if step.not_by_handler and view.handler_id == caller.account_id:
        raise Refused(
            told(
                "{case_step} is for another person than the one who handled the case", case_step=request.kind
            )
        )
    state = step.target or view.state
    actor = Actor(caller.login, role, caller.account_id, caller.person_id)
    changes = _changes(conn, view, request, state, now)
    if request.kind == "assign":
        changes["assignee_id"] = _find_assignee(conn, caller, view, request.assignee, now)
    elif request.kind == "handle":
        changes["handler_id"] = caller.account_id
    if request.kind == "duplicate":
        changes["duplicate_of"] = _find_original(view, find_case(conn, str(request.duplicate_of), seen))
    event = _event(request, state, actor, now, changes.pop("told", {}))
    chain = read_chain(conn, view.id)
    write_events(conn, [chain.append(event)])
    conn.execute(update(case).where(case.c.id == view.id).values(**changes, state=state, seq=chain.seq))
    ring(conn, BELL)
    return find_case(conn, number)


@dataclass(frozen=True)
class Standing:
    """What a caller is to a case: the roles they hold over the unit that holds it, and whether it is assigned to them."""

    roles: frozenset[str]
    is_assignee: bool

    def role_for(self, kind: str) -> str:
        """The role in which the step may be taken; Refused when there is none."""
        step = find_step(kind)
        if step.by_assignee and self.is_assignee:
            return "worker"
        for role in step.roles:
            if role in self.roles:
                return role
        whose = [*step.roles, *(["assignee"] if step.by_assignee else [])]
        raise Refused(
            told(
                "{case_step} is for {case_role} of the unit that holds the case",
                case_step=kind,
                case_role=", ".join(whose),
            )
        )

    def may(self, kind: str) -> bool:
        """Whether there is a role in which the step may be taken."""
        step = find_step(kind)
        return (step.by_assignee and self.is_assignee) or not self.roles.isdisjoint(step.roles)


def find_standing(conn: Connection, caller: Caller, view: CaseView) -> Standing:
    """What the caller is to the case now."""
    path = path_of(conn, view.owner_unit_id or view.ended_unit_id)
    held = {grant.role for grant in caller.grants}
    return Standing(
        frozenset(role for role in held if visible_units(conn, caller, (role,)).holds(path)),
        view.assignee_id is not None and view.assignee_id == caller.person_id,
    )


def possible_steps(conn: Connection, caller: Caller, view: CaseView) -> list[str]:
    """The steps this caller may take on this case now, in the order of the table."""
    standing = find_standing(conn, caller, view)
    return [
        kind
        for kind, step in STEPS.items()
        if view.state in step.sources
        and standing.may(kind)
        and not (step.not_by_handler and view.handler_id == caller.account_id)
        and not (kind == "acknowledge" and view.acknowledged_at is not None)
    ]


def _is_repeat(conn: Connection, caller: Caller, view: CaseView, request: StepRequest) -> bool:
    """Whether the newest event is this very request, sent again because its answer was lost."""
    if view.seq != request.after_seq + 1:
        return False
    row = conn.execute(
        select(case_event.c.kind, case_event.c.actor, case_event.c.note, case_event.c.evidence).where(
            case_event.c.case_id == view.id, case_event.c.seq == view.seq
        )
    ).one()
    told = dict(row.evidence)
    return (
        (row.kind, row.actor, row.note) == (request.kind, caller.login, request.note)
        and told.get("assignee") == request.assignee
        and told.get("unit") == request.unit
        and told.get("duplicate_of") == request.duplicate_of
        and request.evidence.items() <= told.items()
    )


def _event(request: StepRequest, state: str, actor: Actor, now: datetime, told: Evidence) -> Event:
    return Event(
        kind=request.kind,
        state=state,
        actor=actor.name,
        actor_role=actor.role,
        at=now,
        note=request.note,
        lon=request.lon,
        lat=request.lat,
        evidence={**request.evidence, **told},
    )


def _changes(
    conn: Connection, view: CaseView, request: StepRequest, state: str, now: datetime
) -> dict[str, Any]:
    """Columns of the case that the step changes, and under "told" what the log says of it."""
    owner = _next_owner(conn, view, request, now)
    told: Evidence = {}
    changes: dict[str, Any] = {}
    if state in ENDED:
        changes |= {"owner_unit_id": None, "ended_unit_id": view.owner_unit_id}
    elif owner != view.owner_unit_id:
        changes |= {"owner_unit_id": owner, "ended_unit_id": None}
        told["owner_unit"] = str(owner)
    if request.kind in {"assign", "transfer"} and request.unit is not None:
        told["unit"] = request.unit
    if request.kind == "assign":
        changes["acknowledged_at"] = None
        told["assignee"] = request.assignee
    elif request.kind == "acknowledge":
        changes["acknowledged_at"] = now
    elif state == "accepted":
        changes |= {"assignee_id": None, "acknowledged_at": None}
    if request.kind == "duplicate":
        told["duplicate_of"] = request.duplicate_of
    elif request.kind == "reopen":
        changes |= {"duplicate_of": None, "handler_id": None}
    return {**changes, "told": told}


def _next_owner(conn: Connection, view: CaseView, request: StepRequest, now: datetime) -> UUID | None:
    """The unit that holds the case after the step, if it is open then."""
    holder = view.owner_unit_id or view.ended_unit_id
    if request.kind == "escalate":
        return _parent_of(conn, holder)
    if request.kind in {"assign", "transfer"} and request.unit is not None:
        return find_unit(conn, request.unit, now, network_code=network_of_holder(conn, view).code)
    if holder is None:
        raise Conflict(told("no unit ever held case {number}, so it cannot be reopened", number=view.number))
    return holder


def _parent_of(conn: Connection, unit_id: UUID | None) -> UUID:
    row = conn.execute(
        select(unit_version.c.parent_unit_id, unit_version.c.code)
        .where(unit_version.c.unit_id == unit_id, func.upper_inf(unit_version.c.recorded))
        .order_by(func.upper(unit_version.c.valid).desc().nulls_first())
        .limit(1)
    ).one_or_none()
    if row is None or row.parent_unit_id is None:
        raise Conflict(
            told("the unit that holds the case has none above it, so the case cannot be escalated")
        )
    parent: UUID = row.parent_unit_id
    return parent


def _find_assignee(
    conn: Connection, caller: Caller, view: CaseView, code: str | None, now: datetime
) -> int | None:
    """Who is sent: somebody who serves now in the case's network, within the ground where the caller may assign; on
    shift or not. Anybody else is told apart from nobody by no word.
    """
    if code is None:
        return None
    ground = visible_units(conn, caller, find_step("assign").roles)
    network = network_of_holder(conn, view)
    found: int | None = conn.scalar(
        select(person.c.id).where(person.c.code == code, serves_within(ground, network.id, person.c.id, now))
    )
    if found is None:
        raise NotFound(
            told(
                "nobody with the code {code} serves in the network {network} where you may assign",
                code=code,
                network=network.code,
            )
        )
    return found


def _lock_cases(conn: Connection, number: str, other: str | None) -> None:
    """The case and the one it repeats, in one order: two steps at once cannot make a circle of duplicates."""
    conn.execute(
        select(case.c.id)
        .where(case.c.number.in_([number, other or number]))
        .order_by(case.c.id)
        .with_for_update()
    )


def _find_original(view: CaseView, original: CaseView) -> int:
    """The case this one repeats; following it must not lead back here."""
    if original.id == view.id:
        raise Invalid(told("a case is no duplicate of itself"))
    if original.state == "duplicate":
        raise Conflict(
            told("case {number} is itself a duplicate; name the case it repeats", number=original.number)
        )
    return original.id
