"""A graph of blocks in parts of even weight that hang together: cut along random trees, then bettered block by block.

Recursive cuts of random spanning trees give contiguous parts of even weight at once; single blocks on the border then
change hands by simulated annealing, for short borders along streets and for few households that change unit.
"""

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from analysis.redraw.graph import Floats, Graph, Ints

_TREES = 24
"""Trees tried for each cut before the most even one is taken."""
_STEPS_A_BLOCK = 300
_HOT, _COLD = 0.3, 0.003


@dataclass(frozen=True)
class Wish:
    """What an alternative is for: how much evenness, short borders, streets and keeping present units count."""

    name: str
    even: float = 1.0
    short: float = 0.6
    streets: float = 0.3
    stable: float = 0.5


@dataclass(frozen=True)
class Bounds:
    """`tolerance`: by how much of the mean a part may differ; `until`: on the clock of `perf_counter`."""

    tolerance: float
    until: float

    @property
    def is_late(self) -> bool:
        return perf_counter() > self.until


def divide(graph: Graph, count: int, wish: Wish, bounds: Bounds, random: np.random.Generator) -> Ints:
    """The part of each block, 0 to count - 1; every part has blocks."""
    part = np.zeros(len(graph), dtype=np.int64)
    cut_in_trees(graph, part, np.arange(len(graph)), (0, count), (wish, bounds, random))
    return better(graph, part, count, (wish, bounds, random))


Means = tuple[Wish, Bounds, np.random.Generator]


def cut_in_trees(graph: Graph, part: Ints, blocks: Ints, parts: tuple[int, int], means: Means) -> None:
    """Number the blocks by parts[1] parts from parts[0] on."""
    first, count = parts
    part[blocks] = first
    if count == 1:
        return
    mean = graph.weight[blocks].sum() / count
    best: tuple[float, Ints, int] | None = None
    for _ in range(_TREES):
        found = _cut_one_tree(graph, blocks, count, mean, means)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
        if best is not None and (best[0] <= means[1].tolerance / 4 or means[1].is_late):
            break
    if best is None:
        raise ValueError("more parts than blocks that hang together")
    _, side, given = best
    rest = np.setdiff1d(blocks, side)
    cut_in_trees(graph, part, side, (first, given), means)
    cut_in_trees(graph, part, rest, (first + given, count - given), means)


def _cut_one_tree(
    graph: Graph, blocks: Ints, count: int, mean: float, means: Means
) -> tuple[float, Ints, int] | None:
    """One random tree, cut where the sides are nearest to whole numbers of parts: how far off, one side, its parts."""
    tree = _random_tree(graph, blocks, means)
    order, above = tree.order, tree.above
    sums, sizes = graph.weight[blocks].copy(), np.ones(len(blocks), dtype=np.int64)
    for place in order[:0:-1]:
        sums[above[place]] += sums[place]
        sizes[above[place]] += sizes[place]
    whole = max(mean, 1e-12)
    parts = np.clip(np.rint(sums / whole), 1, count - 1).astype(np.int64)
    off = np.abs(sums / whole - parts) / np.minimum(parts, count - parts)
    few = (sizes < parts) | (len(blocks) - sizes < count - parts)
    off[few] = np.inf
    off[order[0]] = np.inf
    best = int(np.argmin(off))
    if not np.isfinite(off[best]):
        return None
    return float(off[best]), blocks[tree.below(best)], int(parts[best])


@dataclass(frozen=True)
class _Tree:
    """`order`: from the root on; `above`: the block over each."""

    order: Ints
    above: Ints

    def below(self, top: int) -> Ints:
        chosen = np.zeros(len(self.order), dtype=bool)
        chosen[top] = True
        for each in self.order[1:].tolist():
            chosen[each] |= chosen[self.above[each]]
        return np.flatnonzero(chosen)


def _random_tree(graph: Graph, blocks: Ints, means: Means) -> _Tree:
    """A random tree that rather crosses what nobody would take for a border: no street, and within one present unit."""
    wish, _, random = means
    place = np.full(len(graph), -1)
    place[blocks] = np.arange(len(blocks))
    one, other = place[graph.left], place[graph.right]
    inside = (one >= 0) & (other >= 0)
    apart = graph.holder[graph.left[inside]] != graph.holder[graph.right[inside]]
    cost = 0.05 + random.random(len(apart)) + wish.streets * graph.street[inside] + 2 * wish.stable * apart
    size = (len(blocks), len(blocks))
    tree = minimum_spanning_tree(coo_array((cost, (one[inside], other[inside])), shape=size).tocsr())
    order, above = breadth_first_order(tree, int(random.integers(len(blocks))), directed=False)
    return _Tree(order.astype(np.int64), above.astype(np.int64))


def better(graph: Graph, part: Ints, count: int, means: Means) -> Ints:
    """Blocks on borders change hands, one at a time, as long as their parts go on hanging together."""
    search = _Search(graph, part, count, means)
    search.run(_STEPS_A_BLOCK * len(graph))
    return np.array(search.best, dtype=np.int64)


class _Search:
    """Plain lists: single numbers of numpy arrays are slow to reach."""

    def __init__(self, graph: Graph, part: Ints, count: int, means: Means) -> None:
        self.graph, self.count = graph, count
        self.wish, self.bounds, self.random = means
        self.part: list[int] = part.tolist()
        self.weight: list[float] = graph.weight.tolist()
        self.mean = max(float(graph.weight.sum()) / count, 1e-12)
        self.load = np.bincount(part, graph.weight, minlength=count).tolist()
        self.size = np.bincount(part, minlength=count).tolist()
        self.scale_m = 2 * math.sqrt(graph.area_m2 * count)
        self.label = match_holders(part, graph, count)
        self.home = [int(self.label[h]) if h >= 0 else -1 for h in graph.holder.tolist()]
        self.best, self.best_cost = list(self.part), 0.0

    def run(self, steps: int) -> None:
        graph, random = self.graph, self.random
        cost = self.best_cost = self._even_cost()
        picks = random.integers(len(graph), size=steps).tolist()
        rolls = random.random(2 * steps).tolist()
        for step in range(steps):
            if step % 512 == 0 and self.bounds.is_late:
                break
            block = picks[step]
            there = self._beside(block, rolls[2 * step])
            if there is None:
                continue
            heat = _HOT * (_COLD / _HOT) ** (step / steps)
            change = self._change(block, there)
            if change > 0 and rolls[2 * step + 1] >= math.exp(-change / heat):
                continue
            if not self._hangs_together_without(block):
                continue
            self._move(block, there)
            cost += change
            if cost < self.best_cost - 1e-12:
                self.best, self.best_cost = list(self.part), cost

    def _even_cost(self) -> float:
        return sum(self._uneven(load) for load in self.load)

    def _uneven(self, load: float) -> float:
        off = (load - self.mean) / self.mean / self.bounds.tolerance
        return self.wish.even * off * off / self.count * (4.0 if abs(off) > 0.9 else 1.0)

    def _beside(self, block: int, roll: float) -> int | None:
        """The part of a neighbour in another part; None where the block lies inside its own, or is all of it."""
        mine = self.part[block]
        if self.size[mine] == 1:
            return None
        near = self.graph.neighbours[block]
        there = self.part[near[int(roll * len(near))][0]] if near else mine
        return None if there == mine else there

    def _change(self, block: int, there: int) -> float:
        here, weight = self.part[block], self.weight[block]
        change = (
            self._uneven(self.load[here] - weight)
            - self._uneven(self.load[here])
            + self._uneven(self.load[there] + weight)
            - self._uneven(self.load[there])
        )
        cut = off_street = 0.0
        for other, metres, elsewhere in self.graph.neighbours[block]:
            if self.part[other] == here:
                cut += metres
                off_street += elsewhere
            elif self.part[other] == there:
                cut -= metres
                off_street -= elsewhere
        change += (self.wish.short * cut + self.wish.streets * off_street) / self.scale_m
        moved = (self.home[block] == here) - (self.home[block] == there)
        return change + self.wish.stable * moved * weight / self.mean

    def _hangs_together_without(self, block: int) -> bool:
        mine = self.part[block]
        near = [other for other, _, _ in self.graph.neighbours[block] if self.part[other] == mine]
        if len(near) < 2:
            return len(near) == 1
        wanted, seen, waiting = set(near[1:]), {block, near[0]}, [near[0]]
        while waiting and wanted:
            for other, _, _ in self.graph.neighbours[waiting.pop()]:
                if self.part[other] == mine and other not in seen:
                    seen.add(other)
                    wanted.discard(other)
                    waiting.append(other)
        return not wanted

    def _move(self, block: int, there: int) -> None:
        here = self.part[block]
        self.part[block] = there
        self.load[here] -= self.weight[block]
        self.load[there] += self.weight[block]
        self.size[here] -= 1
        self.size[there] += 1


def match_holders(part: Ints, graph: Graph, count: int) -> Ints:
    """The part that each present unit goes on in, so that as much weight as can be stays where it is; -1 for none."""
    known = graph.holder >= 0
    units = int(graph.holder.max(initial=-1)) + 1
    shared = np.zeros((units, count))
    np.add.at(shared, (graph.holder[known], part[known]), graph.weight[known] + 1e-9)
    label = np.full(units, -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(-shared)
    label[rows] = columns
    return label


def difference(one: Ints, other: Ints, weight: Floats) -> float:
    """Which share of the weight lies in another part, the parts of both matched as well as can be."""
    shared = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(shared, (one, other), weight)
    rows, columns = linear_sum_assignment(-shared)
    return 1.0 - float(shared[rows, columns].sum()) / max(float(weight.sum()), 1e-12)
