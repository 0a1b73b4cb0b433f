"""The fictional city 望澜市, made from a seed: units with codes and names, sites, streets, addresses, planted trouble."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from demo.city import names
from demo.city.areas import GOVERNANCE, draw_areas
from demo.city.blocks import METRES_PER_STEP, Blocks, Ints, Shapes, cut_blocks, lonlat
from demo.city.divide import number_places
from demo.city.layout import Floats, make_layout
from demo.city.planted import Planted, plant_trouble
from demo.city.roads import Road, address_homes, name_roads
from demo.city.sites import Site, choose_sites

SEED = 20260601
SIMPLIFY_M = 0.35
"""Corners that leave a border within this distance of its streets are not kept."""


@dataclass(frozen=True)
class Unit:
    """One unit of a network; `shape` in WGS-84, None where it is the union of its children."""

    level: str
    code: str
    name: str
    parent: str | None
    households: int
    shape: BaseGeometry | None = None


@dataclass(frozen=True)
class Address:
    """One door: a code, what is written on it, where it is, and how many households live behind it."""

    code: str
    address: str
    lon: float
    lat: float
    households: int


@dataclass(frozen=True)
class City:
    """Everything that ships. Units stand parents first."""

    governance: tuple[Unit, ...]
    police: tuple[Unit, ...]
    sites: tuple[Site, ...]
    roads: tuple[Road, ...]
    addresses: tuple[Address, ...]
    planted: tuple[Planted, ...]


def make_city(seed: int = SEED) -> City:
    """Draw the whole city; the same seed gives the same city."""
    rng = np.random.default_rng(seed)
    layout = make_layout(rng)
    blocks = cut_blocks(layout, rng)
    areas = draw_areas(blocks)
    codes, governance = _governance(blocks, areas.governance, rng)
    police = _police(blocks, areas.police)
    roads, road_of_block = name_roads(blocks, rng)
    sites = choose_sites(blocks, codes[1], {unit.code: unit.name for unit in governance}, rng)
    homes = address_homes(blocks, road_of_block, rng)
    addresses = tuple(Address(*home) for home in homes)
    planted = plant_trouble(blocks, rng)
    return City(governance, police, sites, roads, addresses, planted)


def _governance(
    blocks: Blocks, levels: tuple[Ints, ...], rng: np.random.Generator
) -> tuple[list[list[str]], tuple[Unit, ...]]:
    """The governance units, and for each level the code every block belongs to."""
    words = names.community_words(rng)
    units: list[Unit] = []
    codes: list[list[str]] = []
    parent_codes = [names.CITY_CODE] * len(blocks.shapes)
    title = {names.CITY_CODE: names.CITY}
    shapes = _outlines(blocks, levels[-1])
    for depth, ((level, _), label) in enumerate(zip(GOVERNANCE, levels, strict=True)):
        numbered = _codes(blocks, label, parent_codes, depth)
        homes = np.bincount(label, weights=blocks.households)
        crowd = homes / np.bincount(label, weights=blocks.area_m2) * 1e6
        subdistricts, towns = iter(names.SUBDISTRICTS), iter(names.TOWNS)
        for area in sorted(numbered, key=lambda a: numbered[a]):
            code, parent = numbered[area], parent_codes[int(np.argmax(label == area))]
            if level == "street":
                name = f"{next(subdistricts)}街道" if code[6] == "0" else f"{next(towns)}镇"
            elif level == "community":
                name = next(words) + ("村" if code[6] == "1" and crowd[area] < 500 else "社区")
            elif level == "grid":
                name = f"{title[parent]}第{names.numeral(int(code[-3:]))}网格"
            else:
                wet = bool(blocks.wet[label == area].all())
                name = f"{title[parent]}{int(code[-2:])}号{'水域' if wet else '微网格'}"
            title[code] = name
            shape = shapes[area] if depth == len(levels) - 1 else None
            units.append(Unit(level, code, name, parent if depth else None, int(homes[area]), shape))
        parent_codes = [numbered[int(area)] for area in label]
        codes.append(parent_codes)
    return codes, tuple(units)


def _codes(blocks: Blocks, label: Ints, parent_codes: list[str], depth: int) -> dict[int, str]:
    """Area number → code: the parent's code and a number, west to east in rows from north to south.

    Towns count from 101 as in the national list, subdistricts from 001.
    """
    count = int(label.max()) + 1
    area_m2 = np.bincount(label, weights=blocks.area_m2)
    middle = np.column_stack(
        [np.bincount(label, weights=blocks.area_m2 * axis) / area_m2 for axis in blocks.centroid_m.T]
    )
    crowd = np.bincount(label, weights=blocks.households) / area_m2 * 1e6
    first = np.unique(label, return_index=True)[1]
    families: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for area in range(count):
        families[parent_codes[first[area]], depth == 0 and bool(crowd[area] < 900)].append(area)
    codes = {}
    width = 2 if depth == 3 else 3
    for (parent, town), members in families.items():
        for area, number in zip(members, number_places(middle[members]), strict=True):
            codes[area] = f"{parent}{number + (100 if town else 0):0{width}d}"
    return codes


def _police(blocks: Blocks, levels: tuple[Ints, ...]) -> tuple[Unit, ...]:
    """Police stations and beats: other borders over the same streets."""
    stations, beats = levels
    shapes = _outlines(blocks, beats)
    words = ("城关", "河东", "河西", "北郊", "南岸", "东站", "湖滨", "西园", "高新", "桥头", "古渡", "麦田")
    station_code = _codes(blocks, stations, [f"{names.CITY_CODE}P"] * len(stations), 1)
    order = sorted(station_code, key=lambda area: station_code[area])
    name = {area: f"{words[place]}派出所" for place, area in enumerate(order)}
    homes = np.bincount(stations, weights=blocks.households)
    units = [Unit("station", station_code[a], name[a], None, int(homes[a])) for a in order]
    beat_code = _codes(blocks, beats, [station_code[int(area)] for area in stations], 1)
    homes = np.bincount(beats, weights=blocks.households)
    for area in sorted(beat_code, key=lambda a: beat_code[a]):
        code = beat_code[area]
        station = int(stations[int(np.argmax(beats == area))])
        units.append(
            Unit(
                "beat",
                code,
                f"{name[station]}{names.numeral(int(code[-3:]))}警区",
                code[:-3],
                int(homes[area]),
                shapes[area],
            )
        )
    return tuple(units)


def _outlines(blocks: Blocks, label: Ints) -> Shapes:
    """The union of every area's blocks in WGS-84; neighbours keep exactly the same line between them."""
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    whole = np.array([shapely.coverage_union_all(blocks.shapes[group]) for group in groups], object)
    plain = shapely.coverage_simplify(
        whole, SIMPLIFY_M / float(METRES_PER_STEP.mean()), simplify_boundary=False
    )
    return np.asarray(shapely.transform(shapely.normalize(plain), _to_lonlat), object)


def _to_lonlat(xy: NDArray[np.float64]) -> Floats:
    return lonlat(xy)
