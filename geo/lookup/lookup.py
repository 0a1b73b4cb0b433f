"""The lookup of a process: every network's editions known, snapshots kept, the bell heard."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from core.clock import utc_now
from core.errors import Invalid, NotFound
from geo.coordinates import to_wgs84
from geo.lookup.answers import OUTSIDE, Part, Placement, Placements
from geo.lookup.bell import EditionBell
from geo.lookup.snapshot import Snapshot
from geo.lookup.strokes import Floats
from geo.lookup.units import Network, read_networks, read_units

log = logging.getLogger(__name__)


class Lookup:
    """Places points in every network as of any instant. One per process, for all its threads.

    A snapshot belongs to one network, edition and instant since which it holds, so an edition published later
    never changes the answer for an instant before it takes effect.
    """

    def __init__(
        self, source: Engine | Connection, *, max_bytes: int = 1 << 30, known_at: datetime | None = None
    ) -> None:
        """Read through an engine (over a connection of its own, which also hears the bell "edition"), or through
        one connection, inside its transaction. `max_bytes` bounds the snapshots kept. `known_at`: all answers are
        those of that instant, before later editions told otherwise; None: of now.
        """
        self._max_bytes = max_bytes
        self._known_at = known_at
        self._bell = EditionBell(source)
        self._loading = Lock()
        self._networks: dict[str, Network] = {}
        self._known = False
        self._snapshots: dict[tuple[int, int, datetime | None], Snapshot] = {}
        self._used_at: dict[tuple[int, int, datetime | None], float] = {}

    def close(self) -> None:
        """Give the connection back."""
        self._bell.close()

    @property
    def kept(self) -> int:
        """How many snapshots are in memory."""
        return len(self._snapshots)

    def refresh(self) -> None:
        """Look which editions there are now; for a caller that heard the bell "edition" itself, or rang it."""
        with self._bell.connection() as conn:
            self._networks = read_networks(conn, known_at=self._known_at)
        self._known = True

    @property
    def networks(self) -> dict[str, Network]:
        """Every network by its code, as of the last ring of the bell."""
        if not self._known or (self._known_at is None and self._bell.rang()):
            try:
                self.refresh()
            except OperationalError:
                if not self._known:
                    raise
                log.warning("the database is away; placing by the editions in memory")
        return self._networks

    def network(self, code: str) -> Network:
        """One network; NotFound names those there are."""
        networks = self.networks
        if code not in networks:
            raise NotFound(
                f"there is no network “{code}”; the networks are: {', '.join(networks) or 'none yet'}"
            )
        return networks[code]

    def snapshot(self, network_code: str, at: datetime | None) -> Snapshot | None:
        """A network as it was at an instant (None: since ever); None before its first edition."""
        while True:
            network = self.network(network_code)
            in_force = [
                start for start in network.starts if start is None or (at is not None and start <= at)
            ]
            if not in_force:
                return None
            key = (network.id, network.edition_at(in_force[-1]).id, in_force[-1])
            found = self._snapshots.get(key) or self._load(network, key)
            if found is not None:
                self._used_at[key] = time.monotonic()
                return found

    def _load(self, network: Network, key: tuple[int, int, datetime | None]) -> Snapshot | None:
        """Read a snapshot and keep it; None when an edition was published meanwhile: look again."""
        with self._loading:
            if key in self._snapshots:
                return self._snapshots[key]
            with self._bell.connection() as conn:
                units = read_units(conn, network.id, key[2], known_at=self._known_at)
                self.refresh()
            if self._networks.get(network.code) != network:
                return None
            snapshot = Snapshot(network, key[1], units)
            self._used_at[key] = time.monotonic()
            self._snapshots[key] = snapshot
            self._drop_unused(key)
            return snapshot

    def _drop_unused(self, keep: tuple[int, int, datetime | None]) -> None:
        """Forget the snapshots unused for longest until the rest fits into `max_bytes`."""
        while (
            sum(each.nbytes for each in self._snapshots.values()) > self._max_bytes
            and len(self._snapshots) > 1
        ):
            oldest = min((key for key in self._snapshots if key != keep), key=self._used_at.__getitem__)
            del self._snapshots[oldest], self._used_at[oldest]

    def place(
        self,
        lon: float,
        lat: float,
        *,
        at: datetime | None = None,
        accuracy_m: float | None = None,
        crs: str = "wgs84",
    ) -> list[Placement]:
        """Where a point lies in every network at an instant (None: now).

        Invalid for coordinates that are no place on earth or an unknown CRS.
        """
        lon_deg, lat_deg = read_spot(lon, lat, crs)
        instant = utc_now() if at is None else at
        answers = []
        for code in self.networks:
            snapshot = self.snapshot(code, instant)
            if snapshot is None:
                answers.append(Placement(code, None, OUTSIDE))
            else:
                answers.append(snapshot.place(lon_deg, lat_deg, accuracy_m=accuracy_m))
        return answers

    def place_many(
        self,
        network_code: str,
        lon: Floats,
        lat: Floats,
        at: NDArray[np.datetime64] | None = None,
        *,
        accuracy_m: ArrayLike | None = None,
    ) -> Placements:
        """Where many points (WGS-84) lie in one network, each at its instant (UTC; None: now) and accuracy.

        A NaN coordinate is outside.
        """
        accuracy = (
            None if accuracy_m is None else np.broadcast_to(np.asarray(accuracy_m, np.float64), lon.shape)
        )
        if at is None:
            return Placements(len(lon), self._part(network_code, utc_now(), lon, lat, accuracy))
        starts = self.network(network_code).starts
        since = np.searchsorted(_instants(starts), at, side="right") - 1
        since[np.isnat(at)] = -1
        parts: list[Part] = []
        for number in np.unique(since[since >= 0]):
            there = np.flatnonzero(since == number)
            some = None if accuracy is None else accuracy[there]
            for _, part in self._part(network_code, starts[number], lon[there], lat[there], some):
                parts.append((there, part))
        return Placements(len(lon), parts)

    def _part(
        self, network_code: str, at: datetime | None, lon: Floats, lat: Floats, accuracy_m: Floats | None
    ) -> list[Part]:
        """The points placed in the snapshot of one instant; nothing before the first edition."""
        snapshot = self.snapshot(network_code, at)
        return [] if snapshot is None else [(None, snapshot.place_many(lon, lat, accuracy_m=accuracy_m))]


def read_spot(lon: float, lat: float, crs: str) -> tuple[float, float]:
    """WGS-84 longitude and latitude; Invalid for coordinates that are no place on earth or an unknown CRS."""
    lons, lats = to_wgs84(np.array([lon], dtype=np.float64), np.array([lat], dtype=np.float64), crs)
    lon_deg, lat_deg = float(lons[0]), float(lats[0])
    if not (-180 <= lon_deg <= 180 and -90 <= lat_deg <= 90):
        raise Invalid(f"{lon:g}, {lat:g} is no place on earth: a longitude and a latitude are wanted")
    return lon_deg, lat_deg


def _instants(starts: Sequence[datetime | None]) -> NDArray[np.datetime64]:
    """As datetime64[us] in UTC; None (since ever) as the earliest there is."""
    ever = np.datetime64(np.iinfo(np.int64).min + 1, "us")
    moments = [
        ever if start is None else np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "us")
        for start in starts
    ]
    return np.array(moments, dtype="datetime64[us]")
