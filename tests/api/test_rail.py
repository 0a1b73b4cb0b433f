"""How often the rail of alerts is read."""

from sqlalchemy import Connection

from api.live.rail import LONGEST_S, Rail
from core.clock import utc_now


def test_a_reading_that_took_long_is_followed_by_another_all_the_same(conn: Connection) -> None:
    ticks = iter([0.0, 3.0, 4.0, 3.0 + LONGEST_S, 3.01 + LONGEST_S, 4.0 + LONGEST_S])
    rail = Rail(timer=lambda: next(ticks))
    assert rail.read(conn, utc_now()) == []  # from 0 to 3 s
    assert rail.read(conn, utc_now()) is None
    assert rail.read(conn, utc_now()) == []
    assert rail.read(conn, utc_now()) is None  # a quick one, too, is not followed at once
