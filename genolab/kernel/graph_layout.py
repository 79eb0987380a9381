"""A layered layout of a directed acyclic graph (after Sugiyama, Tagawa and Toda, 10.1109/TSMC.1981.4308636).

Every node gets a layer below the nodes it needs; a long edge gets a bend in each layer it passes; layers are ordered by
medians to have few crossings; then places are pulled towards their neighbours without ever overlapping.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Point = tuple[float, float]
Flow = Literal["down", "right"]

NODE_GAP, BEND_GAP, LAYER_GAP = 22.0, 14.0, 38.0
ROUNDS, PATIENCE = 24, 4  # of ordering, at most and without a better order; the best order is kept
PULLS = 20
WORK = 100_000  # nodes and bends that are looked at while ordering: a large graph gets fewer rounds, and an answer
STRAIGHT = 4.0  # how much more than a node a bend wants to stay in line


@dataclass(frozen=True)
class Box:
    """What has to be placed."""

    id: str
    width: float
    height: float


@dataclass(frozen=True)
class Route:
    """An edge that has to be drawn."""

    source: str
    target: str


@dataclass(frozen=True)
class Layout:
    """The left top corner of every box, the points of every route in the order given, and the size of the whole."""

    corners: dict[str, Point]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layered_layout(boxes: Sequence[Box], routes: Sequence[Route], flow: Flow = "down") -> Layout:
    """Place boxes in layers, each below (or right of) what it needs; the same graph is always placed the same way."""
    if not boxes:
        return Layout({}, (), 0.0, 0.0)
    if flow == "right":  # the same, with x and y exchanged
        layout = layered_layout([Box(box.id, box.height, box.width) for box in boxes], routes)
        corners = {name: (y, x) for name, (x, y) in layout.corners.items()}
        turned = tuple(tuple((y, x) for x, y in points) for points in layout.routes)
        return Layout(corners, turned, layout.height, layout.width)
    graph = _Layered(boxes, routes)
    graph.order()
    graph.place()
    return graph.finish()


class _Layered:
    """Works on integers: boxes first, then the bends."""

    def __init__(self, boxes: Sequence[Box], routes: Sequence[Route]) -> None:
        self.boxes = boxes
        number = {box.id: i for i, box in enumerate(boxes)}
        self.pairs = [(number[route.source], number[route.target]) for route in routes]
        self.widths = [box.width for box in boxes]
        self.ranks = _ranks(len(boxes), self.pairs)
        self.above: list[list[int]] = [[] for _ in boxes]
        self.below: list[list[int]] = [[] for _ in boxes]
        self.layers: list[list[int]] = [[] for _ in range(max(self.ranks) + 1)]
        self.chains = self._add_bends()
        for i, rank in enumerate(self.ranks):
            self.layers[rank].append(i)
        self.x = [0.0] * len(self.ranks)

    def _add_bends(self) -> list[list[int]]:
        """Give each pair the nodes it passes; the edges of one source share their bends, as one line that branches."""
        trunks: dict[tuple[int, int], int] = {}
        chains = []
        linked: set[tuple[int, int]] = set()
        for source, target in self.pairs:
            chain = [source]
            for rank in range(self.ranks[source] + 1, self.ranks[target]):
                bend = trunks.get((source, rank))
                if bend is None:
                    bend = trunks[source, rank] = len(self.ranks)
                    self.ranks.append(rank)
                    self.widths.append(0.0)
                    self.above.append([])
                    self.below.append([])
                chain.append(bend)
            chain.append(target)
            chains.append(chain)
            for upper, lower in pairwise(chain):
                if (upper, lower) not in linked:
                    linked.add((upper, lower))
                    self.below[upper].append(lower)
                    self.above[lower].append(upper)
        return chains

    def is_bend(self, node: int) -> bool:
        return node >= len(self.boxes)

    # --- order

    def order(self) -> None:
        position = self._start()
        best, fewest, last = [list(layer) for layer in self.layers], self._crossings(position), 0
        for turn in range(max(2, min(ROUNDS, WORK // len(self.ranks)))):
            if fewest == 0 or turn - last > PATIENCE:
                break
            downwards = turn % 2 == 0
            layers = self.layers if downwards else self.layers[::-1]
            for layer in layers:
                self._sort(layer, self.above if downwards else self.below, position, reverse_ties=turn % 4 > 1)
            for layer in self.layers:
                self._swap_neighbours(layer, position)
            crossings = self._crossings(position)
            if crossings < fewest:
                best, fewest, last = [list(layer) for layer in self.layers], crossings, turn
        self.layers = best

    def _start(self) -> list[int]:
        """The first order: by depth from the last layer upwards, which keeps what belongs to one result together."""
        position = [0] * len(self.ranks)
        seen: set[int] = set()
        found: list[list[int]] = [[] for _ in self.layers]
        roots = [i for layer in reversed(self.layers) for i in layer if not self.below[i]]
        stack = roots[::-1]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            found[self.ranks[node]].append(node)
            stack.extend(reversed(self.above[node]))
        self.layers = found
        for layer in self.layers:
            for place, node in enumerate(layer):
                position[node] = place
        return position

    def _sort(self, layer: list[int], neighbours: list[list[int]], position: list[int], reverse_ties: bool) -> None:
        def middle(node: int) -> float:
            if len(neighbours[node]) == 1:  # of most bends
                return position[neighbours[node][0]] * (1 + 1e-3)
            places = sorted(position[other] for other in neighbours[node])
            if not places:
                return float(position[node])
            half = len(places) // 2
            median = places[half] if len(places) % 2 else (places[half - 1] + places[half]) / 2
            return median + 1e-3 * sum(places) / len(places)  # the mean decides between equal medians

        keys = {node: middle(node) for node in layer}
        layer.sort(key=lambda node: (keys[node], -position[node] if reverse_ties else position[node]))
        for place, node in enumerate(layer):
            position[node] = place

    def _swap_neighbours(self, layer: list[int], position: list[int]) -> None:
        for place in range(len(layer) - 1):
            left, right = layer[place], layer[place + 1]
            if self._gain(self.above, left, right, position) + self._gain(self.below, left, right, position) > 0:
                layer[place], layer[place + 1] = right, left
                position[left], position[right] = place + 1, place

    @staticmethod
    def _gain(neighbours: list[list[int]], left: int, right: int, position: list[int]) -> int:
        """Crossings that go when two nodes of a layer change places."""
        some, others = neighbours[left], neighbours[right]
        if len(some) == len(others) == 1:  # of most bends
            first, second = position[some[0]], position[others[0]]
            return (first > second) - (second > first)
        a, b = sorted([position[node] for node in some]), sorted([position[node] for node in others])
        return _inversions(a, b) - _inversions(b, a)

    def _crossings(self, position: list[int]) -> int:
        total = 0
        for layer in self.layers[:-1]:
            ends: list[int] = []
            for node in layer:
                targets = sorted(position[other] for other in self.below[node])
                total += sum(len(ends) - bisect_right(ends, target) for target in targets)
                for target in targets:
                    insort(ends, target)
        return total

    # --- place

    def place(self) -> None:
        for layer in self.layers:
            at = 0.0
            for left, right in zip([None, *layer], layer, strict=False):
                at += 0.0 if left is None else self._distance(left, right)
                self.x[right] = at
        distances = [[self._distance(left, right) for left, right in pairwise(layer)] for layer in self.layers]
        rows = list(zip(self.layers, distances, strict=True))
        pulls = max(6, min(PULLS, WORK // len(self.ranks)))
        for turn in range(pulls):
            downwards = turn % 2 == 0
            both = turn >= pulls - 4
            for layer, apart in rows if downwards else rows[::-1]:
                self._pull(layer, apart, downwards, both)

    def _distance(self, left: int, right: int) -> float:
        gap = BEND_GAP if self.is_bend(left) or self.is_bend(right) else NODE_GAP
        return (self.widths[left] + self.widths[right]) / 2 + gap

    def _pull(self, layer: list[int], distances: list[float], downwards: bool, both: bool) -> None:
        wanted, weights = [], []
        first, second = (self.above, self.below) if downwards else (self.below, self.above)
        bends, places = len(self.boxes), self.x  # nodes from this number on are bends
        for node in layer:
            others = first[node] + second[node] if both else first[node] or second[node]
            at, total = 0.0, 0.0
            for other in others:
                strength = STRAIGHT if node >= bends and other >= bends else 1.0
                at += places[other] * strength
                total += strength
            wanted.append(at / total if others else places[node])
            weights.append(max(total, 0.1))
        for node, x in zip(layer, keep_apart(wanted, weights, distances), strict=True):
            places[node] = x

    # --- finish

    def finish(self) -> Layout:
        heights = [
            max((self.boxes[i].height for i in layer if not self.is_bend(i)), default=0.0) for layer in self.layers
        ]
        tops = [0.0]
        for height in heights[:-1]:
            tops.append(tops[-1] + height + LAYER_GAP)
        left = min(self.x[i] - self.widths[i] / 2 for i in range(len(self.x)))
        right = max(self.x[i] + self.widths[i] / 2 for i in range(len(self.x)))
        corners = {}
        for i, box in enumerate(self.boxes):
            rank = self.ranks[i]
            # beside an open frame the middle of the layer is far from everything
            spare = heights[rank] - box.height
            drop = spare / 2 if spare < box.height else 0.0
            corners[box.id] = (self.x[i] - left - box.width / 2, tops[rank] + drop)
        ports = self._ports()
        routes = []
        for chain, port in zip(self.chains, ports, strict=True):
            source, target = self.boxes[chain[0]], self.boxes[chain[-1]]
            # curves bend between layers only: beside a larger box in the same layer a route runs straight
            x, end = self.x[chain[0]] - left, tops[self.ranks[chain[0]]] + heights[self.ranks[chain[0]]]
            points = [(x, corners[source.id][1] + source.height), (x, end)]
            for bend in chain[1:-1]:
                x, top = self.x[bend] - left, tops[self.ranks[bend]]
                points += [(x, top), (x, top + heights[self.ranks[bend]])]
            x = self.x[chain[-1]] - left + port
            points += [(x, tops[self.ranks[chain[-1]]]), (x, corners[target.id][1])]
            routes.append(tuple(point for point, last in zip(points, [None, *points], strict=False) if point != last))
        return Layout(corners, tuple(routes), right - left, tops[-1] + heights[-1])

    def _ports(self) -> list[float]:
        """Where on its target's top each route ends, from the middle: in the order in which the routes come."""
        arriving: dict[int, list[int]] = {}
        for i, chain in enumerate(self.chains):
            arriving.setdefault(chain[-1], []).append(i)
        ports = [0.0] * len(self.chains)
        for target, those in arriving.items():
            those.sort(key=lambda i: self.x[self.chains[i][-2]])
            step = min(18.0, 0.6 * self.widths[target] / max(len(those) - 1, 1))
            for place, i in enumerate(those):
                ports[i] = (place - (len(those) - 1) / 2) * step
        return ports


def keep_apart(wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]) -> list[float]:
    """Return places as near as possible to the wanted ones that keep their order and at least these distances.

    Minimises sum(weight * (x - wanted)^2) subject to x[i+1] - x[i] >= distance[i], exactly, by pooling neighbours.
    """
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, total, count = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_total, other_count = blocks.pop()
            mean = (mean * total + other * other_total) / (total + other_total)
            total, count = total + other_total, count + other_count
        blocks.append((mean, total, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        above[target].append(source)
        below[source].append(target)
    ranks = [0] * count
    left = [len(nodes) for nodes in above]
    ready = [i for i in range(count) if not left[i]]
    for node in ready:  # grows while it is read
        for other in below[node]:
            ranks[other] = max(ranks[other], ranks[node] + 1)
            left[other] -= 1
            if not left[other]:
                ready.append(other)
    if len(ready) < count:
        raise ValueError("the graph has a cycle")
    for node in reversed(ready):  # what needs nothing comes down to its first user: shorter lines
        if not above[node] and below[node]:
            ranks[node] = min(ranks[other] for other in below[node]) - 1
    return ranks


def _inversions(left: Sequence[int], right: Sequence[int]) -> int:
    """How often an end of the left node lies to the right of an end of the right node."""
    return sum(bisect_right(right, end - 1) for end in left)


NARROW, WIDE = frozenset("iljtfrI.,:;'|!()[]{} "), frozenset("mwMW@%—…+×−÷=<>≤≥≠√")


def text_width(text: str, size: float) -> float:
    """Estimate the width of text in a sans-serif font of that size, generously: a label must never leave its box."""
    units = sum(
        0.42 if c in NARROW else 0.98 if c in WIDE else 0.76 if c.isupper() or c.isdigit() is None else 0.66
        for c in text
    )
    return units * size
