"""Placement as it was known at an instant: before a back-dated edition, an ordinary one, or one that was taken back."""

from datetime import timedelta

import shapely
from sqlalchemy import Connection

from geo.editions.known import place_as_known
from geo.lookup import Lookup, Placement
from geo.operations import Merge, Rename
from geo.plans.redraw import Redraw
from geo.plans.rollback import take_back_plan
from tests.geo.redrawing import FOUNDED, NOW, do, found_city, ident, new_plan, publish, split_a, standing

DAY = timedelta(days=1)


def told(found: Placement) -> tuple[object, ...]:
    """All of an answer but the numbers of the rows, which change when one is written down again."""
    units = tuple((unit.unit_id, unit.level, unit.code, unit.name) for unit in found.units)
    near = None if found.nearest is None else (found.nearest.unit.code, found.nearest.distance_m)
    return (found.edition_id, found.status, units, found.border_m, near)


def test_whatever_is_published_or_taken_back_a_former_answer_is_given_again(conn: Connection) -> None:
    found_city(conn)
    spots = [
        shapely.point_on_surface(each.geom).coords[0]
        for code, each in standing(conn).items()
        if code in "ABCD"
    ]
    spots.append((115.0, 39.0))
    asked = [FOUNDED - DAY, NOW - 30 * DAY, NOW - 10 * DAY, NOW, NOW + 9 * DAY, NOW + 99 * DAY]
    lookup = Lookup(conn)
    answers = {}

    def remember(known_at: object) -> None:
        for spot in spots:
            for at in asked:
                answers[known_at, spot, at] = told(lookup.place(*spot, at=at)[0])

    remember(NOW - DAY)
    dated = new_plan(conn)
    do(conn, dated, split_a(conn))
    publish(conn, dated, effective_from=NOW - 20 * DAY, reason="批文 5 月 12 日")
    remember(NOW)
    announced = new_plan(conn)
    do(conn, announced, Merge((ident(conn, "B"), ident(conn, "D"))))
    publish(conn, announced, now=NOW + DAY, effective_from=NOW + 9 * DAY)
    remember(NOW + DAY)
    take_back_plan(conn, announced.id, by="approver", now=NOW + 2 * DAY, reason="x")
    remember(NOW + 2 * DAY)
    plain = new_plan(conn)
    do(conn, plain, Rename(ident(conn, "C"), "丙"))
    publish(conn, plain, now=NOW + 3 * DAY)
    publish(conn, announced_again(conn), now=NOW + 4 * DAY, effective_from=NOW + 9 * DAY)
    remember(NOW + 4 * DAY)

    assert len(set(answers.values())) > 10
    for (known_at, spot, at), answer in answers.items():
        (found,) = place_as_known(conn, spot, at=at, known_at=known_at)
        assert told(found) == answer, (known_at, spot, at)
    (never,) = place_as_known(conn, spots[0], at=NOW, known_at=FOUNDED - DAY)
    assert (never.edition_id, never.status) == (None, "outside")


def announced_again(conn: Connection) -> Redraw:
    found = new_plan(conn)
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    return found
