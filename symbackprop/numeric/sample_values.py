"""Values to play with where a file gives none: short decimals, the same every time."""

from collections.abc import Mapping
from fractions import Fraction as Rational
from itertools import cycle

from symbackprop.formula.tree import Name
from symbackprop.graph.graph import Graph, Role

_CYCLES: Mapping[Role, tuple[str, ...]] = {
    "input": ("1", "0.5", "-0.5"),
    "target": ("1", "0"),
    "weight": ("0.4", "-0.3", "0.7", "0.2", "0.6", "-0.5", "0.3", "0.8", "-0.2"),
    "bias": ("0.1", "-0.1", "0.2"),
}
"""By role, in turn: of both signs, none so large that a unit saturates."""

_RATE = Rational(1, 2)


def sample_values(graph: Graph) -> dict[Name, Rational]:
    """A value for every quantity of a network that nothing computes."""
    turns = {role: cycle(map(Rational, texts)) for role, texts in _CYCLES.items()}
    return {
        node.name: next(turns.get(node.role, turns["weight"]))
        for node in graph.nodes
        if node.body is None
    }


def sample_rate() -> Rational:
    """A learning rate to play with."""
    return _RATE
