"""Points, boxes and curves of a picture; y downwards, angles clockwise in degrees."""

from collections.abc import Sequence
from itertools import pairwise
from math import cos, hypot, radians, sin
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Curve: TypeAlias = tuple[Point, ...]
"""A start, then three points a cubic piece: two handles and an end."""


def straight(start: Point, end: Point) -> Curve:
    """A line segment as a cubic piece."""
    (a, b), (c, d) = start, end
    third = ((2 * a + c) / 3, (2 * b + d) / 3)
    return (start, third, ((a + 2 * c) / 3, (b + 2 * d) / 3), end)


def swung(start: Point, end: Point) -> Curve:
    """A curve that leaves and arrives level."""
    reach = (end[0] - start[0]) / 2
    return (start, (start[0] + reach, start[1]), (end[0] - reach, end[1]), end)


def joined(*curves: Curve) -> Curve:
    """Curves end to end."""
    points = list(curves[0])
    for curve in curves[1:]:
        points += curve[1:]
    return tuple(points)


def is_straight(curve: Curve) -> bool:
    """Whether all the points of a curve lie on one line."""
    (a, b), (c, d) = curve[0], curve[-1]
    away = (abs((c - a) * (y - b) - (d - b) * (x - a)) for x, y in curve)
    return max(away) <= 0.01 * max(hypot(c - a, d - b), 1.0)


def flattened(curve: Curve, pieces: int = 16) -> tuple[Point, ...]:
    """Points along a curve, close enough together to stand for it."""
    if is_straight(curve):
        return (curve[0], curve[-1])
    points = [curve[0]]
    for first in range(0, len(curve) - 3, 3):
        a, b, c, d = curve[first : first + 4]
        for number in range(1, pieces + 1):
            t = number / pieces
            s = 1 - t
            weights = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
            points.append(
                (
                    sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                    sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
                )
            )
    return tuple(points)


def box(x: float, y: float, width: float, height: float) -> tuple[Point, ...]:
    """An upright rectangle by its upper left corner."""
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def turned(points: Sequence[Point], about: Point, angle: float) -> tuple[Point, ...]:
    """Points turned about one of them."""
    c, s = cos(radians(angle)), sin(radians(angle))
    x0, y0 = about
    return tuple(
        (
            x0 + (x - x0) * c - (y - y0) * s,
            y0 + (x - x0) * s + (y - y0) * c,
        )
        for x, y in points
    )


def apart(one: Sequence[Point], other: Sequence[Point], clear: float) -> bool:
    """Whether two convex outlines (or segments) are at least `clear` apart.

    Some edge's normal must show the gap; near corners this asks for a little more.
    """
    for shape in (one, other):
        closed = (*shape, shape[0]) if len(shape) > 2 else tuple(shape)
        for (a, b), (c, d) in pairwise(closed):
            length = hypot(c - a, d - b)
            if not length:
                continue
            axes = [(-(d - b) / length, (c - a) / length)]
            if len(shape) == 2:
                axes.append(((c - a) / length, (d - b) / length))
            for nx, ny in axes:
                first = [x * nx + y * ny for x, y in one]
                second = [x * nx + y * ny for x, y in other]
                gap = max(min(second) - max(first), min(first) - max(second))
                if gap >= clear:
                    return True
    return False
