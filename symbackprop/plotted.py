"""Plots of what was derived and learned: curves, losses, paths, gradients by depth."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction as Rational
from itertools import pairwise
from math import hypot, isfinite, sqrt

from symbackprop.computed import compiled
from symbackprop.derived import Derivations, derive
from symbackprop.drawing.draft import words_text
from symbackprop.drawing.plot import Curve, Plot
from symbackprop.errors import FormulaError, SymbackpropError
from symbackprop.formula.tree import Derivative, Formula, Name
from symbackprop.graph.build import graph_of
from symbackprop.network import Layer, Network
from symbackprop.numeric.point import Point, ball
from symbackprop.numeric.program import Assignment, without_sigma
from symbackprop.numeric.schedule import drawn
from symbackprop.numeric.training import Record, Run
from symbackprop.ops.table import OPS
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import word
from symbackprop.trained import Trained

SPAN = Rational(6)
"""A curve is drawn from minus this to this, where it is defined."""
HIGHEST = 6.0
"""Where a curve leaves this height it is cut."""
SIDE = Rational(1, 10**9)
"""How far beside a kink a curve begins."""
_STEPS = 120

DEPTH, WIDTH, SEEDS = 6, 3, 40
"""The networks in which lengths of gradients are measured, and how many of each."""
UNITS = {"sigmoid": 1, "tanh": 1, "relu": 2}
"""By activation: the variance of its weights, times the number of inputs."""
FAR = 4.0
"""A path is drawn as far as this many times where it starts from 0."""
_LOG_FROM = 50.0  # losses that differ by more than this factor get a logarithmic axis

Points = tuple[tuple[float, float], ...]


def curve_plot(derivations: Derivations) -> Plot | None:
    """A function of one variable with its slope; None where that cannot be drawn."""
    graph, story = derivations.graph, derivations.story
    leaves = [node for node in graph.nodes if node.body is None]
    if len(leaves) != 1 or len(derivations.checked) != 1 or graph.general:
        return None
    (checked,) = derivations.checked.values()
    goal = checked.goal
    if not isinstance(goal, Derivative) or goal.of != graph.loss:
        return None
    x, y = leaves[0].name, graph.loss
    if goal.by != x:
        return None
    try:
        lines = [
            Assignment(node.name, without_sigma(node.body), "forward")
            for node in graph.nodes
            if node.body is not None
        ]
        slope = without_sigma(checked.result)
        kinks = {
            Rational(kink)
            for function in graph.functions
            if function in OPS
            for kink in OPS[function].kinks
        }
        values = pieces(lines, x, y, kinks)
        slopes = pieces(lines, x, slope, kinks)
    except SymbackpropError:
        return None
    if not values or not slopes:
        return None
    typeset = Typesetter(story.context)
    letter = typeset(x)
    curves = (
        Curve(typeset(y), values),
        Curve(typeset(goal), slopes),
    )
    title = word("live", "curve", story.context.language)
    return Plot(title, letter, typeset(y), curves)


def pieces(
    lines: Sequence[Assignment], x: Name, form: Formula, kinks: Iterable[Rational]
) -> tuple[Points, ...]:
    """A form's values between kinks, where it has one and it is not too high."""
    cuts = sorted({-SPAN, *kinks, SPAN})
    found: list[Points] = []
    for low, high in pairwise(cuts):
        start = low + SIDE if low != -SPAN else low
        stop = high - SIDE if high != SPAN else high
        piece: list[tuple[float, float]] = []
        for step in range(_STEPS + 1):
            at = start + (stop - start) * step / _STEPS
            value = _value(lines, x, at, form)
            if value is not None and abs(value) <= HIGHEST:
                piece.append((float(at), value))
            elif piece:
                found.append(tuple(piece))
                piece = []
        found += [tuple(piece)] if piece else []
    return tuple(piece for piece in found if len(piece) > 1)


def _value(
    lines: Sequence[Assignment], x: Name, at: Rational, form: Formula
) -> float | None:
    """A form's value, None where it has none."""
    try:
        value = float(ball(Point(lines, {x: at}).value(form)).mid())
    except (SymbackpropError, FormulaError, ZeroDivisionError):
        return None
    return value if isfinite(value) else None


def loss_plot(trained: Trained, language: str) -> Plot | None:
    """The loss by epoch of each run, and the validation loss where there is one."""
    curves: list[Curve] = []
    for run in trained.runs:
        rows = run.history.records
        name = _called(run, trained.runs, language)
        curves.append(Curve(name, (_by_epoch(rows, lambda row: row.loss),), "line"))
        held = _by_epoch(rows, lambda row: row.validation)
        if held:
            words = words_text(word("live", "held_out", language)).latex
            label = words if len(trained.runs) == 1 else rf"{name},\ {words}"
            curves.append(Curve(label, (held,), "line"))
    curves = [curve for curve in curves if len(curve.pieces[0]) > 1]
    heights = [y for curve in curves for piece in curve.pieces for _, y in piece]
    if not curves:
        return None
    log = min(heights) > 0 and max(heights) > _LOG_FROM * min(heights)
    single = trained.runs[0].schedule.samples == 1
    across = word("training", "updates" if single else "epoch", language)
    up = word("training", "loss", language)
    return Plot(
        word("training", "losses", language),
        words_text(across).latex,
        words_text(up).latex,
        tuple(curves),
        log=log,
    )


def _by_epoch(
    rows: Sequence[Record], height: Callable[[Record], float | None]
) -> Points:
    """A column of the records over the epochs."""
    points = [(float(row.epoch), height(row)) for row in rows]
    return tuple((x, float(y)) for x, y in points if y is not None and isfinite(y))


def _called(run: Run, runs: Sequence[Run], language: str) -> str:
    """What tells a run from the others, in LaTeX."""
    title = run.title.get(language) or run.title.get("en", "")
    if title:
        return words_text(title).latex
    if len(runs) == 1:
        return words_text(word("training", "loss", language)).latex
    return rf"\eta={float(run.learning_rate):g}"


def path_plot(trained: Trained, language: str) -> Plot | None:
    """The way of two parameters downhill, or of one over the loss."""
    runs = [run for run in trained.runs if len(run.names) in (1, 2)]
    if len(runs) != len(trained.runs) or not runs:
        return None
    typeset = Typesetter(replace(trained.context, language=language))
    curves: list[Curve] = []
    for run in runs:
        points = [_place(row) for row in run.history.records]
        reach = FAR * max(1.0, *map(abs, points[0])) if points else 0.0
        kept = _apart([p for p in points if all(abs(c) <= reach for c in p)])
        if len(kept) > 1:
            curves.append(Curve(_called(run, runs, language), (kept,), "path"))
    if not curves:
        return None
    first = runs[0].names
    up = (
        typeset(first[1])
        if len(first) == 2
        else words_text(word("training", "loss", language)).latex
    )
    title = word("live", "path", language)
    return Plot(title, typeset(first[0]), up, tuple(curves))


def _place(row: Record) -> tuple[float, float]:
    """Two parameters, or one and the loss."""
    values = [float(value) for value in row.parameters]
    return values[0], values[1] if len(values) > 1 else float(row.loss)


def _apart(points: Sequence[tuple[float, float]], most: int = 40) -> Points:
    """Points that are not on top of each other."""
    if not points:
        return ()
    wide = max(x for x, _ in points) - min(x for x, _ in points) or 1.0
    high = max(y for _, y in points) - min(y for _, y in points) or 1.0
    kept = [points[0]]
    for point in points[1:]:
        dx, dy = (point[0] - kept[-1][0]) / wide, (point[1] - kept[-1][1]) / high
        if hypot(dx, dy) > 0.02 and len(kept) < most:
            kept.append(point)
    return tuple(kept)


def gradient_plot(language: str) -> Plot:
    """How long ∂J/∂w of a layer is, layer by layer, for three activations."""
    curves = tuple(
        Curve(
            words_text(OPS[unit].gloss[language]).latex,
            (tuple(enumerate(gradient_lengths(unit), 1)),),
            "marks",
        )
        for unit in UNITS
    )
    return Plot(
        word("live", "lengths", language),
        words_text(word("live", "layer", language)).latex,
        words_text(word("live", "length", language)).latex,
        curves,
        log=True,
    )


def gradient_lengths(unit: str) -> list[float]:
    """The root mean square of each layer's ‖∂J/∂W‖ over random networks.

    Weights are normal with mean 0, inputs 1, 0.5 and -0.5, the target is 0.
    """
    layers = (*(Layer(WIDTH, unit) for _ in range(DEPTH)), Layer(1, "identity"))
    graph = graph_of(Network(WIDTH, layers, "half_squared_error", biases=False))
    weights = [node.id for node in graph.nodes if node.role == "weight"]
    function = compiled(derive(graph, weights), outputs=("gradient",))
    inputs = {"x1": 1.0, "x2": 0.5, "x3": -0.5, "y1": 0.0}
    squares: Mapping[int, list[float]] = {layer: [] for layer in range(1, DEPTH + 1)}
    scale = Rational(sqrt(UNITS[unit] / WIDTH))
    for seed in range(SEEDS):
        values = drawn(len(weights), "normal", scale, seed)
        given = {**inputs, **dict(zip(weights, map(float, values), strict=True))}
        slopes = function.raw(*(given[id_] for id_ in function.arguments))
        own = dict(zip(function.parameters, map(float, slopes), strict=True))
        for layer, found in squares.items():
            here = [s for id_, s in own.items() if graph.node(id_).layer == layer]
            found.append(sum(slope**2 for slope in here))
    return [sqrt(sum(found) / SEEDS) for found in squares.values()]
