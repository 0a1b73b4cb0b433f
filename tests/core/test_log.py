"""Logs say what broke and where, and never with what values."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from api.errors import log_fault
from core.log import JsonLines

SECRETS = ("121.4737", "31.2304", "tok-5f2c9a", "13800000000")


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """Every line as it would be written."""
    written: list[dict[str, object]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(JsonLines().format(record)))

    keep = Keep()
    logging.getLogger().addHandler(keep)
    yield written
    logging.getLogger().removeHandler(keep)


def of_a_number() -> None:
    float("121.4737,31.2304")


def of_a_key() -> None:
    {}["tok-5f2c9a"]


def of_our_own() -> None:
    raise RuntimeError("w1 at 121.4737, 31.2304 with tok-5f2c9a, phone 13800000000")


@pytest.mark.parametrize("broken", [of_a_number, of_a_key, of_our_own])
def test_a_fault_is_told_without_its_words(
    broken: Callable[[], None], lines: list[dict[str, object]]
) -> None:
    with pytest.raises((ValueError, KeyError, RuntimeError)) as caught:
        broken()
    log_fault(caught.value)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=caught.value)
    assert [line["room"] for line in lines] == ["api.errors", "uvicorn.error"]
    assert all(broken.__name__ in str(line["frames"]) for line in lines)
    assert not [secret for secret in SECRETS if secret in json.dumps(lines)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT CAST(:value AS double precision)",
        "INSERT INTO person (code, name) VALUES (:value, 'x'), (:value, 'y')",
        "SELECT ST_GeomFromText(:value)",
    ],
)
def test_the_databases_words_are_not_repeated(
    conn: Connection, query: str, lines: list[dict[str, object]]
) -> None:
    with pytest.raises(SQLAlchemyError) as caught:
        conn.execute(text(query), {"value": "121.4737 tok-5f2c9a"})
    assert "121.4737" in str(caught.value)
    log_fault(caught.value)
    (line,) = lines
    assert line["kind"]
    assert not [secret for secret in SECRETS if secret in json.dumps(line)]


def test_a_task_that_nobody_waited_for_is_told_without_its_words(lines: list[dict[str, object]]) -> None:
    async def forget() -> None:
        task = asyncio.create_task(asyncio.to_thread(of_our_own))
        await asyncio.wait([task])  # which asks for no result
        del task

    asyncio.run(forget())
    import gc

    gc.collect()
    assert lines, "asyncio told of it"
    assert not [secret for secret in SECRETS if secret in json.dumps(lines)]
