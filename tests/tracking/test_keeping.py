"""Partitions made when needed by many at once, and gone when their time is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from tests.tracking.city import NOW, make_worker
from tests.tracking.test_laws import RULES
from tracking import purge
from tracking.batches import Arrival
from tracking.devices import Device
from tracking.formats.report import ParsedFix, Report
from tracking.ingest import ingest_reports
from tracking.partitions import ensure_partitions, make_ahead, stored_days
from tracking.purge import Retention, purge_expired
from tracking.tables import fix

KEEP = Retention(fixes=timedelta(days=30), raw_reports=timedelta(days=7), sos_places=timedelta(days=30))


def send(conn: Connection, device: Device, at: datetime, *, now: datetime) -> None:
    ingest_reports(
        conn,
        None,
        [Arrival(device, Report("native", (ParsedFix(at, 113.15, 27.8, item={}),)))],
        now=now,
        rules=RULES,
    )


def test_partitions_are_made_ahead_and_for_any_past_day(conn: Connection) -> None:
    assert make_ahead(conn, NOW, days=2) == 6
    assert make_ahead(conn, NOW, days=2) == 0
    assert ensure_partitions(conn, fix, [date(2008, 10, 23), date(2026, 6, 10)]) == [date(2008, 10, 23)]
    assert stored_days(conn, fix) == [
        date(2008, 10, 23),
        date(2026, 6, 10),
        date(2026, 6, 11),
        date(2026, 6, 12),
    ]


def test_many_phones_at_midnight_make_one_partition(engine: Engine) -> None:
    with engine.begin() as conn:
        devices = [make_worker(conn, f"W{n}")[1] for n in range(8)]

    def one(n: int) -> None:
        with engine.begin() as conn:
            send(conn, devices[n], NOW - timedelta(minutes=30 * (n % 2), seconds=n), now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM fix")).scalar_one() == 8
        assert len(stored_days(conn, fix)) == 2


def test_writers_of_one_person_at_once_agree_with_a_single_one(engine: Engine) -> None:
    with engine.begin() as conn:
        device = make_worker(conn)[1]

    def one(n: int) -> None:  # every third is a leap away from its neighbours
        with engine.begin() as conn:
            parsed = ParsedFix(NOW - timedelta(seconds=n), 113.15 + (0.2 if n % 3 == 0 else 0), 27.8, item={})
            ingest_reports(conn, None, [Arrival(device, Report("native", (parsed,)))], now=NOW, rules=RULES)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, [n * 37 % 60 for n in range(60)]))
    with engine.connect() as conn:
        from tests.tracking.test_laws import check_against_scratch

        check_against_scratch(conn)


def counts(engine: Engine) -> tuple[int, int, int]:
    with engine.connect() as conn:
        found = [
            conn.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in ("fix", "raw_report", "last_fix")
        ]
    return found[0], found[1], found[2]


def test_what_is_kept_long_enough_goes_by_the_later_of_fix_and_receipt(engine: Engine) -> None:
    old, recent = NOW - timedelta(days=40), NOW - timedelta(days=2)
    with engine.begin() as conn:
        device = make_worker(conn, "W1")[1]
        late = make_worker(conn, "W2")[1]
        conn.execute(text("UPDATE shift SET starts_at = :since"), {"since": old - timedelta(days=1)})
        send(conn, device, old, now=old)
        send(conn, late, old, now=recent)  # of the same day, received late: kept until its receipt is old
        send(conn, device, recent, now=recent)
        make_ahead(conn, NOW)
    assert counts(engine) == (3, 3, 1)
    done = purge_expired(engine.begin, NOW, KEEP)
    assert done is not None
    assert (done.fixes, done.raw_reports, done.partitions) == (1, 1, 1)
    assert counts(engine) == (2, 2, 1)
    done = purge_expired(engine.begin, NOW + timedelta(days=31), KEEP)
    with engine.begin() as conn:
        assert min(stored_days(conn, fix)) == NOW.date() + timedelta(days=1), "made ahead, and empty"
    assert done is not None
    assert (done.fixes, done.raw_reports, done.last_fixes) == (2, 2, 1)
    again = purge_expired(engine.begin, NOW + timedelta(days=31), KEEP)
    assert again is not None
    assert again.fixes == 0


def test_a_purge_waits_for_nobody_who_writes_to_a_day_and_ends_no_writer(engine: Engine) -> None:
    #   writer stores a late fix ───────────────────────── commits
    #            purge: that day is in use, put off              purge again: its receipt is young, it stays
    old = NOW - timedelta(days=40)
    with engine.begin() as conn:
        device = make_worker(conn, "W1")[1]
        conn.execute(text("UPDATE shift SET starts_at = :since"), {"since": old - timedelta(days=1)})
        send(conn, device, old, now=old)
        make_ahead(conn, NOW)
    with engine.connect() as writer:
        writer.begin()
        send(writer, device, old + timedelta(minutes=1), now=NOW)
        during = purge_expired(engine.begin, NOW, KEEP)
        writer.commit()
    after = purge_expired(engine.begin, NOW, KEEP)
    assert during is not None
    assert after is not None
    assert (during.put_off, during.fixes, during.raw_reports) == (2, 0, 0), (
        "that day of fixes and of payloads"
    )
    assert (after.put_off, after.fixes, after.raw_reports) == (0, 1, 1)
    assert counts(engine)[0] == 1


def test_one_process_tidies_at_a_time_and_makes_the_days_to_come(engine: Engine) -> None:
    with engine.begin() as one:
        one.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": purge._LOCK})
        assert purge_expired(engine.begin, NOW, KEEP, waits=False) is None
    assert purge_expired(engine.begin, NOW, KEEP, waits=False) is not None
    with engine.connect() as conn:
        assert stored_days(conn, fix)[:2] == [
            NOW.astimezone(UTC).date(),
            NOW.astimezone(UTC).date() + timedelta(days=1),
        ]


def test_a_fix_without_a_time_that_comes_again_alone_changes_nothing(conn: Connection) -> None:
    _, device = make_worker(conn)
    timeless = Report("native", (ParsedFix(None, 113.15, 27.8, item={}),))
    counts = [
        ingest_reports(conn, None, [Arrival(device, timeless)], now=at, rules=RULES).total
        for at in (NOW, NOW + timedelta(minutes=5))
    ]
    assert [(one.flagged, one.known) for one in counts] == [(1, 0), (0, 1)]
