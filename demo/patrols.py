"""Patrols: people walk the streets of their own grids, rest, ride, step indoors, lose signal and come back.

A track is made in one go for a stretch of time, the same from the same generator state, and played later as fast or
as slowly as is wanted.
"""

from dataclasses import dataclass, fields
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from demo.streets import M_PER_DEG, Floats, Paths, Streets

Column = NDArray[np.floating]

STEP_S = 10
STILL_S = 60
"""Seconds between fixes while moving, and while still."""
CALM, REST, INDOORS, RIDE = range(4)
OUTDOOR_NOISE_M, INDOOR_NOISE_M = 2.6, 13.0
NOISE_MEMORY_S = 50.0
PAVEMENT_M, INDOORS_M = 3.5, 17.0


@dataclass(frozen=True)
class Track:
    """Fixes of one person, a row each. `fixed_s` and `sent_s` are seconds since 1970: when measured, when sent.

    `heading_deg` is NaN while still.
    """

    fixed_s: Column
    sent_s: Column
    lon: Column
    lat: Column
    accuracy_m: Column
    speed_mps: Column
    heading_deg: Column
    battery_pct: Column

    def __len__(self) -> int:
        return len(self.fixed_s)

    def take(self, rows: NDArray[np.bool_] | slice) -> "Track":
        return Track(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


@dataclass(frozen=True)
class _Plan:
    """What somebody does, by moments: at `at_s` from the start so many metres are walked; `mode` holds until the next."""

    at_s: Floats
    walked_m: Floats
    mode: NDArray[np.int64]


def make_track(
    streets: Streets, paths: Paths, start_s: float, duration_s: float, rng: np.random.Generator
) -> Track:
    """A patrol on `paths` from `start_s` on."""
    plan = _make_plan(duration_s, rng)
    route = _wander(paths, float(plan.walked_m[-1]) + 50, rng)
    moment = np.arange(0, duration_s, STEP_S, dtype=float) + rng.uniform(0, STEP_S)
    place_m, heading = _along(streets.nodes[route] * M_PER_DEG, np.interp(moment, plan.at_s, plan.walked_m))
    doing = plan.mode[np.clip(np.searchsorted(plan.at_s, moment, side="right") - 1, 0, len(plan.mode) - 1)]
    indoors, moving = doing == INDOORS, (doing == CALM) | (doing == RIDE)
    seen_m = _beside(place_m, heading, np.where(indoors, INDOORS_M, PAVEMENT_M))
    seen_m += _correlated_noise(len(moment), rng) * _noise_m(indoors)[:, None]
    speed = np.gradient(np.interp(moment, plan.at_s, plan.walked_m), STEP_S)
    track = Track(
        fixed_s=np.floor(start_s + moment),
        sent_s=_when_sent(np.floor(start_s + moment), rng),
        lon=np.round(seen_m[:, 0] / M_PER_DEG[0], 7),
        lat=np.round(seen_m[:, 1] / M_PER_DEG[1], 7),
        accuracy_m=np.round(_noise_m(indoors) * rng.lognormal(0.75, 0.22, len(moment)), 1),
        speed_mps=np.round(np.where(moving, np.abs(speed + rng.normal(0, 0.12, len(moment))), 0.0), 2),
        heading_deg=np.where(
            moving, np.round((heading + rng.normal(0, 9, len(moment))) % 360, 0) % 360, np.nan
        ),
        battery_pct=np.round(np.clip(rng.uniform(70, 100) - moment / 3600 * 7, 8, 100), 0),
    )
    return track.take(_reported(moment, moving, indoors, rng))


def _make_plan(duration_s: float, rng: np.random.Generator) -> _Plan:
    """Stretches of walking, with a rest, a visit or a ride between them, each at a speed of its own."""
    at, walked, modes = [0.0], [0.0], []
    mode = int(rng.choice([CALM, REST, INDOORS], p=[0.7, 0.15, 0.15]))
    while at[-1] < duration_s:
        if mode == CALM:
            lasts, speed = rng.uniform(180, 720), rng.uniform(1.0, 1.6)
        elif mode == RIDE:
            lasts, speed = rng.uniform(90, 300), rng.uniform(3.2, 5.8)
        else:
            lasts, speed = rng.uniform(180, 840) if mode == REST else rng.uniform(300, 1500), 0.0
        at.append(at[-1] + float(lasts))
        walked.append(walked[-1] + float(lasts * speed))
        modes.append(mode)
        mode = (
            CALM if mode != CALM else int(rng.choice([REST, INDOORS, RIDE, CALM], p=[0.33, 0.43, 0.10, 0.14]))
        )
    return _Plan(np.array(at), np.array(walked), np.array(modes))


def _wander(paths: Paths, metres: float, rng: np.random.Generator) -> list[int]:
    """Junction after junction for at least so many metres: where one has been least, seldom straight back."""
    here = int(rng.choice(sorted(paths)))
    before, gone, route = -1, 0.0, [here]
    visits: dict[tuple[int, int], int] = {}
    while gone < metres:
        weighed = [
            (
                visits.get((min(here, there), max(here, there)), 0)
                + (2.5 if there == before else 0.0)
                + rng.random(),
                there,
                far,
            )
            for there, far in paths[here]
        ]
        _, there, far = min(weighed)
        edge = (min(here, there), max(here, there))
        visits[edge] = visits.get(edge, 0) + 1
        before, here, gone = here, there, gone + far
        route.append(here)
    return route


def _along(route_m: Floats, walked_m: Floats) -> tuple[Floats, Floats]:
    """Where one is after so many metres of the route, and which way that stretch leads (degrees from north)."""
    legs = np.diff(route_m, axis=0)
    reached = np.r_[0.0, np.cumsum(np.hypot(legs[:, 0], legs[:, 1]))]
    place = np.column_stack([np.interp(walked_m, reached, route_m[:, axis]) for axis in (0, 1)])
    leg = legs[np.clip(np.searchsorted(reached, walked_m, side="right") - 1, 0, len(legs) - 1)]
    return place, np.degrees(np.arctan2(leg[:, 0], leg[:, 1])) % 360


def _beside(place_m: Floats, heading_deg: Floats, away_m: Floats) -> Floats:
    """So far to the right of the way one goes: the pavement, or the house behind it."""
    right = np.column_stack([np.cos(np.radians(heading_deg)), -np.sin(np.radians(heading_deg))])
    return place_m + right * away_m[:, None]


def _noise_m(indoors: NDArray[np.bool_]) -> Floats:
    return np.where(indoors, INDOOR_NOISE_M, OUTDOOR_NOISE_M)


def _correlated_noise(count: int, rng: np.random.Generator) -> Floats:
    """Two columns of unit noise that drifts as a receiver's error does: x_k = a x_{k-1} + e_k."""
    keep = exp(-STEP_S / NOISE_MEMORY_S)
    steps = rng.normal(0, sqrt(1 - keep * keep), (count, 2))
    noise: Floats = lfilter([1.0], [1.0, -keep], steps, axis=0)
    return noise


def _when_sent(fixed_s: Floats, rng: np.random.Generator) -> Floats:
    """At once, but for a stretch or two without signal, whose fixes are kept and sent together afterwards."""
    sent = fixed_s.copy()
    for _ in range(int(rng.poisson((fixed_s[-1] - fixed_s[0]) / 9000))):
        begin = rng.uniform(fixed_s[0], fixed_s[-1])
        end = begin + rng.uniform(120, 600)
        silent = (fixed_s >= begin) & (fixed_s < end)
        sent[silent] = np.maximum(sent[silent], end)
    return sent


def _reported(
    moment: Floats, moving: NDArray[np.bool_], indoors: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Every fix while moving, one a minute while still, none for a while deep inside some buildings."""
    changes = np.r_[True, np.diff(moving.astype(int)) != 0]
    since = np.arange(len(moment)) - np.maximum.accumulate(np.where(changes, np.arange(len(moment)), 0))
    kept = moving | (since % (STILL_S // STEP_S) == 0)
    for start in np.flatnonzero(indoors & changes):
        if rng.random() < 0.25:
            begin = moment[start] + 60
            kept &= ~((moment > begin) & (moment < begin + rng.uniform(150, 420)) & indoors)
    result: NDArray[np.bool_] = kept
    return result
