"""What an operation reads of a plan's ground, where the database does not know yet how much there is of what."""

from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import Connection, text

from core.db import make_engine
from geo.editions import publish_plan
from geo.networks import create_network
from geo.operations import ReplaceFromFile
from geo.operations.returned import Incoming
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.neighbourhood import read_neighbourhood
from tests.geo.redrawing import FOUNDED, LEVELS, new_plan, standing
from tests.geo.sketch import square

SIDE = 24


@pytest.fixture
def conn(own_database: str) -> Iterator[Connection]:
    """To a database of its own: statistics stay when a transaction is rolled back."""
    engine = make_engine(own_database, pool_size=1)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_a_file_for_all_units_reads_each_a_few_times_whatever_statistics_there_are(conn: Connection) -> None:
    """Those of versions were gathered, those of units were not: so it may be after an import, or when the server died."""
    create_network(conn, "net", coverage="full", levels=LEVELS)
    grids = [
        UnitDraft("grid", f"{down}-{right}", "", square(right, down), "1")
        for down, right in np.ndindex(SIDE, SIDE)
    ]
    parents = [UnitDraft("city", "0", "市", None), UnitDraft("street", "1", "街", None, "0")]
    add_units_to_plan(conn, "net", [*parents, *grids])
    publish_plan(conn, "net", by="test", now=FOUNDED)
    conn.execute(text("ANALYZE unit_version"))
    found = new_plan(conn)
    named = tuple(
        Incoming(each.unit_id, name="新") for each in standing(conn).values() if each.level == "grid"
    )
    before = rows_read(conn)
    around = read_neighbourhood(conn, found, ReplaceFromFile(named))
    assert len(around.drawing.leaves[0]) == len(named) == SIDE * SIDE
    assert rows_read(conn) - before < 60 * len(named)


def rows_read(conn: Connection) -> int:
    """By this transaction."""
    query = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    return int(conn.scalar(text(query)))
