"""The lines between columns: from which stop to which, with which weight, if on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.drawing.diagram import Cell, Weight
from symbackprop.drawing.ranks import Columns, Link


@dataclass(frozen=True, slots=True)
class Way:
    """A line through the zone after a column; `on` where it is highlighted."""

    column: int
    link: Link
    weight: Weight | None
    on: bool


def ways_of(
    cells: Mapping[str, Cell], weights: Mapping[str, Weight], columns: Columns
) -> Iterator[Way]:
    """Every line between neighbouring columns."""
    named = {
        (feed.source, cell.id): weights.get(feed.weight)
        for cell in cells.values()
        for feed in cell.feeds
    }

    def lit(source: str, target: str) -> bool:
        weight = named[source, target]
        both = cells[source].on and cells[target].on
        return both or (weight is not None and weight.on)

    reach: dict[str, int] = {}
    for number, stops in enumerate(columns.stops):
        for stop in stops:
            cell = cells[stop.cell]
            for feed in () if stop.via else cell.feeds:
                if lit(feed.source, cell.id):
                    reach[feed.source] = max(reach.get(feed.source, 0), number)
    for column, links in enumerate(columns.links):
        for source, target in links:
            if target.via:
                on = reach.get(source.cell, 0) > column + 1
                yield Way(column, (source, target), None, on)
            else:
                pair = (source.cell, target.cell)
                yield Way(column, (source, target), named[pair], lit(*pair))


def asides(cells: Sequence[Cell]) -> frozenset[str]:
    """Leaves that join a line which comes from further away; they give way to it."""
    inner = {cell.id for cell in cells if cell.feeds}
    return frozenset(
        feed.source
        for cell in cells
        for feed in cell.feeds
        if feed.source not in inner
        and any(other.source in inner for other in cell.feeds)
    )
