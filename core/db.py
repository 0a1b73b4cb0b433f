"""The way to PostGIS: engine, metadata, SQL files, and the few statements that SQLAlchemy has no words for.

Transactions belong to the edge: a request or a verb opens one (`engine.begin()`), domain functions
take its connection and never commit.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, MetaData, TextClause, create_engine, text
from sqlalchemy.engine import URL, make_url

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of every room; each is declared in the room that owns and writes it."""


def read_url(url: str) -> URL:
    """A postgres:// or postgresql:// address as one that uses psycopg 3."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")


def make_engine(url: str, *, pool_size: int = 10) -> Engine:
    """A pool of connections in UTC. A lost server is noticed when a connection is taken, not in the middle of work."""
    return create_engine(
        read_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 5, "application_name": "wangge"},
    )


@cache
def sql_file(package: str, name: str) -> TextClause:
    """The statement in `<package>/sql/<name>.sql`, with `:named` binds."""
    return text((files(package) / "sql" / f"{name}.sql").read_text("utf-8"))


def driver(conn: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection under `conn`, inside the same transaction."""
    raw = conn.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError(f"expected a psycopg connection, got {type(raw)}")
    return raw


def copy_rows(conn: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write rows with COPY (text format) into `table`; returns how many."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with driver(conn).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def ring(conn: Connection, channel: str) -> None:
    """Ring a bell without data on `channel`; it sounds when the transaction commits, once however often rung."""
    driver(conn).execute(sql.SQL("NOTIFY {}").format(sql.Identifier(channel)))


def listen(conn: Connection, channel: str) -> None:
    """Hear the bell on `channel` over this connection from now on; it must be in autocommit."""
    driver(conn).execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


async def hear(url: URL, channel: str) -> AsyncIterator[None]:
    """Yield once when listening has begun and once for every bell on `channel`; psycopg.Error when the connection breaks.

    It holds one connection of its own, outside any pool.
    """
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    conn = await psycopg.AsyncConnection.connect(
        address, autocommit=True, connect_timeout=5, keepalives_idle=30
    )
    async with conn:
        await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield
        async for _bell in conn.notifies():
            yield
