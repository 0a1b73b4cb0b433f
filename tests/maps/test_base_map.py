"""The background: from an archive or another server, bounded in memory and time, and its key goes nowhere."""

import gzip
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import write

from core.errors import Invalid, NotFound, Unavailable
from core.settings import read_settings
from maps import base_map
from maps.base_map import NOTHING, BaseMap, BaseTile, open_base_map

PICTURE = b"\x89PNG a picture"


def write_archive(path: Path, *, packed: bool = False, kind: TileType = TileType.PNG) -> Path:
    """An archive with one tile at each of two zooms."""
    body = gzip.compress(PICTURE) if packed else PICTURE
    with write(str(path)) as writer:
        writer.write_tile(zxy_to_tileid(0, 0, 0), body)
        writer.write_tile(zxy_to_tileid(1, 1, 0), body)
        header = {
            "tile_type": kind,
            "tile_compression": Compression.GZIP if packed else Compression.NONE,
            "min_zoom": 0,
            "max_zoom": 1,
            "min_lon_e7": -1800000000,
            "min_lat_e7": -850000000,
            "max_lon_e7": 1800000000,
            "max_lat_e7": 850000000,
            "center_zoom": 0,
            "center_lon_e7": 0,
            "center_lat_e7": 0,
        }
        writer.finalize(header, {"attribution": "© the makers"})
    return path


@dataclass
class Other:
    """Another server on this machine: what it was asked, and what it answers."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    status: int = 200
    media_type: str = "image/png"
    body: bytes = PICTURE
    wait: threading.Event | None = None


@pytest.fixture
def other() -> Iterator[Other]:
    made = Other()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            if made.wait:
                made.wait.wait(10)
            self.send_response(made.status)
            self.send_header("Content-Type", made.media_type)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    if made.wait:
        made.wait.set()
    server.shutdown()
    server.server_close()


def open_other(other: Other, **more: str) -> BaseMap:
    settings = {"WANGGE_BASEMAP_URL": other.url + "/{z}/{x}/{y}.png?tk={key}", "WANGGE_BASEMAP_KEY": "s3cret"}
    found = open_base_map(read_settings(settings | more))
    assert found is not None
    return found


def test_without_a_setting_there_is_no_background() -> None:
    assert open_base_map(read_settings({})) is None


@pytest.mark.parametrize("packed", [True, False])
def test_an_archive_gives_its_tiles_unpacked_and_nothing_where_it_has_none(
    tmp_path: Path, *, packed: bool
) -> None:
    path = write_archive(tmp_path / "city.pmtiles", packed=packed)
    found = open_base_map(read_settings({"WANGGE_BASEMAP_PMTILES": str(path)}))
    assert found is not None
    assert (found.kind, found.min_zoom, found.max_zoom, found.attribution) == ("raster", 0, 1, "© the makers")
    assert found.read(1, 1, 0) == BaseTile(PICTURE, "image/png")
    assert found.read(1, 0, 0) == NOTHING
    for outside in ((2, 0, 0), (1, 2, 0), (1, 0, -1), (-1, 0, 0)):
        with pytest.raises(NotFound):
            found.read(*outside)


def test_an_archive_of_vector_tiles_says_so(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "city.pmtiles", kind=TileType.MVT, packed=True)
    found = open_base_map(read_settings({"WANGGE_BASEMAP_PMTILES": str(path)}))
    assert found is not None
    assert (found.kind, found.read(0, 0, 0).media_type) == ("vector", base_map.VECTOR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"WANGGE_BASEMAP_PMTILES": "/nowhere.pmtiles"},
        {"WANGGE_BASEMAP_PMTILES": __file__},
        {"WANGGE_BASEMAP_URL": "https://tiles.example.org/{z}/{x}.png"},
        {"WANGGE_BASEMAP_URL": "file:///{z}/{x}/{y}"},
        {"WANGGE_BASEMAP_URL": "https://tiles.example.org/{z}/{x}/{y}", "WANGGE_BASEMAP_PMTILES": __file__},
    ],
)
def test_a_setting_that_cannot_be_right_stops_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="WANGGE_BASEMAP"):
        open_base_map(read_settings(wrong))


def test_another_server_is_asked_once_with_the_key(other: Other) -> None:
    found = open_other(other)
    assert [found.read(3, 4, 2) for _ in range(3)] == [BaseTile(PICTURE, "image/png")] * 3
    assert other.asked == ["/3/4/2.png?tk=s3cret"]


def test_the_key_is_in_no_error_and_no_log(other: Other, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found = open_other(other)
    found.read(1, 0, 0)
    other.status, other.body = 403, b"key s3cret is not known"
    with pytest.raises(Unavailable) as refused:
        found.read(1, 1, 0)
    other.status, other.media_type = 200, "text/html"
    with pytest.raises(Unavailable):
        found.read(1, 1, 1)
    gone = open_base_map(
        read_settings(
            {"WANGGE_BASEMAP_URL": "http://127.0.0.1:9/{z}/{x}/{y}?{key}", "WANGGE_BASEMAP_KEY": "s3cret"}
        )
    )
    assert gone is not None
    with pytest.raises(Unavailable) as away:
        gone.read(1, 0, 1)
    told = caplog.text + str(refused.value) + str(away.value) + repr(away.value.__cause__)
    assert "s3cret" not in told
    assert "not known" not in told


def test_a_redirect_is_not_followed(other: Other) -> None:
    other.status = 302
    with pytest.raises(Unavailable):
        open_other(other).read(0, 0, 0)


def test_a_slow_server_holds_up_a_bounded_number_and_not_for_long(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_map, "TIMEOUT_S", 2.0)
    monkeypatch.setattr(base_map, "WAIT_S", 0.2)
    other.wait = threading.Event()
    found = open_other(other)
    failed: list[str] = []

    def ask(x: int) -> None:
        try:
            found.read(5, x, 0)
        except Unavailable as error:
            failed.append(str(error))

    threads = [threading.Thread(target=ask, args=(x,)) for x in range(base_map.MOST_AT_ONCE * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(failed) == len(threads)
    assert len(other.asked) == base_map.MOST_AT_ONCE


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_map, "MOST_KEPT_BYTES", 1000)
    asked: list[int] = []

    def fetch(_z: int, x: int, _y: int) -> BaseTile:
        asked.append(x)
        return BaseTile(b"x" * 400, "image/png")

    found = BaseMap("raster", 0, 10, "", fetch)
    for x in (0, 1, 0, 2, 0, 1):
        found.read(9, x, 0)
    assert asked == [0, 1, 2, 1]


def test_a_tile_too_large_is_given_up(other: Other) -> None:
    other.body = b"x" * (base_map.MOST_TILE_BYTES + 1)
    with pytest.raises(Unavailable):
        open_other(other).read(0, 0, 0)
