"""Pictures to judge: every shipped example, and graphs of awkward shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache

import pytest

from symbackprop.drawing.diagram import Picture, shown_graph
from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.shapes import Layout
from symbackprop.examples import load_example, shipped
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Call, Name, name_of
from symbackprop.graph.build import graph_of, graph_of_formulas
from symbackprop.graph.graph import Graph, Node
from symbackprop.network import Layer, Network
from symbackprop.renderers.lettering import Context


def sigmoid_network(*widths: int, biases: str | bool = False) -> Network:
    layers = tuple(Layer(units, "sigmoid") for units in widths[1:])
    return Network(widths[0], layers, "half_squared_error", biases)


def chain(length: int) -> Graph:
    """x → h1 → … of single operations."""
    nodes = [Node(Name("x"), "parameter")]
    for place in range(1, length + 1):
        body = Call("sigmoid" if place % 2 else "tanh", (nodes[-1].name,))
        role = "loss" if place == length else "intermediate"
        nodes.append(Node(Name("h", (place,)), role, body))
    return Graph(tuple(nodes), nodes[-1].name, (Name("x"),))


def reuse() -> Graph:
    """Quantities that are used again and again, near and far."""
    words = Vocabulary(names=("x", "y", "a", "b", "c", "d"))
    texts = {"a": "x*y", "b": "a + x", "c": "a*b + exp(a)", "d": "c*b*x + a**2"}
    return graph_of_formulas(
        {name_of(name): read(text, words) for name, text in texts.items()}, Name("d")
    )


def numbered(picture: Picture) -> Picture:
    """The picture with numbers everywhere, long ones among them."""
    texts = ("-0.0123", "1", "≈12.5", "0.731", "-1.23e-07", "200")
    ids = [node.id for node in picture.shown.nodes]
    return Picture(
        picture.graph,
        picture.context,
        picture.view,
        {id_: texts[place % len(texts)] for place, id_ in enumerate(ids)},
        {id_: texts[(place + 3) % len(texts)] for place, id_ in enumerate(ids)},
        picture.wrt,
    )


def _pictures() -> Iterator[tuple[str, Callable[[], Picture]]]:
    """Every picture by its name, made when it is asked for."""

    def made(graph: Callable[[], Graph], view: str, wrt: str, **more: object):
        def picture() -> Picture:
            drawn = graph()
            context = Context(depth=len(drawn.activations), **more)
            return Picture(drawn, context, view, wrt=wrt)

        return picture

    for name in shipped():
        example = load_example(name)
        if example.network is None and example.formulas is None:
            continue
        worded = bool(example.labels) or "entropy" in name  # has words to draw
        for language in ("en", "ko") if worded else ("en",):
            more = {"labels": example.labels, "language": language}
            graph = lambda example=example: graph_of(example)  # noqa: E731
            yield f"{name}-{language}", made(graph, "graph", "", **more)
            if example.network is not None:
                lit = made(graph, "network", "w1_1_1", **more)
                yield f"{name}-{language}-network", lit
    for widths in ((3, 4, 4, 2), (5, 8, 8, 3), (2, 3, 3)):
        for biases in (False, "unit", "layer"):
            network = sigmoid_network(*widths, biases=biases)
            graph = lambda network=network: graph_of(network)  # noqa: E731
            name = f"{network}-{biases}"
            yield f"{name}-graph", made(graph, "graph", "w1_1_1")
            yield f"{name}-network", made(graph, "network", "w2_1_2")
    softmax = Network(
        2, (Layer(3, "relu"), Layer(3, "softmax")), "categorical_cross_entropy"
    )
    yield "softmax", made(lambda: graph_of(softmax), "graph", "w2_1_1")
    yield "chain", made(lambda: chain(12), "graph", "x")
    yield "reuse", made(reuse, "graph", "x")


PICTURES = dict(_pictures())


NUMBERED = (
    "fruit-tax-en",
    "single-neuron-mse-en",
    "mlp-2-3-1-forward-en",
    "mlp-2-3-1-forward-en-network",
    "mlp-2-2-2-cross-entropy-biases-en",
    "mlp-2-2-2-cross-entropy-biases-en-network",
    "3-4-4-2-unit-graph",
    "2-3-3-unit-graph",
    "2-3-3-unit-network",
    "softmax",
    "chain",
    "reuse",
)


@cache
def _laid(name: str) -> tuple[Picture, Layout]:
    """A picture and its layout; several tests look at each."""
    picture = PICTURES[name]()
    return picture, layout_of(picture)


@pytest.fixture(params=PICTURES)
def laid(request: pytest.FixtureRequest) -> tuple[Picture, Layout]:
    """Each picture without numbers, with its layout."""
    return _laid(request.param)


@pytest.fixture(params=NUMBERED)
def numbered_picture(request: pytest.FixtureRequest) -> Picture:
    """Some pictures with numbers."""
    return numbered(PICTURES[request.param]())


@pytest.fixture
def pictures() -> dict[str, Callable[[], Picture]]:
    """All of them by name."""
    return PICTURES


@pytest.fixture
def worked() -> Picture:
    """f = wx + b at w = -2, x = 5, b = 3, its numbers by hand."""
    graph = graph_of(load_example("wx-plus-b"))
    w, x, b = Fraction(-2), Fraction(5), Fraction(3)
    values = {"w": w, "x": x, "b": b, "g": w * x, "f": w * x + b}
    slopes = {"g": Fraction(1), "b": Fraction(1), "x": w, "w": x}
    assert shown_graph(graph) == graph
    return Picture(
        graph,
        Context(),
        values={id_: str(value) for id_, value in values.items()},
        gradients={id_: str(slope) for id_, slope in slopes.items()},
        wrt="w",
        title="A weight, an input and a bias",
    )
