"""Vector tiles of a network's units as of an edition, straight from PostGIS, kept by edition."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import shapely
from sqlalchemy import Connection

from core.db import sql_file
from core.errors import NotFound
from geo.lookup import Lookup, Snapshot
from maps.tile_shapes import Band, find_or_make_drawing, top_zoom_of

MAX_ZOOM = 16
"""The deepest tiles; browsers enlarge them further."""
MAX_KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class TileLayer:
    """One level of a network on one ground: `network.level` as of an edition."""

    name: str
    level: str
    snapshot: Snapshot
    since: datetime | None
    """The instant whose units are drawn; None: since ever."""

    @property
    def ground(self) -> str:
        """The edition and instant: what is drawn for it never changes."""
        return f"{self.snapshot.edition_id}@{self.since.isoformat() if self.since else '-'}"

    @property
    def etag(self) -> str:
        """The same for every tile of the layer as long as they are the same."""
        return '"' + sha256(f"1 {self.name} {self.ground}".encode()).hexdigest()[:32] + '"'


class _Kept:
    """Finished tiles of one process, the least used forgotten first."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: tuple[object, ...]) -> bytes | None:
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
            return self._tiles.get(key)

    def put(self, key: tuple[object, ...], tile: bytes) -> None:
        with self._lock:
            self._bytes += len(tile) - len(self._tiles.pop(key, b""))
            self._tiles[key] = tile
            while self._bytes > MAX_KEPT_BYTES:
                self._bytes -= len(self._tiles.popitem(last=False)[1])


_kept: WeakKeyDictionary[Lookup, _Kept] = WeakKeyDictionary()


def find_layer(lookup: Lookup, name: str, *, at: datetime, edition_id: int | None = None) -> TileLayer:
    """The layer `network.level` as of an edition, None: the one in force at the instant. NotFound says what there is."""
    network_code, _, level = name.rpartition(".")
    networks = lookup.networks
    levels = {f"{network.code}.{each['code']}" for network in networks.values() for each in network.levels}
    if name not in levels:
        raise NotFound(
            f"there is no layer “{name[:80]}”; the layers are: {', '.join(sorted(levels)) or 'none yet'}"
        )
    since: datetime | None = at
    if edition_id is not None:
        since = _begin(lookup, network_code, edition_id)
    else:
        past = [start for start in networks[network_code].starts if start is None or start <= at]
        since = past[-1] if past else at
    snapshot = lookup.snapshot(network_code, since)
    if snapshot is None:
        raise NotFound(f"network {network_code} has no edition in force then")
    return TileLayer(name, level, snapshot, since)


def _begin(lookup: Lookup, network_code: str, edition_id: int) -> datetime | None:
    """From when an edition holds. One that was published a moment ago may be asked for before another request has heard of it."""
    for look_again in (False, True):
        if look_again:
            lookup.refresh()
        for edition in lookup.network(network_code).editions:
            if edition.id == edition_id:
                return edition.effective_from
    raise NotFound(f"network {network_code} has no edition {edition_id}")


def read_tile(
    conn: Connection, lookup: Lookup, layer: TileLayer, *, zoom: int, column: int, row: int
) -> bytes:
    """The vector tile, empty where nothing is. NotFound for a tile that the world does not have."""
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound(f"there is no tile {zoom}/{column}/{row}; zooms are 0 to {MAX_ZOOM}")
    kept = _kept.setdefault(lookup, _Kept())
    key = (layer.name, layer.ground, zoom, column, row)
    found = kept.get(key)
    if found is None:
        band = Band(layer.level, layer.ground, top_zoom_of(zoom))
        drawing_id = find_or_make_drawing(conn, layer.snapshot, band)
        binds = {"zoom": zoom, "tile_column": column, "tile_row": row, "drawing_id": drawing_id}
        found = bytes(conn.execute(sql_file("maps", "tile"), binds).scalar_one())
        kept.put(key, found)
    return found


def describe_layer(layer: TileLayer) -> dict[str, Any]:
    """What TileJSON 3 says of the layer, without its addresses."""
    units = layer.snapshot.units
    shapes = units.geom[units.level == layer.level]
    west, south, east, north = shapely.total_bounds(shapes).tolist() if len(shapes) else (-180, -85, 180, 85)
    fields = {
        "code": "String",
        "name": "String",
        "kind": "String",
        "unit_id": "String",
        "parent_id": "String",
    }
    return {
        "tilejson": "3.0.0",
        "name": layer.name,
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, 10],
        "vector_layers": [
            {"id": "units", "fields": fields | {"households": "Number"}},
            {"id": "labels", "fields": fields},
        ],
    }
