"""Each report once; placed as of its time in every network; one owner while open; a log that cannot be rewritten."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import IntegrityError

from cases.events import list_events
from cases.intake import take_in_cases
from cases.tables import case, case_event, case_placement
from cases.views import CaseView, find_case, list_places
from core.db import make_engine
from core.errors import Invalid
from geo.lookup import Lookup
from tests.cases.town import (
    DESK,
    IN_G1,
    IN_G2,
    NOW,
    OUTSIDE,
    Town,
    bring_to,
    desk,
    new_case,
    report,
    step,
    take_in,
)
from tests.geo.ground import Drawn, make_network, publish
from tests.people.town import LAT, LON, lay_ground


def count_all(conn: Connection) -> tuple[int, ...]:
    tables = (case, case_event, case_placement)
    return tuple(conn.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def test_the_same_report_again_changes_nothing_and_answers_with_the_same_case(
    conn: Connection, town: Town
) -> None:
    (first,) = take_in(conn, report())
    before = count_all(conn)
    (again,) = take_in(conn, report(), now=NOW + timedelta(days=3))
    assert (first.outcome, again.outcome) == ("new", "repeat")
    assert (again.number, count_all(conn)) == (first.number, before)


@pytest.mark.parametrize(
    "change",
    [{"category": "litter"}, {"lon": IN_G2[0]}, {"description": "loud"}, {"level": 2}, {"reported_at": None}],
)
def test_another_report_under_the_same_reference_is_told_and_changes_nothing(
    conn: Connection, town: Town, change: dict[str, object]
) -> None:
    view = new_case(conn)
    before = count_all(conn)
    (answer,) = take_in(conn, report(**change))
    assert (answer.outcome, answer.number) == ("different", view.number)
    assert (count_all(conn), find_case(conn, view.number)) == (before, view)


def test_a_repeat_is_known_after_the_case_has_moved_on(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "closed")
    (answer,) = take_in(conn, report())
    assert (answer.outcome, answer.number) == ("repeat", view.number)


def test_references_are_told_apart_by_channel(conn: Connection, town: Town) -> None:
    one, two = take_in(conn, report(), report(channel="app"))
    assert (one.outcome, two.outcome) == ("new", "new")
    assert one.number != two.number


def test_within_one_batch_the_first_stands(conn: Connection, town: Town) -> None:
    answers = take_in(conn, report(), report(), report(category="litter"), report("R2"))
    assert [answer.outcome for answer in answers] == ["new", "repeat", "different", "new"]
    assert find_case(conn, answers[0].number).category == "noise"


def test_two_transactions_at_once_make_one_case(own_database: str) -> None:
    engine = make_engine(own_database)
    with engine.begin() as conn:
        lay_ground(conn)
    outcomes: list[str] = []
    barrier = Barrier(4)

    def send() -> None:
        with engine.begin() as conn:
            lookup = Lookup(conn)
            barrier.wait(30)
            outcomes.append(take_in_cases(conn, lookup, [report()], actor=DESK, now=NOW)[0].outcome)

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with engine.connect() as conn:
        assert count_all(conn) == (1, 1, 1)
    assert sorted(outcomes) == ["new", "repeat", "repeat", "repeat"]
    engine.dispose()


@pytest.mark.parametrize(
    ("where", "level", "owner"),
    [
        (IN_G1, 1, "G1"),
        (IN_G1, 2, "G1"),
        (IN_G1, 3, "S1"),
        (IN_G2, 5, "S2"),
        (OUTSIDE, 1, "T"),
        ((None, None), 4, "T"),
    ],
)
def test_the_issue_level_says_which_unit_holds_a_new_case(
    conn: Connection, town: Town, where: tuple[float | None, float | None], level: int, owner: str
) -> None:
    view = new_case(conn, lon=where[0], lat=where[1], level=level)
    assert view.owner_code == owner


def test_a_case_is_placed_in_every_network_as_of_the_time_it_occurred(conn: Connection, town: Town) -> None:
    make_network(conn, "police", ["beat"])
    west = shapely.box(LON, LAT, LON + 0.007, LAT + 0.01)
    east = shapely.box(LON + 0.007, LAT, LON + 0.02, LAT + 0.01)
    publish(conn, "police", [Drawn("B1", west, "beat"), Drawn("B2", east, "beat")], NOW - timedelta(days=30))
    whole = shapely.box(LON, LAT, LON + 0.02, LAT + 0.01)
    publish(conn, "police", [Drawn("B9", whole, "beat")], NOW - timedelta(days=10))
    codes = {}
    for days in (40, 20, 5):
        occurred_at = NOW - timedelta(days=days)
        view = new_case(conn, f"{days}", occurred_at=occurred_at, reported_at=occurred_at)
        codes[days] = {
            place.network_code: [code for _, code, _ in place.units] for place in list_places(conn, view.id)
        }
    assert codes == {
        40: {"governance": ["G1", "S1", "T"]},
        20: {"governance": ["G1", "S1", "T"], "police": ["B1"]},
        5: {"governance": ["G1", "S1", "T"], "police": ["B9"]},
    }


def test_a_later_edition_does_not_move_a_case(conn: Connection, town: Town) -> None:
    make_network(conn, "police", ["beat"])
    whole = shapely.box(LON, LAT, LON + 0.02, LAT + 0.01)
    publish(conn, "police", [Drawn("B1", whole, "beat")], NOW - timedelta(days=30))
    view = new_case(conn)
    before = list_places(conn, view.id)
    publish(conn, "police", [Drawn("B2", whole, "beat")], NOW)
    assert list_places(conn, view.id) == before


def test_a_case_outside_or_without_coordinates_says_so(conn: Connection, town: Town) -> None:
    outside = new_case(conn, "out", lon=OUTSIDE[0], lat=OUTSIDE[1])
    nowhere = new_case(conn, "none", lon=None, lat=None)
    assert [(place.status, place.units) for place in list_places(conn, outside.id)] == [("outside", ())]
    assert (list_places(conn, nowhere.id), nowhere.lon) == ((), None)


def test_an_open_case_never_has_no_owner_or_two(conn: Connection, town: Town) -> None:
    views = [
        bring_to(conn, town, state, f"R-{state}") for state in ("reported", "accepted", "assigned", "handled")
    ]
    views += [
        bring_to(conn, town, state, f"R-{state}") for state in ("verified", "closed", "rejected", "duplicate")
    ]
    for view in views:
        is_open = view.state not in {"closed", "rejected", "duplicate"}
        assert ((view.owner_unit_id is not None), (view.ended_unit_id is None)) == (is_open, is_open)
        owners = conn.execute(
            select(func.num_nonnulls(case.c.owner_unit_id, case.c.ended_unit_id)).where(case.c.id == view.id)
        )
        assert owners.scalar_one() == 1


@pytest.mark.parametrize("change", [{"owner_unit_id": None}, {"state": "closed"}])
def test_the_database_itself_refuses_an_open_case_without_owner_and_an_ended_one_with(
    conn: Connection, town: Town, change: dict[str, object]
) -> None:
    view = new_case(conn)
    with pytest.raises(IntegrityError, match="one_owner_while_open"), conn.begin_nested():
        conn.execute(update(case).where(case.c.id == view.id).values(**change))


@pytest.mark.parametrize("steps", range(12))
def test_any_walk_through_the_flow_keeps_one_owner_and_a_whole_log(
    conn: Connection, town: Town, steps: int
) -> None:
    generator = np.random.default_rng(steps)
    office, view = desk(conn, town), new_case(conn)
    fields: dict[str, Callable[[], dict[str, object]]] = {
        "assign": lambda: {"assignee": "w1"},
        "transfer": lambda: {"unit": str(generator.choice(["G1", "S2"])), "note": "n"},
        "duplicate": lambda: {"duplicate_of": original.number},
    }
    original = new_case(conn, "original")
    for _ in range(15):
        kinds = [kind for kind in _possible(conn, town, view) if kind != "handle"]
        kind = str(generator.choice(kinds))
        given = fields.get(kind, lambda: {"note": "n"})()
        if kind != "escalate" or view.owner_code != "T":
            view = step(conn, office, view, kind, **given)
        check_owner(conn, view)
    assert all(logged.intact for logged in list_events(conn, view.id, view.number))


def _possible(conn: Connection, town: Town, view: CaseView) -> list[str]:
    from cases.steps import possible_steps

    return possible_steps(conn, desk(conn, town), view)


def check_owner(conn: Connection, view: CaseView) -> None:
    row = conn.execute(select(case.c.state, case.c.owner_unit_id).where(case.c.id == view.id)).one()
    assert (row.owner_unit_id is None) == (row.state in {"closed", "rejected", "duplicate"})


def test_past_cases_are_taken_over_in_their_final_state(conn: Connection, town: Town) -> None:
    ended_at = report().reported_at + timedelta(hours=5)
    view = new_case(conn, state="closed", ended_at=ended_at)
    assert (view.state, view.owner_unit_id, view.ended_unit_id) == ("closed", None, town.units["G1"])
    events = [logged.event for logged in list_events(conn, view.id, view.number)]
    assert [(event.kind, event.at) for event in events] == [
        ("report", report().reported_at),
        ("import", ended_at),
    ]


def test_an_end_before_the_beginning_is_set_aside_and_kept_in_the_log(conn: Connection, town: Town) -> None:
    claimed = report().reported_at - timedelta(hours=5)
    view = new_case(conn, state="closed", ended_at=claimed)
    last = list_events(conn, view.id, view.number)[-1].event
    assert (last.at, last.evidence) == (report().reported_at, {"ended_at_set_aside": claimed.isoformat()})


def test_an_open_case_without_any_published_network_is_refused_and_a_past_one_is_not(
    empty_conn: Connection,
) -> None:
    with pytest.raises(Invalid, match="import boundaries first"):
        take_in(empty_conn, report())
    (taken,) = take_in(empty_conn, report(state="closed"))
    assert find_case(empty_conn, taken.number).state == "closed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"external_ref": " "}, "is empty"),
        ({"category": "x\x00"}, "control characters"),
        ({"level": 6}, "between 1 and 5"),
        ({"lat": None}, "missing while the other"),
        ({"lon": float("nan")}, "finite"),
        ({"lon": 31.0, "lat": 121.0}, "swapped"),
        ({"lon": 0.0, "lat": 0.0}, "default of a device"),
        ({"reported_at": NOW + timedelta(hours=1)}, "in the future"),
        ({"occurred_at": NOW, "reported_at": NOW - timedelta(hours=1)}, "later than reported_at"),
        ({"description": "x" * 10_001}, "more than 10,000"),
        ({"state": "lost"}, "is none of"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_in_words(
    conn: Connection, town: Town, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        take_in(conn, replace(report(), **change))
    assert count_all(conn) == (0, 0, 0)


# The log


def test_the_log_shows_who_did_what_when(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "closed")
    told = [(one.seq, one.event.kind, one.event.state, one.event.actor, one.event.actor_role)
            for one in list_events(conn, view.id, view.number)]  # fmt: skip
    assert told == [
        (1, "report", "reported", "desk", "desk"),
        (2, "accept", "accepted", "desk", "desk"),
        (3, "assign", "assigned", "desk", "desk"),
        (4, "handle", "handled", "w1", "worker"),
        (5, "verify", "verified", "desk", "desk"),
        (6, "close", "closed", "desk", "desk"),
    ]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE case_event SET note = 'other' WHERE seq = 3",
        "UPDATE case_event SET at = at + interval '1 second' WHERE seq = 3",
        "UPDATE case_event SET actor = 'boss1' WHERE seq = 3",
        "UPDATE case_event SET evidence = '{}' WHERE seq = 3",
        "DELETE FROM case_event WHERE seq = 3",
        "UPDATE case_event SET digest = sha256(digest) WHERE seq = 3",
    ],
)
def test_a_log_that_was_rewritten_shows_it_from_there_on(
    conn: Connection, town: Town, tampering: str
) -> None:
    view = bring_to(conn, town, "closed")
    conn.execute(text(tampering))
    intact = [one.intact for one in list_events(conn, view.id, view.number)]
    assert intact[:2] == [True, True]
    assert not any(intact[2:])


def test_erasing_what_an_event_tells_does_not_break_the_chain(conn: Connection, town: Town) -> None:
    view = bring_to(conn, town, "closed")
    conn.execute(
        text("UPDATE case_event SET note = '', actor = '', evidence = '{}', salt = NULL WHERE seq = 3")
    )
    assert all(one.intact for one in list_events(conn, view.id, view.number))


def test_equal_events_of_two_cases_have_different_digests(conn: Connection, town: Town) -> None:
    take_in(conn, report(), report("R2"))
    digests = conn.scalars(select(case_event.c.fields_digest)).all()
    assert len(set(digests)) == 2
