"""Group commit: messages of many devices in one transaction, each answered after it. The hot path of the service.

While one transaction commits, the next messages gather; so a quiet service answers at once and a busy one
shares the cost of a commit among many. A message that breaks its transaction is found by giving each
message of that group a transaction of its own.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from api.devices import UnknownDevice
from core.errors import Unavailable
from tracking.batches import Arrival
from tracking.checks import Rules
from tracking.devices import find_devices
from tracking.formats import Message, Report, read_report
from tracking.ingest import Counts, Placing, ingest_reports

log = logging.getLogger(__name__)

MOST_WAITING = 5_000
MOST_TOGETHER = 300
MOST_BYTES_TOGETHER = 4_000_000
_IDLE_S = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a committed message is answered with."""

    report: Report
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Letter:
    credential: str
    message: Message
    own: bool
    answer: Future[Answer]


class Inbox:
    """Takes messages from any thread. Its own thread lives while there is something to do."""

    def __init__(
        self, engine: Engine, lookup: Placing | None, rules: Rules, clock: Callable[[], datetime]
    ) -> None:
        self._engine, self._lookup, self._rules, self._clock = engine, lookup, rules, clock
        self._letters: queue.Queue[_Letter] = queue.Queue(MOST_WAITING)
        self._awake = threading.Lock()
        self._writer: threading.Thread | None = None

    def submit(self, credential: str, message: Message, *, own: bool = False) -> Future[Answer]:
        """The answer, once committed. Unavailable when more wait already than can be taken in reasonable time.

        It fails with UnknownDevice, UnknownFormat, Invalid, or what the database said.
        """
        letter = _Letter(credential, message, own, Future())
        try:
            self._letters.put_nowait(letter)
        except queue.Full:
            raise Unavailable("too many messages are waiting; send this one again later") from None
        with self._awake:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="inbox", daemon=True)
                self._writer.start()
        return letter.answer

    def _write(self) -> None:
        while group := self._next_group():
            taken = [letter for letter in group if letter.answer.set_running_or_notify_cancel()]
            try:
                self._store(taken)
            except BaseException as error:  # noqa: BLE001  (nobody may wait for ever)
                _fail(taken, error)

    def _next_group(self) -> list[_Letter]:
        """What waits now, at least one message; nothing when none came for a while, and then this thread ends."""
        try:
            group = [self._letters.get(timeout=_IDLE_S)]
        except queue.Empty:
            with self._awake:
                if self._letters.empty():
                    self._writer = None
                    return []
            return self._next_group()
        size = len(group[0].message.body)
        while len(group) < MOST_TOGETHER and size < MOST_BYTES_TOGETHER:
            try:
                group.append(self._letters.get_nowait())
            except queue.Empty:
                break
            size += len(group[-1].message.body)
        return group

    def _store(self, group: Sequence[_Letter]) -> None:
        """All in one transaction; when that breaks, each in its own, unless the database itself is away."""
        try:
            self._commit(group)
        except OperationalError:
            raise
        except Exception:
            if len(group) == 1:
                raise
            log.warning("group broken", extra={"messages": len(group)})
            for letter in group:
                try:
                    self._commit([letter])
                except Exception as error:  # noqa: BLE001  (this message's own fault)
                    _fail([letter], error)

    def _commit(self, group: Sequence[_Letter]) -> None:
        refused: list[tuple[_Letter, Exception]] = []
        with self._engine.begin() as conn:
            read = self._read(conn, group, refused)
            arrivals = [arrival for _, arrival in read]
            result = ingest_reports(conn, self._lookup, arrivals, now=self._clock(), rules=self._rules)
        for letter, error in refused:
            letter.answer.set_exception(error)
        for (letter, arrival), counts in zip(read, result.by_source, strict=True):
            letter.answer.set_result(Answer(arrival.report, counts))

    def _read(
        self, conn: Connection, group: Sequence[_Letter], refused: list[tuple[_Letter, Exception]]
    ) -> list[tuple[_Letter, Arrival]]:
        """Each message with its device and report; those of unknown devices and unreadable ones are refused."""
        known = find_devices(conn, [letter.credential for letter in group])
        read: list[tuple[_Letter, Arrival]] = []
        for letter in group:
            try:
                if (sender := known.get(letter.credential)) is None:
                    raise UnknownDevice  # noqa: TRY301
                report = read_report(letter.message, sender.profile, own=letter.own)
                read.append((letter, Arrival(sender, report)))
            except Exception as error:  # noqa: BLE001  (this message's own fault)
                refused.append((letter, error))
        return read


def _fail(letters: Sequence[_Letter], error: BaseException) -> None:
    for letter in letters:
        if not letter.answer.done():
            letter.answer.set_exception(error)
