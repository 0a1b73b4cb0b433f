"""Two at once: what a lock must keep apart."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, text

from cases.steps import StepRequest, take_step
from cases.views import CaseView
from core.db import make_engine
from core.errors import Conflict
from tests.cases.town import NOW, Town, caller_of, desk, new_case, step
from tests.people.town import build_town


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database)
    yield engine
    engine.dispose()


@pytest.fixture
def town(engine: Engine) -> Town:
    with engine.begin() as conn:
        return build_town(conn)


def at_once(engine: Engine, *acts: Callable[[Connection], object]) -> list[str]:
    """What became of each when all begin together: its result or the kind of its error."""
    ready = Barrier(len(acts))

    def run(act: Callable[[Connection], object]) -> str:
        with engine.connect() as conn:
            conn.execute(text("SELECT 1"))
            conn.rollback()
            ready.wait(10)
            try:
                with conn.begin():
                    act(conn)
            except Conflict:
                return "conflict"
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


@pytest.mark.parametrize("attempt", range(5))
def test_two_cases_cannot_become_duplicates_of_one_another(engine: Engine, town: Town, attempt: int) -> None:
    with engine.begin() as conn:
        one, other = new_case(conn, f"A{attempt}"), new_case(conn, f"B{attempt}")
        caller = desk(conn, town)

    def mark(view: CaseView, original: CaseView) -> Callable[[Connection], object]:
        request = StepRequest("duplicate", 1, duplicate_of=original.number)
        return lambda conn: take_step(conn, caller, view.number, request, now=NOW)

    assert at_once(engine, mark(one, other), mark(other, one)) == ["conflict", "done"]
    with engine.connect() as conn:
        circles = conn.execute(
            text(
                'SELECT count(*) FROM "case" a JOIN "case" b ON a.duplicate_of = b.id AND b.duplicate_of = a.id'
            )
        ).scalar_one()
    assert circles == 0


def test_of_two_who_assign_at_once_one_is_told_that_the_case_moved_on(engine: Engine, town: Town) -> None:
    with engine.begin() as conn:
        view = step(conn, desk(conn, town), new_case(conn), "accept")
        callers = [caller_of(conn, town, login, "desk", None) for login in ("desk", "command")]
    request = StepRequest("assign", view.seq, assignee="w1")
    acts = [
        lambda conn, caller=caller: take_step(conn, caller, view.number, request, now=NOW)
        for caller in callers
    ]
    assert at_once(engine, *acts) == ["conflict", "done"]
