"""A throw-away embedded cluster for the tests, as an installation would have it, whose files may be looked through."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.cluster import Cluster, running_cluster


@contextmanager
def borrowed_cluster() -> Iterator[str]:
    """The address of a fresh cluster in a temporary var directory, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="wangge-test-", ignore_cleanup_errors=True) as folder,
        running_cluster(Path(folder)) as url,
    ):
        with Cluster(Path(folder)).admin("postgres") as superuser:
            superuser.execute("GRANT pg_checkpoint TO wangge")
        yield url
