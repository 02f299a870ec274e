"""What every strategy writes with: definitions from a graph, and a growing chain."""

from collections.abc import Callable
from functools import cache
from typing import Concatenate, ParamSpec

from symbackprop.formula.binding import substituted
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Call, Formula, Name, Path
from symbackprop.graph.graph import Graph
from symbackprop.kernel.definitions import (
    Definition,
    Definitions,
    Function,
)
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.step import Step
from symbackprop.ops.table import OPS

P = ParamSpec("P")


@cache  # a pure function of the shipped table
def op_functions() -> dict[str, Function]:
    """Every activation as a defined function of x."""
    words = Vocabulary(dict.fromkeys(OPS, 1), names=("x",))
    return {
        name: Function(("x",), read(op.definition, words)) for name, op in OPS.items()
    }


@cache  # a pure function of the shipped table
def op_slopes() -> dict[str, Formula]:
    """Every activation's slope over x and y, its own output."""
    words = Vocabulary(dict.fromkeys(OPS, 1), names=("x", "y"))
    return {name: read(op.slope, words) for name, op in OPS.items()}


def op_slope(body: Formula | None, value: Formula, by: Name) -> Formula | None:
    """The row's slope for an activation of `by`, with `value` for its output."""
    if not isinstance(body, Call) or body.arguments != (by,):
        return None
    slope = op_slopes().get(body.function)
    if slope is None:
        return None
    return substituted(slope, {Name("y"): value, Name("x"): by})


def definitions_of(graph: Graph) -> Definitions:
    """What the kernel is told of a graph."""
    functions = dict(op_functions())
    for name, arity in graph.general.items():
        count = 1 if arity is None else arity
        functions[name] = Function(tuple(f"u{n}" for n in range(1, count + 1)))
    return Definitions(
        tuple(Definition(node.name, node.body, node.sizes) for node in graph.nodes),
        functions,
        graph.facts,
    )


class Writer:
    """A derivation in the making: the line as it stands, and the steps so far."""

    def __init__(self, definitions: Definitions, goal: Formula) -> None:
        self.definitions = definitions
        self.goal = goal
        self.line = goal
        self.group: list[Step] = []
        self.groups: list[tuple[Step, ...]] = []

    def take(self, step: Step) -> Step:
        """Append a step that a rule has made on the current line."""
        self.group.append(step)
        self.line = step.after
        return step

    def apply(
        self,
        rule: Callable[Concatenate[Definitions, Formula, Path, P], Step],
        path: Path,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Step:
        """Ask a rule for a step at a position of the current line."""
        step = rule(self.definitions, self.line, path, *args, **kwargs)
        return self.take(step)

    def end_line(self) -> None:
        """The line as it stands is printed, if anything changed since the last."""
        if self.group:
            self.groups.append(tuple(self.group))
            self.group = []

    def derivation(self) -> Derivation:
        """What was written."""
        self.end_line()
        return Derivation(self.goal, self.definitions, tuple(self.groups))
