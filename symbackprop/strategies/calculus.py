"""One variable, line by line: one rule of differentiation a line, then tidying."""

from functools import cache

from symbackprop.errors import Refused
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Name,
    positions,
    walk,
)
from symbackprop.kernel.definitions import Definition, Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.rules import algebra, unfold, unfolded
from symbackprop.strategies.authored import connect, expansion
from symbackprop.strategies.tidy import reason_between, tidy
from symbackprop.strategies.writer import Writer, op_functions, op_slope

MAX_LINES = 64
_X = Name("x")


def line_by_line(
    definitions: Definitions, goal: Formula, target: Formula | None = None
) -> Derivation:
    """The derivation of d/dx of a form, every rule on a line of its own.

    With `target` the last line is that form, if the kernel accepts it.
    """
    writer = Writer(definitions, goal)
    if isinstance(goal, Derivative) and isinstance(goal.of, Name):
        writer.apply(unfold, (0,))
        writer.end_line()
    for _ in range(MAX_LINES):
        if not _next_line(writer):
            break
        writer.end_line()
    neat = tidy(writer.line)
    if neat != writer.line:
        _algebra(writer, neat)
    if target is not None and writer.line != target:
        if not connect(writer, (), target):
            raise Refused("calculus", "the target does not follow from the last line")
        writer.end_line()
    return writer.derivation()


def _next_line(writer: Writer) -> bool:
    """Expand every derivative of the line once; constants and x at once."""
    moved = False
    places = [
        path
        for path, node in positions(writer.line)
        if isinstance(node, Derivative)
        and not any(isinstance(inner, Derivative) for inner in walk(node.of))
    ]
    for path in reversed(places):
        step = expansion(writer.definitions, writer.line, path)
        if step is not None:
            writer.take(step)
            moved = True
    for path, node in reversed(list(positions(writer.line))):
        trivial = isinstance(node, Derivative) and (
            node.of == node.by or node.by not in walk(node.of)
        )
        if trivial:
            step = expansion(writer.definitions, writer.line, path)
            if step is not None:
                writer.take(step)
    return moved


def _algebra(writer: Writer, goal: Formula) -> None:
    """One algebra line over the whole form."""
    writer.apply(algebra, (), goal, reason_between(writer.line, goal))
    writer.end_line()


def slope_lemma(op: str, chain: Derivation | None = None) -> Derivation:
    """D(f(x), x) for a free x, ending on the row's slope with f(x) for y.

    `chain` is an author's derivation of the same, used if it says the same.
    """
    if chain is not None:
        return chain
    return _generated_lemma(op)


@cache  # a pure function of the shipped tables
def _generated_lemma(op: str) -> Derivation:
    """The lemma of an op row by the rules of differentiation alone."""
    definitions = Definitions((Definition(_X),), op_functions())
    call = Call(op, (_X,))
    target = op_slope(call, call, _X)
    goal = Derivative("P", call, _X)
    body = unfolded(definitions, call)
    if body == _X:
        return line_by_line(definitions, goal)
    return line_by_line(definitions, goal, target)
