"""Placement as it was known at an instant: before a back-dated edition, an ordinary one, or one that was taken back."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import shapely
from sqlalchemy import Connection, select

from core.errors import NotFound
from geo.editions.life import read_life
from geo.lookup import Lookup, Placement
from geo.operations import Merge, Rename
from geo.plans.redraw import Redraw
from geo.plans.rollback import take_back_plan
from geo.tables import unit
from geo.units import get_unit, list_ancestors, list_children, list_published_networks, list_units
from tests.geo.redrawing import FOUNDED, NOW, do, found_city, ident, new_plan, publish, split_a, standing

DAY = timedelta(days=1)


def told(found: Placement) -> tuple[object, ...]:
    """All of an answer but the numbers of the rows, which change when one is written down again."""
    units = tuple((unit.unit_id, unit.level, unit.code, unit.name) for unit in found.units)
    near = None if found.nearest is None else (found.nearest.unit.code, found.nearest.distance_m)
    return (found.edition_id, found.status, units, found.border_m, near)


def told_of_units(conn: Connection, at: datetime, known_at: datetime | None = None) -> tuple[object, ...]:
    """Every unit with those above and below it, and the edition, but for the numbers of rows."""
    then = {"at": at, "known_at": known_at}
    units = list_units(conn, "net", **then)
    brief = [replace(each, version_id=0) for each in units]
    above = [[up.code for up in list_ancestors(conn, each, **then)] for each in units]
    below = [[down.code for down in list_children(conn, each, **then)] for each in units]
    alone = [get_unit(conn, each.code, network_code="net", level=each.level, **then).id for each in units]
    (network,) = list_published_networks(conn, **then)
    assert alone == [each.id for each in units]
    return brief, above, below, network.edition, network.bbox


def told_of_lives(conn: Connection, known_at: datetime | None = None) -> dict[UUID, object]:
    lives: dict[UUID, object] = {}
    for unit_id in conn.scalars(select(unit.c.id)):
        try:
            life = read_life(conn, unit_id, known_at=known_at)
        except NotFound:
            continue
        lives[unit_id] = [replace(each, version_id=0) for each in life.chapters]
    return lives


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
    answers, units, lives = {}, {}, {}

    def remember(known_at: datetime) -> None:
        lives[known_at] = told_of_lives(conn)
        units.update({(known_at, at): told_of_units(conn, at) for at in asked})
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
        (found,) = Lookup(conn, known_at=known_at).place(*spot, at=at)
        assert told(found) == answer, (known_at, spot, at)
    for (known_at, at), answer in units.items():
        assert told_of_units(conn, at, known_at) == answer, (known_at, at)
    for known_at, answer in lives.items():
        assert told_of_lives(conn, known_at) == answer, known_at
    assert len({str(each) for each in lives.values()}) == len(lives)
    assert told_of_units(conn, NOW, FOUNDED - DAY) == ([], [], [], None, None)
    (never,) = Lookup(conn, known_at=FOUNDED - DAY).place(*spots[0], at=NOW)
    assert (never.edition_id, never.status) == (None, "outside")


def announced_again(conn: Connection) -> Redraw:
    found = new_plan(conn)
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    return found
