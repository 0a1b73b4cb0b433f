"""The embedded PostgreSQL: a private cluster under the var directory, shared by all that use it, gone with the last.

Who does what. Every process that needs the database holds a shared lock on `users.lock`. One keeper
(`python -m core.cluster DIR LOCK`, holding `keeper.lock`) runs the server as its child, starts it again
when it dies, and stops it once it can take `users.lock` for itself, that is when the last user has
gone, by whatever signal. A user that finds the keeper gone starts another. Locks are the kernel's, so
nothing has to be cleaned up by hand after `kill -9` or a power cut.

The server runs unprivileged (as `postgres` when started by root) and is given its data directory as an
open descriptor (`/proc/self/fd/N`): it needs no right to walk the path, so a checkout under a 0700 home
or at the end of a very long path is fine. It listens on a Unix socket in a short directory of its own.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from core.errors import Refused, Unavailable

DATABASE = ROLE = "wangge"
EXTENSIONS = ("postgis", "btree_gist", "ltree")
START_S = 120
"""A server that replays its log after a crash may take a while; longer than this is reported."""


class Cluster:
    """The places of one installation's cluster; nothing here touches the disk."""

    def __init__(self, var_dir: Path) -> None:
        self.folder = var_dir.resolve() / "cluster"
        self.data = self.folder / "data"
        self.log = var_dir.resolve() / "log" / "postgresql.log"
        self.prepared = self.folder / "prepared"
        self.users_lock = self.folder / "users.lock"
        self.keeper_lock = self.folder / "keeper.lock"
        name = f"wangge-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]}"
        self.socket_dir = _runtime_dir() / name

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}@/{DATABASE}?host={self.socket_dir}"

    def admin(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection as the cluster's superuser, in autocommit."""
        return psycopg.connect(host=str(self.socket_dir), user="postgres", dbname=database, autocommit=True)


@contextmanager
def running_cluster(var_dir: Path) -> Iterator[str]:
    """The address of the installation's own PostGIS, running while the context lasts.

    Raises Unavailable with the end of the server's log when it does not come up.
    """
    cluster = Cluster(var_dir)
    cluster.folder.mkdir(parents=True, exist_ok=True)
    cluster.log.parent.mkdir(parents=True, exist_ok=True)
    with cluster.users_lock.open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        _ensure_keeper(cluster)
        _wait_until_ready(cluster)
        done = threading.Event()
        watch = threading.Thread(target=_watch_keeper, args=(cluster, done), daemon=True)
        watch.start()
        try:
            yield cluster.url
        finally:
            done.set()
            watch.join()


def _runtime_dir() -> Path:
    """Where sockets live: short, ours alone, emptied by a reboot."""
    if os.geteuid() == 0:
        return Path("/run")
    own = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    return own if own.is_absolute() and own.is_dir() and len(str(own)) < 60 else Path("/tmp")  # noqa: S108


def _ensure_keeper(cluster: Cluster) -> None:
    """Start a keeper unless one runs. It is born with the lock: however long it takes to come up, none is started twice."""
    with cluster.keeper_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
        keeper = [sys.executable, "-P", "-m", "core.cluster", str(cluster.folder.parent), str(lock.fileno())]
        with cluster.log.open("ab") as log:
            # Forked off: it belongs to nobody, ends with its last user and leaves no zombie here.
            subprocess.run(
                ["setsid", "--fork", *keeper],  # noqa: S607
                env=environ,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock.fileno(),),
                check=True,
            )


def _watch_keeper(cluster: Cluster, done: threading.Event) -> None:
    while not done.wait(1):
        with suppress(OSError, subprocess.SubprocessError):  # a full disk must not end the watch
            _ensure_keeper(cluster)


def _wait_until_ready(cluster: Cluster) -> None:
    deadline = time.monotonic() + START_S
    reason = "it did not start"
    while time.monotonic() < deadline:
        try:
            if cluster.prepared.exists():
                psycopg.connect(cluster.url, connect_timeout=5).close()
                return
        except psycopg.OperationalError as error:
            reason = str(error).strip()
        _ensure_keeper(cluster)
        time.sleep(0.1)
    tail = "\n".join(cluster.log.read_text("utf-8", "replace").splitlines()[-8:])
    raise Unavailable(
        f"the embedded PostgreSQL is not ready after {START_S} s: {reason}\n{cluster.log}:\n{tail}"
    )


# The keeper's side


def keep(var_dir: Path, lock: int) -> None:
    """Run the server until its last user has gone. `lock`: the descriptor of the keeper's lock, taken for us."""
    keeper = _Keeper(Cluster(var_dir))
    threading.Thread(target=keeper.stop_after_the_last_user, daemon=True).start()
    keeper.run()
    os.close(lock)


class _Keeper:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.account = _server_account()
        self.stopping = threading.Event()
        self.server: subprocess.Popen[bytes] | None = None
        self.users: int | None = None
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())

    def run(self) -> None:
        """Start, wait, start again: at once after a crash, with growing pauses when it keeps dying (a full disk)."""
        pause_s = 0.5
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                self._start()
                if self.server is not None:
                    self.server.wait()
            except (OSError, psycopg.Error, subprocess.CalledProcessError) as error:
                with suppress(OSError):  # the log's own disk may be the full one
                    print(f"wangge keeper: {error}", file=sys.stderr, flush=True)
                self._end_server()
            pause_s = 0.5 if time.monotonic() - started > 60 else min(pause_s * 2, 10)
            self.stopping.wait(pause_s)
        self._end_server()
        with suppress(OSError):
            self.cluster.socket_dir.rmdir()

    def stop(self) -> None:
        self.stopping.set()
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)  # fast shutdown: roll back, write, end

    def stop_after_the_last_user(self) -> None:
        self.users = os.open(self.cluster.users_lock, os.O_RDWR)
        fcntl.flock(self.users, fcntl.LOCK_EX)  # granted when nobody holds it any more; held until we end
        self.stop()

    def _end_server(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait()

    def _start(self) -> None:
        _make_socket_dir(self.cluster.socket_dir, self.account)
        self._clear_left_over_server()
        if not (self.cluster.data / "PG_VERSION").exists():
            self._make_cluster()
        options = {**_sized_to_machine(), **_FIXED, "unix_socket_directories": str(self.cluster.socket_dir)}
        arguments = [item for name, value in options.items() for item in ("-c", f"{name}={value}")]
        with _opened(self.cluster.data) as data:
            self.server = subprocess.Popen(
                [
                    *_as_account(self.account),
                    _binary("postgres", _version_of(self.cluster.data)),
                    "-D",
                    f"/proc/self/fd/{data}",
                    *arguments,
                ],
                pass_fds=(data,),
                cwd="/",
                stdin=subprocess.DEVNULL,
            )
        self._prepare()

    def _clear_left_over_server(self) -> None:
        """End a server that outlived its keeper: two postmasters must never share a data directory."""
        pid_file = self.cluster.data / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            pid = int(pid_file.read_text().splitlines()[0])
            if Path(f"/proc/{pid}/comm").read_text().strip() == "postgres" and _is_server_of(
                pid, self.cluster.data
            ):
                os.kill(pid, signal.SIGINT)
                for _ in range(600):
                    os.kill(pid, 0)
                    time.sleep(0.1)

    def _make_cluster(self) -> None:
        """`initdb` beside its place, then a rename: an interrupted one leaves nothing that looks whole."""
        for left_over in self.cluster.folder.glob("data.new.*"):
            shutil.rmtree(left_over)
        fresh = self.cluster.folder / f"data.new.{os.getpid()}"
        fresh.mkdir(mode=0o700)
        os.chown(fresh, self.account.pw_uid, self.account.pw_gid)
        with _opened(fresh) as data:
            options = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "peer", "--no-instructions"]
            subprocess.run(
                [*_as_account(self.account), _binary("initdb"), "-D", f"/proc/self/fd/{data}", *options],
                pass_fds=(data,),
                cwd="/",
                check=True,
            )
        (fresh / "pg_hba.conf").write_text("local all all peer map=wangge\n")
        names = {pwd.getpwuid(os.geteuid()).pw_name, self.account.pw_name}
        (fresh / "pg_ident.conf").write_text(
            "".join(f'wangge "{n}" postgres\nwangge "{n}" {ROLE}\n' for n in sorted(names))
        )
        fresh.rename(self.cluster.data)

    def _prepare(self) -> None:
        """Role, database and extensions, once; later starts find them there."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                with self.cluster.admin("template1") as conn:
                    _prepare_database(conn)
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.server is None or self.server.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                self.cluster.prepared.touch()
                return


_FIXED = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "max_connections": "100",
    "max_locks_per_transaction": "1024",  # a purge holds every expired daily partition with its indexes at once
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "jit": "off",
}


def _prepare_database(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        return
    for extension in EXTENSIONS:
        conn.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
    conn.execute(
        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE))
    )


def _sized_to_machine() -> dict[str, str]:
    """Memory settings from what this machine, or the container around us, has: a quarter shared, half expected cached."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    mb = total // 2**20
    return {
        "shared_buffers": f"{max(64, min(mb // 4, 8192))}MB",
        "effective_cache_size": f"{max(128, mb // 2)}MB",
        "maintenance_work_mem": f"{max(64, min(mb // 16, 1024))}MB",
        "work_mem": f"{max(4, min(mb // 400, 64))}MB",
        "max_parallel_workers_per_gather": str(min(4, max(1, (os.cpu_count() or 1) // 2))),
    }


def _server_account() -> pwd.struct_passwd:
    """Who the server runs as: ourselves, or `postgres` when we are root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError as error:
        raise Unavailable(
            "there is no user postgres to run the server as: install Debian's postgresql-15"
        ) from error


def _as_account(account: pwd.struct_passwd) -> list[str]:
    """The command's prefix that drops root and ties its life to ours: it shuts down when the keeper dies."""
    change = (
        ["--reuid", account.pw_name, "--regid", str(account.pw_gid), "--init-groups"]
        if os.geteuid() == 0
        else []
    )
    return ["setpriv", *change, "--pdeathsig", "INT", "--"]


def _version_of(data: Path) -> str:
    """The PostgreSQL that made this cluster; another one would refuse its files."""
    return (data / "PG_VERSION").read_text().strip()


def _binary(name: str, version: str = "*") -> str:
    """A program of PostgreSQL with PostGIS as Debian installed it: of this version, or of the newest."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"{version}/bin/{name}"), key=lambda path: int(path.parts[-3])
    )
    with_postgis = [
        p for p in found if Path(f"/usr/share/postgresql/{p.parts[-3]}/extension/postgis.control").exists()
    ]
    if not with_postgis:
        wanted = "15" if version == "*" else version
        raise Unavailable(
            f"PostgreSQL {wanted} with PostGIS is not installed: "
            f"apt-get install postgresql-{wanted} postgresql-{wanted}-postgis-3"
        )
    return str(with_postgis[-1])


def server_program(name: str) -> str:
    """The path of a client program (pg_dump, pg_restore) of the same PostgreSQL."""
    return _binary(name)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_socket_dir(folder: Path, account: pwd.struct_passwd) -> None:
    """A directory that only the server's account (and root) can enter; someone else's is refused, not used."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.pw_uid, account.pw_gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.pw_uid or found.st_mode & 0o077:
        raise Refused(f"{folder} is not a directory of {account.pw_name}'s alone: remove it and start again")


def _is_server_of(pid: int, data: Path) -> bool:
    return Path(f"/proc/{pid}/cwd").samefile(data)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))
