"""Where exported days and their figures lie, how a file gets there whole, and what of them goes when fixes expire.

fixes/<day>/                      day.json, fixes, margin (a few minutes of the days around it), duty, own, own_grounds
networks/<code>/grounds/<digest>/ ground.json, units, pieces, keys, streets, doors, sites
networks/<code>/days/<day>.json   what the day is computed from
networks/<code>/parts/<day>/      what was computed of a day that is not whole yet
networks/<code>/figures/<day>/    day.json, and a file for each table of analysis.coverage.kept
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from analysis.coverage.day import MARGIN_US
from core.clock import day_bounds
from core.errors import Unavailable
from core.settings import Settings

MANIFEST = "day.json"
_MARGIN = timedelta(microseconds=MARGIN_US)


def parquet_folder(settings: Settings) -> Path:
    return settings.parquet_dir or settings.var_dir / "parquet"


@dataclass(frozen=True)
class Days:
    """The folder as one network sees it; `root` is the same path for all who work."""

    root: Path
    network: str

    @property
    def own(self) -> Path:
        return self.root / "networks" / quote(self.network, safe="")

    def fixes(self, on: date) -> Path:
        return self.root / "fixes" / on.isoformat()

    def ground(self, digest: str) -> Path:
        return self.own / "grounds" / digest

    def sources(self, on: date) -> Path:
        return self.own / "days" / f"{on}.json"

    def parts(self, on: date) -> Path:
        return self.own / "parts" / on.isoformat()

    def figures(self, on: date) -> Path:
        return self.own / "figures" / on.isoformat()


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """`write` fills a neighbour, which then takes the place of `path`: never half a file, whatever is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, lambda part: part.write_text(json.dumps(content, ensure_ascii=False), "utf-8"))


def read_json(path: Path) -> dict[str, Any] | None:
    """None where there is no such file."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return content


def digest_of(content: object) -> str:
    """Of anything JSON can tell; instants and days as text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@contextmanager
def held(root: Path) -> Iterator[None]:
    """The folder for this run alone; Unavailable while another writes there. A killed one holds nothing."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(f"{root}: another run is at work there; wait for its end") from error
        yield


def expire(root: Path, *, before: datetime, zone: ZoneInfo) -> int:
    """Drop the days that hold something older than `before`: their fixes, duty and own grids, and what of their figures
    names persons, be it by pseudonym. What names nobody stays. Returns how many days went.
    """
    gone = 0
    for folder in sorted((root / "fixes").glob("????-??-??")):
        if _is_old(folder.name, before + _MARGIN, zone):
            _drop(folder)
            gone += 1
    for folder in sorted((root / "networks").glob("*/parts/????-??-??")):
        if _is_old(folder.name, before + _MARGIN, zone):
            _drop(folder)
    for path in (root / "networks").glob("*/figures/????-??-??/coverage_duty.parquet"):
        if _is_old(path.parent.name, before, zone):
            path.unlink(missing_ok=True)
    return gone


def _is_old(day: str, before: datetime, zone: ZoneInfo) -> bool:
    return day_bounds(date.fromisoformat(day), zone)[0] < before


def _drop(folder: Path) -> None:
    """Its manifest first, so that nobody takes what is left for the day."""
    with suppress(FileNotFoundError):
        (folder / MANIFEST).unlink()
    shutil.rmtree(folder, ignore_errors=True)
