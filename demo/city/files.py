"""The city's files under data/boundaries: written from the seed once, read ever after. `python -m demo.city.files` writes them."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import geopandas
import shapely
from shapely.geometry.base import BaseGeometry

from demo.city.make import City, Unit, make_city
from demo.city.planted import Planted

FOLDER = Path(__file__).parents[2] / "data" / "boundaries" / "wanglan"
POLICE_FOLDER = FOLDER.with_name("wanglan-police")


def write_city(city: City, folder: Path, police_folder: Path) -> None:
    """Write everything but the two boundary.toml, which are kept by hand."""
    _write_units(city.governance, folder / "microgrids.fgb", folder / "units.csv")
    _write_units(city.police, police_folder / "beats.fgb", police_folder / "stations.csv")
    sites: list[dict[str, object]] = [
        {"code": s.code, "name": s.name, "kind": s.kind, "parent": s.parent} for s in city.sites
    ]
    _write_shapes(sites, [site.shape for site in city.sites], folder / "dedicated.fgb")
    roads = [(road.name, road.kind, shapely.to_wkt(road.shape, rounding_precision=7)) for road in city.roads]
    _write_packed(folder / "streets.csv.gz", ("name", "kind", "wkt"), roads)
    doors = [(a.code, a.address, f"{a.lon:.6f}", f"{a.lat:.6f}", a.households) for a in city.addresses]
    _write_packed(folder / "addresses.csv.gz", ("code", "address", "lon", "lat", "households"), doors)
    _write_csv(folder / "planted.csv", [asdict(place) for place in city.planted])


def read_planted(folder: Path = FOLDER) -> tuple[Planted, ...]:
    """Where trouble was planted, and how much."""
    with (folder / "planted.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Planted(
                row["name"],
                row["category"],
                float(row["lon"]),
                float(row["lat"]),
                float(row["radius_m"]),
                int(row["cases"]),
            )
            for row in csv.DictReader(file)
        )


def read_packed(path: Path) -> list[dict[str, str]]:
    """The rows of a gzipped CSV."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write_units(units: Sequence[Unit], shapes_path: Path, table_path: Path) -> None:
    """Units with a border of their own go to one file, those that are the union of others to a table."""
    drawn = [unit for unit in units if unit.shape is not None]
    rows: list[dict[str, object]] = [
        {"code": u.code, "name": u.name, "parent": u.parent, "households": u.households} for u in drawn
    ]
    _write_shapes(rows, [unit.shape for unit in drawn], shapes_path)
    derived = [unit for unit in units if unit.shape is None]
    _write_csv(
        table_path,
        [
            {
                "level": u.level,
                "code": u.code,
                "name": u.name,
                "parent": u.parent or "",
                "households": u.households,
            }
            for u in derived
        ],
    )


def _write_shapes(rows: list[dict[str, object]], shapes: Sequence[BaseGeometry | None], path: Path) -> None:
    frame = geopandas.GeoDataFrame(rows, geometry=shapes, crs="EPSG:4326")
    path.unlink(missing_ok=True)
    frame.to_file(path, driver="FlatGeobuf", SPATIAL_INDEX="NO")


def _write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_packed(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    write_city(make_city(), FOLDER, POLICE_FOLDER)
