"""Each step × state × role, as intended. The expected answers stand here once more, by hand."""

import pytest
from sqlalchemy import Connection, func, select

from cases.flow import ENDED, STATES, STEPS
from cases.steps import StepRequest, possible_steps, take_step
from cases.tables import case, case_event
from cases.views import CaseFilter, find_case, list_cases, visible
from core.errors import Conflict, Invalid, NotFound, Refused
from people.access import GRANT_ROLES
from tests.cases.town import NOW, Town, bring_to, caller_of, desk, new_case, step

OFFICE = {"desk", "supervisor", "command"}
WHO = {
    "accept": OFFICE,
    "reject": OFFICE,
    "duplicate": OFFICE,
    "assign": OFFICE,
    "acknowledge": {"assignee"},
    "send_back": {"desk", "supervisor", "assignee"},
    "handle": {"supervisor", "assignee"},
    "rework": OFFICE | {"worker"},
    "verify": {"desk", "supervisor", "worker"},
    "close": OFFICE,
    "escalate": {"desk", "supervisor", "assignee"},
    "transfer": OFFICE,
    "reopen": OFFICE,
    "note": OFFICE | {"worker", "assignee"},
}
FROM = {
    "accept": {"reported": "accepted"},
    "reject": {"reported": "rejected", "accepted": "rejected"},
    "duplicate": {"reported": "duplicate", "accepted": "duplicate", "assigned": "duplicate"},
    "assign": {"accepted": "assigned", "assigned": "assigned"},
    "acknowledge": {"assigned": "assigned"},
    "send_back": {"assigned": "accepted"},
    "handle": {"assigned": "handled"},
    "rework": {"handled": "assigned"},
    "verify": {"handled": "verified"},
    "close": {"verified": "closed"},
    "escalate": {"accepted": "accepted", "assigned": "accepted"},
    "transfer": {"accepted": "accepted", "assigned": "accepted"},
    "reopen": {"closed": "accepted", "rejected": "accepted", "duplicate": "accepted"},
    "note": {state: state for state in ("reported", "accepted", "assigned", "handled", "verified")},
}
FIELDS = {
    "assign": {"assignee": "w1"},
    "transfer": {"unit": "S2", "note": "theirs"},
    "duplicate": {"note": ""},
    **{kind: {"note": "because"} for kind in ("reject", "send_back", "rework", "escalate", "reopen", "note")},
}


def fields_of(conn: Connection, kind: str) -> dict[str, str]:
    if kind == "duplicate":
        return {"duplicate_of": new_case(conn, "another").number}
    return FIELDS.get(kind, {})


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("role", [*GRANT_ROLES, "assignee"])
def test_a_step_is_open_to_the_roles_intended_and_to_no_other(
    conn: Connection, town: Town, kind: str, role: str
) -> None:
    view = bring_to(conn, town, next(iter(FROM[kind])))
    if role == "assignee":
        caller = caller_of(conn, town, "w1", "planner", None)
        if view.assignee_code != "w1" and role in WHO[kind]:
            view = bring_to(conn, town, "assigned", "R2")
    elif role == "worker":
        caller = caller_of(conn, town, "w2", "worker", "G1")
    else:
        caller = caller_of(conn, town, "plain", role, "S1")
    fields = fields_of(conn, kind)
    if role in WHO[kind]:
        assert step(conn, caller, view, kind, **fields).state == FROM[kind][view.state]
    else:
        before = count_events(conn)
        with pytest.raises((Refused, NotFound)):
            step(conn, caller, view, kind, **fields)
        assert (find_case(conn, view.number), count_events(conn)) == (view, before)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", STEPS)
def test_a_step_leads_on_from_the_states_intended_and_from_no_other(
    conn: Connection, town: Town, kind: str, state: str
) -> None:
    view = bring_to(conn, town, state)
    by_worker = kind == "acknowledge"  # whose it is only while it is assigned
    login, role, unit = ("w1", "worker", "G1") if by_worker else ("boss1", "supervisor", "S1")
    caller = caller_of(conn, town, login, role, unit)
    fields = fields_of(conn, kind)
    if state in FROM[kind]:
        assert step(conn, caller, view, kind, **fields).state == FROM[kind][state]
    else:
        with pytest.raises((Conflict, Refused) if by_worker else Conflict):
            step(conn, caller, view, kind, **fields)
        assert find_case(conn, view.number) == view


@pytest.mark.parametrize("state", STATES)
def test_the_steps_said_to_be_possible_are_those_that_are(conn: Connection, town: Town, state: str) -> None:
    view = bring_to(conn, town, state)
    boss = caller_of(conn, town, "boss1", "supervisor", "S1")
    expected = {kind for kind in STEPS if state in FROM[kind] and "supervisor" in WHO[kind]}
    assert set(possible_steps(conn, boss, view)) == expected


def test_the_supervisor_of_another_street_does_not_even_see_the_case(conn: Connection, town: Town) -> None:
    view = new_case(conn)
    stranger = caller_of(conn, town, "boss2", "supervisor", "S2")
    with pytest.raises(NotFound):
        step(conn, stranger, view, "accept")
    assert list_cases(conn, CaseFilter(), visible(conn, stranger)).cases == ()


def test_who_handled_a_case_may_not_verify_it(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "handled")
    handler = caller_of(conn, town, "w1", "worker", "G1")
    with pytest.raises(Refused, match="another person"):
        step(conn, handler, view, "verify")
    supervisor = caller_of(conn, town, "boss1", "supervisor", "S1")
    again = step(conn, supervisor, view, "rework", note="still there")
    by_boss = step(conn, supervisor, again, "handle")
    with pytest.raises(Refused, match="another person"):
        step(conn, supervisor, by_boss, "verify")
    assert step(conn, handler, by_boss, "verify").state == "verified"


def test_the_assigned_worker_sees_and_handles_a_case_outside_their_grants(
    conn: Connection, town: Town
) -> None:
    view = step(conn, desk(conn, town), bring_to(conn, town, "accepted"), "assign", assignee="w2")
    worker = caller_of(conn, town, "w2", "worker", "G2")
    assert [one.number for one in list_cases(conn, CaseFilter(), visible(conn, worker)).cases] == [
        view.number
    ]
    assert step(conn, worker, view, "handle").state == "handled"


@pytest.mark.parametrize("kind", [kind for kind, row in STEPS.items() if row.needs or row.one_of])
def test_a_step_without_what_it_needs_is_told_what(conn: Connection, town: Town, kind: str) -> None:
    view = bring_to(conn, town, next(iter(FROM[kind])))
    with pytest.raises(Invalid, match=f"{kind} needs"):
        step(conn, desk(conn, town), view, kind)


def test_who_knows_an_older_event_is_told_and_changes_nothing(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "assigned")
    late = StepRequest("assign", view.seq - 1, assignee="w2")
    with pytest.raises(Conflict, match="moved on"):
        take_step(conn, desk(conn, town), view.number, late, now=NOW)
    assert find_case(conn, view.number).assignee_code == "w1"


def test_the_same_request_again_changes_nothing(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "accepted")
    request = StepRequest("assign", view.seq, assignee="w1", note="now")
    first = take_step(conn, desk(conn, town), view.number, request, now=NOW)
    assert take_step(conn, desk(conn, town), view.number, request, now=NOW) == first
    assert count_events(conn) == first.seq


def test_another_unit_asked_for_at_the_same_time_is_no_repeat(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "accepted")
    take_step(conn, desk(conn, town), view.number, StepRequest("assign", view.seq, unit="G1"), now=NOW)
    with pytest.raises(Conflict, match="moved on"):
        take_step(conn, desk(conn, town), view.number, StepRequest("assign", view.seq, unit="G2"), now=NOW)


def test_escalation_leads_to_the_unit_above_and_ends_at_the_root(conn: Connection, town: Town) -> None:
    view, office = bring_to(conn, town, "accepted"), desk(conn, town)
    for above in ("S1", "T"):
        view = step(conn, office, view, "escalate", note="too big")
        assert view.owner_code == above
    with pytest.raises(Conflict, match="none above"):
        step(conn, office, view, "escalate", note="higher still")


def test_a_reopened_case_is_held_by_the_unit_that_held_it(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "closed")
    assert (view.owner_code, view.ended_unit_id) == (None, town.units["G1"])
    view = step(conn, desk(conn, town), view, "reopen", note="came back")
    assert (view.owner_code, view.ended_unit_id, view.handler_id) == ("G1", None, None)


def test_a_duplicate_of_itself_or_of_a_duplicate_is_refused(conn: Connection, town: Town) -> None:
    view, office = new_case(conn), desk(conn, town)
    with pytest.raises(Invalid, match="itself"):
        step(conn, office, view, "duplicate", duplicate_of=view.number)
    repeat = step(conn, office, new_case(conn, "R2"), "duplicate", duplicate_of=view.number)
    with pytest.raises(Conflict, match="itself a duplicate"):
        step(conn, office, new_case(conn, "R3"), "duplicate", duplicate_of=repeat.number)


def test_every_state_but_the_first_is_reached_by_a_step_and_only_ends_have_no_owner() -> None:
    reached = {row.target for row in STEPS.values() if row.target}
    assert reached == set(STATES) - {"reported"}
    assert set(ENDED) == {"closed", "rejected", "duplicate"}


def count_events(conn: Connection) -> int:
    count = select(func.count()).select_from(case_event).join(case).where(case.c.external_ref == "R1")
    return conn.execute(count).scalar_one()
