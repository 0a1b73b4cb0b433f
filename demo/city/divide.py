"""Blocks become areas: each division is connected, balanced by households, and its borders prefer large roads and water.

A division grows all its areas at once from one seed each, along the cheapest paths through the graph of blocks, where
crossing a large road or the river costs extra; seeds move to the middle of their area and overfull areas give way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from demo.city.blocks import Blocks, Ints
from demo.city.layout import Floats

CROSSING = np.array([99.0, 30.0, 4.5, 1.0, 3.6, 2.6, 1.7, 1.2, 1.0])
"""How many times farther apart two blocks count that have a border of this kind between them; in order of the kinds."""
ROUNDS = 24


@dataclass(frozen=True)
class Neighbours:
    """Which pieces share a border: pairs, the cost of stepping over, and where the pieces lie (metres)."""

    pairs: Ints
    cost: Floats
    middle_m: Floats

    def within(self, members: Ints) -> "Neighbours":
        """The same between `members` alone, numbered by their place in it."""
        number = np.full(len(self.middle_m), -1)
        number[members] = np.arange(len(members))
        pairs = number[self.pairs]
        kept = (pairs >= 0).all(axis=1)
        return Neighbours(pairs[kept], self.cost[kept], self.middle_m[members])


def find_neighbours(blocks: Blocks, piece: Ints, segments: Ints) -> Neighbours:
    """Pieces (a number from 0 for every block, -1: left out) that share at least 6 m of the `segments` given."""
    one, other = piece[blocks.left[segments]], piece[blocks.right[segments]]
    kept = (one >= 0) & (other >= 0) & (one != other)
    used = segments[kept]
    sides = np.sort(np.column_stack([one[kept], other[kept]]), axis=1)
    pairs, pair = np.unique(sides, axis=0, return_inverse=True)
    pair = pair.reshape(-1)
    shared = np.bincount(pair, weights=blocks.length_m[used])
    factor = np.bincount(pair, weights=blocks.length_m[used] * CROSSING[blocks.kind[used]]) / shared
    members = np.flatnonzero(piece >= 0)
    area = np.bincount(piece[members], weights=blocks.area_m2[members])
    middle = [
        np.bincount(piece[members], weights=(blocks.area_m2 * axis)[members]) / area
        for axis in blocks.centroid_m.T
    ]
    middle_m = np.column_stack(middle)
    apart = np.hypot(*(middle_m[pairs[:, 0]] - middle_m[pairs[:, 1]]).T)
    wide = shared >= 6
    return Neighbours(pairs[wide], (apart * factor)[wide], middle_m)


def share_out(
    total: int, weight: NDArray[np.number], most: NDArray[np.integer], *, least: int | Ints
) -> Ints:
    """`total` children given to parents in proportion to weight (Sainte-Laguë), each at least `least`, at most `most`."""
    given: Ints = np.minimum(np.broadcast_to(least, most.shape), most).astype(np.int64)
    while given.sum() < total:
        claim = np.where(given < most, weight / (2 * given + 1), -1.0)
        given[int(np.argmax(claim))] += 1
    return given


def divide(ground: Neighbours, weight: NDArray[np.number], parts: int) -> Ints:
    """A number from 0 to parts-1 for every block. `ground` may fall apart; then each piece is divided for itself."""
    count = len(weight)
    if parts >= count:
        return np.arange(count)
    pieces, piece = connected_components(_graph(ground, count), directed=False)
    label = np.zeros(count, np.int64)
    mass = np.bincount(piece, weights=weight)
    shares = share_out(parts, mass, np.bincount(piece), least=1)
    if shares.sum() > parts:
        raise ValueError(f"{parts} areas cannot be made of {pieces} separate pieces")
    begin = 0
    for number, share in enumerate(shares):
        members = np.flatnonzero(piece == number)
        label[members] = begin + _grow(ground.within(members), weight[members], int(share))
        begin += int(share)
    return label


def _grow(ground: Neighbours, weight: NDArray[np.number], parts: int) -> Ints:
    count = len(weight)
    if parts == 1:
        return np.zeros(count, np.int64)
    if parts >= count:
        return np.arange(count)
    graph = _graph(ground, count)
    seeds = _first_seeds(ground.middle_m, weight, parts)
    offset = np.zeros(parts)
    target = weight.sum() / parts
    reach = float(np.median(ground.cost)) * np.sqrt(count / parts)
    best, best_score = np.zeros(count, np.int64), np.inf
    rounds = ROUNDS if count > 60 else ROUNDS // 2
    for turn in range(rounds):
        label = _flood(graph, seeds, offset)
        load = np.bincount(label, weights=weight, minlength=parts)
        score = float(np.abs(load / target - 1).max() + np.abs(load / target - 1).mean())
        if score < best_score and len(np.unique(label)) == parts:
            best, best_score = label, score
        offset += (
            0.35 * reach * np.clip(np.log((load + 0.02 * target) / target), -1, 1) * (1 - 0.6 * turn / rounds)
        )
        offset -= offset.min()
        if turn < rounds * 0.7:
            seeds = _recentre(ground.middle_m, weight, label, seeds)
    return best


def _graph(ground: Neighbours, count: int) -> csr_array:
    a, b = ground.pairs[:, 0], ground.pairs[:, 1]
    return csr_array((np.tile(ground.cost, 2), (np.r_[a, b], np.r_[b, a])), shape=(count, count))


def _flood(graph: csr_array, seeds: Ints, offset: Floats) -> Ints:
    """The seed that reaches each block first when seed i starts `offset[i]` late."""
    count = graph.shape[0]
    inner = graph.tocoo()
    with_source = csr_array(
        (
            np.r_[inner.data, offset + 1e-6],
            (np.r_[inner.row, np.full(len(seeds), count)], np.r_[inner.col, seeds]),
        ),
        shape=(count + 1, count + 1),
    )
    _, before = dijkstra(with_source, indices=count, return_predecessors=True)
    root = before.astype(np.int64)
    at_source = root == count
    root[at_source] = np.flatnonzero(at_source)
    root[count] = count
    while not np.array_equal(root[root], root):
        root = root[root]
    number = np.full(count + 1, 0)
    number[seeds] = np.arange(len(seeds))
    owner: Ints = number[root[:count]]
    return owner


def _first_seeds(middle_m: Floats, weight: NDArray[np.number], parts: int) -> Ints:
    """Seeds spread by halving the weight again and again across the longer side."""
    seeds: list[int] = []
    pending = [(np.arange(len(weight)), parts)]
    while pending:
        members, wanted = pending.pop()
        if wanted == 1:
            centre = np.average(middle_m[members], axis=0, weights=weight[members] + 1e-9)
            seeds.append(int(members[np.argmin(((middle_m[members] - centre) ** 2).sum(axis=1))]))
            continue
        here = middle_m[members]
        order = members[np.argsort(here[:, int(np.argmax(np.ptp(here, axis=0)))], kind="stable")]
        half = wanted // 2
        running = np.cumsum(weight[order] + 1e-9)
        cut = int(np.searchsorted(running, running[-1] * half / wanted))
        cut = min(max(cut, half), len(order) - (wanted - half))
        pending += [(order[:cut], half), (order[cut:], wanted - half)]
    return np.array(seeds)


def _recentre(middle_m: Floats, weight: NDArray[np.number], label: Ints, seeds: Ints) -> Ints:
    """Each seed moves to the block nearest to the middle of its area; a seed that lost its area stays."""
    parts = len(seeds)
    mass = np.bincount(label, weights=weight + 1e-9, minlength=parts)
    mass[mass == 0] = 1
    centre = np.column_stack(
        [
            np.bincount(label, weights=(weight + 1e-9) * middle_m[:, axis], minlength=parts) / mass
            for axis in (0, 1)
        ]
    )
    away = ((middle_m - centre[label]) ** 2).sum(axis=1)
    moved = seeds.copy()
    order = np.lexsort((away, label))
    first = np.unique(label[order], return_index=True)
    moved[first[0]] = order[first[1]]
    return moved


def number_places(middle_m: Floats) -> Ints:
    """1, 2, 3 … for areas of one parent: west to east within a row, rows from north to south."""
    count = len(middle_m)
    rows = max(1, round(np.sqrt(count * 0.7)))
    by_north = np.argsort(-middle_m[:, 1], kind="stable")
    row = np.empty(count, np.int64)
    row[by_north] = np.arange(count) * rows // count
    number = np.empty(count, np.int64)
    number[np.lexsort((middle_m[:, 0], row))] = np.arange(1, count + 1)
    return number
