"""Patrols and cases as time goes by: a whole day at once, or second by second."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from demo.city.make import SEED
from demo.incidents import Scenery, fresh_cases
from demo.keys import Keys
from demo.load import phone_code
from demo.patrols import Track, make_track
from demo.phones import Desk, Door, Phone
from demo.roster import Worker, turn_of
from demo.streets import Paths, Streets, own_paths, read_grounds, read_streets

SENDERS = 4
DAY_PATROLS, DAY_CASES = 75, 60
LIVE_PATROLS = 240
GATHERED_S = 1800
"""A phone in the simulated day sends what it gathered in so many seconds at once."""
LOOK_BACK_S, BLOCK_S = 20 * 60, 6 * 3600
CASE_EVERY_S = 25.0
OWNTRACKS_EVERY = 31
"""One phone in so many is an OwnTracks client."""


@dataclass(frozen=True)
class Patrol:
    """Somebody with streets to walk."""

    place: int
    worker: Worker
    paths: Paths


class Walkers:
    """Those who patrol, each with the streets of their own units; streets are read once."""

    def __init__(self, people: Sequence[Worker], keys: Keys) -> None:
        self.streets: Streets = read_streets()
        self.keys = keys
        self.patrolling = [one for one in people if one.patrols]

    def desk(self, door: Door) -> Desk:
        """The desk, which knows whose grid is whose."""
        workers = {
            unit: one.code for one in self.patrolling if one.role == "grid_worker" for unit in one.units
        }
        return Desk(door, self.keys.desk, workers)

    def choose(self, places: Sequence[int]) -> list[Patrol]:
        """The patrols at these places of the roster; whoever has hardly a street is left out."""
        chosen = [(place, self.patrolling[place]) for place in places]
        grounds = read_grounds(sorted({unit for _, one in chosen for unit in one.units}))
        patrols = []
        for place, one in chosen:
            held = [grounds[unit] for unit in one.units if unit in grounds]
            paths = own_paths(self.streets, shapely.union_all(held)) if held else None
            if paths is not None:
                patrols.append(Patrol(place, one, paths))
        return patrols

    def phone(self, patrol: Patrol, start: datetime, until: datetime) -> Phone:
        """The phone of a patrol from `start` to `until`; the same times give the same track."""
        begin = start.timestamp()
        rng = np.random.default_rng([SEED, 3, patrol.place, int(begin)])
        track = make_track(self.streets, patrol.paths, begin, until.timestamp() - begin, rng)
        code = phone_code(patrol.worker)
        track = track if patrol.place % OWNTRACKS_EVERY else _thin(track)
        return Phone(code, self.keys.phones[code], track, owntracks=patrol.place % OWNTRACKS_EVERY == 0)


def _thin(track: Track) -> Track:
    """Every fifth fix: OwnTracks reports less often."""
    return track.take(slice(None, None, 5))


@dataclass
class Day:
    """What a simulated day came to."""

    fixes: int = 0
    requests: int = 0
    cases: int = 0


def play_day(door: Door, walkers: Walkers, on: date, zone: ZoneInfo, tell: Callable[[Day], None]) -> Day:
    """A whole day of patrols and cases, through the service's doors as fast as it takes them."""
    patrols = walkers.choose(range(0, len(walkers.patrolling), len(walkers.patrolling) // DAY_PATROLS))
    day = Day()
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [
            pool.submit(_send_all, door, walkers, patrol, turn_of(patrol.place, on, zone))
            for patrol in patrols
        ]
        for done in as_completed(sending):
            fixes, requests = done.result()
            day.fixes += fixes
            day.requests += requests
            tell(day)
        desk = walkers.desk(door)
        reports = enumerate(_cases_of_day(on, zone))
        numbers = pool.map(lambda numbered: desk.report(numbered[1], follow=numbered[0] % 3), reports)
        day.cases = sum(1 for _ in numbers)
    return day


def _send_all(
    door: Door, walkers: Walkers, patrol: Patrol, turn: tuple[datetime, datetime]
) -> tuple[int, int]:
    """Send a day's fixes in the order the phone would; returns how many, in how many requests."""
    phone = walkers.phone(patrol, *turn)
    moments = np.unique(np.ceil(phone.track.sent_s / GATHERED_S)) * GATHERED_S
    taken = requests = 0
    for moment in moments.tolist():
        count = phone.due(moment)
        taken += phone.send(door, count)
        requests += count if phone.owntracks else 1
    return taken, requests


def _cases_of_day(on: date, zone: ZoneInfo) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng([SEED, 4, on.toordinal()])
    morning = datetime(on.year, on.month, on.day, 7, 30, tzinfo=zone)
    reports = fresh_cases(Scenery(), rng)
    for number, seconds in enumerate(np.sort(rng.uniform(0, 13 * 3600, DAY_CASES)).tolist(), start=1):
        at = (morning + timedelta(seconds=round(seconds))).astimezone(UTC)
        yield next(reports) | {
            "external_ref": f"T{on:%Y%m%d}-{number:04d}",
            "occurred_at": at.isoformat(),
            "reported_at": (at + timedelta(seconds=int(rng.integers(30, 900)))).isoformat(),
        }


def block_of(now: datetime) -> tuple[datetime, datetime]:
    """The stretch of hours that tracks are made for; a demo started again within it goes on where it was."""
    start_s = int(now.timestamp()) // BLOCK_S * BLOCK_S
    start = datetime.fromtimestamp(start_s, UTC)
    return start, start + timedelta(seconds=BLOCK_S)


class Live:
    """Everything moving, second by second, until somebody stops it."""

    def __init__(self, door: Door, walkers: Walkers, duty: Mapping[int, datetime], now: datetime) -> None:
        """`duty`: places in the roster, and until when each is on shift."""
        self.door, self.desk = door, walkers.desk(door)
        start, self.until = block_of(now)
        self.phones = []
        for patrol in walkers.choose(sorted(duty)):
            phone = walkers.phone(patrol, start, self.until)
            phone.skip(now.timestamp() - LOOK_BACK_S, duty[patrol.place].timestamp())
            self.phones.append(phone)
        self.reports = fresh_cases(Scenery(), np.random.default_rng([SEED, 5, int(now.timestamp())]))
        self.next_case = now.timestamp() + CASE_EVERY_S / 2
        self.cases = 0

    def catch_up(self, now: datetime) -> int:
        """Send what the patrols have gathered up to now; returns how many fixes that were."""
        with ThreadPoolExecutor(SENDERS) as pool:
            return sum(pool.map(lambda phone: phone.send(self.door, phone.due(now.timestamp())), self.phones))

    def run(self, clock: Callable[[], datetime]) -> None:
        """Send every fix at its moment, and a case now and then."""
        with ThreadPoolExecutor(SENDERS) as pool:
            while (now := clock()) < self.until:
                due = [(phone, count) for phone in self.phones if (count := phone.due(now.timestamp()))]
                list(pool.map(lambda pair: pair[0].send(self.door, pair[1]), due))
                if now.timestamp() >= self.next_case:
                    self._report(now)
                time.sleep(max(0.0, 1.0 - (clock() - now).total_seconds()))

    def _report(self, now: datetime) -> None:
        self.cases += 1
        reference = f"L{now.timestamp():.0f}-{self.cases}"
        instant = now.astimezone(UTC).isoformat(timespec="seconds")
        report = next(self.reports) | {"external_ref": reference, "occurred_at": instant}
        self.desk.report(report, follow=self.cases % 3)
        self.next_case = now.timestamp() + CASE_EVERY_S * float(
            np.random.default_rng(self.cases).uniform(0.5, 1.5)
        )
