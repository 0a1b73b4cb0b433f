"""The way to PostGIS: engine, metadata, SQL files, and the few statements that SQLAlchemy has no words for.

Transactions belong to the edge: a request or a verb opens one (`engine.begin()`), domain functions
take its connection and never commit.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format
from psycopg.rows import namedtuple_row
from sqlalchemy import (
    ClauseElement,
    Connection,
    Engine,
    MetaData,
    TextClause,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.sql.compiler import SQLCompiler

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
        pool_use_lifo=True,  # few connections at work know their statements better than many in turn
        connect_args={
            "options": "-c timezone=UTC",
            "connect_timeout": 5,
            "tcp_user_timeout": 10_000,  # ms; a server that vanished is given up, and another in its place is found
            "application_name": "wangge",
        },
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


def ping(conn: Connection) -> None:
    """A way to the server and back, without what SQLAlchemy does around a statement; psycopg.Error when there is none."""
    raw = conn.connection.dbapi_connection
    if raw is None:
        raise psycopg.OperationalError("the connection is gone")
    conn.dialect.do_ping(raw)


Question = tuple[ClauseElement, Mapping[str, Any]]
"""A statement and its values, for `ask_together`."""


def ask_together(conn: Connection, *questions: Question) -> list[list[Any]]:
    """The rows of several statements that are sent at once and waited for once.

    Each sees what those before it did. Beside the way there and back this saves what SQLAlchemy does around a statement,
    so that it serves single ones too. Statements are kept compiled: ask with those that are built once.
    """
    cursors = []
    with driver(conn).pipeline():
        for statement, values in questions:
            told, defaults = _compiled(statement)
            cursor = driver(conn).cursor(binary=True, row_factory=namedtuple_row)
            cursor.execute(told, {**defaults, **values}, prepare=True)
            cursors.append(cursor)
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


_POSTGRES_EPOCH = np.datetime64("2000-01-01", "us")
_INSTANTS = 1185
_ARRAYS: dict[str, tuple[int, int, str]] = {
    "<f8": (1022, 701, ">f8"),
    "<i8": (1016, 20, ">i8"),
    "<i4": (1007, 23, ">i4"),
    "|b1": (1000, 16, ">u1"),
    "<M8[us]": (_INSTANTS, 1184, ">i8"),
}
"""By numpy dtype: the OIDs of the array and of its element, and how an element travels."""


class ArrayDumper(Dumper):
    """One-dimensional numpy columns as PostgreSQL arrays in binary form, without a step per element.

    float64, int64, int32, bool and datetime64[us] (UTC); NaN, NaT and what a mask hides are NULL. As lists,
    elements are formatted one by one in Python, which is most of the cost of writing hundreds of rows.
    """

    format = Format.BINARY

    def get_key(self, obj: Any, format: PyFormat) -> Any:  # noqa: A002, ARG002  (the driver's name)
        return (self.cls, obj.dtype.str)

    def upgrade(self, obj: Any, format: PyFormat) -> "ArrayDumper":  # noqa: A002, ARG002
        dumper = ArrayDumper(self.cls)
        if obj.dtype.str not in _ARRAYS or obj.ndim != 1:
            raise psycopg.DataError(f"no array of {obj.dtype} in {obj.ndim} dimensions goes to the database")
        dumper.oid = _ARRAYS[obj.dtype.str][0]
        return dumper

    def dump(self, obj: Any) -> bytes:
        values, missing = _values(obj)
        _, element, kind = _ARRAYS[obj.dtype.str]
        if not len(values):
            return _array_head(0, 0, element)
        packed, mixed = _rows([(values, missing, np.dtype(kind))], 0)
        has_nulls = int(missing is not None)
        return _array_head(1, has_nulls, element, len(values), 1) + (
            packed.tobytes() if mixed is None else packed[mixed].tobytes()
        )


def _array_head(*words: int) -> bytes:
    return np.array(words, ">i4").tobytes()


Missing = NDArray[np.bool_] | None


def _values(column: NDArray[Any]) -> tuple[NDArray[Any], Missing]:
    """The values of a column as they travel, but for the order of their bytes, and which are missing; None: none is."""
    values = np.ma.getdata(column)
    missing: Any = np.ma.getmask(column) if isinstance(column, np.ma.MaskedArray) else None
    if missing is np.ma.nomask:
        missing = None
    kind = values.dtype.kind
    if kind in "fM":
        told = np.isnan(values) if kind == "f" else np.isnat(values)
        missing = told if missing is None else missing | told
    if kind == "M":
        values = (values - _POSTGRES_EPOCH).astype(np.int64)
    return values, missing if missing is not None and missing.any() else None


def _rows(
    columns: Sequence[tuple[NDArray[Any], Missing, np.dtype[Any]]], fields: int
) -> tuple[NDArray[np.uint8], Missing]:
    """Rows of bytes, each value after its length, and which of the bytes travel (a NULL has no value); None: all.

    `fields`: the number of fields that begins each row of a COPY; 0: none does. What is missing in every row
    takes no room at all.
    """
    count = len(columns[0][0])
    empty = [missing is not None and bool(missing.all()) for _, missing, _ in columns]
    kinds = tuple(None if nothing else kind for nothing, (_, _, kind) in zip(empty, columns, strict=True))
    told = np.empty(count, _row_type(kinds, fields))
    if fields:
        told["fields"] = fields
    mixed: list[tuple[int, int, NDArray[np.bool_]]] = []
    for n, (values, missing, kind) in enumerate(columns):
        if empty[n]:
            told[f"length{n}"] = -1
            continue
        told[f"length{n}"], told[f"value{n}"] = kind.itemsize, values
        if missing is not None:
            told[f"length{n}"][missing] = -1
            mixed.append((told.dtype.fields[f"value{n}"][1], kind.itemsize, missing))
    rows = told.view(np.uint8).reshape(count, told.dtype.itemsize)
    if not mixed:
        return rows, None
    kept = np.ones(rows.shape, bool)
    for begin, size, missing in mixed:
        kept[missing, begin : begin + size] = False
    return rows, kept


@cache
def _row_type(kinds: tuple[np.dtype[Any] | None, ...], fields: int) -> np.dtype[Any]:
    parts: list[tuple[str, Any]] = [("fields", ">i2")] if fields else []
    for n, kind in enumerate(kinds):
        parts.append((f"length{n}", ">i4"))
        if kind is not None:
            parts.append((f"value{n}", kind))
    return np.dtype(parts)


psycopg.adapters.register_dumper(np.ndarray, ArrayDumper)


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


def copy_columns(
    conn: Connection,
    table: str,
    columns: Mapping[str, NDArray[Any]],
    texts: Mapping[str, Sequence[bytes]] | None = None,
) -> None:
    """Write numpy columns of one length with COPY (binary format), of the types that ArrayDumper takes.

    `texts`: columns of values as they travel in binary form, none of them NULL: UTF-8 for text, after a byte 1 for jsonb.
    """
    texts = texts or {}
    names = sql.SQL(", ").join(map(sql.Identifier, [*columns, *texts]))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), names)
    kinds = (np.dtype(_ARRAYS[column.dtype.str][2]) for column in columns.values())
    told = [(*_values(column), kind) for column, kind in zip(columns.values(), kinds, strict=True)]
    rows, kept = _rows(told, len(columns) + len(texts))
    data = rows.tobytes() if kept is None else rows[kept].tobytes()
    if texts:
        widths = np.full(len(rows), rows.shape[1]) if kept is None else kept.sum(axis=1)
        data = _with_texts(data, np.cumsum(widths).tolist(), texts.values())
    with driver(conn).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\x00" + bytes(8) + data + b"\xff\xff")


def _with_texts(told: bytes, ends: Sequence[int], texts: Collection[Sequence[bytes]]) -> bytes:
    """Rows of fixed columns, which end there, each followed by its texts with their lengths."""
    lengths = (np.array([len(one) for one in column], ">i4").tobytes() for column in texts)
    columns = list(zip(texts, lengths, strict=True))
    parts: list[bytes] = []
    for row, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
        parts.append(told[begin:end])
        for column, length in columns:
            parts += (length[4 * row : 4 * row + 4], column[row])
    return b"".join(parts)


def read_arrays(
    conn: Connection, statement: TextClause, values: Mapping[str, Any]
) -> tuple[NDArray[Any], ...]:
    """The one row of a statement whose columns are arrays of numbers without NULLs, each as a numpy column.

    For thousands of rows: as rows, each value is made a Python object first. NULL in place of an array is an empty one.
    """
    with driver(conn).cursor(binary=True) as cursor:
        cursor.execute(_compiled(statement)[0], values)
        result = cursor.pgresult
        if result is None:
            raise ValueError("the statement gives no rows")
        return tuple(_read_array(result.get_value(0, n), result.ftype(n)) for n in range(result.nfields))


@cache
def _compiled(statement: ClauseElement) -> tuple[bytes, Mapping[str, Any]]:
    """As the driver has it, and the values that the statement brings itself."""
    told = statement.compile(dialect=make_url("postgresql+psycopg://").get_dialect()())
    if not isinstance(told, SQLCompiler):
        raise TypeError("a statement with values is asked, not one that defines tables")
    own = {name: bind.value for name, bind in told.binds.items() if not bind.required}
    return str(told).encode(), own


def _read_array(told: bytes | None, oid: int) -> NDArray[Any]:
    kind = np.dtype(next(kind for array, _, kind in _ARRAYS.values() if array == oid))
    rows = np.empty(0, [("length", ">i4"), ("value", kind)])
    if told is not None and len(told) > 12:
        if int.from_bytes(told[4:8], "big"):
            raise ValueError("an array with NULLs cannot be read as a column")
        rows = np.frombuffer(told, rows.dtype, offset=20)
    values = rows["value"].astype(kind.newbyteorder("="))
    return _POSTGRES_EPOCH + values.astype("timedelta64[us]") if oid == _INSTANTS else values


def plan_for_values(conn: Connection) -> None:
    """Statements of this transaction are planned for the values they are given, however often they ran before.

    For those that take NULL for “everybody”: a plan that fits both reads everything for a handful.
    """
    conn.execute(select(func.set_config("plan_cache_mode", "force_custom_plan", True)))


def ring(conn: Connection, channel: str) -> None:
    """Ring a bell without data on `channel`; it sounds when the transaction commits, once however often rung."""
    driver(conn).execute(sql.SQL("NOTIFY {}").format(sql.Identifier(channel)))


def listen(conn: Connection, channel: str) -> None:
    """Hear the bell on `channel` over this connection from now on; it must be in autocommit."""
    driver(conn).execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


async def hear(url: URL, channel: str) -> AsyncIterator[None]:
    """Yield once when listening has begun and after every bell on `channel`; psycopg.Error when the connection breaks.

    Bells that ring while the caller is busy are one. It holds one connection of its own, outside any pool.
    """
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    conn = await psycopg.AsyncConnection.connect(
        address, autocommit=True, connect_timeout=5, keepalives_idle=30
    )
    async with conn:
        await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield
        while True:
            async for _bell in conn.notifies(stop_after=1):  # and all that came with it
                pass
            yield
