"""Cases that a plan gives to other holders: all at once, each log going on from where it stood."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection, event, select

from cases.events import list_events
from cases.rehoming import CaseToMove, confirm_cases, move_cases
from cases.tables import case
from geo.plans.redraw import open_redraw
from tests.cases.town import NOW, Town, bring_to, new_case
from tests.cases.town import desk as desk_of
from tests.cases.town import step as take


@contextmanager
def counted(conn: Connection) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    yield sent
    event.remove(conn, "before_cursor_execute", note)


def test_however_many_move_it_is_as_many_statements_and_each_log_stays_whole(
    conn: Connection, town: Town
) -> None:
    plan_id = open_redraw(conn, "governance", name="plan", by="planner").id
    own, other = town.units["G1"], town.units["G2"]
    views = [bring_to(conn, town, "assigned", "0"), *(new_case(conn, str(n)) for n in range(1, 12))]

    def listed() -> list[CaseToMove]:
        return [
            CaseToMove(view.id, view.number, "noise", view.state, own, (other, own), None, None, None)
            for view in views
        ]

    def confirm(**wanted: UUID) -> None:
        confirm_cases(conn, plan_id, listed(), wanted, by="approver", now=NOW)

    confirm(**{view.number: own for view in views})
    confirm(
        **{view.number: other for view in views[:-1]}
    )  # the last one stays; of the others the latest word holds
    take(conn, desk_of(conn, town), views[1], "reject", note="none")  # ended since
    with counted(conn) as sent:
        assert move_cases(conn, plan_id, NOW) == 10
    assert len(sent) <= 6
    assert move_cases(conn, plan_id, NOW) == 0
    holders = dict(conn.execute(select(case.c.number, case.c.owner_unit_id)).all())
    moved = [views[0], *views[2:-1]]
    assert {holders[view.number] for view in moved} == {other}
    assert (holders[views[1].number], holders[views[-1].number]) == (None, own)
    for view in moved:
        log = list_events(conn, view.id, view.number)
        assert (log[-1].event.kind, log[-1].seq, all(each.intact for each in log)) == (
            "rehome",
            len(log),
            True,
        )
        assert conn.scalar(select(case.c.seq).where(case.c.id == view.id)) == len(log)
