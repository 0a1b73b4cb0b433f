"""Pieces of work over many processes or machines; the one place that knows Dask.

Each piece is an ordinary function of a few words, since its data travel through the folder: a scheduler holds names, not
fixes, and a worker never more than a shard and its ground.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from analysis.coverage.beyond.work import Work, Worked, do_work
from core.errors import Unavailable

_AHEAD: Final = 3
"""Pieces under way for each worker: enough that none waits, few enough that days become whole one after the other."""

_HERE: Final = "127.0.0.1"
_QUIET: Final[dict[str, list[str]]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""No pages of Dask's own: they would tell whoever asks what is being computed."""


@dataclass(frozen=True)
class Workers:
    """`scheduler`: address of a Dask scheduler whose workers see the folder and this program; None: processes of this machine,
    `count` of them (None: one a core, 0: this process alone).
    """

    count: int | None = None
    scheduler: str | None = None


@contextmanager
def _client(workers: Workers, folder: Path) -> Iterator[Any]:
    """A client with its cluster; both are gone after the block."""
    import dask
    from distributed import Client, LocalCluster

    if workers.scheduler is not None:
        try:
            client = Client(workers.scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the scheduler {workers.scheduler} does not answer: {error}") from error
        with client:
            _check_workers(client, workers.scheduler, folder)
            yield client
        return
    count = (os.cpu_count() or 1) if workers.count is None else workers.count
    with (
        dask.config.set(_QUIET),
        LocalCluster(
            n_workers=max(count, 1),
            threads_per_worker=1,
            processes=count > 0,
            host=_HERE if count else None,  # a cluster inside this process has no address
            dashboard_address=f"{_HERE}:0",  # without one it would listen everywhere
            worker_dashboard_address=f"{_HERE}:0",
            security=True
            if count
            else None,  # TLS with keys of this run alone: another user of the machine is no client
            silence_logs=logging.ERROR,
            local_directory=str(folder / ".dask"),
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _check_workers(client: Any, address: str, folder: Path) -> None:
    """Unavailable where nobody works, or somebody lacks this program or the folder under the same path."""
    found = client.run(_sees, str(folder), on_error="return")
    if not found:
        raise Unavailable(f"the scheduler {address} has no workers")
    for worker, sees in sorted(found.items()):
        if isinstance(sees, Exception):
            raise Unavailable(f"{worker}: cannot run this program there: {sees}")
        if not sees:
            raise Unavailable(f"{worker}: there is no folder {folder}; every worker needs it under this path")


def _sees(folder: str) -> bool:
    return Path(folder).is_dir()


def spread(days: Iterable[Work], workers: Workers, folder: Path) -> Iterator[Worked]:
    """Do whole days (`shard` None): their shards in any order, then each day's joining. Yields every piece as it is done.

    A worker that dies loses the piece at hand, which another does; a piece that fails ends the run with its error.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    with _client(workers, folder) as client:
        left: dict[Any, int] = {}
        pieces = _pieces(days, left)
        under_way = as_completed(loop=client.loop)
        for _ in range(_AHEAD * max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)):
            _submit_next(client, under_way, pieces)
        for future in under_way:
            try:
                done: Worked = future.result()
            except KilledWorker as error:
                raise Unavailable(f"workers died over a piece of {error.task}: too little memory?") from error
            future.release()
            yield done
            if done.work.shard is not None:
                left[done.work.on] -= 1
                if not left[done.work.on]:
                    under_way.add(
                        client.submit(do_work, replace(done.work, shard=None), pure=False, priority=1)
                    )
                    continue
            _submit_next(client, under_way, pieces)


def _pieces(days: Iterable[Work], left: dict[Any, int]) -> Iterator[Work]:
    for day in days:
        left[day.on] = day.shards
        for shard in range(day.shards):
            yield replace(day, shard=shard)


def _submit_next(client: Any, under_way: Any, pieces: Iterator[Work]) -> None:
    piece = next(pieces, None)
    if piece is not None:
        under_way.add(client.submit(do_work, piece, pure=False))
