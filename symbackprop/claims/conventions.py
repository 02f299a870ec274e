"""The conventions by which books differ: one row each, as another reading of a file.

A row either changes the graph (a loss with another factor) or how a claim's letters
are read (w_ij from j to i). It says what it touches: what it does not touch is judged
without it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction as Rational

from symbackprop.claims.context import Context
from symbackprop.claims.truth import Truth
from symbackprop.formula.binding import substituted
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Name,
    Num,
    Power,
    Product,
    names_in,
    number,
    walk,
)
from symbackprop.graph.graph import Graph

EPOCHS = Name("epochs")
_SQUARED = ("squared_error", "half_squared_error", "mean_squared_error")


@dataclass(frozen=True, slots=True)
class Convention:
    """A name, the context under it (None where it says nothing), what it touches."""

    name: str
    under: Callable[[Context], Context | None]
    touches: Callable[[Context, Formula], bool]


def _outputs(graph: Graph) -> int:
    """How many outputs a network has."""
    return sum(node.role == "output" for node in graph.nodes)


def _scaled(context: Context, factor: Rational) -> Context:
    """The context with another factor in front of the loss."""
    graph = context.graph
    loss = graph.node(graph.loss)
    assert loss.body is not None
    parts = {node.name for node in graph.nodes if node.role == "part"}
    scaled = parts or {graph.loss}
    nodes = tuple(
        replace(node, body=Product((number(factor), node.body)))
        if node.name in scaled and node.body is not None
        else node
        for node in graph.nodes
    )
    other = replace(graph, nodes=nodes, loss_name="")
    # What training reached was reached with the other loss.
    data = replace(context.data, reached=None)
    return Context(context.example, Truth(other), data, context.reads)


def _summed(context: Context) -> Context | None:
    """The sum over samples, or over outputs, where the file has their mean."""
    if len(context.data.samples) > 1:
        data = replace(context.data, total=True, reached=None)
        return Context(context.example, context.truth, data, context.reads)
    count = _outputs(context.graph)
    if context.graph.loss_name == "mean_squared_error" and count > 1:
        return _scaled(context, Rational(count))
    return None


def _averaged(context: Context) -> Context | None:
    """The mean over the outputs where the file has their sum."""
    count, name = _outputs(context.graph), context.graph.loss_name
    if name == "mean_squared_error" or count < 2:
        return None
    return _scaled(context, Rational(1, count))


def _doubled(context: Context) -> Context | None:
    """No ½ where the file has one."""
    halves = _has_half(context.graph)
    return _scaled(context, Rational(2)) if halves else None


def _halved(context: Context) -> Context | None:
    """A ½ where the file has none."""
    squares = _has_square(context.graph) and not _has_half(context.graph)
    return _scaled(context, Rational(1, 2)) if squares else None


def _loss_bodies(graph: Graph) -> list[Formula]:
    """The loss and the parts that it is a sum of."""
    body = graph.node(graph.loss).body
    parts = [n.body for n in graph.nodes if n.role == "part" and n.body is not None]
    return parts if body is None else [*parts, body]


def _has_square(graph: Graph) -> bool:
    """Whether the loss is a square."""
    if graph.loss_name:
        return graph.loss_name in _SQUARED
    nodes = [node for body in _loss_bodies(graph) for node in walk(body)]
    return any(isinstance(n, Power) and n.exponent == Num("2") for n in nodes)


def _has_half(graph: Graph) -> bool:
    """Whether the loss is half a square."""
    if graph.loss_name:
        return graph.loss_name == "half_squared_error"
    nodes = [node for body in _loss_bodies(graph) for node in walk(body)]
    half = any(
        (isinstance(n, Num) and n.value == Rational(1, 2))
        or (isinstance(n, Fraction) and n.bottom == Num("2"))
        for n in nodes
    )
    return half and _has_square(graph)


def _is_of_loss(context: Context, form: Formula) -> bool:
    """Whether a form speaks of the loss, its parts, a slope of it, or an update."""
    graph = context.graph
    own = {n.name for n in graph.nodes if n.role == "part"} | {graph.loss}
    for node in walk(form):
        if node in own or (isinstance(node, Call) and node.function == "new"):
            return True
        if isinstance(node, Derivative) and node.of in own:
            return True
    return False


def _swapped(name: Name) -> Name:
    """w_ij for w_ji."""
    if name.base != "w" or len(name.indices) != 3:
        return name
    layer, i, j = name.indices
    return Name("w", (layer, j, i))


def _swap_all(form: Formula) -> Formula:
    """A form with the indices of every weight exchanged."""
    names = {name: _swapped(name) for name in names_in(form)}
    return substituted(form, {old: new for old, new in names.items() if old != new})


def _swap_slopes(form: Formula) -> Formula:
    """A form with the indices exchanged in ∂/∂w alone."""
    if isinstance(form, Derivative):
        return Derivative(form.head, form.of, _swapped(form.by))
    children = tuple(_swap_slopes(child) for child in form.children)
    return form.with_children(children) if children else form


def _is_open(context: Context) -> bool:
    """Whether a file leaves open how its book numbers weights: no label says."""
    weights = [n.name for n in context.graph.nodes if n.role == "weight"]
    named = context.example.labels
    return bool(weights) and not any(
        name.id in named for name in weights if _swapped(name) != name
    )


def _read_by(swap: Callable[[Formula], Formula]) -> Callable[[Context], Context | None]:
    """The context in which claims are read with their indices exchanged."""

    def under(context: Context) -> Context | None:
        if not _is_open(context):
            return None
        reads = context.reads
        return Context(
            context.example, context.truth, context.data, lambda form: swap(reads(form))
        )

    return under


def _named_by_target(context: Context) -> Context | None:
    """The whole file with w_ij from j to i, its values too; layers have to be square.

    Else a layer has a weight that the file has no name for.
    """
    graph = context.graph
    weights = {n.name: _swapped(n.name) for n in graph.nodes if n.role == "weight"}
    if not _is_open(context) or set(weights.values()) != set(weights):
        return None
    nodes = tuple(
        node if node.body is None else replace(node, body=_swap_all(node.body))
        for node in graph.nodes
    )
    data = replace(context.data, reached=None)
    other = replace(graph, nodes=nodes)
    return Context(context.example, Truth(other), data, context.reads)


def _uses_weights(context: Context, form: Formula) -> bool:
    """Whether a form's value changes with the weights, or speaks of them."""
    depends, graph = context.truth.definitions.depends, context.graph
    weights = [n.name for n in graph.nodes if n.role == "weight"]
    names = [n for n in names_in(form) if n in graph]
    if _swap_all(form) != form or (context.values and _is_of_loss(context, form)):
        return True
    return bool(context.values) and any(
        depends(name, weight) for name in names for weight in weights
    )


def _changed_by(
    swap: Callable[[Formula], Formula],
) -> Callable[[Context, Formula], bool]:
    """Whether an exchange of indices changes a form."""

    def changes(_: Context, form: Formula) -> bool:
        return swap(form) != form

    return changes


def _per_epoch(context: Context) -> Context | None:
    """One epoch where the file counts several."""
    graph = context.graph
    if EPOCHS not in graph or graph.node(EPOCHS).body is not None:
        return None
    nodes = tuple(
        replace(node, body=substituted(node.body, {EPOCHS: Num("1")}))
        if node.body is not None
        else node
        for node in graph.nodes
    )
    other = replace(graph, nodes=nodes)
    one = {**context.values, EPOCHS: Rational(1)}
    data = replace(context.data, values=one, reached=None)
    return Context(context.example, Truth(other), data, context.reads)


def _counts_epochs(context: Context, form: Formula) -> bool:
    """Whether a form's value changes with the number of epochs."""
    if EPOCHS not in context.graph:
        return False
    depends = context.truth.definitions.depends
    return any(n in context.graph and depends(n, EPOCHS) for n in names_in(form))


ROWS = (
    Convention("without half", _doubled, _is_of_loss),
    Convention("half", _halved, _is_of_loss),
    Convention("sum", _summed, _is_of_loss),
    Convention("mean", _averaged, _is_of_loss),
    Convention("to-from", _read_by(_swap_all), _changed_by(_swap_all)),
    Convention("to-from", _named_by_target, _uses_weights),
    Convention("per epoch", _per_epoch, _counts_epochs),
    Convention("numerator layout", _read_by(_swap_slopes), _changed_by(_swap_slopes)),
)

"""In the order in which they are tried: the first that excuses all is taken."""


def under(context: Context, row: Convention) -> Context | None:
    """The context under a convention; None where that says nothing here."""
    other = row.under(context)
    if other is not None:
        other.convention = row.name
    return other


def stated(context: Context, name: str) -> Context | None:
    """The context under a convention that a claim states."""
    rows = [row for row in ROWS if row.name == name]
    return under(context, rows[0])
