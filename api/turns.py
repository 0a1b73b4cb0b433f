"""Requests take turns at the database's connections, waiting where it costs no thread.

Each step of a request that may block runs in one of some forty threads. Were a connection waited for in a thread, a
hundred requests at once (pages that come back after a restart) would fill all of them with waiting, and those who have
a connection would find no thread to go on in: nobody moves until the pool's patience ends.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from core.errors import Unavailable

LONGEST_S: Final = 20.0
OTHERS: Final = 3
"""Connections that are left to the phones' messages and the live map."""


class Turns:
    """Who may hold one of the pool's connections. Each event loop that serves has turns of its own."""

    def __init__(self, pool_size: int) -> None:
        self._count = max(1, pool_size - OTHERS)
        self._of: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One's turn, in the order of asking; Unavailable when it does not come."""
        free = self._of.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._count))
        try:
            async with asyncio.timeout(LONGEST_S):
                await free.acquire()
        except TimeoutError:
            raise Unavailable("too many requests are waiting; try again in a moment") from None
        try:
            yield
        finally:
            free.release()
