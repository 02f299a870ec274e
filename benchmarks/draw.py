"""How long a picture takes besides start-up: python benchmarks/draw.py.

CPU time of layout and SVG for a graph of thirty nodes, the median of several.
"""

from statistics import median
from time import process_time

from symbackprop.drawing.diagram import Picture
from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.svg import svg
from symbackprop.graph.build import graph_of
from symbackprop.network import Layer, Network
from symbackprop.renderers.lettering import Context

ROUNDS = 9
GOAL = 0.3


def seconds(picture: Picture) -> float:
    """One picture, drawn."""
    start = process_time()
    layout = layout_of(picture)
    assert len(svg(layout, "", "")) > 10_000
    return process_time() - start


def main() -> None:
    """Draw a 3-4-3-3 network, its outputs and its loss, again and again."""
    layers = tuple(Layer(units, "sigmoid") for units in (4, 3, 3))
    network = Network(3, layers, biases=False)
    picture = Picture(graph_of(network), Context(depth=3), wrt="w1_1_1")
    nodes = sum(shape.outline != "dot" for shape in layout_of(picture).shapes)
    took = median(seconds(picture) for _ in range(ROUNDS))
    verdict = "within" if took < GOAL else "beyond"
    print(f"{nodes} nodes: {took:.3f} s, {verdict} the goal of {GOAL} s")


if __name__ == "__main__":
    main()
