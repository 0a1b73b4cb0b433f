"""The counters of `/metrics`, for Prometheus: of this process, or of all that share a port (`serve --processes`).

Labels are routes, statuses and reasons from tables in the code: never a person, a token or a position.
With several processes each writes its counters to a file of its own under PROMETHEUS_MULTIPROC_DIR, which
`cli.serve` sets before they start; the one that is asked adds them up.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

ACCEPTED: Final = Counter("wangge_fixes_accepted", "Fixes stored and on the map")
FLAGGED: Final = Counter(
    "wangge_fixes_flagged", "Fixes stored with a reason to keep them off the map", ["reason"]
)
DROPPED: Final = Counter("wangge_fixes_dropped", "Fixes that left nothing behind", ["reason"])
KNOWN: Final = Counter("wangge_fixes_known", "Fixes that changed nothing: sent before")
REFUSED: Final = Counter("wangge_messages_refused", "Messages of phones that could not be taken", ["reason"])
IGNORED: Final = Counter(
    "wangge_messages_ignored", "Messages answered with ok that hold nothing to keep", ["reason"]
)
QUEUE: Final = Gauge(
    "wangge_queue_depth", "Messages of phones that wait for a transaction", multiprocess_mode="livesum"
)
BATCH: Final = Histogram(
    "wangge_batch_fixes", "Fixes stored by one transaction", buckets=(1, 3, 10, 30, 100, 300, 1000, 3000)
)
COMMIT: Final = Histogram(
    "wangge_commit_seconds",
    "From the beginning of a transaction of fixes to its commit",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
VIEWERS: Final = Gauge("wangge_viewers", "Open live streams", multiprocess_mode="livesum")
FRAMES: Final = Counter("wangge_frames", "Events sent to viewers")
FRAME_BYTES: Final = Counter("wangge_frame_bytes", "Bytes of events sent to viewers")
UNSENT_AGE: Final = Gauge(
    "wangge_oldest_unsent_change_seconds",
    "Age of the oldest change that a viewer has not taken yet",
    multiprocess_mode="livemax",
)
READ: Final = Histogram(
    "wangge_live_read_seconds",
    "Reading what changed for the live feed",
    ["sweep"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
REQUESTS: Final = Counter("wangge_requests", "Answers by route and status", ["method", "route", "status"])
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_answers: dict[tuple[str, str, int], Counter] = {}


def stored(
    *,
    accepted: int,
    known: int,
    flagged: Mapping[str, int],
    dropped: Mapping[str, int],
    batch: int,
    commit_s: float,
) -> None:
    """One committed transaction of fixes; `flagged` and `dropped` by reason, `batch` all its fixes."""
    ACCEPTED.inc(accepted)
    KNOWN.inc(known)
    for reason, count in flagged.items():
        FLAGGED.labels(reason).inc(count)
    for reason, count in dropped.items():
        DROPPED.labels(reason).inc(count)
    BATCH.observe(batch)
    COMMIT.observe(commit_s)


def answered(method: str, route: str, status: int) -> None:
    """One answer; `route` is the template, never the path. 0: the client left before there was one."""
    key = (method if method in _METHODS else "other", route, status)
    counter = _answers.get(key)
    if counter is None:
        counter = _answers[key] = REQUESTS.labels(key[0], route, str(status))
    counter.inc()


def tell_metrics() -> bytes:
    """Everything, in Prometheus' text format."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return generate_latest(REGISTRY)
    _forget_dead(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead(folder: Path) -> None:
    """Gauges of processes that were killed would stand for ever; their counters go on counting."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            mark_process_dead(int(pid), path=str(folder))  # type: ignore[no-untyped-call]
