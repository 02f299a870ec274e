"""Plots: curves over two axes as SVG, a pure function of lists of points.

Every curve has its own dashes or marks and its label at its end, so that the plot needs
neither a legend nor colours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, hypot, isfinite, log10
from typing import Literal, TypeAlias

from symbackprop.drawing.diagram import Text
from symbackprop.drawing.draft import number_text, words_text
from symbackprop.drawing.geometry import Point
from symbackprop.drawing.ink import ACCENT, Ink, number
from symbackprop.drawing.rows import in_order
from symbackprop.drawing.setting import set_latex
from symbackprop.drawing.shapes import head_of
from symbackprop.errors import InputError

WIDTH, HEIGHT = 560.0, 360.0
"""The room between the axes."""

FONT = 20.0
_SMALL = 0.85
_DASHES = ("", "9 5", "2 5", "10 4 2 4", "16 5", "5 3")
_TICK = 6.0
_MARK = 4.5

Way: TypeAlias = Literal["line", "marks", "path"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve in unbroken pieces, with its label in LaTeX.

    A line; a line through marked points; or a path of arrows from point to point.
    """

    label: str
    pieces: tuple[tuple[Point, ...], ...]
    way: Way = "line"


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over axes that are labelled in LaTeX; `log` scales the height by tens."""

    title: str
    across: str
    up: str
    curves: tuple[Curve, ...]
    log: bool = False


def plot_svg(
    plot: Plot, description: str = "", *, language: str = "en", prefix: str = "p"
) -> str:
    """The plot as SVG. InputError where there is nothing to draw."""
    return _Painter(plot, prefix).document(description, language)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis: what it spans, its ticks as exact decimal texts."""

    low: float
    high: float
    ticks: tuple[str, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value stands, 0 to 1."""
        if self.log:
            low, high = log10(self.low), log10(self.high)
            return (log10(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


def scale_of(values: Sequence[float], *, log: bool = False) -> Scale:
    """An axis from one round number to another around the values."""
    if log:
        low, high = floor(log10(min(values))), ceil(log10(max(values)))
        high = max(high, low + 1)
        step = ceil((high - low) / 6)
        ticks = tuple(f"1e{power}" for power in range(low, high + 1, step))
        return Scale(10.0**low, 10.0**high, ticks, log=True)
    spread = max(values) - min(values) or 1.0
    power = floor(log10(spread / 5))
    step = next(
        m * 10.0**power for m in (1, 2, 2.5, 5, 10) if spread / (m * 10.0**power) <= 6
    )
    slack = 1e-9 * spread
    first = floor((min(values) + slack) / step)
    last = ceil((max(values) - slack) / step)
    last = max(last, first + 1)
    places = next(n for n in range(20) if abs(round(step, n) - step) < 1e-9 * step)
    ticks = tuple(f"{n * step:.{places}f}" for n in range(first, last + 1))
    ticks = tuple("0" if float(tick) == 0 else tick for tick in ticks)
    return Scale(first * step, last * step, ticks)


class _Painter:
    """One plot on its way to SVG."""

    def __init__(self, plot: Plot, prefix: str) -> None:
        points = [point for c in plot.curves for piece in c.pieces for point in piece]
        if not points:
            raise InputError("a plot needs points", hint="give at least one curve")
        if not all(isfinite(x) and isfinite(y) for x, y in points):
            raise InputError("a plot needs finite numbers", hint="leave the others out")
        if plot.log and min(y for _, y in points) <= 0:
            raise InputError("a logarithmic axis needs values above 0")
        self.plot = plot
        self.ink = Ink(prefix)
        self.x = scale_of([x for x, _ in points])
        self.y = scale_of([y for _, y in points], log=plot.log)
        ticks = [_width(_tick(tick)) for tick in self.y.ticks]
        self.up = Text(plot.up, set_latex(plot.up))
        self.left = max(ticks) + 2 * _TICK + 14.0
        self.top = _height(self.up) + 22.0

    def document(self, description: str, language: str) -> str:
        """The whole file."""
        body = "".join([*self.axes(), *self.curves()])
        ends = [_width(text) for text in self.labels()]
        right = self.left + WIDTH + max([*ends, 0.0]) + 26.0
        bottom = self.top + HEIGHT + 64.0
        size = (ceil(right), ceil(bottom))
        return self.ink.document(size, self.plot.title, description, language, body)

    def labels(self) -> list[Text]:
        """The curves' names."""
        return [
            Text(curve.label, set_latex(curve.label)) if curve.label else words_text("")
            for curve in self.plot.curves
        ]

    def place(self, point: Point) -> Point:
        """Where a point of the data stands."""
        across = self.left + self.x.share(point[0]) * WIDTH
        return across, self.top + (1 - self.y.share(point[1])) * HEIGHT

    def axes(self) -> Iterator[str]:
        """The grid, the axes, their ticks and labels."""
        left, top = self.left, self.top
        right, bottom = left + WIDTH, top + HEIGHT
        for tick in self.x.ticks:
            x = left + self.x.share(float(tick)) * WIDTH
            yield _segment((x, top), (x, bottom), 0.8, faint=float(tick) != 0)
            text = _tick(tick)
            place = (x - _width(text) / 2, bottom + 2 * _TICK + _height(text))
            yield _segment((x, bottom), (x, bottom + _TICK), 1.4)
            yield self.ink.label(text, FONT * text.size, place, kind="tick")
        for tick in self.y.ticks:
            y = top + (1 - self.y.share(float(tick))) * HEIGHT
            yield _segment((left, y), (right, y), 0.8, faint=float(tick) != 0)
            text = _tick(tick)
            middle = (text.setting.ascent - text.setting.descent) * FONT * _SMALL / 2
            place = (left - 2 * _TICK - _width(text), y + middle)
            yield _segment((left - _TICK, y), (left, y), 1.4)
            yield self.ink.label(text, FONT * text.size, place, kind="tick")
        yield _segment((left, top), (left, bottom), 1.4)
        yield _segment((left, bottom), (right, bottom), 1.4)
        across = Text(self.plot.across, set_latex(self.plot.across))
        place = (right - _width(across), bottom + 34.0 + across.setting.ascent * FONT)
        yield self.ink.label(across, FONT, place, kind="axis")
        place = (left - _TICK, top - 12.0 - self.up.setting.descent * FONT)
        yield self.ink.label(self.up, FONT, place, kind="axis")

    def curves(self) -> Iterator[str]:
        """Each curve with its label at its end, the labels kept apart."""
        texts = self.labels()
        ends = [self.place(curve.pieces[-1][-1]) for curve in self.plot.curves]
        order = sorted(range(len(texts)), key=lambda n: ends[n][1])
        rooms = [_height(texts[n]) / 2 + 3.0 for n in order]
        gaps = [0.0]
        for above, below in pairwise(rooms):
            gaps.append(gaps[-1] + above + below)
        free = [ends[n][1] - gap for n, gap in zip(order, gaps, strict=True)]
        heights = in_order(free, [1.0] * len(free))
        for number_, (curve, _) in enumerate(zip(self.plot.curves, texts, strict=True)):
            yield from self.curve(curve, number_)
        for n, height, gap in zip(order, heights, gaps, strict=True):
            text = texts[n]
            ink = (text.setting.ascent - text.setting.descent) * FONT / 2
            place = (self.left + WIDTH + 12.0, height + gap + ink)
            colour = ACCENT if n % 2 else "currentColor"
            yield self.ink.label(text, FONT, place, colour=colour, kind="curve")

    def curve(self, curve: Curve, place: int) -> Iterator[str]:
        """One curve in its dashes, with its marks or arrows."""
        colour = ACCENT if place % 2 else "currentColor"
        dash = _DASHES[place % len(_DASHES)]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        for piece in curve.pieces:
            points = [self.place(point) for point in piece]
            if curve.way == "path":
                yield from _arrows(points, colour)
                continue
            way = "M" + "L".join(f"{number(x)},{number(y)}" for x, y in points)
            yield (
                f'<path class="sbp-curve" d="{way}" stroke="{colour}" '
                f'stroke-width="2.2"{dashes}/>\n'
            )
            if curve.way == "marks":
                yield "".join(_mark(point, place, colour) for point in points)


def _tick(tick: str) -> Text:
    """A tick's number; a power of ten without its factor 1."""
    if tick.startswith("1e"):
        latex = f"10^{{{int(tick[2:])}}}"
        return Text(latex, set_latex(latex), _SMALL)
    return number_text(tick, _SMALL)


def _width(text: Text) -> float:
    """A label's width."""
    return text.setting.width * FONT * text.size


def _height(text: Text) -> float:
    """A label's height."""
    return (text.setting.ascent + text.setting.descent) * FONT * text.size


def _segment(start: Point, end: Point, width: float, *, faint: bool = False) -> str:
    """A straight stroke."""
    (a, b), (c, d) = start, end
    opacity = ' stroke-opacity="0.18"' if faint else ""
    return (
        f'<path d="M{number(a)},{number(b)}L{number(c)},{number(d)}" '
        f'stroke="currentColor" stroke-width="{number(width)}"{opacity}/>\n'
    )


def _mark(point: Point, place: int, colour: str) -> str:
    """A mark of a curve's own shape."""
    x, y = point
    r = _MARK
    outlines = (
        None,
        ((x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)),
        ((x, y - 1.3 * r), (x + 1.2 * r, y + r), (x - 1.2 * r, y + r)),
        ((x, y - 1.4 * r), (x + 1.4 * r, y), (x, y + 1.4 * r), (x - 1.4 * r, y)),
    )
    corners = outlines[place % len(outlines)]
    if corners is None:
        return f'<circle cx="{number(x)}" cy="{number(y)}" r="{r}" fill="{colour}"/>\n'
    way = "M" + "L".join(f"{number(a)},{number(b)}" for a, b in corners) + "Z"
    return f'<path d="{way}" fill="{colour}"/>\n'


def _arrows(points: Sequence[Point], colour: str) -> Iterator[str]:
    """Steps from point to point; one too short for its head is a stroke."""
    for start, end in pairwise(points):
        head = ""
        stop = end
        if hypot(end[0] - start[0], end[1] - start[1]) > 16.0:
            corners = head_of(start, end, 10.0)
            stop = corners[2]
            outline = "L".join(f"{number(x)},{number(y)}" for x, y in corners)
            head = f'<path d="M{outline}Z" fill="{colour}"/>'
        (a, b), (c, d) = start, stop
        yield (
            f'<path class="sbp-step" d="M{number(a)},{number(b)}'
            f'L{number(c)},{number(d)}" stroke="{colour}" stroke-width="1.8"/>{head}\n'
        )
    yield "".join(_mark(point, 0, colour) for point in points)
