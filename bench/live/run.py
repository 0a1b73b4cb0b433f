"""The trials: ours under the whole city, a plain fan-out at the most it bears, and how far ours goes."""

import http.client
import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from bench.crowd import Crowd, crowded_city
from bench.live.processes import Service, free_port, make_token, run_module, serve_command, serving
from bench.live.told import Told, read_told
from bench.report import Report
from core.settings import Settings

WORKERS, VIEWERS, INTERVAL_S, SECONDS = 10_000, 50, 10, 30
PLAIN_LOADS = (100, 200, 400, 600, 800, 1000)
PLAIN_SECONDS = 10
PHONES_EACH = 20
"""Phones that share a connection, one after the other: fewer connections than phones, as behind a proxy."""
FARTHER = ((10_000, 200), (25_000, 100), (50_000, 200))
KEEPS_UP_S = 3.0
"""Who tells a position later than this, in one of twenty, does not bear the load."""
Serve = Callable[[int], list[str]]


@dataclass(frozen=True)
class Load:
    """`apart`: a process of its own tells the viewers, so that what telling costs is seen alone."""

    workers: int
    viewers: int
    interval_s: float = INTERVAL_S
    seconds: float = SECONDS
    apart: bool = False
    kept: int = VIEWERS


@dataclass(frozen=True)
class Trial:
    """What a load became. CPU in seconds: of the teller and of its database connections."""

    load: Load
    told: Told
    spent_s: float
    database_s: float
    refused: int
    late_s: float

    @property
    def delivered(self) -> int:
        return self.told.positions * self.load.viewers

    @property
    def cpu_us(self) -> float:
        """Of CPU, by position delivered."""
        return (self.spent_s + self.database_s) / max(self.delivered, 1) * 1e6

    @property
    def keeps_up(self) -> bool:
        """All positions sent came, on every screen, and soon."""
        sent = self.load.workers / self.load.interval_s * self.load.seconds
        return (
            not self.refused
            and self.told.positions > 0.9 * sent
            and not self.told.differ
            and self.told.latency_s(95) < KEEPS_UP_S
        )


def run(report: Report, settings: Settings) -> None:
    """Headline: CPU by position delivered, a plain fan-out's at its largest load over ours under the whole city."""
    with crowded_city(settings, WORKERS) as (engine, crowd):
        token = make_token(engine)
        ours = attempt(engine, crowd, token, Load(WORKERS, VIEWERS, apart=True))
        plain = largest_plain(engine, crowd, token)
        report.tell(
            f"CPU a position delivered, {WORKERS:,} workers every {INTERVAL_S} s, {VIEWERS} viewers",
            ours.cpu_us,
            "µs",
            baseline=f"a frame a position and viewer, at most {_rate(plain):,.0f} positions/s: {plain.cpu_us:.3g} µs",
            ratio=plain.cpu_us / ours.cpu_us,
        )
        same = attempt(engine, crowd, token, plain.load)
        report.tell(
            f"the same at the plain one's {_rate(plain):,.0f} positions/s",
            same.cpu_us,
            "µs",
            baseline=f"plain {plain.cpu_us:.3g} µs",
            ratio=plain.cpu_us / same.cpu_us,
        )
        whole = attempt(engine, crowd, token, Load(WORKERS, VIEWERS))
        tell_trial(report, whole)
        for trial, name in ((ours, "apart"), (plain, "plain"), (same, "same load"), (whole, "whole service")):
            report.check_equal(f"final states of the viewers, {name}", trial.told.differ)
        tell_farther(report, engine, crowd, token)
    for workers, viewers in FARTHER[1:]:
        with crowded_city(settings, workers) as (engine, crowd):
            tell_short(report, attempt(engine, crowd, make_token(engine), Load(workers, viewers, kept=4)))


def tell_farther(report: Report, engine: Engine, crowd: Crowd, token: str) -> None:
    workers, viewers = FARTHER[0]
    tell_short(report, attempt(engine, crowd, token, Load(workers, viewers, kept=4)))


def largest_plain(engine: Engine, crowd: Crowd, token: str) -> Trial:
    """The plain fan-out under more and more positions a second, up to the last load it bears."""
    best = None
    for rate in PLAIN_LOADS:
        workers = min(rate * INTERVAL_S, len(crowd.tokens))
        load = Load(workers, VIEWERS, seconds=PLAIN_SECONDS, apart=True)
        trial = attempt(engine, crowd, token, load, tell_by=plain_command)
        if best is not None and not trial.keeps_up:
            break
        best = trial
    if best is None:
        raise ValueError("no load was tried")
    return best


def plain_command(port: int) -> list[str]:
    return [sys.executable, "-m", "bench.live.plain", str(port)]


def attempt(engine: Engine, crowd: Crowd, token: str, load: Load, *, tell_by: Serve = serve_command) -> Trial:
    """Phones send for a while, viewers watch; what was acknowledged is held against what each viewer saw."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wangge-bench-")))
        port = free_port()
        door = stack.enter_context(serving(engine, serve_command(port), port))
        some = save_crowd(crowd, load.workers, folder)
        phones(door, some, seconds=1, folder=folder).wait()  # it has its connections open now
        teller = door
        if load.apart:
            port = free_port()
            teller = stack.enter_context(serving(engine, tell_by(port), port))
        asked = {"port": teller.port, "token": token, "viewers": load.viewers, "kept": load.kept}
        watching = run_module(
            "viewers",
            asked | {"out": str(folder / "seen")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if watching.stdout is None or watching.stdout.readline() != b"ready\n":
            raise ValueError("no viewer got a snapshot")
        before = teller.spent_s()
        sending = phones(door, some, seconds=load.seconds, folder=folder, interval_s=load.interval_s)
        sending.wait()
        settle(load)
        after = teller.spent_s()
        truth = state_now(teller, token)
        watching.communicate()
        log = np.load(folder / "acked.npz")
        told = read_told(pickle.loads((folder / "seen").read_bytes()), log, truth)  # noqa: S301  (written by our own)
    spent_s, database_s = (now - then for now, then in zip(after, before, strict=True))
    return Trial(
        load, told, spent_s, database_s, int(log["refused"]), float(np.percentile(log["late_s"], 95))
    )


def settle(load: Load) -> None:
    """What was acknowledged last reaches the screens."""
    time.sleep(2.5 if load.apart else 2)


def save_crowd(crowd: Crowd, count: int, folder: Path) -> Path:
    path = folder / "crowd.npz"
    np.savez(path, tokens=np.array(crowd.tokens[:count]), start=crowd.start[:count])
    return path


def phones(
    door: Service, crowd: Path, *, seconds: float, folder: Path, interval_s: float = INTERVAL_S
) -> subprocess.Popen[bytes]:
    asked = {"port": door.port, "crowd": str(crowd), "interval_s": interval_s, "seconds": seconds}
    return run_module("phones", asked | {"phones_each": PHONES_EACH, "out": str(folder / "acked.npz")})


def state_now(service: Service, token: str) -> dict[str, Any]:
    """What /v1/live/now says."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", "/v1/live/now", headers={"Authorization": f"Bearer {token}"})
    found: dict[str, Any] = json.load(connection.getresponse())
    connection.close()
    return found


def tell_trial(report: Report, trial: Trial) -> None:
    load, told = trial.load, trial.told
    name = f"{load.workers:,} workers, {load.viewers} viewers"
    share = (trial.spent_s / load.seconds * 100, trial.database_s / load.seconds * 100)
    report.tell(f"acknowledgement to frame, median, {name}", told.latency_s(50), "s")
    report.tell(f"acknowledgement to frame, p95, {name}", told.latency_s(95), "s")
    report.tell("fixes acknowledged", told.acknowledged / load.seconds, "a second")
    report.tell("frames a viewer", told.frames / load.viewers / load.seconds, "a second")
    report.tell("bytes a viewer", told.frame_bytes / max(told.kept, 1) / load.seconds / 1000, "kB/s")
    report.tell("first snapshot", told.snapshot_bytes / 1e6, "MB")
    report.tell("CPU of the service, door and telling", share[0], "% of a core")
    report.tell("CPU of its database connections", share[1], "% of a core")


def tell_short(report: Report, trial: Trial) -> None:
    load, told = trial.load, trial.told
    name = f"{load.workers:,} workers, {load.viewers} viewers"
    came = told.acknowledged / (load.workers / load.interval_s * load.seconds) * 100
    report.tell(f"{name}: acknowledgement to frame, p95", told.latency_s(95), "s")
    report.tell(f"{name}: of the fixes due acknowledged in time", came, "%")
    report.tell(f"{name}: a phone waits for its turn, p95", trial.late_s, "s")
    report.tell(f"{name}: CPU of the service", trial.spent_s / load.seconds * 100, "% of a core")
    report.tell(f"{name}: CPU of the database", trial.database_s / load.seconds * 100, "% of a core")
    report.tell(f"{name}: viewers that had to come again", told.again, "")
    report.tell(f"{name}: bytes to all viewers", told.bytes_all / load.seconds / 1e6, "MB/s")
    shares = {"the service": trial.spent_s, "its database": trial.database_s}
    fullest = max(shares, key=lambda one: shares[one])
    gave = "holds" if trial.keeps_up else f"gave way; fullest: {fullest}"
    report.tell(f"{name}: {gave}", shares[fullest] / load.seconds * 100, "% of a core")


def _rate(trial: Trial) -> float:
    return trial.load.workers / trial.load.interval_s
