"""The ground as GeoParquet: shapes in WGS-84 for whoever draws them, and beside them in metres exactly as they are computed
with, so that a worker's ground is the ground to the last bit.
"""

import hashlib
import shutil
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
import pyproj
import shapely

from analysis.coverage.beyond.folder import Days, read_json, write_json
from analysis.coverage.beyond.parquet import Columns, read_columns, write_columns
from analysis.coverage.fixes import Bools
from analysis.coverage.ground import Ground, Pieces, Sites, Targets, piece_outlines
from analysis.coverage.kept.ground import DayGround
from core.errors import NotFound
from geo.lookup import Snapshot
from geo.lookup.units import Network, Units
from geo.metric import from_metres

WGS84 = pyproj.CRS.from_epsg(4326)
_ONE = "ground.json"


class GroundFiles:
    """Writes each ground once, under the digest of all it holds but who serves where, which is of each day."""

    def __init__(self, days: Days) -> None:
        self._days = days
        self._last: tuple[Pieces, str] | None = None

    def write(self, where: DayGround) -> str:
        """The ground's digest; its files are there."""
        if self._last is not None and self._last[0] is where.ground.pieces:
            return self._last[1]
        files, told = _files_of(where), _told_of(where)
        digest = _digest(files, told)
        folder = self._days.ground(digest)
        if read_json(folder / _ONE) is None:
            planes = {"geometry": WGS84, "shape": where.ground.crs}
            for name, columns in files.items():
                shapes = {key: crs for key, crs in planes.items() if key in columns}
                write_columns(folder / f"{name}.parquet", columns, geometry=shapes)
            write_json(folder / _ONE, told)
        self._last = (where.ground.pieces, digest)
        return digest


def read_ground(days: Days, digest: str) -> DayGround:
    """The ground of a digest, as if somebody tracked served everywhere; NotFound where it was not exported."""
    folder = days.ground(digest)
    told = read_json(folder / _ONE)
    if told is None:
        raise NotFound(f"{folder}: there is no such ground")
    units, pieces, keys, sites = (
        read_columns(folder / f"{name}.parquet") for name in ("units", "pieces", "keys", "sites")
    )
    network = Network(**{**told["network"], "levels": tuple(told["network"]["levels"]), "editions": ()})
    leaf = np.flatnonzero(units["leaf"] >= 0)
    leaf = leaf[np.argsort(units["leaf"][leaf])].astype(np.int64)
    ground = Ground(
        crs=pyproj.CRS.from_epsg(told["epsg"]),
        units=tuple(units["code"][leaf].tolist()),
        observed=np.ones(len(leaf), np.bool_),
        pieces=Pieces(
            pieces["unit"],
            pieces["cell"],
            pieces["shape"],
            pieces["area_cm2"],
            keys["cell"],
            keys["unit"],
            keys["piece"],
        ),
        streets=_targets(read_columns(folder / "streets.parquet")),
        doors=_targets(read_columns(folder / "doors.parquet")),
        sites=Sites(
            tuple(sites["code"].tolist()),
            sites["unit"],
            sites["shape"],
            sites["visits"],
            sites["days"],
            sites["least_s"],
        ),
    )
    snapshot = Snapshot(network, told["edition_id"], _units(units))
    return DayGround(ground, snapshot, leaf, np.append(units["leaf"], -1))


def forget_grounds(days: Days) -> int:
    """Drop the grounds that no day is computed from any more; how many went."""
    told = (read_json(path) for path in (days.own / "days").glob("*.json"))
    used = {each["ground"] for each in told if each is not None}
    unused = [folder for folder in (days.own / "grounds").glob("*") if folder.name not in used]
    for folder in unused:
        shutil.rmtree(folder, ignore_errors=True)
    return len(unused)


def unobserved_of(observed: Bools) -> list[int]:
    """The rows of units that nobody tracked serves: few, or all."""
    return np.flatnonzero(~observed).tolist()


def _files_of(where: DayGround) -> dict[str, Columns]:
    ground, pieces, units = where.ground, where.ground.pieces, where.snapshot.units
    codes = np.array(ground.units, object)
    return {
        "units": {
            "geometry": units.geom,
            "version_id": units.version_id,
            "unit_id": np.array([str(each) for each in units.unit_id], object),
            "level": units.level,
            "kind": units.kind,
            "code": units.code,
            "name": units.name,
            "parent_row": units.parent_row,
            "leaf": where.leaf_of[: len(units)],
        },
        "pieces": {
            "geometry": piece_outlines(pieces, ground.crs),
            "shape": pieces.shape,
            "unit": pieces.unit,
            "unit_code": codes[pieces.unit],
            "cell": pieces.cell,
            "area_cm2": pieces.area_cm2,
        },
        "keys": {"cell": pieces.cell_key, "unit": pieces.unit_key, "piece": pieces.piece_key},
        "streets": _target_columns(ground.streets, ground, "length_mm"),
        "doors": _target_columns(ground.doors, ground, "households"),
        "sites": {
            "geometry": from_metres(ground.sites.shape, ground.crs),
            "shape": ground.sites.shape,
            "code": np.array(ground.sites.code, object),
            "unit": ground.sites.unit,
            "visits": ground.sites.visits,
            "days": ground.sites.days,
            "least_s": ground.sites.least_s,
        },
    }


def _target_columns(targets: Targets, ground: Ground, weight: str) -> Columns:
    points = np.asarray(shapely.points(targets.x, targets.y), dtype=object).reshape(len(targets))
    return {
        "geometry": from_metres(points, ground.crs),
        "unit": targets.unit,
        "x": targets.x,
        "y": targets.y,
        weight: targets.weight,
    }


def _targets(columns: Mapping[str, Any]) -> Targets:
    weight = columns.get("length_mm", columns.get("households"))
    return Targets(columns["unit"], columns["x"], columns["y"], np.asarray(weight))


def _told_of(where: DayGround) -> dict[str, Any]:
    network = where.snapshot.network
    return {
        "epsg": where.ground.crs.to_epsg(),
        "edition_id": where.snapshot.edition_id,
        "network": {
            "id": network.id,
            "code": network.code,
            "name": network.name,
            "coverage": network.coverage,
            "levels": list(network.levels),
        },
    }


def _digest(files: Mapping[str, Columns], told: Mapping[str, Any]) -> str:
    whole = hashlib.sha256(repr(told).encode())
    for name, columns in files.items():
        for key, values in columns.items():
            whole.update(f"{name}.{key} {values.dtype.kind} {len(values)}\n".encode())
            if values.dtype.kind != "O":
                whole.update(np.ascontiguousarray(values).tobytes())
                continue
            for value in shapely.to_wkb(values) if key in ("geometry", "shape") else values:
                whole.update(value if isinstance(value, bytes) else f"{value}\0".encode())
    return whole.hexdigest()[:32]


def _units(columns: Mapping[str, Any]) -> Units:
    return Units(
        version_id=columns["version_id"],
        unit_id=np.array([UUID(each) for each in columns["unit_id"]], object),
        level=columns["level"].astype(np.str_),
        kind=columns["kind"].astype(np.str_),
        code=columns["code"],
        name=columns["name"],
        parent_row=columns["parent_row"],
        geom=columns["geometry"],
    )
