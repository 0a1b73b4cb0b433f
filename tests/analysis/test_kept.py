"""The same question on the same data is computed once; on other data, again."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

import analysis.kept
from analysis.hotspots import Hotspots, Question, compute_hotspots
from analysis.kept import HotspotCache
from core.errors import Unavailable
from tests.analysis.city import NOW, SINCE, UNTIL, build_city, draw_city, put_cases, scatter_cases

QUESTION = Question(SINCE, UNTIL, resolution=9)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """Every question that was really computed."""
    asked: list[Question] = []

    def compute(conn: Connection, question: Question, **more: object) -> Hotspots:
        asked.append(question)
        return compute_hotspots(conn, question, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(analysis.kept, "compute_hotspots", compute)
    return asked


def test_a_repeated_question_is_answered_from_memory_until_something_changes(
    conn: Connection, computed: list[Question]
) -> None:
    city, cache = draw_city(1), HotspotCache()
    build_city(conn, city)
    put_cases(conn, scatter_cases(city, 50, 1))
    first = cache.answer(conn, QUESTION, now=NOW)
    assert cache.answer(conn, QUESTION, now=NOW + timedelta(seconds=5)) is first
    assert len(computed) == 1
    put_cases(conn, scatter_cases(city, 1, 2), tag="late")
    assert cache.answer(conn, QUESTION, now=NOW).facts.cases_used == 51
    assert len(computed) == 2


def test_another_question_is_another_answer(conn: Connection, computed: list[Question]) -> None:
    city, cache = draw_city(1), HotspotCache()
    build_city(conn, city)
    for category in (None, "noise", "litter"):
        cache.answer(conn, Question(SINCE, UNTIL, category=category, resolution=8), now=NOW)
    assert len(computed) == 3


def test_more_than_a_few_waiting_requests_are_told_to_come_again(conn: Connection) -> None:
    city, cache = draw_city(1), HotspotCache()
    build_city(conn, city)
    held = [cache._waiting.acquire(blocking=False) for _ in range(4)]
    assert held == [True, True, True, False]
    with pytest.raises(Unavailable, match="try again"):
        cache.answer(conn, QUESTION, now=NOW)
    for _ in range(3):
        cache._waiting.release()
    assert cache.answer(conn, QUESTION, now=NOW).facts.cases_used == 0


def test_a_failed_computation_gives_its_turn_back(conn: Connection) -> None:
    cache = HotspotCache()
    for _ in range(5):
        with pytest.raises(Exception, match="no published network"):
            cache.answer(conn, QUESTION, now=NOW)
    assert not cache._computing.locked()
