"""One open page: its scope, and the frames that wait for it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from api import metrics
from api.live.board import Roots, roots_of
from people.access import Scope

MOST_WAITING: Final = 20

Permit = Callable[[Connection, Scope], Scope | None]
"""Asks again what a viewer of this scope may see; None: nothing any more. A look at more than before is recorded."""


Push = Callable[[bytes], bool]
"""Writes a chunk straight to the connection; False: it takes none now."""


def count(event: bytes) -> None:
    metrics.FRAMES.inc()
    metrics.FRAME_BYTES.inc(len(event))


@dataclass(frozen=True, slots=True)
class Frame:
    """An event for many viewers. `read_at`: when what it says was read, on the loop's clock."""

    event: bytes
    read_at: float
    chunk: bytes = field(init=False, repr=False)
    """The event as a chunk of HTTP, the same bytes for all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "chunk", b"%x\r\n%b\r\n" % (len(self.event), self.event))


@dataclass(eq=False)
class Viewer:
    """An open page."""

    key: str
    permit: Permit
    scope: Scope
    waiting: deque[Frame] = field(default_factory=deque)
    wants_snapshot: bool = False
    ended: bool = False
    refused: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    push: Push | None = None
    rests: bool = False
    """Everything told before is on its way, and its stream waits."""
    roots: Roots = field(init=False)

    def __post_init__(self) -> None:
        self.roots = roots_of(self.scope)

    def offer(self, frame: Frame) -> None:
        """Write a frame where nothing is before it, or queue it; too many waiting are given up for a snapshot."""
        if self.wants_snapshot or self.ended:
            return
        if self.rests and not self.waiting and self.push is not None and self.push(frame.chunk):
            count(frame.event)
            return
        if len(self.waiting) >= MOST_WAITING:
            self.start_over()
        else:
            self.waiting.append(frame)
            self.wake.set()

    def start_over(self) -> None:
        """Everything that waits is given up for a snapshot."""
        self.waiting.clear()
        self.wants_snapshot = True
        self.wake.set()

    def move_to(self, scope: Scope) -> None:
        """From now on it sees another scope."""
        self.scope, self.roots = scope, roots_of(scope)
        self.start_over()

    def end(self, *, refused: bool = False) -> None:
        """Finish the stream; a page that is refused is told so, any other comes back by itself."""
        self.waiting.clear()
        self.ended, self.refused = True, refused
        self.wake.set()
