"""Which column each cell stands in, and in which order: few crossings, short lines.

Long lines get a place in every column that they pass, so that they run between cells
and never through them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from symbackprop.drawing.diagram import Cell

SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Stop:
    """A place in a column: a cell's, or one that a cell's line passes (`via`)."""

    cell: str
    via: int = 0


Link = tuple[Stop, Stop]


@dataclass(slots=True)
class Columns:
    """The stops of each column from top to bottom, and the lines between columns.

    `links` join stops of neighbouring columns.
    """

    stops: list[list[Stop]] = field(default_factory=list)
    links: list[list[Link]] = field(default_factory=list)


def columns_of(cells: Sequence[Cell]) -> Columns:
    """The columns of a diagram, ordered."""
    rank = _ranks(cells)
    columns = _with_passages(cells, rank, _reading_order(cells))
    _uncross(columns)
    return columns


def _ranks(cells: Sequence[Cell]) -> Mapping[str, int]:
    """Each cell one column after its last source; then moved next to its first user."""
    rank: dict[str, int] = {}
    users: dict[str, list[str]] = {cell.id: [] for cell in cells}
    for cell in cells:
        rank[cell.id] = max((rank[f.source] + 1 for f in cell.feeds), default=0)
        for feed in cell.feeds:
            users[feed.source].append(cell.id)
    for cell in reversed(cells):
        alone = len({feed.source for feed in cell.feeds}) <= 1
        if users[cell.id] and alone:
            rank[cell.id] = min(rank[user] for user in users[cell.id]) - 1
    first = min(rank.values(), default=0)
    return {cell: column - first for cell, column in rank.items()}


def _reading_order(cells: Sequence[Cell]) -> Mapping[str, int]:
    """Cells as they are met when the last one is read through to its leaves."""
    by_id = {cell.id: cell for cell in cells}
    order: dict[str, int] = {}
    pending = [cells[-1].id] if cells else []
    while pending:
        cell = pending.pop()
        if cell not in order:
            order[cell] = len(order)
            pending += [feed.source for feed in reversed(by_id[cell].feeds)]
    for cell in cells:
        order.setdefault(cell.id, len(order))
    return order


def _with_passages(
    cells: Sequence[Cell], rank: Mapping[str, int], order: Mapping[str, int]
) -> Columns:
    """Stops for cells and for the lines that pass a column on their way."""
    count = max(rank.values(), default=0) + 1
    columns = Columns([[] for _ in range(count)], [[] for _ in range(count - 1)])
    last = {cell.id: rank[cell.id] + 1 for cell in cells}
    for cell in cells:
        for feed in cell.feeds:
            last[feed.source] = max(last[feed.source], rank[cell.id])
    for cell in sorted(cells, key=lambda cell: order[cell.id]):
        here = rank[cell.id]
        stops = [Stop(cell.id, via) for via in range(max(last[cell.id] - here, 1))]
        for via, stop in enumerate(stops):
            columns.stops[here + via].append(stop)
        for via, (one, other) in enumerate(pairwise(stops)):
            columns.links[here + via].append((one, other))
    for cell in cells:
        for feed in cell.feeds:
            before = rank[cell.id] - 1
            source = Stop(feed.source, before - rank[feed.source])
            columns.links[before].append((source, Stop(cell.id)))
    return columns


def _uncross(columns: Columns) -> None:
    """Sort each column by the middle of its neighbours, to and fro; keep the best."""
    best = [list(stops) for stops in columns.stops]
    fewest = crossings(columns.stops, columns.links)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        count = len(columns.stops)
        for column in range(1, count) if forward else range(count - 2, -1, -1):
            _sort(columns, column, forward=forward)
        found = crossings(columns.stops, columns.links)
        if found < fewest:
            best, fewest = [list(stops) for stops in columns.stops], found
    columns.stops = best


def _sort(columns: Columns, column: int, *, forward: bool) -> None:
    """Order one column by the mean place of its neighbours in the one before."""
    near = columns.stops[column - 1 if forward else column + 1]
    place = {stop: number for number, stop in enumerate(near)}
    links = columns.links[column - 1 if forward else column]
    means: dict[Stop, float] = {}
    for number, stop in enumerate(columns.stops[column]):
        found = [place[a] for a, b in links if b == stop] if forward else [
            place[b] for a, b in links if a == stop
        ]  # fmt: skip
        means[stop] = sum(found) / len(found) if found else float(number)
    columns.stops[column].sort(key=lambda stop: means[stop])


def crossings(stops: Sequence[Sequence[Stop]], links: Sequence[Sequence[Link]]) -> int:
    """How many pairs of lines cross between neighbouring columns."""
    total = 0
    for column, pairs in enumerate(links):
        left = {stop: number for number, stop in enumerate(stops[column])}
        right = {stop: number for number, stop in enumerate(stops[column + 1])}
        ends = sorted((left[a], right[b]) for a, b in pairs)
        total += sum(
            one[0] < other[0] and one[1] > other[1]
            for place, one in enumerate(ends)
            for other in ends[place + 1 :]
        )
    return total
