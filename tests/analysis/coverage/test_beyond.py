"""Coverage by many workers: what is exported is what is stored, and the figures are those of the database, to the last bit."""

import stat
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
from distributed import LocalCluster
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import ColumnElement, Engine, delete, func, select, update

from analysis.coverage.beyond.export import Exported
from analysis.coverage.beyond.folder import Days, expire, held
from analysis.coverage.beyond.parquet import read_columns
from analysis.coverage.beyond.pseudonyms import read_pseudonyms
from analysis.coverage.beyond.run import Beyond, Kept, Step, compute_beyond
from analysis.coverage.beyond.spread import Workers, spread
from analysis.coverage.beyond.work import Worked
from analysis.coverage.day import MARGIN_US
from analysis.coverage.kept.compute import Period, compute_days
from analysis.coverage.kept.tables import coverage_duty
from analysis.coverage.measures.sampling import middle_of
from cli.__main__ import main
from core.clock import day_bounds
from core.db import make_engine
from core.errors import Unavailable
from geo.lookup import Lookup
from geo.tables import address_point
from people.tables import look
from tests.analysis.coverage.period import JOB, NOW, ZONE, contents, fill
from tests.conftest import copy_of, drop_database, make_database
from tracking.tables import fix

FIRST = date(2026, 6, 8)
DAYS, PEOPLE, STEP_S = 3, 4, 30
LAST = FIRST + timedelta(days=DAYS - 1)
EVERY_DAY = [FIRST + timedelta(days=n) for n in range(DAYS)]


@pytest.fixture(scope="module")
def filled(server_url: str, template_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the period, to be copied."""
    name = f"wangge_period_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template_name), pool_size=2)
    with engine.begin() as conn:
        fill(conn, tmp_path_factory.mktemp("ground"), FIRST, days=DAYS, people=PEOPLE, step_s=STEP_S)
    engine.dispose()
    yield name
    drop_database(server_url, name)


@pytest.fixture
def engine(server_url: str, filled: str) -> Iterator[Engine]:
    with copy_of(server_url, filled) as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def beyond(tmp_path: Path) -> Beyond:
    """Computed in this process; a shard holds two or three people."""
    days, names = Days(tmp_path / "parquet", "governance"), read_pseudonyms(tmp_path / "pseudonyms.key")
    return Beyond(days, names, Workers(0), shard_fixes=2_500)


def steps_of(engine: Engine, beyond: Beyond, first: date = FIRST) -> Iterator[Step]:
    lookup = Lookup(engine)
    try:
        yield from compute_beyond(engine, lookup, JOB, beyond, Period(first, LAST, NOW))
    finally:
        lookup.close()


def run(engine: Engine, beyond: Beyond) -> list[Step]:
    return list(steps_of(engine, beyond))


def compute_in_database(engine: Engine) -> int:
    """How many fixes were on duty."""
    lookup = Lookup(engine)
    try:
        return sum(one.fixes for one in compute_days(engine, lookup, JOB, Period(FIRST, LAST, NOW)))
    finally:
        lookup.close()


def written(steps: list[Step]) -> list[date]:
    return [step.on for step in steps if isinstance(step, Exported) and step.written]


def computed(steps: list[Step]) -> list[date]:
    return [step.work.on for step in steps if isinstance(step, Worked) and step.work.shard is None]


def kept(steps: list[Step]) -> list[date]:
    return [step.on for step in steps if isinstance(step, Kept)]


def test_figures_of_workers_are_those_of_the_database_and_a_run_that_was_stopped_goes_on(
    engine: Engine, beyond: Beyond
) -> None:
    stopped = steps_of(engine, beyond)
    before = [next(step for step in stopped if isinstance(step, Worked)) for _ in range(2)]
    stopped.close()  # between one piece of work and the next
    steps = run(engine, beyond)
    assert written(steps) == []
    assert computed(steps) == EVERY_DAY
    shards = sum(step.shards for step in steps if isinstance(step, Exported))
    assert shards > DAYS
    assert {step.work.shard for step in before} <= {0, 1, 2}
    by_workers = contents(engine)
    assert compute_in_database(engine) > DAYS * PEOPLE * 700
    assert contents(engine) == by_workers
    for _, _, observed, *rest in by_workers["coverage_unit"]:
        assert observed is not None
        assert all(0 <= one[0] + one[2] <= one[1] for one in rest[:5])
    for column in range(3, 8):
        assert sum(row[column][0] for row in by_workers["coverage_unit"]) > 0
    assert sum(row[3] + row[4] for row in by_workers["coverage_site"]) > 0
    assert np.array([row[5] for row in by_workers["coverage_duty"]]).sum(axis=0).min() > 0
    assert {*np.flatnonzero(np.array([row[6] for row in by_workers["coverage_duty"]]).sum(axis=0))} >= {
        0,
        1,
        2,
        3,
    }


def test_what_is_exported_is_what_is_stored_with_pseudonyms_for_persons(
    engine: Engine, beyond: Beyond, tmp_path: Path
) -> None:
    run(engine, beyond)
    with engine.connect() as conn:
        people = conn.scalars(select(fix.c.person_id).distinct()).all()
        names = beyond.pseudonyms.of_all(people)
        for on in EVERY_DAY:
            since, until = day_bounds(on, ZONE)
            stored = {
                (names[row.person_id], row.fixed_at, row.lon, row.lat, row.accuracy_m)
                for row in conn.execute(
                    select(fix).where(fix.c.fixed_at >= since, fix.c.fixed_at < until, fix.c.flags == 0)
                )
            }
            assert stored == rows_in(beyond.days.fixes(on) / "fixes.parquet")
            beside = {row[1] for row in rows_in(beyond.days.fixes(on) / "margin.parquet")}
            margin = timedelta(microseconds=MARGIN_US)
            assert all(since - margin <= at < since or until <= at < until + margin for at in beside)
            assert set(read_columns(beyond.days.fixes(on) / "fixes.parquet")["device"].tolist()) == {0, 1}
    assert stat.S_IMODE((tmp_path / "pseudonyms.key").stat().st_mode) == 0o600
    assert read_pseudonyms(tmp_path / "pseudonyms.key").of_all(people) == names
    assert not set(names.values()) & set(read_pseudonyms(tmp_path / "another.key").of_all(people).values())


def rows_in(path: Path) -> set[tuple[Any, ...]]:
    table = geopandas.pd.read_parquet(path, columns=["person", "at", "lon", "lat", "accuracy_m"])
    table = table.astype(object).where(table.notna(), None)
    return {(row[0], row[1].to_pydatetime(), *row[2:]) for row in table.itertuples(index=False)}


def test_the_ground_opens_in_geopandas_with_its_weights(engine: Engine, beyond: Beyond) -> None:
    run(engine, beyond)
    (ground,) = (beyond.days.own / "grounds").iterdir()
    pieces = geopandas.read_parquet(ground / "pieces.parquet")
    assert pieces.crs == "EPSG:4326"
    assert pieces.geometry.name == "geometry"
    units = geopandas.read_parquet(ground / "units.parquet").set_index("code")
    whole = units[units["leaf"] >= 0].union_all()
    assert pieces.union_all().symmetric_difference(whole).area < 1e-6 * whole.area
    in_metres = pieces.set_geometry("shape")
    assert in_metres.crs.to_epsg() in range(4534, 4555)
    assert (pieces["area_cm2"] <= in_metres.area * 1e4 + 1).all()
    with engine.connect() as conn:
        households = conn.scalar(select(func.sum(address_point.c.households)))
    assert geopandas.read_parquet(ground / "doors.parquet")["households"].sum() == households
    assert len(geopandas.read_parquet(ground / "sites.parquet")) == 4


def test_only_days_that_changed_are_exported_again_also_when_a_fix_commits_late(
    engine: Engine, beyond: Beyond
) -> None:
    late = engine.connect()
    morning = day_bounds(EVERY_DAY[1], ZONE)[0] + timedelta(hours=9)
    change(late, fix.c.fixed_at > morning, lon=fix.c.lon + 1e-5)
    assert written(run(engine, beyond)) == EVERY_DAY
    steps = run(engine, beyond)
    assert (written(steps), computed(steps), kept(steps)) == ([], [], EVERY_DAY)
    late.commit()  # began before both runs and was seen by neither
    late.close()
    steps = run(engine, beyond)
    assert (written(steps), computed(steps)) == ([EVERY_DAY[1]], [EVERY_DAY[1]])
    with engine.begin() as conn:
        first = select(func.min(fix.c.fixed_at)).where(fix.c.flags == 0).scalar_subquery()
        conn.execute(delete(fix).where(fix.c.fixed_at == first))
    assert written(run(engine, beyond)) == [EVERY_DAY[0]]
    with engine.begin() as conn:  # right after midnight: the day before needs it too
        change(conn, fix.c.fixed_at > day_bounds(EVERY_DAY[2], ZONE)[0], flags=4)
    assert written(run(engine, beyond)) == EVERY_DAY[1:]
    with engine.begin() as conn:
        conn.execute(update(address_point).values(households=address_point.c.households + 1))
    steps = run(engine, beyond)
    assert (written(steps), computed(steps)) == ([], EVERY_DAY)
    assert len(list((beyond.days.own / "grounds").iterdir())) == 1
    by_workers = contents(engine)
    compute_in_database(engine)
    assert contents(engine) == by_workers


def change(conn: Any, when: ColumnElement[bool], **values: Any) -> None:
    """One accepted fix: the first of those."""
    at, device = conn.execute(
        select(fix.c.fixed_at, fix.c.device_id)
        .where(when, fix.c.flags == 0)
        .order_by(fix.c.fixed_at)
        .limit(1)
    ).one()
    conn.execute(update(fix).where(fix.c.fixed_at == at, fix.c.device_id == device).values(**values))


def test_what_was_exported_expires_like_fixes_and_what_names_nobody_stays(
    engine: Engine, beyond: Beyond
) -> None:
    run(engine, beyond)
    root, second = beyond.days.root, day_bounds(EVERY_DAY[1], ZONE)[0]
    margin = timedelta(microseconds=MARGIN_US)
    assert expire(root, before=second - margin, zone=ZONE) == 1
    assert expire(root, before=second - margin + timedelta(seconds=1), zone=ZONE) == 1
    assert not beyond.days.fixes(FIRST).exists()
    assert beyond.days.fixes(LAST).exists()
    gone = beyond.days.figures(FIRST)
    assert sorted(path.name for path in gone.iterdir()) == [
        "coverage_piece.parquet",
        "coverage_presence.parquet",
        "coverage_site.parquet",
        "coverage_unit.parquet",
        "day.json",
    ]
    with engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(coverage_duty)) == DAYS * PEOPLE + DAYS - 1


def test_workers_of_a_scheduler_elsewhere_do_the_same_and_one_that_cannot_is_named(
    engine: Engine, beyond: Beyond
) -> None:
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        elsewhere = replace(beyond, workers=Workers(scheduler=cluster.scheduler_address))
        with pytest.raises(Unavailable, match="has no workers"):
            run(engine, elsewhere)
        cluster.scale(1)
        cluster.wait_for_workers(1)
        with pytest.raises(Unavailable, match="no folder /nowhere"):
            list(spread([], elsewhere.workers, Path("/nowhere")))
        steps = run(engine, elsewhere)
    assert computed(steps) == EVERY_DAY
    by_workers = contents(engine)
    compute_in_database(engine)
    assert contents(engine) == by_workers


def test_one_run_at_a_time_works_in_a_folder(engine: Engine, beyond: Beyond) -> None:
    with held(beyond.days.root), pytest.raises(Unavailable, match="another run"):
        run(engine, beyond)


def test_the_verb_computes_with_processes_of_its_own_and_tells_what_it_did(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("WANGGE_FIX_DAYS", "4000")
    day = ["coverage", "compute", "--from", str(FIRST)]
    assert main([*day, "--engine", "dask", "--workers", "1"]) == 0
    assert f"{FIRST}: " in (told := capsys.readouterr().err)
    assert "1 days in" in told
    assert "1 computed, 0 kept" in told
    with engine.connect() as conn:
        looks = conn.execute(select(look.c.what, look.c.why)).all()
    assert [tuple(one) for one in looks] == [("export", f"coverage by workers, {FIRST} – {FIRST}")]
    by_workers = contents(engine)
    assert len(by_workers["coverage_day"]) == 1
    assert main(day) == 0
    assert contents(engine) == by_workers
    assert main([*day, "--engine", "dask"]) == 0
    assert "0 of them exported anew" in (told := capsys.readouterr().err)
    assert "0 computed, 1 kept" in told
    assert main([*day, "--workers", "1"]) == 2
    assert main([*day, "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"]) == 0  # nothing to compute
    with engine.begin() as conn:
        conn.execute(update(address_point).values(households=1))
    assert main([*day, "--engine", "dask", "--scheduler", "nonsense"]) == 2
    assert "nonsense does not answer" in capsys.readouterr().err
    assert by_workers["coverage_duty"]
    monkeypatch.setenv("WANGGE_FIX_DAYS", "1")
    assert main(["fixes", "purge"]) == 0
    assert not contents(engine)["coverage_duty"], "what names persons goes with their fixes"
    assert "1 exported days" in capsys.readouterr().out
    assert not (tmp_path / "parquet" / "fixes" / str(FIRST)).exists()


@given(
    some.lists(
        some.lists(some.sampled_from([0.5, 1.25, 2.0, 7.0, 1e9 + 0.5]), max_size=9), min_size=1, max_size=4
    )
)
def test_a_median_of_values_with_their_counts_is_the_median_of_all(groups: list[list[float]]) -> None:
    told = [np.unique(np.array(group, float), return_counts=True) for group in groups]
    whole = [value for group in groups for value in group]
    assert middle_of(told) == (float(np.median(whole)) if whole else None)
