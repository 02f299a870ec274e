"""The places of a diagram's cells and lines, for one choice of room.

Columns from left to right. A cell's line leaves it level, as long as its labels need;
then comes a zone in which lines bend, or run slanted where weights stand on them.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from math import hypot, sqrt

from symbackprop.drawing.diagram import Cell, Diagram, Text
from symbackprop.drawing.geometry import Curve, Point, joined, straight, swung
from symbackprop.drawing.ranks import Columns, Stop
from symbackprop.drawing.rows import Reach, heights_of
from symbackprop.drawing.shapes import FONT, Label, Line, Shape
from symbackprop.drawing.ways import Way, asides, ways_of

MARGIN = 12.0
SLIDE = (1280.0, 720.0)
MAX_LABELLED = 12
"""With more weights between two columns, only the highlighted one has its label."""

_GAP = 6.0
"""Between a level line and the label above it."""
_BACK = 9.0
"""From a level line down to the arrow of its gradient."""
_UNDER = _BACK + 7.0
"""From a level line down to the gradient."""
_ROW = 7.0
_LEVEL = 4.0
"""A line that climbs less arrives in the middle."""
_LEAD = 4.0
"""Between the rows of a text."""


class Plan:
    """A diagram's places; `high` moves rows apart, `stretched` makes zones wider."""

    def __init__(self, diagram: Diagram, columns: Columns, high: float = 1.0) -> None:
        self.cells = {cell.id: cell for cell in diagram.cells}
        self.columns = columns
        self.column = {
            stop: number for number, row in enumerate(columns.stops) for stop in row
        }
        self.sizes = _sizes(diagram.cells)
        self.ways = tuple(ways_of(self.cells, diagram.weights, columns))
        light = asides(diagram.cells)
        reach = {stop: self._reach(stop, high, light) for stop in self.column}
        self.heights = heights_of(columns, reach)
        self.zones: list[list[Way]] = [[] for _ in columns.stops]
        for way in self.ways:
            if way.weight is not None:
                self.zones[way.column].append(way)
        self._measure_columns(1.0)

    def stretched(self, wide: float) -> "Plan":
        """The same rows with zones of weights made wider or narrower."""
        other = copy(self)
        other._measure_columns(wide)  # noqa: SLF001 - a Plan's own
        return other

    @property
    def legible(self) -> float:
        """How large letters stay on a slide, in tenths, at most 1."""
        heights = self.heights.values()
        high = max(heights) - min(heights) + 2 * MARGIN + 60.0
        return round(min(1.0, SLIDE[0] / self.width, SLIDE[1] / high), 1)

    # --- rows and columns

    def _reach(self, stop: Stop, high: float, light: frozenset[str]) -> Reach:
        """How much room a stop needs above and below its line."""
        if stop.via:
            return Reach(10.0 * high, 10.0 * high, 8.0)
        cell = self.cells[stop.cell]
        up = down = self.sizes[stop.cell][1] / 2
        if cell.above:
            up = max(up, _GAP + height_of(cell.above))
        if cell.below:
            down = max(down, _UNDER + height_of(cell.below))
        weight = 0.002 if cell.id in light else 1.0
        return Reach((up + _ROW) * high, (down + _ROW) * high, weight)

    def _measure_columns(self, wide: float) -> None:
        """Where each column's cells, level stretches and zone begin and end."""
        self.left: list[float] = []
        self.middle: list[float] = []
        self.level: list[float] = []
        self.bare: list[bool] = []
        here = MARGIN
        for column, stops in enumerate(self.columns.stops):
            cells = [self.cells[stop.cell] for stop in stops if not stop.via]
            widest = max((self.sizes[cell.id][0] for cell in cells), default=0.0)
            labels = [t for cell in cells for t in (cell.above, cell.below) if t]
            room = max((width_of(text) for text in labels), default=0.0)
            last = column == len(self.columns.stops) - 1
            self.bare.append(last or (bool(self.zones[column]) and not labels))
            self.left.append(here)
            self.middle.append(here + widest / 2)
            here += widest + (0.0 if self.bare[-1] else max(room + 16.0, 18.0))
            self.level.append(here)
            here += 0.0 if last else self._zone_width(column, wide)
        self.width = here + MARGIN

    def _zone_width(self, column: int, wide: float) -> float:
        """Room to bend in, or for the labels of weights."""
        climb = max(
            (
                abs(self.heights[way.link[0]] - self.heights[way.link[1]])
                for way in self.ways
                if way.column == column
            ),
            default=0.0,
        )
        zone = self.zones[column]
        if not zone:
            return 26.0 + min(0.3 * climb, 90.0)
        texts = [t for way in zone if way.weight for t in way.weight.above[:1]]
        widest = 0.0 if self.crowded(column) else max(map(width_of, texts))
        return max(120.0 + 1.1 * widest, 0.45 * climb) * wide

    def crowded(self, column: int) -> bool:
        """Whether a zone has more weights than can be labelled."""
        return len(self.zones[column]) > MAX_LABELLED

    # --- shapes and labels

    def shape(self, cell: Cell) -> Shape:
        """A cell's shape."""
        stop = Stop(cell.id)
        width, height = self.sizes[cell.id]
        x, y = self.middle[self.column[stop]], self.heights[stop]
        return Shape(cell.quantity, cell.outline, x, y, width, height, cell.on)

    def labels(self, cell: Cell) -> Iterator[Label]:
        """What stands in a cell, above its line and below it."""
        shape = self.shape(cell)
        total = sum(map(height_of, cell.lines)) + _LEAD * (len(cell.lines) - 1)
        top = shape.y - total / 2
        for text in cell.lines:
            yield _centred(cell, "sign", text, shape.x, top)
            top += height_of(text) + _LEAD
        start, end = self._leaving(Stop(cell.id)), self._start(Stop(cell.id))
        middle = (start[0] + end[0]) / 2
        if cell.above is not None:
            top = shape.y - _GAP - height_of(cell.above)
            yield _centred(cell, "value", cell.above, middle, top)
        if cell.below is not None:
            top = shape.y + _UNDER
            yield _centred(cell, "gradient", cell.below, middle, top)

    # --- lines

    def _start(self, stop: Stop) -> Point:
        """Where a stop's line leaves the level stretch."""
        return self.level[self.column[stop]], self.heights[stop]

    def _leaving(self, stop: Stop) -> Point:
        """Where a stop's level stretch begins: at its shape, or where it came in."""
        column = self.column[stop]
        if stop.via:
            return self.left[column], self.heights[stop]
        return self.middle[column] + self.sizes[stop.cell][0] / 2, self.heights[stop]

    def branch(self, way: Way) -> Curve:
        """A line through the zone to the next stop."""
        source, target = way.link
        column = way.column
        bare = self.bare[column] and not source.via
        start = self._start(source)
        if bare:
            start = (self.middle[column], self.heights[source])
        slanted = bool(self.zones[column])
        if target.via:
            end = (self.left[column + 1], self.heights[target])
            return straight(start, end) if slanted else swung(start, end)
        if slanted:
            centre = (self.middle[column + 1], self.heights[target])
            end = self._rim(target, centre, start)
            return straight(self._rim(source, start, centre) if bare else start, end)
        port = self._port(way)
        bend = (self.left[column + 1], port[1])
        if port[0] - bend[0] < 0.5:
            return swung(start, port)
        return joined(swung(start, bend), straight(bend, port))

    def _rim(self, stop: Stop, centre: Point, towards: Point) -> Point:
        """Where the line from a shape's middle towards a point leaves the shape."""
        width, height = self.sizes[stop.cell]
        dx, dy = towards[0] - centre[0], towards[1] - centre[1]
        if self.cells[stop.cell].outline == "circle":
            share = width / 2 / hypot(dx, dy)
        else:
            across = width / 2 / abs(dx) if dx else 1.0
            share = min(across, height / 2 / abs(dy) if dy else 1.0)
        return centre[0] + dx * share, centre[1] + dy * share

    def _port(self, way: Way) -> Point:
        """Where a line arrives: several share a shape's left side in their order."""
        target = way.link[1]
        cell = self.cells[target.cell]
        width, height = self.sizes[target.cell]
        arriving = [other for other in self.ways if other.link[1] == target]
        arriving.sort(key=lambda other: self.heights[other.link[0]])
        place, count = arriving.index(way), len(arriving)
        step = min(13.0, 0.74 * height / count)
        off = (place - (count - 1) / 2) * step
        climbs = [
            abs(self.heights[other.link[0]] - self.heights[target])
            for other in arriving
        ]
        if count == 2 and min(climbs) < _LEVEL:  # one goes straight in
            off = (place - climbs.index(min(climbs))) * step
        x = self.middle[way.column + 1] - width / 2
        if cell.outline != "box":  # its left side is round
            radius = height / 2
            x += radius - sqrt(radius * radius - off * off)
        return x, self.heights[target] + off

    def lines(self) -> tuple[list[Line], list[Shape]]:
        """Level stretches and what branches off them; a dot where several do."""
        lines: list[Line] = []
        dots: list[Shape] = []
        for stop, column in self.column.items():
            outs = [way for way in self.ways if way.link[0] == stop]
            cell = self.cells[stop.cell]
            bare = self.bare[column] and not stop.via
            level = straight(self._leaving(stop), self._start(stop))
            if not outs and not bare:  # nothing uses it
                lines.append(Line(cell.quantity, level, arrow=True, on=cell.on))
            if len(outs) == 1 and outs[0].weight is None and not bare:
                curve = joined(level, self.branch(outs[0]))
                arrow = not outs[0].link[1].via
                lines.append(Line(cell.quantity, curve, arrow=arrow, on=outs[0].on))
                continue
            on = cell.on and any(way.on for way in outs)
            if not bare:
                lines.append(Line(cell.quantity, level, on=on))
            for way in outs:
                owner = way.weight.id if way.weight else cell.quantity
                arrow = not way.link[1].via and not self.crowded(column)
                lines.append(Line(owner, self.branch(way), arrow=arrow, on=way.on))
            if not bare and len(outs) > 1:
                x, y = self._start(stop)
                dots.append(Shape(cell.quantity, "dot", x, y, 6.0, 6.0, on))
        return lines, dots

    def backs(self) -> Iterator[Line]:
        """The arrows of the gradients: backwards, under the lines."""
        for cell in self.cells.values():
            if cell.below is None:
                continue
            start, end = self._leaving(Stop(cell.id)), self._start(Stop(cell.id))
            middle, y = (start[0] + end[0]) / 2, start[1] + _BACK
            room = (end[0] - start[0]) / 2 - 3
            half = min(max(width_of(cell.below) / 2, 14.0), room)
            curve = straight((middle + half, y), (middle - half, y))
            yield Line(cell.quantity, curve, "back", arrow=True, on=cell.on)


def width_of(text: Text) -> float:
    """A label's width."""
    return text.setting.width * FONT * text.size


def height_of(text: Text) -> float:
    """A label's height."""
    return (text.setting.ascent + text.setting.descent) * FONT * text.size


def _centred(cell: Cell, role: str, text: Text, x: float, top: float) -> Label:
    """A label by the middle of its upper side."""
    assert role in ("sign", "value", "gradient")
    y = top + text.setting.ascent * FONT * text.size
    return Label(cell.quantity, role, text, x - width_of(text) / 2, y, on=cell.on)


def _sizes(cells: Sequence[Cell]) -> dict[str, tuple[float, float]]:
    """How large each cell's shape is; circles are all alike."""
    sizes: dict[str, tuple[float, float]] = {}
    circles: list[str] = []
    diameter = 38.0
    for cell in cells:
        wide = max(map(width_of, cell.lines))
        high = sum(map(height_of, cell.lines)) + _LEAD * (len(cell.lines) - 1)
        if cell.outline == "circle":
            circles.append(cell.id)
            diameter = max(diameter, hypot(wide, high) + 12.0)
            continue
        height = max(high + 14.0, 36.0)
        least = height + (14.0 if cell.outline == "pill" else 0.0)
        sizes[cell.id] = (max(wide + 20.0, least), height)
    return sizes | dict.fromkeys(circles, (diameter, diameter))
