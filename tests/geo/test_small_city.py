"""The tests' own city is what its words say."""

from sqlalchemy import Connection

from geo.lookup import Lookup
from tests.city import centre, code_at, publish_small_city


def test_every_square_is_placed_where_the_words_say(conn: Connection) -> None:
    publish_small_city(conn)
    lookup = Lookup(conn)
    for column, row in ((0, 0), (3, 4), (4, 4), (7, 7)):
        placed = {each.network: each for each in lookup.place(*centre(column, row))}
        chain = [unit.code for unit in placed["governance"].units if unit.kind == "territorial"]
        assert sorted(chain, key=len) == [
            code_at(column, row, level) for level in ("district", "street", "community", "grid", "microgrid")
        ]
        assert placed["police"].status == ("outside" if column == 7 else "inside")
