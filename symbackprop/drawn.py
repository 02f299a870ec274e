"""The verb that draws: a source's computational graph or network, and plots of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction as Rational
from itertools import pairwise
from pathlib import Path

from symbackprop.computed import program
from symbackprop.derived import Derivations, context_of, derive
from symbackprop.drawing.diagram import VIEWS, Picture, View
from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.plot import Curve, Plot, plot_svg
from symbackprop.drawing.png import png
from symbackprop.drawing.svg import svg
from symbackprop.drawing.tikz import tikz
from symbackprop.drawing.told import Teller
from symbackprop.errors import InputError
from symbackprop.examples import Example, load_example
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Formula, Name
from symbackprop.graph.build import graph_of
from symbackprop.graph.graph import Graph
from symbackprop.network import Network
from symbackprop.numeric.point import Point, ball
from symbackprop.numeric.program import Assignment, Program
from symbackprop.numeric.worked import Digits, Style
from symbackprop.ops.table import LOSSES, OPS
from symbackprop.plotted import gradient_plot
from symbackprop.renderers.words import LANGUAGES, word

DIGITS = 3
"""Significant digits in a picture."""

LENGTHS = "gradient-norm"
"""The plot of lengths of gradients by depth."""

_SAMPLES = 120
_SIDE = Rational(1, 10**9)
"""How far beside a kink or a pole a curve begins."""


def picture_of(
    source: Graph | Network | Example | str | Path,
    *,
    view: View = "graph",
    wrt: str = "",
    notation: str | None = None,
    lang: str = "en",
) -> Picture:
    """What to draw of a source: with numbers where it gives every leaf a value.

    `wrt` is the quantity to which the way back is highlighted. InputError for what
    the source does not have.
    """
    example = load_example(source) if isinstance(source, str | Path) else None
    if isinstance(source, Example):
        example = source
    if view not in VIEWS or lang not in LANGUAGES:
        raise InputError(
            f"view is one of {', '.join(VIEWS)}, lang one of {', '.join(LANGUAGES)}",
            hint=f"found {view!r} and {lang!r}",
        )
    if example is not None:
        graph = graph_of(example)
        title = example.title.get(lang) or example.title["en"]
    elif isinstance(source, Graph | Network):
        graph = graph_of(source) if isinstance(source, Network) else source
        title = str(source) if isinstance(source, Network) else ""
    else:
        raise InputError(
            f"cannot draw a {type(source).__name__}",
            hint="give a Network, a graph, an example, its name or its file",
        )
    context = context_of(graph, example, notation, lang)
    picture = Picture(graph, context, view, wrt=wrt, title=title)
    values = {} if example is None else example.values
    return with_numbers(picture, values)


def shown_program(picture: Picture) -> tuple[Derivations, Program]:
    """What a picture's graph computes: every value, and ∂loss/∂v by every quantity."""
    graph = picture.shown
    leaf = next(node for node in graph.nodes if node.body is None)
    derivations = derive(graph, [leaf.id])
    names = [node.name for node in graph.nodes if node.name != graph.loss]
    return derivations, program(derivations, also=names)


def with_numbers(
    picture: Picture,
    values: Mapping[Name, Rational],
    computed: Program | None = None,
) -> Picture:
    """The picture with its values and gradients, each rounded once from exact ones."""
    graph = picture.shown
    leaves = [node.name for node in graph.nodes if node.body is None]
    if graph.general or not leaves or any(name not in values for name in leaves):
        return picture
    computed = computed or shown_program(picture)[1]
    names = [node.name for node in graph.nodes if node.name != graph.loss]
    chosen = {name: values[name] for name in leaves}
    digits = Digits(Point(computed.lines, chosen), Style(DIGITS))

    def shown(form: Formula, *, sign: bool) -> str:
        figure = digits.figure(form)
        text = text_of(figure.decimal)
        return text if figure.whole or not sign else f"≈{text}"

    return replace(
        picture,
        values={n.id: shown(n, sign=True) for n in (*names, graph.loss)},
        gradients={n.id: shown(computed.gradient[n], sign=False) for n in names},
    )


def draw(
    source: Graph | Network | Example | str | Path,
    to: str = "svg",
    *,
    view: View = "graph",
    wrt: str = "",
    notation: str | None = None,
    lang: str = "en",
) -> str:
    """A source's picture as SVG, or as LaTeX with TikZ (`to="tikz"`).

    InputError for an unknown view, quantity, notation, language or format.
    """
    if to not in ("svg", "tikz"):
        raise InputError(f"unknown format {to!r}", hint="known: svg, tikz")
    picture = picture_of(source, view=view, wrt=wrt, notation=notation, lang=lang)
    teller, layout = Teller(picture), layout_of(picture)
    if to == "tikz":
        return tikz(layout, teller.title())
    title, description = teller.title(), teller.description()
    return svg(layout, title, description, language=lang, words=teller.words())


def draw_png(picture: str) -> bytes:
    """An SVG as PNG. InputError where the extra for that is not installed."""
    return png(picture)


def plot(name: str, *, lang: str = "en") -> str:
    """An activation with its slope, a loss, or gradients by depth, as SVG."""
    if name == LENGTHS:
        made = gradient_plot(lang)
    elif name in OPS:
        made = activation_plot(name, lang)
    elif name in LOSSES:
        made = loss_plot(name, lang)
    else:
        raise InputError(
            f"no plot of {name!r}", hint="known: " + ", ".join([*OPS, *LOSSES, LENGTHS])
        )
    return plot_svg(made, word("picture", "plot", lang), language=lang)


def activation_plot(name: str, lang: str = "en") -> Plot:
    """y = f(x) and dy/dx on both sides of 0, broken where there is no slope."""
    row = OPS[name]
    words = Vocabulary(dict.fromkeys(OPS, 1), names=("x", "y"))
    definition, slope = read(row.definition, words), read(row.slope, words)
    cuts = [Rational(-6), *(Rational(kink) for kink in row.kinks), Rational(6)]
    x, y = Name("x"), Name("y")
    lines = (Assignment(y, definition, "forward"),)
    symbol = row.symbol
    head = rf"{symbol}(x)" if name != "identity" else "x"
    return Plot(
        row.gloss.get(lang, row.gloss["en"]),
        "x",
        "y",
        (
            Curve(head, _sampled(lines, x, y, cuts)),
            Curve(rf"{symbol}'(x)", _sampled(lines, x, slope, cuts)),
        ),
    )


def loss_plot(name: str, lang: str = "en") -> Plot:
    """One output's part of a loss against the output, for the targets 1 and 0."""
    row = LOSSES[name]
    form = read(row.part, Vocabulary(names=("y", "o", "n")))
    bounded = "log" in row.part
    cuts = [Rational(1, 50), Rational(49, 50)] if bounded else [-1, 2]
    curves: list[Curve] = []
    for target in (1, 0):
        fixed = {Name("y"): Rational(target), Name("n"): Rational(1)}
        pieces = _sampled((), Name("o"), form, list(map(Rational, cuts)), fixed)
        if any(value for piece in pieces for _, value in piece):
            curves.append(Curve(f"y={target}", pieces))
    return Plot(row.gloss.get(lang, row.gloss["en"]), "o", "L", tuple(curves))


def _sampled(
    lines: Sequence[Assignment],
    name: Name,
    form: Formula,
    cuts: Sequence[Rational],
    fixed: Mapping[Name, Rational] | None = None,
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """A form's values between each two cuts."""
    pieces: list[tuple[tuple[float, float], ...]] = []
    inner = cuts[1:-1]
    for low, high in pairwise(cuts):
        start = low + _SIDE if low in inner else low
        stop = high - _SIDE if high in inner else high
        count = max(2, round(_SAMPLES * float((stop - start) / (cuts[-1] - cuts[0]))))
        piece: list[tuple[float, float]] = []
        for step in range(count + 1):
            at = start + (stop - start) * step / count
            point = Point(lines, {**(fixed or {}), name: at})
            piece.append((float(at), float(ball(point.value(form)).mid())))
        pieces.append(tuple(piece))
    return tuple(pieces)
