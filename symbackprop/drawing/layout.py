"""One layout for every painter: each cell, line and label of a picture gets its place.

The value stands above the level stretch of a quantity's line, the gradient below it,
and nothing else comes there: lines bend only between columns, and longer ones have a
row of their own in every column that they pass. So labels are apart by construction.
Only a weight's labels stand between columns, along its edge: either all of them find
room there, or the highlighted one alone is labelled, at its edge or under the picture.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import TypeAlias

from symbackprop.drawing.beside import Edge, Obstacle, obstacle, placed
from symbackprop.drawing.diagram import Diagram, Picture, Text, Weight
from symbackprop.drawing.draft import diagram_of
from symbackprop.drawing.geometry import Point, flattened, straight
from symbackprop.drawing.plan import MARGIN, Plan, height_of, width_of
from symbackprop.drawing.ranks import columns_of
from symbackprop.drawing.shapes import FONT, Label, Layout, Line, Role
from symbackprop.drawing.ways import Way

_WIDE = (1.3, 1.0, 1.7, 0.8, 2.1)
_HIGH = (1.0, 1.35, 1.7, 2.1)
"""How much wider zones with weights may get, and how much further apart the rows.

What stays legible on a slide comes first, then the first of these.
"""

_LEGEND = 16.0
_SAMPLE = 48.0
"""How long the highlighted stretch is that stands before a label under a picture."""

Content: TypeAlias = Mapping[str, tuple[Text | None, Text | None]]
"""What stands above and below each weight's edge."""


def layout_of(picture: Picture) -> Layout:
    """The layout of a picture: as legible on a slide as its labels allow."""
    diagram = diagram_of(picture)
    columns = columns_of(diagram.cells)
    first = Plan(diagram, columns)
    if not diagram.weights:
        return _assembled(first, ())
    if not any(first.crowded(column) for column in range(len(first.zones))):
        rows = [first, *(Plan(diagram, columns, high) for high in _HIGH[1:])]
        plans = [plan.stretched(wide) for plan in rows for wide in _WIDE]
        plans.sort(key=lambda plan: -plan.legible)
        for content in _contents(diagram):
            for plan in plans:
                labels = _weight_labels(plan, content)
                if labels is not None:
                    return _assembled(plan, labels)
    labels = _chosen_labels(first)
    layout = _assembled(first, labels)
    if not labels:
        lit = [weight for weight in diagram.weights.values() if weight.on]
        for weight in lit:
            layout = _with_legend(layout, weight)
    shown = {label.id for label in layout.labels}
    missing = tuple(weight for weight in diagram.weights if weight not in shown)
    return replace(layout, left_out=missing)


def _contents(diagram: Diagram) -> Iterator[Content]:
    """What weights may show, the fullest first."""
    weights = diagram.weights.values()
    yield {w.id: (w.above[0], w.below) for w in weights}
    if any(len(weight.above) > 1 for weight in weights):
        yield {w.id: (w.above[-1], w.below) for w in weights}
    if any(weight.below for weight in weights):
        yield {w.id: (w.above[0], w.below if w.on else None) for w in weights}
        yield {w.id: (w.above[-1], None) for w in weights}


def _weight_labels(plan: Plan, content: Content) -> list[Label] | None:
    """Every weight's labels, or None where they do not all find room."""
    labels: list[Label] = []
    fixed = _obstacles(plan)
    for zone in plan.zones:
        edges = [_edge(plan, w, w.weight, content) for w in zone if w.weight]
        found = placed(edges, fixed)
        if found is None:
            return None
        labels += found
    return labels


def _chosen_labels(plan: Plan) -> list[Label]:
    """The highlighted weight's labels alone, as full as there is room for."""
    fixed = _obstacles(plan)
    lit = ((way, way.weight) for way in plan.ways if way.weight and way.weight.on)
    for way, weight in lit:
        full, short = weight.above[0], weight.above[-1]
        for pair in ((full, weight.below), (full, None), (short, None)):
            found = placed([_edge(plan, way, weight, {weight.id: pair})], fixed)
            if found is not None:
                return found
    return []


def _with_legend(layout: Layout, weight: Weight) -> Layout:
    """The picture with a row under it: a highlighted stretch, and whose it is."""
    row: list[tuple[Role, Text]] = [("value", weight.above[0])]
    if weight.below is not None:
        row.append(("gradient", weight.below))
    high = max(height_of(text) for _, text in row)
    middle = layout.height - MARGIN + _LEGEND + high / 2
    here = MARGIN + _SAMPLE
    sample = straight((MARGIN, middle), (here, middle))
    labels: list[Label] = []
    for role, text in row:
        here += _LEGEND
        y = middle - height_of(text) / 2 + text.setting.ascent * FONT * text.size
        labels.append(Label(weight.id, role, text, here, y, on=True))
        here += width_of(text)
    return replace(
        layout,
        width=max(layout.width, ceil(here + MARGIN)),
        height=ceil(middle + high / 2 + MARGIN),
        lines=(*layout.lines, Line(weight.id, sample, on=True)),
        labels=(*layout.labels, *labels),
    )


def _edge(plan: Plan, way: Way, weight: Weight, content: Content) -> Edge:
    """A weight's edge with what is to stand there."""
    curve = plan.branch(way)
    above, below = content[weight.id]
    return Edge(weight.id, curve[0], curve[-1], above, below, weight.on)


def _obstacles(plan: Plan) -> list[Obstacle]:
    """Everything else that a weight's label must keep clear of."""
    fixed: list[Sequence[Point]] = []
    for line in plan.lines()[0]:
        fixed += pairwise(flattened(line.curve))
        fixed += [line.head] if line.arrow else []
    for cell in plan.cells.values():
        fixed.append(plan.shape(cell).corners)
        fixed += [label.corners for label in plan.labels(cell)]
    return list(map(obstacle, fixed))


def _assembled(plan: Plan, weight_labels: Sequence[Label]) -> Layout:
    """Everything with its place, moved to where the picture begins."""
    lines, dots = plan.lines()
    cells = plan.cells.values()
    labels = [label for cell in cells for label in plan.labels(cell)]
    labels += weight_labels
    shapes = [*map(plan.shape, cells), *dots]
    paths = (*lines, *plan.backs())
    edges = [y for part in (*shapes, *labels) for _, y in part.corners]
    edges += [y for line in paths for _, y in line.curve]
    top, bottom = min(edges), max(edges)
    down = MARGIN - top

    def lowered(line: Line) -> Line:
        return replace(line, curve=tuple((x, y + down) for x, y in line.curve))

    return Layout(
        ceil(plan.width),
        ceil(bottom - top + 2 * MARGIN),
        tuple(replace(shape, y=shape.y + down) for shape in shapes),
        tuple(lowered(line) for line in paths),
        tuple(replace(label, y=label.y + down) for label in labels),
    )
