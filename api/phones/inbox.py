"""Group commit: messages of many devices in one transaction, each answered after it. The hot path of the service.

While one transaction is written, the next messages gather; so a quiet service answers at once and a busy one
shares the cost of a commit among many. A message that breaks its transaction is found by giving each message
of that group a transaction of its own. Lives in the event loop of the service; a group is written by a thread.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import metrics
from api.errors import log_fault
from api.phones.requests import UnknownDevice
from api.pulse import EVERY_S, Pulse
from core.errors import Unavailable
from tracking.batches import Arrival
from tracking.checks import Rules
from tracking.devices import (
    Device,
    count_revoked,
    find_devices,
    resolve_gateways,
    token_hash,
)
from tracking.formats import Message, Report, UnknownFormat, gives_up, read_report
from tracking.ingest import Counts, IngestResult, Placing, ingest_reports
from tracking.roster import Memory, Roster
from tracking.signs import count_dropped

log = logging.getLogger(__name__)

MOST_WAITING = 5_000
MOST_BYTES_WAITING = 100_000_000
MOST_TOGETHER = 500
MOST_BYTES_TOGETHER = 1_000_000
GATHER_S, FEW, FEW_BYTES = 0.02, 50, 20_000
"""Where few wait, more are let gather for a moment: a transaction of ten costs nearly as much as one of a hundred."""
WRITERS, WORTH_ANOTHER = 2, 70_000
"""One prepares its group while the other waits for the database, once so many bytes wait that each has enough to do."""
_PAUSE_S = 0.5
"""How long a database that went away is left alone before a message tries it again."""
AWAY = (OperationalError, psycopg.OperationalError, PoolTimeout)
"""The database's own trouble, as SQLAlchemy tells it and as statements beside it do; no message's fault."""
_REFUSED = ("unknown_format", "revoked")
_HELD_S, _AGAIN_S = 8.0, 0.25
"""Whoever throws away what is refused waits ten seconds for an answer (OkHttp's default)."""
_MOST_HELD, _MOST_BYTES_HELD = 1_000, 16_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a committed message is answered with."""

    report: Report
    counts: Counts


Outcome = Answer | Exception
_Told = Callable[[Outcome], None]


@dataclass(slots=True, eq=False)
class _Letter:
    """A message on its way. `held_until`: by when a sender that gives up must be answered, whatever the answer."""

    credential: str
    message: Message
    own: bool
    answer: _Told
    answered: bool = False
    held_until: float | None = None

    @property
    def size(self) -> int:
        return len(self.message.body) + len(self.message.query)


class Inbox:
    """Takes messages in the event loop, and answers each when it is committed."""

    def __init__(
        self,
        engine: Engine,
        lookup: Placing | None,
        rules: Rules,
        clock: Callable[[], datetime],
        pulse: Pulse | None = None,
    ) -> None:
        self._engine, self._lookup, self._rules, self._clock = engine, lookup, rules, clock
        self._pulse = pulse
        self._letters: deque[_Letter] = deque()
        self._bytes = 0
        self._groups: dict[asyncio.Task[None], list[_Letter]] = {}
        self._threads = ThreadPoolExecutor(WRITERS, thread_name_prefix="inbox")
        self._roster = Roster()
        self._away_until = 0.0
        self._held = 0
        self._watch: asyncio.TimerHandle | None = None

    async def deliver(self, credential: str, message: Message, *, own: bool = False) -> Answer:
        """The answer, once committed.

        Unavailable when more wait already than can be taken in reasonable time, or while the database is away;
        UnknownDevice, UnknownFormat, Invalid for what is wrong with the message; else what the database said.
        A sender that throws away what is refused is kept waiting first, as long as it waits itself.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def tell(outcome: Outcome) -> None:
            if answer.done():  # whoever asked has gone
                return
            if isinstance(outcome, Answer):
                answer.set_result(outcome)
            else:
                answer.set_exception(outcome)

        self.post(credential, message, tell, own=own)
        return await answer

    def post(self, credential: str, message: Message, answer: _Told, *, own: bool = False) -> None:
        """As `deliver`, for whoever is told in the event loop by a call."""
        self._take(_Letter(credential, message, own, answer))

    def _take(self, letter: _Letter) -> None:
        if (refusal := self._refusal()) is not None:
            self._settle(letter, refusal)
            return
        self._letters.append(letter)
        self._bytes += letter.size
        if not self._groups or (len(self._groups) < WRITERS and self._bytes >= WORTH_ANOTHER):
            self._groups[asyncio.create_task(self._write())] = []
        if self._watch is None and self._pulse is not None:
            self._watch = asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def _refusal(self) -> Unavailable | None:
        """Why no message can be taken now."""
        if len(self._letters) >= MOST_WAITING or self._bytes >= MOST_BYTES_WAITING:
            return Unavailable("too many messages are waiting; send this one again later")
        if self._is_away() or time.monotonic() < self._away_until:
            return Unavailable("the database does not answer now; send this one again later")
        return None

    def _is_away(self) -> bool:
        return self._pulse is not None and self._pulse.is_away

    def _look(self) -> None:
        """Let go of all who wait once the database is away; ends when nobody waits."""
        self._watch = None
        if not self._groups:
            return
        self._watch = asyncio.get_running_loop().call_later(EVERY_S, self._look)
        if self._is_away():
            waiting = [*self._letters, *(letter for group in self._groups.values() for letter in group)]
            self._letters.clear()
            self._bytes = 0
            for letter in waiting:
                self._settle(letter, self._refusal() or Unavailable("the database was away; try again"))

    def _settle(self, letter: _Letter, outcome: Outcome) -> None:
        """Answer, or keep waiting whoever would throw its message away."""
        if letter.answered:
            return
        if isinstance(outcome, (Unavailable, *AWAY)) and self._holds(letter):
            asyncio.get_running_loop().call_later(_AGAIN_S, self._take_again, letter)
            return
        letter.answered = True
        if letter.held_until is not None:
            self._held -= 1
        try:
            letter.answer(outcome)
        except Exception as error:  # noqa: BLE001  (the others shall have their answers)
            log_fault(error)

    def _holds(self, letter: _Letter) -> bool:
        if letter.held_until is None:
            long = len(letter.message.body) > _MOST_BYTES_HELD
            if self._held >= _MOST_HELD or long or not gives_up(letter.message):
                return False
            self._held += 1
            letter.held_until = time.monotonic() + _HELD_S
        return time.monotonic() < letter.held_until

    def _take_again(self, letter: _Letter) -> None:
        if not letter.answered:  # by a transaction that was given up and came through
            self._take(letter)

    async def _write(self) -> None:
        """Write one group after another; no message may come between finding none left and being done."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("groups are written by a task")
        try:
            while group := self._next_group():
                self._groups[task] = group
                metrics.QUEUE.set(len(self._letters))
                for letter, outcome in zip(group, await self._outcomes(group), strict=True):
                    self._settle(letter, outcome)
                if len(self._letters) < FEW and self._bytes < FEW_BYTES:
                    await asyncio.sleep(GATHER_S)
        finally:
            del self._groups[task]

    async def _outcomes(self, group: Sequence[_Letter]) -> Sequence[Outcome]:
        """What each message is answered with; one way or another everybody is."""
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._threads, self._store, group)
        except Exception as error:  # noqa: BLE001  (nobody may wait for ever)
            if isinstance(error, AWAY):
                self._away_until = time.monotonic() + _PAUSE_S
            return [error] * len(group)
        if self._pulse is not None:
            self._pulse.hear()
        return outcomes

    def _next_group(self) -> list[_Letter]:
        """What waits now, as much as one transaction should hold."""
        group: list[_Letter] = []
        size = 0
        while self._letters and len(group) < MOST_TOGETHER and size < MOST_BYTES_TOGETHER:
            group.append(self._letters.popleft())
            size += group[-1].size
        self._bytes -= size
        return group

    def _store(self, group: Sequence[_Letter]) -> Sequence[Outcome]:
        """All in one transaction; when that breaks, each in its own, unless the database itself is away."""
        try:
            return self._commit(group)
        except AWAY:
            raise
        except Exception:
            if len(group) == 1:
                raise
            log.warning("group broken", extra={"messages": len(group)})
        outcomes: list[Outcome] = []
        for letter in group:
            try:
                outcomes += self._commit([letter])
            except Exception as error:  # noqa: BLE001  (this message's own fault)
                outcomes.append(error)
        return outcomes

    def _commit(self, group: Sequence[_Letter]) -> Sequence[Outcome]:
        began, now = time.perf_counter(), self._clock()
        with self._engine.begin() as conn:
            memory = self._roster.recall(conn)
            outcomes, arrivals = _read(conn, group, memory)
            result = ingest_reports(conn, self._lookup, arrivals, now=now, rules=self._rules, memory=memory)
            left_out = _left_out(conn, group, outcomes, arrivals)
            count_dropped(conn, left_out, now)
        counts = iter(zip(arrivals, result.by_source, strict=True))
        answers: list[Outcome] = []
        for refused in outcomes:
            if refused is None:
                arrival, counted = next(counts)
                answers.append(Answer(arrival.report, counted))
            else:
                answers.append(refused)
        _count(result, left_out, time.perf_counter() - began)
        return answers


def _read(
    conn: Connection, group: Sequence[_Letter], memory: Memory
) -> tuple[list[Exception | None], list[Arrival]]:
    """For each message why it is refused, or None; and those not refused, with their devices and reports."""
    senders = _find_senders(conn, [letter.credential for letter in group], memory)
    outcomes: list[Exception | None] = []
    read: list[tuple[Device, Report]] = []
    for letter, sender in zip(group, senders, strict=True):
        try:
            if sender is None:
                raise UnknownDevice  # noqa: TRY301
            read.append((sender, read_report(letter.message, sender.profile, own=letter.own)))
            outcomes.append(None)
        except Exception as error:  # noqa: BLE001  (this message's own fault)
            outcomes.append(error)
    return outcomes, [Arrival(device, report) for device, report in resolve_gateways(conn, read)]


def _find_senders(conn: Connection, credentials: Sequence[str], memory: Memory) -> list[Device | None]:
    """The device of each credential, from memory where it is there."""
    keys = [token_hash(credential) for credential in credentials]
    asked = {
        credential: key
        for key, credential in zip(keys, credentials, strict=True)
        if key not in memory.devices
    }
    if asked:
        found = find_devices(conn, list(asked))
        memory.devices.update((asked[credential], device) for credential, device in found.items())
    return [memory.devices.get(key) for key in keys]


def _left_out(
    conn: Connection,
    group: Sequence[_Letter],
    outcomes: Sequence[Exception | None],
    arrivals: Sequence[Arrival],
) -> list[str]:
    """Why nothing of a message is kept, for each such message of a device that is or was known here."""
    reasons = [arrival.report.ignored for arrival in arrivals if arrival.report.ignored is not None]
    reasons += ["unknown_format" for error in outcomes if isinstance(error, UnknownFormat)]
    unknown = [
        letter.credential
        for letter, error in zip(group, outcomes, strict=True)
        if isinstance(error, UnknownDevice)
    ]
    return reasons + ["revoked"] * (count_revoked(conn, unknown) if unknown else 0)


def _count(result: IngestResult, left_out: Sequence[str], commit_s: float) -> None:
    total = result.total
    metrics.stored(
        accepted=total.accepted,
        known=total.known,
        flagged=result.flagged,
        dropped=result.dropped,
        batch=total.accepted + total.flagged + total.known + total.dropped,
        commit_s=commit_s,
    )
    for reason in left_out:
        (metrics.REFUSED if reason in _REFUSED else metrics.IGNORED).labels(reason).inc()
