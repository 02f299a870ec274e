"""Where labels along slanted edges find room: one place for all of a zone, or each own.

A label is turned along its edge. It keeps clear of every other edge, shape and label,
or it is not placed at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, radians, sin

from symbackprop.drawing.diagram import Text
from symbackprop.drawing.geometry import Point, apart
from symbackprop.drawing.shapes import FONT, Label

CLEAR = 4.0
OFF = 4.5
"""From an edge to its own label."""

_PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8)


@dataclass(frozen=True, slots=True)
class Edge:
    """A straight edge with a weight on it, and what is to stand above and below."""

    id: str
    start: Point
    end: Point
    above: Text | None
    below: Text | None
    on: bool = False

    def labels(self, share: float) -> Iterator[Label]:
        """Its labels at a share of its length."""
        (a, b), (c, d) = self.start, self.end
        angle = degrees(atan2(d - b, c - a))
        along = (cos(radians(angle)), sin(radians(angle)))
        middle = (a + (c - a) * share, b + (d - b) * share)
        for text, upper in ((self.above, True), (self.below, False)):
            if text is None:
                continue
            font, setting = FONT * text.size, text.setting
            drop = -(OFF + setting.descent * font)
            if not upper:
                drop = OFF + setting.ascent * font
            back = setting.width * font / 2
            x = middle[0] - along[0] * back - along[1] * drop
            y = middle[1] - along[1] * back + along[0] * drop
            role = "value" if upper else "gradient"
            yield Label(self.id, role, text, x, y, angle, self.on)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A convex outline or a segment, and the upright rectangle around it."""

    points: Sequence[Point]
    left: float
    top: float
    right: float
    bottom: float


def obstacle(points: Sequence[Point]) -> Obstacle:
    """An outline to keep clear of."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Obstacle(points, min(xs), min(ys), max(xs), max(ys))


def placed(edges: Sequence[Edge], obstacles: Sequence[Obstacle]) -> list[Label] | None:
    """The labels of all the edges, none touching anything; None where that fails."""
    if not edges:
        return []
    lines = [obstacle((edge.start, edge.end)) for edge in edges]
    left, right = min(one.left for one in lines), max(one.right for one in lines)
    near = [o for o in obstacles if o.right > left - 9 and o.left < right + 9]
    for share in _PLACES:
        found = _greedy(edges, [*near, *lines], (share,))
        if found is not None:
            return found
    return _greedy(edges, [*near, *lines], _PLACES)


def _greedy(
    edges: Sequence[Edge], fixed: Sequence[Obstacle], shares: Sequence[float]
) -> list[Label] | None:
    """Each edge's labels at the first share that is free."""
    done: list[Label] = []
    taken = list(fixed)
    for edge in edges:
        for share in shares:
            labels = list(edge.labels(share))
            boxes = [obstacle(label.corners) for label in labels]
            if all(_free(box, taken) for box in boxes):
                done += labels
                taken += boxes
                break
        else:
            return None
    return done


def _free(box: Obstacle, taken: Sequence[Obstacle]) -> bool:
    """Whether a box keeps clear of everything."""
    left, right = box.left - CLEAR, box.right + CLEAR
    top, bottom = box.top - CLEAR, box.bottom + CLEAR
    return all(
        other.right < left
        or other.left > right
        or other.bottom < top
        or other.top > bottom
        or apart(box.points, other.points, CLEAR)
        for other in taken
    )
