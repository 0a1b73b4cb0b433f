"""The embedded PostgreSQL survives what machines and people do to it."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.cluster import Cluster, running_cluster


@pytest.fixture
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """At the end of a path longer than a socket address may be, below a directory nobody else may enter."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    deep = closed / ("a" * 150)
    deep.mkdir()
    yield deep
    wait_until_stopped(Cluster(deep))


def holders(cluster: Cluster) -> dict[int, int]:
    """Processes that work in the cluster's data directory, and whose each is. They come and go meanwhile."""
    if not cluster.data.exists():
        return {}
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").samefile(cluster.data):
                found[int(process.name)] = process.stat().st_uid
        except OSError:
            continue
    return found


def wait_until_stopped(cluster: Cluster) -> None:
    """No server, and no keeper either."""
    deadline = time.monotonic() + 60
    with cluster.keeper_lock.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.monotonic() < deadline, "the server outlived its last user"
                time.sleep(0.05)
            else:
                break
    assert holders(cluster) == {}


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


def wait_for_another(cluster: Cluster, left: int) -> None:
    """Until a new keeper has put a server of its own in place of the one that was left alone."""
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError, IndexError, ValueError):  # the file comes and goes with the server
            if postmaster(cluster) != left:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def insert_until_it_works(url: str, value: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as conn:
                conn.execute("INSERT INTO kept VALUES (%s)", [value])
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def test_it_runs_below_a_closed_and_long_path_is_unprivileged_and_stops_with_its_last_user(
    var_dir: Path,
) -> None:
    cluster = Cluster(var_dir)
    with running_cluster(var_dir) as url:
        with psycopg.connect(url) as conn:
            one = conn.execute(
                "SELECT current_setting('server_encoding'), current_setting('fsync'), current_setting('listen_addresses')"
            )
            assert one.fetchone() == ("UTF8", "on", "")
            assert conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
                False,
            )
        with running_cluster(var_dir) as second:
            assert second == url
        owners = set(holders(cluster).values())
        assert owners, "the first user still holds it"
        assert 0 not in owners
    wait_until_stopped(cluster)
    assert not cluster.socket_dir.exists()


def test_one_keeper_is_started_however_long_it_takes_to_come_up(
    var_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, run = [], subprocess.run

    def count(command: list[str], **how: Any) -> Any:
        started.append(command)
        return run(command, **how)

    monkeypatch.setattr(subprocess, "run", count)
    with running_cluster(var_dir):
        assert len(started) == 1


def test_it_comes_back_by_itself_after_kill_9_of_the_server_and_of_its_keeper(var_dir: Path) -> None:
    cluster = Cluster(var_dir)
    with running_cluster(var_dir) as url:
        with psycopg.connect(url) as conn:
            conn.execute("CREATE TABLE kept (value int)")
        insert_until_it_works(url, 1)
        os.kill(postmaster(cluster), signal.SIGKILL)
        insert_until_it_works(url, 2)
        left = postmaster(cluster)
        os.kill(parent_of(left), signal.SIGKILL)
        wait_for_another(cluster, left)
        insert_until_it_works(url, 3)
        with psycopg.connect(url) as conn:
            assert conn.execute("SELECT array_agg(value ORDER BY value) FROM kept").fetchone() == ([1, 2, 3],)


def test_a_user_killed_without_goodbye_leaves_nothing_running(var_dir: Path) -> None:
    cluster = Cluster(var_dir)
    child = os.fork()
    if child == 0:
        with running_cluster(var_dir):
            time.sleep(600)
        os._exit(0)
    try:
        deadline = time.monotonic() + 60
        while not (cluster.data / "postmaster.pid").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    wait_until_stopped(cluster)


def test_a_half_made_cluster_is_made_anew(var_dir: Path) -> None:
    half = var_dir / "cluster" / "data.new.1"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")
    with running_cluster(var_dir) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert not half.exists()


def fill_up(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    while True:
        conn.execute("INSERT INTO filler SELECT repeat(md5(n::text), 30) FROM generate_series(1, 5000) n")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.full
def test_it_comes_back_by_itself_once_a_full_disk_is_freed(tmp_path: Path) -> None:
    """On a small disk of its own (a tmpfs, which takes root to mount)."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", tmp_path], check=True)
    try:
        ballast = tmp_path / "ballast"
        ballast.write_bytes(b"0" * 60_000_000)
        with running_cluster(tmp_path) as url:
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute("CREATE TABLE kept (value int)")
                conn.execute("CREATE TABLE filler (text text)")
                insert_until_it_works(url, 1)
                with pytest.raises(psycopg.Error):
                    fill_up(conn)
            time.sleep(3)
            ballast.unlink()
            insert_until_it_works(url, 2)
            with psycopg.connect(url) as conn:
                assert conn.execute("SELECT array_agg(value ORDER BY value) FROM kept").fetchone() == (
                    [1, 2],
                )
        wait_until_stopped(Cluster(tmp_path))
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)
