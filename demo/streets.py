"""The streets of the fictional city as a graph to walk on, and the part of it that lies in somebody's own areas."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from demo.city.files import FOLDER, read_packed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Paths = dict[int, list[tuple[int, float]]]
"""For every junction those beside it, and how many metres away."""

M_PER_DEG = np.array([93_220.0, 110_908.0])
"""Metres a degree of longitude and of latitude are long in the middle of the city."""
FEWEST_SEGMENTS = 12
_LINE = re.compile(r"\(([^()]+)\)")
"""A line of a WKT text; GEOS takes seconds to read as much of it."""


@dataclass(frozen=True)
class Streets:
    """Junctions and bends (lon, lat), and the segments between them."""

    nodes: Floats
    ends: Ints
    length_m: Floats
    tree: shapely.STRtree


def read_streets(folder: Path = FOLDER) -> Streets:
    """The graph from the city's streets file, whose lines have a vertex at every junction."""
    lines = [part for row in read_packed(folder / "streets.csv.gz") for part in _LINE.findall(row["wkt"])]
    line = np.repeat(np.arange(len(lines)), [part.count(",") + 1 for part in lines])
    points = np.array(" ".join(lines).replace(",", " ").split(), float).reshape(-1, 2)
    steps = np.rint(points * 1e7).astype(np.int64)
    first, number = np.unique(steps[:, 0] * 2**32 + steps[:, 1], return_index=True, return_inverse=True)[1:]
    same = line[1:] == line[:-1]
    ends = np.unique(np.sort(np.column_stack([number[:-1][same], number[1:][same]]), axis=1), axis=0)
    degrees = steps[first] / 1e7
    span = (degrees[ends[:, 1]] - degrees[ends[:, 0]]) * M_PER_DEG
    middles = shapely.points((degrees[ends[:, 0]] + degrees[ends[:, 1]]) / 2)
    return Streets(degrees, ends.astype(np.int64), np.hypot(span[:, 0], span[:, 1]), shapely.STRtree(middles))


def read_grounds(codes: Sequence[str], folder: Path = FOLDER) -> dict[str, BaseGeometry]:
    """The ground of every unit with these codes: what its micro-grids cover, and a step beyond, its border streets."""
    frame = geopandas.read_file(folder / "microgrids.fgb", columns=["code"])
    shapes = frame.geometry.to_numpy()
    held: dict[str, list[int]] = {code: [] for code in codes}
    lengths = sorted({len(code) for code in codes})
    for place, code in enumerate(frame["code"]):
        for length in lengths:
            if code[:length] in held:
                held[code[:length]].append(place)
    return {
        code: shapely.buffer(shapely.coverage_union_all(shapes[places]), 2e-5)
        for code, places in held.items()
        if places
    }


def own_paths(streets: Streets, ground: BaseGeometry) -> Paths | None:
    """The largest connected part of the streets on `ground`; None where there are hardly any."""
    inside = np.sort(streets.tree.query(ground, predicate="contains"))
    if len(inside) < FEWEST_SEGMENTS:
        return None
    ends, length = streets.ends[inside], streets.length_m[inside]
    used, local = np.unique(ends, return_inverse=True)
    local = local.reshape(ends.shape)
    links = csr_array((np.ones(len(local)), (local[:, 0], local[:, 1])), shape=(len(used), len(used)))
    part = connected_components(links, directed=False)[1]
    largest = int(np.argmax(np.bincount(part[local[:, 0]], weights=length)))
    kept = part[local[:, 0]] == largest
    if kept.sum() < FEWEST_SEGMENTS:
        return None
    paths: Paths = {}
    for (one, other), metres in zip(ends[kept].tolist(), length[kept].tolist(), strict=True):
        paths.setdefault(one, []).append((other, metres))
        paths.setdefault(other, []).append((one, metres))
    return paths
