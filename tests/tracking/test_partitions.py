"""Partitions are made by whoever needs one first; the others find it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

from core.db import make_engine
from tracking.partitions import ensure_partitions, stored_days
from tracking.tables import fix


def test_many_that_need_the_same_new_day_at_once_all_get_it(own_database: str) -> None:
    engine = make_engine(own_database)
    day, together = date(2031, 1, 1), Barrier(5)

    def make(_: int) -> int:
        together.wait()
        with engine.begin() as conn:
            return len(ensure_partitions(conn, fix, [day]))

    with ThreadPoolExecutor(5) as pool:
        made = list(pool.map(make, range(5)))
    with engine.connect() as conn:
        assert day in stored_days(conn, fix)
    engine.dispose()
    assert sum(made) == 1
