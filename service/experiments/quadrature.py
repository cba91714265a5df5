"""Integrals over a line cut into panels, by Gauss and Legendre's rule with 16 nodes. Pure.

On a panel the rule also gives the integral from its left end up to each node, so that cumulative
distributions come from densities alone. No random numbers: the same bytes every time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import mul

SIZE = 16


def _legendre(size: int, at: float) -> list[float]:
    """The Legendre polynomials of degree 0 to `size` at a place."""
    values = [1.0, at]
    for n in range(1, size):
        values.append(((2 * n + 1) * at * values[n] - n * values[n - 1]) / (n + 1))
    return values


def _slope(at: float, values: Sequence[float]) -> float:
    return SIZE * (at * values[SIZE] - values[SIZE - 1]) / (at * at - 1)


def _find_node(index: int) -> float:
    at = -math.cos(math.pi * (index + 0.75) / (SIZE + 0.5))
    for _ in range(8):
        values = _legendre(SIZE, at)
        at -= values[SIZE] / _slope(at, values)
    return at


def _weigh(at: float) -> float:
    return 2 / ((1 - at * at) * _slope(at, _legendre(SIZE, at)) ** 2)


def _upto(end: float, node: float, weight: float) -> float:
    """The integral from -1 to `end` of the polynomial that is 1 at a node and 0 at the others."""
    ours, theirs = _legendre(SIZE, end), _legendre(SIZE, node)
    total = (end + 1) / 2
    for n in range(1, SIZE):
        total += (ours[n + 1] - ours[n - 1]) / 2 * theirs[n]
    return weight * total


NODES = tuple(_find_node(index) for index in range(SIZE))
WEIGHTS = tuple(_weigh(node) for node in NODES)
_UPTO = tuple(
    tuple(_upto(end, node, weight) for node, weight in zip(NODES, WEIGHTS, strict=True))
    for end in NODES
)


class Panels:
    """A line cut at `edges`, which rise."""

    __slots__ = ("_halves", "edges", "nodes")

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = tuple(edges)
        spans = list(pairwise(self.edges))
        self._halves = [(high - low) / 2 for low, high in spans]
        self.nodes = [
            (low + high) / 2 + (high - low) / 2 * node for low, high in spans for node in NODES
        ]

    def integrate(self, values: Sequence[float]) -> float:
        """The integral over the whole line of what has these values at `nodes`."""
        return math.fsum(half * _dot(WEIGHTS, part) for half, part in self._parts(values))

    def accumulate(self, values: Sequence[float]) -> tuple[list[float], list[float]]:
        """The integrals from the left end up to each node, and up to each edge."""
        at_nodes: list[float] = []
        at_edges = [0.0]
        for half, part in self._parts(values):
            before = at_edges[-1]
            at_nodes += [before + half * _dot(row, part) for row in _UPTO]
            at_edges.append(before + half * _dot(WEIGHTS, part))
        return at_nodes, at_edges

    def _parts(self, values: Sequence[float]) -> list[tuple[float, Sequence[float]]]:
        starts = range(0, len(values), SIZE)
        return [
            (half, values[start : start + SIZE])
            for half, start in zip(self._halves, starts, strict=True)
        ]


def integrate_over(density: Callable[[float], float], low: float, high: float) -> float:
    """The integral of a smooth function over one panel."""
    middle, half = (low + high) / 2, (high - low) / 2
    return half * _dot(WEIGHTS, [density(middle + half * node) for node in NODES])


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    total: float = sum(map(mul, one, other))
    return total
