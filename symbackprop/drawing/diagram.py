"""What a picture shows, without places: cells, what flows between them, their labels.

Two views of one graph. `graph`: a cell an operation where there are few, else a cell a
named quantity; `network`: a cell a unit. A weight that multiplies what flows stands on
the edge that it acts on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symbackprop.drawing.operations import opened, operations
from symbackprop.drawing.setting import Setting
from symbackprop.formula.tree import Name, names_in
from symbackprop.graph.graph import Graph
from symbackprop.renderers.lettering import Context

MAX_OPERATIONS = 16
"""A graph with more operations is drawn with a cell a named quantity."""

View: TypeAlias = Literal["graph", "network"]
VIEWS: tuple[View, ...] = ("graph", "network")
Outline: TypeAlias = Literal["circle", "box", "pill"]


@dataclass(frozen=True, slots=True)
class Text:
    """A label: its LaTeX, how it is set, its size beside the picture's letters.

    `number` is the number that it ends with, `at` where that begins, in ems: a page
    that is alive exchanges it.
    """

    latex: str
    setting: Setting
    size: float = 1.0
    number: str = ""
    at: float = 0.0
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """What a cell takes in: from which cell, and the weight on the way if any."""

    source: str
    weight: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A node of the picture: an operation, a leaf, a unit, or the end.

    `quantity` is the id of what it computes; `lines` stand in it; `above` and `below`
    stand at the line that leaves it.
    """

    id: str
    quantity: str
    outline: Outline
    lines: tuple[Text, ...]
    feeds: tuple[Feed, ...] = ()
    above: Text | None = None
    below: Text | None = None
    on: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight on an edge: what stands above it, the fullest first, and below."""

    id: str
    above: tuple[Text, ...]
    below: Text | None = None
    on: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Cells in order, parents first; the weights on edges; the highlighted ids."""

    view: View
    cells: tuple[Cell, ...]
    weights: Mapping[str, Weight]
    on: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """What to draw: a graph, how it is lettered, its numbers if there are any.

    `values` and `gradients` are texts by id, also of the parts in `shown`; `wrt` is
    the quantity to which the way back from the loss is highlighted. Every number gets
    at least the room of the text `room`, for numbers that change.
    """

    graph: Graph
    context: Context = field(default_factory=Context)
    view: View = "graph"
    values: Mapping[str, str] = field(default_factory=dict)
    gradients: Mapping[str, str] = field(default_factory=dict)
    wrt: str = ""
    title: str = ""
    room: str = ""

    @property
    def shown(self) -> Graph:
        """The graph that is drawn."""
        return shown_graph(self.graph, self.view)


def shown_graph(graph: Graph, view: View = "graph") -> Graph:
    """The graph opened into operations where these are few, else as it is."""
    if view != "graph":
        return graph
    fine = opened(graph)
    return fine if operations(fine) <= MAX_OPERATIONS else graph


def ways_back(graph: Graph, wrt: Name) -> frozenset[str]:
    """The ids on the ways from the loss to a quantity, both ends included."""
    above = {wrt}
    for node in graph.nodes:
        if node.body is not None and above.intersection(names_in(node.body)):
            above.add(node.name)
    below = {graph.loss}
    for node in reversed(graph.nodes):
        if node.name in below and node.body is not None:
            below.update(names_in(node.body))
    return frozenset(name.id for name in above & below)
