"""The background of the maps: tiles of a PMTiles archive or of another server, handed on by this one.

Optional; without it the maps stand on their units alone. A page never speaks to the other server, so its key stays
here. What was fetched is kept in bounded memory; a slow server holds up a bounded number of requests, and not long.
"""

import gzip
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import httpx
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, MagicNumberNotFound, SpecVersionUnsupported, TileType

from core.errors import Invalid, NotFound, Unavailable
from core.settings import Settings

logger = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses, and with them the key

Kind = Literal["raster", "vector"]
VECTOR: Final = "application/vnd.mapbox-vector-tile"
MOST_KEPT_BYTES: Final = 64_000_000
MOST_TILE_BYTES: Final = 2_000_000
MOST_AT_ONCE: Final = 8
TIMEOUT_S: Final = 6.0
WAIT_S: Final = 3.0
MEDIA: Final = {
    TileType.MVT: VECTOR,
    TileType.PNG: "image/png",
    TileType.JPEG: "image/jpeg",
    TileType.WEBP: "image/webp",
    TileType.AVIF: "image/avif",
}


@dataclass(frozen=True, slots=True)
class BaseTile:
    """A tile as browsers take it, not compressed; empty where there is nothing."""

    body: bytes
    media_type: str


NOTHING: Final = BaseTile(b"", "")
Fetch = Callable[[int, int, int], BaseTile]


@dataclass
class BaseMap:
    """Where the background comes from. `fetch(z, x, y)` gives NOTHING outside what there is."""

    kind: Kind
    min_zoom: int
    max_zoom: int
    attribution: str
    fetch: Fetch
    _kept: "OrderedDict[tuple[int, int, int], BaseTile]" = field(default_factory=OrderedDict)
    _kept_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, z: int, x: int, y: int) -> BaseTile:
        """A tile; NotFound for one that no map has, Unavailable when it cannot be had now."""
        if not self.min_zoom <= z <= self.max_zoom or not (0 <= x < 2**z and 0 <= y < 2**z):
            raise NotFound(
                f"the background has no tile {z}/{x}/{y}; its zooms are {self.min_zoom} to {self.max_zoom}"
            )
        with self._lock:
            if (kept := self._kept.get((z, x, y))) is not None:
                self._kept.move_to_end((z, x, y))
                return kept
        tile = self.fetch(z, x, y)
        self._keep((z, x, y), tile)
        return tile

    def _keep(self, place: tuple[int, int, int], tile: BaseTile) -> None:
        with self._lock:
            before = self._kept.pop(place, NOTHING)
            self._kept[place] = tile
            self._kept_bytes += len(tile.body) - len(before.body)
            while self._kept_bytes > MOST_KEPT_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= len(dropped.body)


def open_base_map(settings: Settings) -> BaseMap | None:
    """The background the settings name, or None; Invalid where they cannot be right."""
    if settings.basemap_pmtiles and settings.basemap_url:
        raise Invalid("WANGGE_BASEMAP_PMTILES and WANGGE_BASEMAP_URL are both set: keep one background")
    if settings.basemap_pmtiles:
        return _open_archive(settings.basemap_pmtiles, settings.basemap_attribution)
    if settings.basemap_url:
        return _open_server(settings, settings.basemap_url)
    return None


def _open_archive(path: Path, attribution: str | None) -> BaseMap:
    try:
        with path.open("rb") as file:
            reader = Reader(MmapSource(file))
        header = reader.header()
        told = str(reader.metadata().get("attribution") or "")
        media_type = MEDIA[header["tile_type"]]
        lock = threading.Lock()
    except (OSError, ValueError, LookupError, MagicNumberNotFound, SpecVersionUnsupported) as error:
        raise Invalid(
            f"WANGGE_BASEMAP_PMTILES: {path} cannot be read as PMTiles ({type(error).__name__})"
        ) from error
    if header["tile_compression"] not in (Compression.NONE, Compression.GZIP):
        raise Invalid(
            f"WANGGE_BASEMAP_PMTILES: tiles in {path} are compressed by other than gzip; convert the archive"
        )
    is_packed = header["tile_compression"] is Compression.GZIP

    def fetch(z: int, x: int, y: int) -> BaseTile:
        with lock:
            body = reader.get(z, x, y)
        return BaseTile(gzip.decompress(body) if is_packed else bytes(body), media_type) if body else NOTHING

    kind: Kind = "vector" if media_type == VECTOR else "raster"
    return BaseMap(kind, header["min_zoom"], header["max_zoom"], attribution or told, fetch)


def _open_server(settings: Settings, template: str) -> BaseMap:
    if not template.startswith(("http://", "https://")) or not all(
        part in template for part in ("{z}", "{x}", "{y}")
    ):
        raise Invalid("WANGGE_BASEMAP_URL must be an http(s) address with {z}, {x} and {y} in it")
    key = settings.basemap_key.get_secret_value() if settings.basemap_key else ""
    client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers={"User-Agent": "wangge"})
    turns = threading.BoundedSemaphore(MOST_AT_ONCE)

    def fetch(z: int, x: int, y: int) -> BaseTile:
        address = template
        for name, value in (("{z}", str(z)), ("{x}", str(x)), ("{y}", str(y)), ("{key}", key)):
            address = address.replace(name, value)
        if not turns.acquire(timeout=WAIT_S):
            raise Unavailable("the server of the background is slow; the map goes on without")
        try:
            return _ask(client, address, settings.basemap_kind)
        finally:
            turns.release()

    return BaseMap(
        settings.basemap_kind, 0, settings.basemap_max_zoom, settings.basemap_attribution or "", fetch
    )


def _ask(client: httpx.Client, address: str, kind: Kind) -> BaseTile:
    """What the other server gives; its words and its address go no further."""
    try:
        with client.stream("GET", address) as answer:
            if answer.status_code in (204, 404):
                return NOTHING
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code != 200 or (kind == "raster") != media_type.startswith("image/"):
                logger.warning(
                    "the background is refused", extra={"status": answer.status_code, "kind": media_type}
                )
                raise Unavailable("the server of the background gives no tiles now; the map goes on without")
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MOST_TILE_BYTES:
                    raise Unavailable("a tile of the background is too large; the map goes on without")
            return BaseTile(body, VECTOR if kind == "vector" else media_type)
    except httpx.HTTPError as error:
        logger.warning("the background cannot be reached", extra={"kind": type(error).__name__})
        raise Unavailable("the server of the background cannot be reached; the map goes on without") from None
