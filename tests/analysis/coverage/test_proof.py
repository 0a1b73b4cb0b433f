"""From a percentage of any measure to the very fixes that prove it.

31010100101: four squares of the small city        w1 walks 1 → 2 → 4 → 3 from eight on, a fix every ten seconds
+---+---+
| 3 | 4 |      S1 and S2 lie between 2 and 4; a street along the south of 1 and 2, the door D1 beside it
+---+---+
| 1 | 2 |      D2 lies elsewhere
+---+---+
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import find_network_id, read_coverage
from analysis.coverage.measures.evidence import MEASURES, Measure
from analysis.coverage.views.cold import read_leaves
from analysis.coverage.views.proof import Proof, ProofAsked, prove, read_parts
from analysis.coverage.views.provers import choose_provers
from geo.lookup import Lookup
from people.access import Scope
from people.shifts import Shift, add_shift
from tests.analysis.coverage.town import JOB, MORNING, NOW, ON, add_fixes, build, survey, unit_id

WALK = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
ALL = Scope(everywhere=True)
BEFORE = ON - timedelta(days=1)
GRID = "31010100101"


@pytest.fixture
def lookup(conn: Connection, tmp_path: Path) -> Lookup:
    """Two days of the same walk, computed."""
    worker = build(conn)
    survey(conn, tmp_path)
    add_shift(conn, Shift(worker, MORNING - timedelta(days=1), MORNING - timedelta(hours=20)))
    lookup = Lookup(conn)
    for on, at in ((BEFORE, MORNING - timedelta(days=1)), (ON, MORNING)):
        add_fixes(conn, worker, WALK, at=at)
        compute_day(conn, lookup, JOB, on=on, now=NOW)
    return lookup


def asked(conn: Connection, first: date = ON, code: str = GRID) -> CoverageAsked:
    return CoverageAsked(find_network_id(conn, "governance"), unit_id(conn, code), first, ON)


def proof_of(
    conn: Connection,
    lookup: Lookup,
    measure: Measure,
    *,
    on: date = ON,
    scope: Scope = ALL,
    codes: Sequence[str] = (GRID,),
    later: timedelta = timedelta(0),
) -> Proof:
    leaves = [leaf for code in codes for leaf in read_leaves(conn, asked(conn, code=code))]
    wanted = ProofAsked(measure, on, [leaf.version_id for leaf in leaves], scope)
    return prove(conn, lookup, JOB, wanted, now=NOW + later)


def test_the_fixes_of_every_measure_make_up_the_very_numerator(conn: Connection, lookup: Lookup) -> None:
    figures = read_coverage(conn, asked(conn)).whole.figures
    for measure in MEASURES:
        proof = proof_of(conn, lookup, measure)
        (day,) = [each for each in read_parts(conn, asked(conn), measure, JOB, now=NOW) if each.on == ON]
        assert proof.proven == day.part > 0
        if measure != "required":  # it looks back over the seven days of its sites
            assert proof.proven == figures[measure].numerator
        assert proof.total == len(proof.visits) > 0
        assert {visit.person_code for visit in proof.visits} == {"w1"}
        for visit in proof.visits:
            times = [fix.at for fix in visit.fixes]
            assert times == sorted(times)
            assert times[0] <= visit.since <= visit.until <= times[-1]
            assert visit.unit_code.startswith(GRID)
            assert visit.place


def test_the_days_of_a_period_add_up_to_its_figure_and_say_whose_fixes_are_gone(
    conn: Connection, lookup: Lookup
) -> None:
    later = timedelta(days=29, hours=1)
    figures = read_coverage(conn, asked(conn, BEFORE)).whole.figures
    for measure in MEASURES:
        days = read_parts(conn, asked(conn, BEFORE), measure, JOB, now=NOW + later)
        assert [(day.on, day.expired) for day in days] == [(BEFORE, True), (ON, False)]
        assert sum(day.part for day in days) == figures[measure].numerator
        gone = proof_of(conn, lookup, measure, on=BEFORE, later=later)
        assert gone.expired
        assert (gone.visits, gone.total, gone.proven) == ((), 0, 0)


def test_what_is_proven_is_told_by_its_name(conn: Connection, lookup: Lookup) -> None:
    walked = proof_of(conn, lookup, "streets")
    assert {visit.place for visit in walked.visits} == {"main"}
    assert sum(visit.amount for visit in walked.visits) >= walked.proven
    (door,) = proof_of(conn, lookup, "doors").visits
    assert (door.place, door.amount) == ("D1", 1)
    (households,) = proof_of(conn, lookup, "households").visits
    assert households.amount == 3
    sites = proof_of(conn, lookup, "required").visits
    assert {(visit.place, visit.amount) for visit in sites} == {("S1", 1), ("S2", 0)}


def test_of_somebody_whose_movement_is_not_for_whoever_asks_neither_name_nor_fix_is_told(
    conn: Connection, lookup: Lookup
) -> None:
    elsewhere = Scope(everywhere=False, paths=("elsewhere",))
    for measure in MEASURES:
        hidden = proof_of(conn, lookup, measure, scope=elsewhere)
        assert hidden.proven == proof_of(conn, lookup, measure).proven
        assert {(visit.person_code, visit.fixes) for visit in hidden.visits} == {(None, ())}


def test_of_units_where_nobody_tracked_serves_there_is_nothing_to_prove(
    conn: Connection, lookup: Lookup
) -> None:
    nothing = prove(conn, lookup, JOB, ProofAsked("area", ON, [], ALL), now=NOW)
    assert (nothing.expired, nothing.total) == (False, 0)


def test_the_pages_of_a_large_unit_prove_its_figure_together(
    conn: Connection, lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two units a page: those with something proven alone, by code, each page what it says it has of the numerator."""
    monkeypatch.setattr("analysis.coverage.views.provers.MOST_UNITS", 2)
    figures = read_coverage(conn, asked(conn, code="3101")).whole.figures
    for measure in MEASURES:
        first = choose_provers(conn, asked(conn, code="3101"), measure, code="3101", page=1)
        pages = [
            choose_provers(conn, asked(conn, code="3101"), measure, code="3101", page=n + 1)
            for n in range(first.pages)
        ]
        assert [page.page for page in pages] == list(range(1, first.pages + 1))
        assert all(0 < len(page.versions) <= 2 for page in pages)
        assert len({version for page in pages for version in page.versions}) == first.total
        for page in pages:
            wanted = ProofAsked(measure, ON, page.versions, ALL)
            assert prove(conn, lookup, JOB, wanted, now=NOW).proven == page.part
        (day,) = [
            each
            for each in read_parts(conn, asked(conn, code="3101"), measure, JOB, now=NOW)
            if each.on == ON
        ]
        assert sum(page.part for page in pages) == day.part
        if measure != "required":
            assert day.part == figures[measure].numerator
        codes = [code for page in pages for code in (page.first_code, page.last_code)]
        assert codes == sorted(codes, key=str)
    area = choose_provers(conn, asked(conn, code="3101"), "area", code="3101", page=1)
    assert area.pages > 1
    beyond = choose_provers(conn, asked(conn, code="3101"), "area", code="3101", page=99)
    assert beyond.page == area.pages, "a page after the last is the last"
    monkeypatch.setattr("analysis.coverage.views.provers.MOST_UNITS", 200)
    whole = choose_provers(conn, asked(conn, code=GRID), "area", code=GRID, page=1)
    assert (whole.pages, whole.total) == (1, 4), "where they are few all of them, whatever is proven"
