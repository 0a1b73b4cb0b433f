"""Hundreds of fixes of a phone are judged by one question: always as if each had been asked for."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Connection, event, insert, text
from sqlalchemy.dialects.postgresql import Range

from people.tables import assignment, notice_acceptance
from tests.people.town import lay_ground
from tests.tracking.city import EVER, NOW, make_device, make_person
from tracking import signs
from tracking.batches import Arrival, make_batch
from tracking.devices import Device, hand_over
from tracking.formats.report import ParsedFix, Report
from tracking.roster import Memory, Roster

START, TURN = NOW - timedelta(hours=2), NOW - timedelta(hours=1)


def serve(conn: Connection, role: str = "grid_leader", valid: Range[object] | None = None) -> None:
    person_id = conn.execute(text("SELECT id FROM person WHERE code = 'W1'")).scalar_one()
    unit_id = conn.execute(text("SELECT unit_id FROM unit_version WHERE code = 'G1'")).scalar_one()
    conn.execute(
        insert(assignment).values(
            person_id=person_id, unit_id=unit_id, role=role, valid=valid or Range(EVER, None)
        )
    )


def settle(conn: Connection, *, shifts: list[tuple[object, object]] | None = None) -> Device:
    lay_ground(conn)
    make_person(conn, "W1", shifts=shifts)  # type: ignore[arg-type]
    return make_device(conn)


def plain(conn: Connection) -> Device:
    device = settle(conn)
    serve(conn)
    return device


def handed_over(conn: Connection) -> Device:
    device = plain(conn)
    make_person(conn, "W2")
    hand_over(conn, device.code, "W2", now=TURN)
    return device


def shift_ends(conn: Connection) -> Device:
    device = settle(conn, shifts=[(START - timedelta(hours=1), TURN)])
    serve(conn)
    return device


def two_shifts_with_a_pause(conn: Connection) -> Device:
    device = settle(conn, shifts=[(START, TURN), (TURN + timedelta(minutes=20), NOW + timedelta(hours=1))])
    serve(conn)
    return device


def withdrawn(conn: Connection) -> Device:
    device = plain(conn)
    conn.execute(notice_acceptance.update().values(withdrawn_at=TURN))
    return device


def renewed(conn: Connection) -> Device:
    device = plain(conn)
    conn.execute(
        text("INSERT INTO notice VALUES ('2', '新', 'new', CAST(:at AS timestamptz), true)"), {"at": TURN}
    )
    return device


def no_longer_tracked(conn: Connection) -> Device:
    device = settle(conn)
    serve(conn, valid=Range(EVER, TURN))
    untracked = conn.execute(text("SELECT code FROM role WHERE NOT tracked LIMIT 1")).scalar_one()
    serve(conn, untracked, Range(TURN, None))
    return device


def without_a_unit(conn: Connection) -> Device:
    return settle(conn)


CHANGES: dict[Callable[[Connection], Device], set[str | None]] = {
    plain: {None},
    handed_over: {None},
    shift_ends: {None, "off_shift"},
    two_shifts_with_a_pause: {None, "off_shift"},
    withdrawn: {None, "no_notice"},
    renewed: {None, "no_notice"},
    no_longer_tracked: {None, "not_tracked"},
    without_a_unit: {None},
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_changes_between_the_fixes_is_judged_fix_by_fix(
    conn: Connection, change: Callable[[Connection], Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    device = change(conn)
    minutes = [
        30,
        0,
        59,
        60,
        61,
        70,
        80,
        81,
        119,
        200,
    ]  # from START on; TURN is 60, the last lies ahead of now
    fixes = tuple(ParsedFix(START + timedelta(minutes=n), 113.15, 27.8, item={}) for n in minutes)
    batch = make_batch([Arrival(device, Report("native", fixes))], NOW)
    memory = Roster().recall(conn)
    together, _ = signs.judge(conn, batch, [], NOW, memory)
    remembered, _ = signs.judge(conn, batch, [], NOW, memory)
    monkeypatch.setattr(
        signs, "find_spans", lambda _conn, _memory, device_id, _at: np.full(len(device_id), -1)
    )
    one_by_one, _ = signs.judge(conn, batch, [], NOW, memory)
    for judged in (together, remembered):
        assert judged.person_id.tolist() == one_by_one.person_id.tolist()
        assert judged.reason == one_by_one.reason
    assert set(together.reason) == CHANGES[change]


def test_the_usual_case_asks_for_no_fix_by_itself(conn: Connection) -> None:
    device = plain(conn)
    fixes = tuple(ParsedFix(START + timedelta(minutes=n), 113.15, 27.8, item={}) for n in range(5))
    batch = make_batch([Arrival(device, Report("native", fixes))], NOW)
    asked: list[str] = []

    @event.listens_for(conn.engine, "before_cursor_execute")
    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    memory = Memory("3:3:", 0)
    signs.judge(conn, batch, [], NOW, memory)
    assert len(asked) == 1
    signs.judge(conn, batch, [], NOW, memory)
    event.remove(conn.engine, "before_cursor_execute", note)
    assert len(asked) == 1, "what is remembered is not asked again"
