"""A derivation as a straight-line program: each quantity once, in order.

The graph's own definitions forward, each error term once backward, then the gradient.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from symbackprop.errors import InputError
from symbackprop.formula.binding import written_out
from symbackprop.formula.tree import Call, Derivative, Formula, Name, Sigma, walk
from symbackprop.graph.graph import Graph
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.derivation import Derivation

Atom: TypeAlias = Name | Derivative
"""What a line computes: a quantity, or a derivative that has a name of its own."""

Part: TypeAlias = Literal["forward", "error", "gradient"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line: an atom, its form over atoms above it, and the derivation of that.

    A definition has no derivation, unless what is computed differs from what is
    written.
    """

    atom: Atom
    form: Formula
    part: Part
    derivation: Derivation | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """The lines in order, what goes in, what comes out.

    `arguments` are the leaves in the graph's order; `gradient` gives the atom of
    ∂loss/∂w by w; `general` the functions that a caller binds, with their arity;
    `definitions` what the lines' derivations were judged under.
    """

    arguments: tuple[Name, ...]
    lines: tuple[Assignment, ...]
    loss: Name
    gradient: Mapping[Name, Derivative]
    general: Mapping[str, int]
    definitions: Definitions

    def __post_init__(self) -> None:
        """Hold the lines to single assignment, parents first."""
        known: set[Formula] = set(self.arguments)
        for line in self.lines:
            if line.atom in known:
                raise InputError(f"{line.atom} is computed twice")
            missing = [atom for atom in atoms_of(line.form) if atom not in known]
            if missing:
                raise InputError(f"{line.atom} uses {missing[0]} before it is computed")
            known.add(line.atom)


def program_of(
    graph: Graph,
    definitions: Definitions,
    derivations: Mapping[Name, Derivation],
    errors: Mapping[Name, Derivation],
) -> Program:
    """The program of a graph's derivations by name and of the error terms they use.

    What stays a derivative because a function is left general is computed from that
    function's slope. InputError where a form has symbolic sizes.
    """
    forward = [
        Assignment(node.name, without_sigma(node.body), "forward")
        for node in graph.nodes
        if node.body is not None
    ]
    arguments = tuple(node.name for node in graph.nodes if node.body is None)
    backward: dict[Atom, Assignment] = {}
    both = {**errors, **derivations}
    pending = [(_goal(d), d) for d in (*errors.values(), *derivations.values())]
    known: set[Formula] = {*arguments, *(line.atom for line in forward)}
    goals = dict(pending)
    for goal in goals:
        _place(goal, goals, graph, known, backward, set(derivations))
    gradient = {name: _goal(both[name]) for name in derivations}
    general = {
        name: 1 if arity is None else arity for name, arity in graph.general.items()
    }
    lines = (*forward, *backward.values())
    return Program(arguments, lines, graph.loss, gradient, general, definitions)


def _goal(derivation: Derivation) -> Derivative:
    """What a derivation is of, as an atom."""
    assert isinstance(derivation.goal, Derivative)
    return derivation.goal


def _place(
    goal: Derivative,
    goals: Mapping[Derivative, Derivation],
    graph: Graph,
    known: set[Formula],
    backward: dict[Atom, Assignment],
    wanted: set[Name],
) -> None:
    """Add a goal's line after the lines that it uses; no recursion, nets are deep."""
    stack: list[Derivative] = [goal]
    while stack:
        atom = stack[-1]
        if atom in backward:
            stack.pop()
            continue
        derivation = goals.get(atom)
        form = (
            without_sigma(derivation.result)
            if derivation is not None and derivation.result != atom
            else general_slope(graph, atom)
        )
        needed = [a for a in atoms_of(form) if a not in known and a not in backward]
        unplaced = [a for a in needed if isinstance(a, Derivative) and a not in stack]
        if len(unplaced) < len(needed):
            raise InputError(f"{needed[0]} has no definition to compute it from")
        if unplaced:
            stack += unplaced
            continue
        part: Part = "gradient" if atom.by in wanted and atom in goals else "error"
        backward[atom] = Assignment(atom, form, part, derivation)
        stack.pop()


def general_slope(graph: Graph, atom: Derivative) -> Formula:
    """A derivative of f(u, …), f left general, as that function's own slope."""
    of = atom.of
    body = graph.node(of).body if isinstance(of, Name) and of in graph else None
    if not isinstance(body, Call) or body.slope is not None:
        raise InputError(f"{atom} cannot be computed: no derivation gives it")
    places = [n for n, argument in enumerate(body.arguments) if argument == atom.by]
    if len(places) != 1:
        raise InputError(f"{atom} cannot be computed: no derivation gives it")
    return Call(body.function, body.arguments, places[0])


def without_sigma(form: Formula) -> Formula:
    """The form with every Σ written out. InputError where its length is a letter."""
    if isinstance(form, Sigma):
        form = written_out(form)
        if isinstance(form, Sigma):
            raise InputError("a sum of symbolic length has no value")
    old = form.children
    new = tuple(map(without_sigma, old))
    if all(a is b for a, b in zip(old, new, strict=True)):
        return form
    return form.with_children(new)


def atoms_of(form: Formula) -> Collection[Atom]:
    """The atoms that a form's value is computed from, each once, in reading order."""
    found: dict[Atom, None] = {}
    inside: list[Formula] = [form]
    while inside:
        node = inside.pop()
        if isinstance(node, Name | Derivative):
            found[node] = None
        else:
            inside.extend(reversed(node.children))
    return found.keys()


def functions_in(program: Program) -> set[str]:
    """The names of the functions that a program calls."""
    return {
        node.function
        for line in program.lines
        for node in walk(line.form)
        if isinstance(node, Call)
    }
