"""A throw-away embedded cluster for the tests, as an installation would have it, whose files may be looked through."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.cluster import Cluster, running_cluster

MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 8 * 2**30
"""Each database is hundreds of files, which memory makes in a twentieth of a disk's time; the log grows to 4 GB."""


@contextmanager
def borrowed_cluster() -> Iterator[str]:
    """The address of a fresh cluster in a temporary var directory, gone afterwards.

    It outlives no power cut, which would end the tests as well: what must is tested on clusters of its own.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_IN_MEMORY
    with (
        tempfile.TemporaryDirectory(
            prefix="wangge-test-", dir=MEMORY if roomy else None, ignore_cleanup_errors=True
        ) as folder,
        running_cluster(Path(folder)) as url,
    ):
        with Cluster(Path(folder)).admin("postgres") as superuser:
            superuser.execute("GRANT pg_checkpoint TO wangge")
            superuser.execute("ALTER ROLE wangge SET wal_compression = off")
            for durable in ("fsync", "full_page_writes", "synchronous_commit"):
                superuser.execute(f"ALTER SYSTEM SET {durable} = off")
            superuser.execute("SELECT pg_reload_conf()")
        yield url
