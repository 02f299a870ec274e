"""A sheet of workings: which quantities, in which order, by which line of each.

The order is that of a derivation's page, the line one that is printed there.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction as Rational

from flint import fmpq

from symbackprop.formula.tree import (
    ONE,
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Product,
    Sum,
    names_in,
)
from symbackprop.graph.graph import Graph
from symbackprop.kernel.derivation import Derivation
from symbackprop.numeric.point import decimal_of
from symbackprop.numeric.program import Program, without_sigma
from symbackprop.numeric.worked import (
    Digits,
    Figure,
    Style,
    Working,
    literal,
    short_fraction,
    shortened,
)


def workings(
    graph: Graph,
    program: Program,
    derivations: Mapping[Name, Derivation],
    digits: Digits,
    rate: Name | None = None,
) -> Iterable[Working]:
    """Everything in the order of the derivation: given, forward, backward, update.

    `rate` is the learning rate, one of the point's values; without it no update.
    """
    yield from _given(graph, digits, rate)
    for line in program.lines:
        if line.part == "forward":
            assert isinstance(line.atom, Name)
            layer = graph.node(line.atom).layer
            yield digits.working(line.atom, "forward", line.form, line.atom, layer)
    start = Derivative("D", graph.loss, graph.loss)
    if graph.loss not in derivations:
        one = Figure(ONE, whole=True, rational=Rational(1), fraction=ONE)
        yield Working(start, "backward", one, ONE)
    by_atom = {line.atom: line for line in program.lines}
    order = backward_order(graph, derivations)
    for name in order:
        goal = Derivative("D", graph.loss, name)
        line = by_atom[goal]
        formula = line.form
        if name in derivations:
            formula = slopes_put_in(derivations[name], digits) or formula
        layer = graph.node(name).layer
        yield digits.working(goal, "backward", formula, goal, layer)
    if rate is None:
        return
    for name in order:
        if name in derivations and graph.node(name).body is None:
            formula = updated(graph, name, rate)
            new = Call("new", (name,))
            layer = graph.node(name).layer
            yield digits.working(new, "update", formula, None, layer)


def _given(graph: Graph, digits: Digits, rate: Name | None) -> Iterable[Working]:
    """The leaves with their values, and the learning rate."""
    leaves = [node for node in graph.nodes if node.body is None]
    for node in leaves:
        value = digits.point.values[node.name]
        yield given(node.name, value, digits.style, node.layer)
    if rate is not None and rate not in graph:
        yield given(rate, digits.point.values[rate], digits.style)


def given(name: Name, value: Rational, style: Style, layer: int = 0) -> Working:
    """A value as its author gave it: all of its digits."""
    exact = fmpq(value.numerator, value.denominator)
    room = len(str(value.numerator)) + len(str(value.denominator)) * 4
    text = decimal_of(exact, room) or "0"
    whole = Rational(text) == value
    fraction = short_fraction(value)
    shown = literal(shortened(text)) if whole else fraction or literal(text)
    figure = Figure(shown, whole or fraction is not None, value, fraction)
    return Working(name, "given", figure, layer=layer, style=style)


def backward_order(graph: Graph, derivations: Iterable[Name]) -> list[Name]:
    """What ∂loss/∂v is shown by: layer by layer from the loss, as the pages go.

    Besides what was derived, every quantity on the way from it to the loss.
    """
    wanted = list(derivations)
    between = [name for name in on_the_way(graph, wanted) if name not in wanted]
    if not graph.activations:
        return [*between, *wanted]
    layers = sorted({graph.node(name).layer for name in (*between, *wanted)})
    found: list[Name] = []
    for layer in reversed(layers):
        here = [name for name in between if graph.node(name).layer == layer]
        sums = [name for name in here if graph.node(name).role == "preactivation"]
        units = [name for name in here if name not in sums]
        for group in (units, sums):
            found += reversed(group)
        found += [name for name in wanted if graph.node(name).layer == layer]
    return found


def on_the_way(graph: Graph, starts: Sequence[Name]) -> list[Name]:
    """The quantities between some names and the loss, those nearer the loss first.

    An output's part of the loss is left out: its slope is 1.
    """
    after = set(starts)
    for node in graph.nodes:
        if node.body is not None and after & set(names_in(node.body)):
            after.add(node.name)
    before = {graph.loss}
    for node in reversed(graph.nodes):
        if node.name in before and node.body is not None:
            before |= set(names_in(node.body))
    return [
        node.name
        for node in reversed(graph.nodes)
        if node.body is not None
        and node.name in after & before
        and node.name != graph.loss
        and node.role != "part"
    ]


def slopes_put_in(derivation: Derivation, digits: Digits) -> Formula | None:
    """The printed line that a teacher puts numbers into: every slope has its place.

    The last line, or the first that differs from it by factors 1 alone.
    """
    lines = [
        line for line in derivation.printed[1:] if digits.knows(without_sigma(line))
    ]
    if not lines:
        return None
    last = _without_ones(lines[-1])
    return next(line for line in lines if _without_ones(line) == last)


def _without_ones(form: Formula) -> tuple[bool, tuple[Formula, ...]]:
    """A product as its sign and its factors, inner products opened, no factor 1."""
    if isinstance(form, Minus):
        minus, factors = _without_ones(form.body)
        return not minus, factors
    if not isinstance(form, Product):
        return False, () if form == ONE else (form,)
    parts = [_without_ones(factor) for factor in form.factors]
    minus = sum(sign for sign, _ in parts) % 2 == 1
    return minus, tuple(factor for _, factors in parts for factor in factors)


def rate_name(graph: Graph) -> Name:
    """The learning rate's name: η; a leaf of that name is the learning rate itself.

    Where η is computed from something, it is another letter.
    """
    letters = [Name(text) for text in ("eta", "alpha", "lambda", "learning_rate")]
    free = (n for n in letters if n not in graph or graph.node(n).body is None)
    return next(free, Name("rate_of_learning"))


def updated(graph: Graph, name: Name, rate: Name) -> Formula:
    """w - η ∂J/∂w."""
    slope = Derivative("D", graph.loss, name)
    return Sum((name, Minus(Product((rate, slope)))))
