"""Which block belongs to which area: two networks, four and two levels deep, over the same blocks."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from demo.city.blocks import Blocks, Ints
from demo.city.divide import divide, find_neighbours, share_out
from demo.city.layout import LANE, SECONDARY, STREET, Floats

GOVERNANCE = (("street", 17), ("community", 175), ("grid", 846), ("microgrid", 5657))
POLICE = (("station", 11), ("beat", 94))


@dataclass(frozen=True)
class Areas:
    """For every level from the top: the area each block belongs to, numbered from 0."""

    governance: tuple[Ints, ...]
    police: tuple[Ints, ...]


def draw_areas(blocks: Blocks) -> Areas:
    """Divide the city from the top down; what is drawn below never crosses what stands above it."""
    pieces = _pieces(blocks)
    weight = blocks.households + 110.0 * blocks.area_m2 / 1e6
    area = np.zeros(len(weight), np.int64)
    governance = []
    for (_, total), limit, least in zip(GOVERNANCE[:3], (0.25, 0.45, 0.6), (1, 4, 2), strict=True):
        area = _divide_level(
            blocks, area, total=total, pieces=pieces, weight=weight, limit=limit, least=least
        )
        governance.append(area)
    governance.append(_divide_last(blocks, area, GOVERNANCE[3][1]))
    shifted = weight * (
        1.25 + np.sin(blocks.centroid_m[:, 0] / 1900) * np.cos(blocks.centroid_m[:, 1] / 1500)
    )
    area = np.zeros(len(weight), np.int64)
    police = []
    for (_, total), limit in zip(POLICE, (0.25, 0.4), strict=True):
        area = _divide_level(blocks, area, total=total, pieces=pieces, weight=shifted, limit=limit, least=4)
        police.append(area)
    return Areas(tuple(governance), tuple(police))


def _pieces(blocks: Blocks) -> list[Ints]:
    """From coarse to fine: blocks together that no road above a street, above a lane, nothing at all keeps apart.

    The river would tie its banks together, so each stretch of water goes with the bank it has most border with.
    """
    count = len(blocks.shapes)
    inner = (blocks.left >= 0) & (blocks.right >= 0)
    dry = inner & ~blocks.wet[blocks.left] & ~blocks.wet[blocks.right]
    shore = inner & (blocks.wet[blocks.left] != blocks.wet[blocks.right])
    water = np.where(blocks.wet[blocks.left[shore]], blocks.left[shore], blocks.right[shore])
    land = np.where(blocks.wet[blocks.left[shore]], blocks.right[shore], blocks.left[shore])
    pieces = []
    for least_kind in (SECONDARY, STREET, LANE):
        through = dry & (blocks.kind >= least_kind)
        links = csr_array(
            (np.ones(through.sum()), (blocks.left[through], blocks.right[through])), shape=(count, count)
        )
        piece = connected_components(links, directed=False)[1].astype(np.int64)
        pieces.append(piece)
    finest = pieces[-1]
    shared = csr_array((blocks.length_m[shore], (water, finest[land])), shape=(count, int(finest.max()) + 1))
    for face in np.unique(water):
        row = shared[[int(face)], :].toarray().ravel()
        beside = land[water == face]
        bank = beside[finest[beside] == int(np.argmax(row))][0]
        for piece in pieces:
            piece[face] = piece[bank]
    return [*pieces, np.arange(count)]


def _divide_level(
    blocks: Blocks, parent: Ints, *, total: int, pieces: list[Ints], weight: Floats, limit: float, least: int
) -> Ints:
    """Divide every parent into its share of `total`, by the coarsest pieces that are below `limit` of a child."""
    mass = np.bincount(parent, weights=weight)
    shares = share_out(total, mass, np.bincount(parent), least=least)
    label = np.zeros(len(parent), np.int64)
    begin = 0
    for number, segments in enumerate(_segments_by_parent(blocks, parent)):
        members = np.flatnonzero(parent == number)
        target = mass[number] / shares[number]
        chosen = _choose_pieces([piece[members] for piece in pieces], weight[members], target * limit)
        piece = np.full(len(parent), -1)
        piece[members] = chosen
        ground = find_neighbours(blocks, piece, segments)
        load = np.bincount(chosen, weights=weight[members])
        label[members] = begin + divide(ground, load, int(shares[number]))[chosen]
        begin += int(shares[number])
    return label


def _choose_pieces(pieces: list[Ints], weight: Floats, most: float) -> Ints:
    """Number the coarsest pieces that weigh at most `most`; heavier ones fall into their finer pieces."""
    chosen = pieces[0].copy()
    for finer in pieces[1:]:
        number = np.unique(chosen, return_inverse=True)[1].reshape(-1)
        heavy = np.bincount(number, weights=weight)[number] > most
        chosen = np.where(heavy, finer + int(chosen.max()) + 1, number)
    return np.unique(chosen, return_inverse=True)[1].reshape(-1)


def _divide_last(blocks: Blocks, parent: Ints, total: int) -> Ints:
    """The smallest areas, of single blocks; water never shares one with land."""
    count = len(parent)
    inner = np.flatnonzero((blocks.left >= 0) & (blocks.right >= 0))
    one, other = blocks.left[inner], blocks.right[inner]
    joined = (
        (parent[one] == parent[other]) & (blocks.wet[one] == blocks.wet[other]) & (blocks.length_m[inner] > 0)
    )
    weight = blocks.households + 1.0
    label = np.zeros(count, np.int64)
    every = np.arange(count)
    whole = find_neighbours(blocks, every, inner[joined])
    links = csr_array(
        (np.ones(len(whole.pairs)), (whole.pairs[:, 0], whole.pairs[:, 1])), shape=(count, count)
    )
    island = connected_components(links, directed=False)[1]
    islands = np.bincount(parent[np.unique(island, return_index=True)[1]], minlength=int(parent.max()) + 1)
    shares = share_out(
        total, np.bincount(parent, weights=weight), np.bincount(parent), least=np.maximum(2, islands)
    )  # fmt: skip
    begin = 0
    for number in range(len(shares)):
        members = np.flatnonzero(parent == number)
        label[members] = begin + divide(whole.within(members), weight[members], int(shares[number]))
        begin += int(shares[number])
    return label


def _segments_by_parent(blocks: Blocks, parent: Ints) -> list[Ints]:
    """For every parent the segments that have it on both sides."""
    inner = np.flatnonzero((blocks.left >= 0) & (blocks.right >= 0))
    same = inner[parent[blocks.left[inner]] == parent[blocks.right[inner]]]
    owner = parent[blocks.left[same]]
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(1, int(parent.max()) + 1))
    return np.split(same[order], bounds)
