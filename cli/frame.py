"""What every verb shares: the database, messages on stderr, progress, and the exit codes.

0 done; 1 finished, with findings; 2 wrong usage or bad input, with the reason on stderr.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, OperationalError

from core.db import make_engine
from core.errors import Invalid
from core.settings import Settings

DONE, WITH_FINDINGS, BAD_INPUT = 0, 1, 2


def say(text: str) -> None:
    """A line for the person at the terminal; stdout stays for results."""
    print(text.translate(_ESCAPED), file=sys.stderr, flush=True)


_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
"""A file's name or a value in it must not steer the terminal; line breaks and tabs may."""


def explain(error: Exception) -> str | None:
    """An error in words, where it is the input's or the database's; None where it is a fault of this program."""
    if isinstance(error, UnicodeEncodeError):
        return f"“{ascii(error.object)[1:60]}” is no UTF-8 text"
    if isinstance(error, DataError):
        return f"a value cannot be stored: {str(error.orig).partition(chr(10))[0]}"
    if isinstance(error, OperationalError):
        return f"the database: {str(error.orig).partition(chr(10))[0]}; nothing was written"
    return None


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The address of the database in use: the operator's, or the embedded cluster's, running while the context lasts."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    from core.cluster import running_cluster

    with running_cluster(settings.var_dir) as url:
        yield url


@contextmanager
def open_engine(settings: Settings) -> Iterator[Engine]:
    """An engine on the database in use, its schema brought up to date first."""
    from migrations.upgrade import upgrade_schema

    with open_database(settings) as url:
        engine = make_engine(url, pool_size=settings.pool_size)
        try:
            upgrade_schema(engine)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` that takes its place when the block ends well: never half a file."""
    if not path.name or path.is_dir():
        raise Invalid(f"{path}: cannot be written: Is a directory; name a file")
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise Invalid(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


class Progress:
    """`12,000 of 40,000 rows` on one terminal line, a few times a second; silent when stderr is no terminal."""

    def __init__(self, what: str, total: int | None = None) -> None:
        self.what, self.total, self.done = what, total, 0
        self._shown_at = 0.0

    def step(self, count: int = 1) -> None:
        self.done += count
        if sys.stderr.isatty() and time.monotonic() - self._shown_at > 0.2:
            self._shown_at = time.monotonic()
            of = f" of {self.total:,}" if self.total is not None else ""
            sys.stderr.write(f"\r{self.done:,}{of} {self.what}\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def print_table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Columns aligned for a terminal, Chinese letters counted as two wide."""
    cells = [head, *[tuple("" if value is None else str(value) for value in row) for row in rows]]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join(text + " " * (widths[i] - _width(text)) for i, text in enumerate(row)).rstrip())


def _width(text: str) -> int:
    return sum(2 if ord(letter) >= 0x1100 else 1 for letter in text)
