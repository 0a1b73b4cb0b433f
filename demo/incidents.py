"""What happens in the city: a year of past cases with planted hotspots, and today's as they come in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import cos, radians
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cases.reports import CaseReport
from demo.city.files import FOLDER, read_packed, read_planted
from demo.city.planted import TROUBLE
from demo.streets import M_PER_DEG

PAST_CASES, STILL_OPEN = 17_182, 28
CHANNELS = ("12345", "patrol", "app", "camera", "visit")
CHANNEL_SHARES = (0.34, 0.38, 0.16, 0.08, 0.04)
SCATTER_M = 22.0
"""A report is off its door by about this much."""


class Scenery:
    """Doors weighted by households, and the planted places: what all cases are drawn from."""

    def __init__(self, folder: Path = FOLDER) -> None:
        doors = read_packed(folder / "addresses.csv.gz")
        self.names = [row["address"] for row in doors]
        self.places = np.array([(float(row["lon"]), float(row["lat"])) for row in doors])
        homes = np.array([float(row["households"]) for row in doors])
        self.shares = homes / homes.sum()
        self.planted = read_planted(folder)


def past_cases(seed: int, until: datetime, scenery: Scenery) -> list[CaseReport]:
    """A year of cases before `until`, all but a few closed: scattered by households, and the planted ones among them."""
    rng = np.random.default_rng([seed, 2])
    planted = sum(place.cases for place in scenery.planted)
    where = [_by_households(PAST_CASES - planted, scenery, rng)]
    category = [rng.integers(len(TROUBLE), size=PAST_CASES - planted)]
    codes = [code for code, _ in TROUBLE]
    for place in scenery.planted:
        angle = rng.uniform(0, 2 * np.pi, place.cases)
        away = place.radius_m * np.sqrt(rng.random(place.cases))
        spread = np.column_stack([away * np.cos(angle), away * np.sin(angle)]) / M_PER_DEG
        where.append(np.array([place.lon, place.lat]) + spread)
        mixed = rng.integers(len(TROUBLE), size=place.cases)
        category.append(np.where(rng.random(place.cases) < 0.8, codes.index(place.category), mixed))
    order = rng.permutation(PAST_CASES)
    places, kinds = np.vstack(where)[order], np.concatenate(category)[order]
    ages_s = np.sort(rng.uniform(0, 365 * 86400, PAST_CASES))[::-1]
    return [
        _past(number, until - timedelta(seconds=float(age)), until, (tuple(place), int(kind)), rng)
        for number, (age, place, kind) in enumerate(zip(ages_s, places, kinds, strict=True))
    ]


def _past(
    number: int,
    occurred_at: datetime,
    until: datetime,
    what: tuple[tuple[float, ...], int],
    rng: np.random.Generator,
) -> CaseReport:
    (lon, lat), kind = what
    code, word = TROUBLE[kind]
    occurred_at = occurred_at.replace(microsecond=0)
    reported_at = min(occurred_at + timedelta(seconds=float(rng.exponential(900))), until).replace(
        microsecond=0
    )
    closed = number < PAST_CASES - STILL_OPEN
    handled = reported_at + timedelta(seconds=float(np.clip(rng.lognormal(9.6, 1.0), 600, 20 * 86400)))
    return CaseReport(
        channel=CHANNELS[int(rng.choice(len(CHANNELS), p=CHANNEL_SHARES))],
        external_ref=f"Y{number + 1:06d}",
        category=code,
        level=int(rng.choice((1, 2, 3, 4), p=(0.62, 0.27, 0.09, 0.02))),
        description=word,
        lon=round(float(lon), 7),
        lat=round(float(lat), 7),
        accuracy_m=round(float(rng.lognormal(2.3, 0.4)), 1),
        occurred_at=occurred_at,
        reported_at=reported_at,
        state="closed" if closed else "reported",
        ended_at=min(handled, until).replace(microsecond=0) if closed else None,
    )


def fresh_cases(scenery: Scenery, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """Reports as a desk enters them now, one after another for ever; what is posted but for the reference and the times."""
    while True:
        lon, lat = _by_households(1, scenery, rng)[0]
        near = int(np.argmin(((scenery.places - (lon, lat)) ** 2 * (cos(radians(33)), 1)).sum(axis=1)))
        code, word = TROUBLE[int(rng.integers(len(TROUBLE)))]
        yield {
            "channel": CHANNELS[int(rng.choice(len(CHANNELS), p=CHANNEL_SHARES))],
            "category": code,
            "level": int(rng.choice((1, 2, 3), p=(0.7, 0.22, 0.08))),
            "description": f"{scenery.names[near]}附近{word}",
            "lon": round(float(lon), 7),
            "lat": round(float(lat), 7),
            "accuracy_m": round(float(rng.lognormal(2.3, 0.4)), 1),
        }


def _by_households(count: int, scenery: Scenery, rng: np.random.Generator) -> NDArray[np.float64]:
    doors = rng.choice(len(scenery.shares), size=count, p=scenery.shares)
    scattered: NDArray[np.float64] = scenery.places[doors] + rng.normal(0, SCATTER_M, (count, 2)) / M_PER_DEG
    return scattered
