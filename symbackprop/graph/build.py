"""A network or a list of formulas to a Graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symbackprop.errors import InputError
from symbackprop.examples import Example
from symbackprop.formula.binding import substituted
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import (
    ONE,
    Call,
    Formula,
    Fraction,
    Name,
    Num,
    Product,
    Sum,
    names_in,
)
from symbackprop.graph.graph import Graph, Node
from symbackprop.network import Network
from symbackprop.ops.table import LOSSES


def graph_of(source: Network | Example) -> Graph:
    """The graph of a network, or of a worked example's network or formulas."""
    if isinstance(source, Network):
        return _graph_of_network(source)
    if source.network is not None:
        graph = _graph_of_network(source.network)
        return replace(graph, facts=source.assumptions, wrt=source.wrt or graph.wrt)
    return graph_of_formulas(
        source.formulas or {},
        source.loss,
        general=source.functions,
        wrt=source.wrt,
        facts=source.assumptions,
    )


def _graph_of_network(network: Network) -> Graph:
    """The network written out, one node a quantity.

    Ids: x1, y1, w1_1_2 (layer 1, from unit 1, to unit 2), b1_2 (b1 if one a layer),
    z1_2, h1_2, o2, L1 (an output's part of the loss, if there are several), J.
    """
    nodes = [Node(Name("x", (i,)), "input") for i in range(1, network.inputs + 1)]
    outputs = network.layers[-1].units
    nodes += [Node(Name("y", (k,)), "target") for k in range(1, outputs + 1)]
    below = [node.name for node in nodes[: network.inputs]]
    wrt: list[Name] = []
    for number, layer in enumerate(network.layers, 1):
        last = number == len(network.layers)
        parameters, sums = _affine(network, number, layer.units, below)
        nodes += parameters + sums
        wrt += [node.name for node in parameters]
        z = [node.name for node in sums]
        below = [
            Name("o", (j,)) if last else Name("h", (number, j))
            for j in range(1, layer.units + 1)
        ]
        role = "output" if last else "activation"
        nodes += [
            Node(name, role, _activated(layer.activation, z, j), number)
            for j, name in enumerate(below)
        ]
    nodes += _losses(network.loss, below)
    return Graph(
        tuple(nodes),
        Name("J"),
        tuple(wrt),
        loss_name=network.loss,
        activations=tuple(layer.activation for layer in network.layers),
    )


def _affine(
    network: Network, number: int, units: int, below: Sequence[Name]
) -> tuple[list[Node], list[Node]]:
    """The weights and biases of a layer, and its pre-activations."""
    weights = [
        Node(Name("w", (number, i, j)), "weight", None, number)
        for j in range(1, units + 1)
        for i in range(1, len(below) + 1)
    ]
    if network.biases == "layer":
        biases = [Node(Name("b", (number,)), "bias", None, number)]
    elif network.biases == "unit":
        biases = [
            Node(Name("b", (number, j)), "bias", None, number)
            for j in range(1, units + 1)
        ]
    else:
        biases = []
    sums: list[Node] = []
    for j in range(1, units + 1):
        terms: list[Formula] = [
            Product((Name("w", (number, i, j)), unit))
            for i, unit in enumerate(below, 1)
        ]
        if biases:
            terms.append(biases[j - 1 if len(biases) > 1 else 0].name)
        body = terms[0] if len(terms) == 1 else Sum(tuple(terms))
        sums.append(Node(Name("z", (number, j)), "preactivation", body, number))
    return weights + biases, sums


def _activated(activation: str, z: Sequence[Name], place: int) -> Formula:
    """The body of one unit: the activation of its own z, or of all for softmax."""
    if activation == "identity":
        return z[place]
    if activation == "softmax":
        parts = tuple(Call("exp", (name,)) for name in z)
        return Fraction(parts[place], parts[0] if len(parts) == 1 else Sum(parts))
    return Call(activation, (z[place],))


def _losses(loss: str, outputs: Sequence[Name]) -> list[Node]:
    """The loss: one named part an output, and their sum; one output has no parts."""
    count = len(outputs)
    words = Vocabulary(names=("y", "o", "n"))
    part = read(LOSSES[loss].part, words)
    number = Num(str(count))
    bodies = [
        substituted(part, {Name("y"): Name("y", (k,)), Name("o"): o, Name("n"): number})
        for k, o in enumerate(outputs, 1)
    ]
    if count == 1:
        return [Node(Name("J"), "loss", without_ones(bodies[0]))]
    names = [Name("L", (k,)) for k in range(1, count + 1)]
    parts = [Node(name, "part", body) for name, body in zip(names, bodies, strict=True)]
    return [*parts, Node(Name("J"), "loss", Sum(tuple(names)))]


def without_ones(form: Formula) -> Formula:
    """A form without x/1 and factors 1: a mean over one output is no fraction."""
    children = tuple(without_ones(child) for child in form.children)
    if isinstance(form, Fraction) and children[1] == ONE:
        return children[0]
    if isinstance(form, Product):
        factors = tuple(child for child in children if child != ONE)
        return factors[0] if len(factors) == 1 else Product(factors or (ONE,))
    return form.with_children(children) if children else form


def graph_of_formulas(
    formulas: Mapping[Name, Formula],
    loss: Name,
    *,
    general: Mapping[str, int | None] | None = None,
    wrt: Sequence[Name] = (),
    facts: Sequence[Assumption] = (),
) -> Graph:
    """The graph of formulas given in order, parents first.

    Names that no formula defines are leaves; by default all of them are
    differentiated by.
    """
    leaves: dict[Name, None] = {}
    for body in formulas.values():
        for name in names_in(body):
            if name not in formulas:
                leaves[name] = None
    if not formulas:
        raise InputError("there is no formula")
    nodes = [Node(name, "parameter") for name in leaves]
    for name, body in formulas.items():
        role = "loss" if name == loss else "intermediate"
        nodes.append(Node(name, role, body))
    return Graph(
        tuple(nodes),
        loss,
        tuple(wrt) or tuple(leaves),
        general=dict(general or {}),
        facts=tuple(facts),
    )
