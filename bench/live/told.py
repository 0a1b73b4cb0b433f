"""What the viewers saw, held against what the phones were told: latencies, sizes, and every final state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.live.viewers import Segments, events_of
from bench.screen import unfold

Place = tuple[float | None, float | None, int | None]
"""lon and lat to a tenth of a metre, and the fix time in ms since 1970."""


@dataclass
class Told:
    """`kept`: viewers whose bytes were kept; sizes of frames, counts and latencies are theirs. `positions` were seen by
    each of them, `differ` counts those of their screens that are not as they should be at the end, `again`
    how often a viewer was refused or lost and came again.
    """

    acknowledged: int
    kept: int
    bytes_all: int
    positions: int = 0
    frames: int = 0
    frame_bytes: int = 0
    snapshot_bytes: int = 0
    differ: int = 0
    again: int = 0
    latencies: list[float] = field(default_factory=list)

    def latency_s(self, percent: float) -> float:
        return float(np.percentile(self.latencies, percent)) if self.latencies else float("inf")


def read_told(
    seen: list[tuple[int, Segments, int]], log: Mapping[str, NDArray[Any]], truth: dict[str, Any]
) -> Told:
    """`log`: what was acknowledged; `truth`: /v1/live/now afterwards."""
    streams = [events_of(segments) for _, segments, _ in seen if segments]
    told = Told(len(log["who"]), len(streams), sum(size for size, _, _ in seen))
    told.again = sum(tries - 1 for _, _, tries in seen)
    wanted = {dot["id"]: _place_of(dot) for dot in truth["dots"]}
    ids = {int(dot["code"][1:]): dot["id"] for dot in truth["dots"] if dot["code"][1:].isdecimal()}
    acked: dict[tuple[int, int | None], float] = {
        (ids[who], ms): at
        for who, ms, at in zip(
            log["who"].tolist(), log["fixed_ms"].tolist(), log["acked_at"].tolist(), strict=True
        )
        if who in ids
    }
    for n, events in enumerate(streams):
        state, positions = _replay(events, told, acked if n < 3 else {})
        told.positions += positions
        told.differ += sum(state.get(one) != place for one, place in wanted.items())
    told.positions //= max(len(streams), 1)
    return told


def _replay(
    events: list[tuple[float, bytes]], told: Told, acked: Mapping[tuple[int, int | None], float]
) -> tuple[dict[int, Place], int]:
    """The screen at the end, and how many new positions came after the first snapshot; other news is not counted."""
    state: dict[int, Place] = {}
    positions = 0
    for at, event in events:
        kind, places = _read(event)
        if kind == "snapshot":
            told.snapshot_bytes = max(told.snapshot_bytes, len(event))
            state = dict(places)
        elif kind in {"frame", "position"}:
            told.frames += 1
            told.frame_bytes += len(event)
            positions += sum(state.get(one) != place for one, place in places.items())
            state.update(places)
            told.latencies += [
                max(at - acked[key], 0) for one, place in places.items() if (key := (one, place[2])) in acked
            ]
    return state, positions


@cache
def _read(event: bytes) -> tuple[str, dict[int, Place]]:
    """An event's kind and places; the same bytes are read once."""
    fields = dict(line.split(b": ", 1) for line in event.strip().split(b"\n") if b": " in line)
    kind = fields.get(b"event", b"").decode()
    if kind not in {"snapshot", "frame", "position"}:
        return kind, {}
    said = orjson.loads(fields[b"data"])
    if kind == "position":
        return kind, {said["id"]: (said["lon"], said["lat"], _ms(said["fixed_at"]))}
    return kind, {row["id"]: (row["lon"], row["lat"], _ms(row["fixed_at"])) for row in unfold(said["moved"])}


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _place_of(dot: dict[str, Any]) -> Place:
    at = dot["fixed_at"] and _ms(datetime.fromisoformat(dot["fixed_at"]).timestamp())
    lon, lat = (None if dot[name] is None else float(np.round(dot[name], 6)) for name in ("lon", "lat"))
    return lon, lat, at
