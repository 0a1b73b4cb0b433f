"""`boundary.toml`: where borders come from and how to read them (data/boundaries/README.md describes each key)."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from core.clock import read_instant
from core.errors import Invalid
from geo.networks import Level
from geo.received import BoundaryFile, Received

_SOURCE = {"authority": str, "licence": str, "origin": str, "on": date, "url": str, "note": str}
_NETWORK = {
    "code": str,
    "name": str,
    "coverage": str,
    "effective": str,
    "clean_m": (int, float),
    "rules": dict,
    "levels": list,
}
_LEVEL = {"code": str, "name": str, "name_en": str, "parent": str, "origin": str}
_FILE = {
    "file": str,
    "layer": str,
    "crs": str,
    "level": str,
    "level_field": str,
    "code_field": str,
    "name_field": (str, list),
    "parent_field": str,
    "parent_level": str,
    "parent_name_field": str,
    "households_field": str,
    "kind": str,
    "kind_field": str,
    "where": dict,
    "geometry": str,
}
_KINDS = ("territorial", "dedicated")

Keys = Mapping[str, Any]


def is_boundary_folder(path: Path) -> bool:
    return (path / "boundary.toml").is_file()


def read_boundary_folder(folder: Path) -> Received:
    """What `<folder>/boundary.toml` says; Invalid names the key that is missing, unknown or wrong."""
    path = folder / "boundary.toml"
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise Invalid(f"{path}: is nested too deeply to read") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{path}: {error}") from error
    _check(path, "", raw, {"source": dict, "network": dict, "files": list}, ("source", "network", "files"))
    _check(path, "source", raw["source"], _SOURCE, ("authority", "licence", "origin", "on"))
    content = _plain(path, "", raw)
    if not content["files"]:
        raise Invalid(f"{path}: files is empty")
    network = content["network"]
    _check(path, "network", network, _NETWORK, ("code", "name", "levels"))
    return Received(
        network=network["code"],
        files=[_file(path, item) for item in content["files"]],
        name=network["name"],
        coverage=_one_of(path, "network.coverage", network.get("coverage", "partial"), ("full", "partial")),
        levels=[_level(path, item) for item in network["levels"]],
        rules={**network.get("rules", {}), "source": content["source"]},
        effective_from=_effective(path, network),
        clean_m=network.get("clean_m"),
    )


def _level(path: Path, item: Keys) -> Level:
    _check(path, "network.levels", item, _LEVEL, ("code",))
    origin = _one_of(path, "network.levels.origin", item.get("origin", "drawn"), ("natural", "drawn"))
    return Level(
        item["code"], item.get("name", item["code"]), item.get("name_en", ""), item.get("parent"), origin
    )


def _file(path: Path, item: Keys) -> BoundaryFile:
    _check(path, "files", item, _FILE, ("file", "code_field"))
    names = item.get("name_field", [])
    geometry = _one_of(path, "files.geometry", item.get("geometry", "own"), ("own", "derived"))
    if Path(item["file"]).name != item["file"]:
        raise Invalid(f"{path}: files.file “{item['file']}” is not beside it")
    fields = ("level", "level_field", "parent_field", "parent_level", "parent_name_field", "households_field")
    return BoundaryFile(
        path=path.parent / item["file"],
        code_field=item["code_field"],
        name_field=(names,) if isinstance(names, str) else tuple(map(str, names)),
        kind=_one_of(path, "files.kind", item.get("kind", "territorial"), _KINDS),
        kind_field=item.get("kind_field"),
        layer=item.get("layer"),
        crs=item.get("crs"),
        where={column: _values(path, column, values) for column, values in item.get("where", {}).items()},
        derived=geometry == "derived",
        **{name: item.get(name) for name in fields},
    )


def _check(path: Path, table: str, content: Any, known: Mapping[str, Any], required: Sequence[str]) -> None:
    """Invalid unless all required keys are there, no unknown one is, and each has its type."""
    dot = f"{table}." if table else ""
    if not isinstance(content, dict):
        raise Invalid(f"{path}: {table} is to be a table")
    for key in required:
        if key not in content:
            raise Invalid(f"{path}: {dot}{key} is missing")
    for key, value in content.items():
        if key not in known:
            raise Invalid(f"{path}: {dot}{key} is unknown; the keys are {', '.join(known)}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise Invalid(f"{path}: {dot}{key} has the wrong type: {str(value)[:60]!r}")


def _one_of(path: Path, key: str, value: str, choices: Sequence[str]) -> Any:
    if value not in choices:
        raise Invalid(f"{path}: {key} “{value}”: {' or '.join(choices)}")
    return value


def _effective(path: Path, network: Keys) -> datetime | None:
    try:
        return read_instant(network["effective"]) if "effective" in network else None
    except Invalid as error:
        raise Invalid(f"{path}: network.effective: {error}") from error


def _values(path: Path, column: str, values: object) -> list[str]:
    if not isinstance(values, list):
        raise Invalid(f'{path}: files.where.{column} is to be a list of values, such as ["1"]')
    return [str(value) for value in values]


def _plain(path: Path, key: str, value: object) -> Any:
    """A value as the database keeps it: dates as text; Invalid for what no text or number is."""
    if isinstance(value, dict):
        return {name: _plain(path, f"{key}.{name}".strip("."), inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(path, key, inner) for inner in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{path}: {key} is no finite number")
    if isinstance(value, str) and "\0" in value:
        raise Invalid(f"{path}: {key} holds a zero character")
    return value
