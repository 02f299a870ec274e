"""How high each stop of a column stands: apart as must be, straight as may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from symbackprop.drawing.ranks import Columns, Stop

SWEEPS = 36


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a stop reaches up and down from its line, and how much it holds still."""

    up: float
    down: float
    weight: float = 1.0


def heights_of(columns: Columns, reach: Mapping[Stop, Reach]) -> dict[Stop, float]:
    """The height of each stop's line, downwards; neighbours keep their reach apart."""
    heights: dict[Stop, float] = {}
    for stops in columns.stops:
        here = 0.0
        for stop in stops:
            heights[stop] = here + reach[stop].up
            here += reach[stop].up + reach[stop].down
    near = _neighbours(columns, reach)
    count = len(columns.stops)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        order = range(count) if forward else range(count - 1, -1, -1)
        sides = (0,) if forward else (1,)
        if sweep >= SWEEPS - 28:
            sides = (0, 1)
        for column in order:
            _settle(columns.stops[column], heights, reach, near, sides)
    top = min(
        (heights[stop] - reach[stop].up for stop in heights),
        default=0.0,
    )
    return {stop: round(height - top, 1) for stop, height in heights.items()}


Pull = tuple[Stop, float]
Neighbours = Mapping[Stop, tuple[list[Pull], list[Pull]]]


def _neighbours(columns: Columns, reach: Mapping[Stop, Reach]) -> Neighbours:
    """What pulls at each stop from the column before and from the one after.

    A line that is the only one at both its ends pulls hardest, a fan hardly: so
    chains are drawn straight and fans give way.
    """
    outs: dict[Stop, float] = {}
    ins: dict[Stop, float] = {}
    for links in columns.links:
        for one, other in links:
            share = min(reach[one].weight, 1.0)
            outs[one] = outs.get(one, 0.0) + 1.0
            ins[other] = ins.get(other, 0.0) + share
    near: dict[Stop, tuple[list[Pull], list[Pull]]] = {
        stop: ([], []) for stops in columns.stops for stop in stops
    }
    for links in columns.links:
        for one, other in links:
            share = min(reach[one].weight, 1.0)
            pull = share / (outs[one] * max(ins[other], share)) ** 4
            near[one][1].append((other, pull * max(reach[other].weight, 1.0)))
            near[other][0].append((one, pull * max(reach[one].weight, 1.0)))
    return near


def _settle(
    stops: Sequence[Stop],
    heights: dict[Stop, float],
    reach: Mapping[Stop, Reach],
    near: Neighbours,
    sides: tuple[int, ...],
) -> None:
    """Move one column's stops towards their neighbours, in order and apart."""
    wanted: list[float] = []
    for stop in stops:
        pulls = [pull for side in sides for pull in near[stop][side]]
        total = sum(pull for _, pull in pulls)
        mean = sum(heights[other] * pull for other, pull in pulls)
        wanted.append(mean / total if total else heights[stop])
    apart = [0.0]
    for above, below in pairwise(stops):
        apart.append(apart[-1] + reach[above].down + reach[below].up)
    free = [want - gap for want, gap in zip(wanted, apart, strict=True)]
    weights = [reach[stop].weight for stop in stops]
    for stop, height, gap in zip(stops, in_order(free, weights), apart, strict=True):
        heights[stop] = height + gap


def in_order(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing numbers nearest to the wanted ones, in weighted squares.

    Neighbours that would be out of order are pooled at their weighted mean.
    """
    pools: list[tuple[float, float, int]] = []
    for want, weight in zip(wanted, weights, strict=True):
        mean, mass, size = want, weight, 1
        while pools and pools[-1][0] > mean:
            before, heavy, many = pools.pop()
            mean = (before * heavy + mean * mass) / (heavy + mass)
            mass, size = mass + heavy, size + many
        pools.append((mean, mass, size))
    return [mean for mean, _, size in pools for _ in range(size)]
