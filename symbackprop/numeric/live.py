"""What a page computes while its reader moves a value: one script, places, knobs.

The script fills an array; everything that a page shows is a place in that array.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational
from math import floor, log10
from typing import TypeAlias

from symbackprop.errors import InputError
from symbackprop.formula.binding import substituted
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sum,
)
from symbackprop.graph.graph import Graph, Role
from symbackprop.numeric.javascript import script_of
from symbackprop.numeric.program import Assignment, Program, atoms_of, without_sigma
from symbackprop.numeric.sheet import rate_name

MAX_KNOBS = 64
"""A page with more values than these to move would be a page of sliders."""

_PIECEWISE = frozenset({"Max", "abs", "relu", "leaky_relu", "step", "identity"})
"""Functions that are polynomials in pieces: finite decimals stay finite decimals."""

Slopes: TypeAlias = Mapping[tuple[Name, Name], Formula]
"""Each local slope ∂v/∂u by v and u."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A value that the reader moves: its place, where it starts, between what."""

    name: Name
    place: int
    value: Rational
    low: float
    high: float
    step: float
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """Where a quantity is used: by which other one, its local slope, that one's place.

    `by` counts in the order of the quantities.
    """

    by: int
    slope: Formula
    place: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """One node or edge of the picture: its name or, without one, its form.

    `value` is its place, `gradient` that of ∂loss/∂v, None for the loss itself.
    """

    id: str
    form: Formula
    value: int
    gradient: int | None
    uses: tuple[Use, ...]
    layer: int = 0


@dataclass(frozen=True, slots=True)
class Live:
    """A program for a page, with everything that moves it or follows from it.

    `places` are those of what stands left of a number, an updated parameter as
    `new(w)`; `rounded` are the places whose values no finite decimal gives; `updates`
    pairs each parameter's place with that of its new value.
    """

    loss: Name
    script: str
    size: int
    knobs: tuple[Knob, ...]
    quantities: tuple[Quantity, ...]
    places: Mapping[Formula, int] = field(repr=False)
    rounded: frozenset[int] = field(repr=False)
    updates: tuple[tuple[int, int], ...] = ()


def live_program(
    graph: Graph,
    drawn: Graph,
    program: Program,
    slopes: Slopes,
    chains: Mapping[Derivative, Formula],
    values: Mapping[Name, Rational],
    rate: Rational | None,
    wanted: Sequence[Name],
) -> Live:
    """The program of a graph as it is drawn, with local slopes and further goals.

    `chains` are results by goal that the page shows numbers of; `wanted` is what the
    page differentiates by. InputError where a function is left general or there are
    too many values.
    """
    if len(program.arguments) > MAX_KNOBS:
        raise InputError(f"more than {MAX_KNOBS} values to move")
    locals_ = {Derivative("P", of, by): form for (of, by), form in slopes.items()}
    lines = [*program.lines, *_known(program, {**locals_, **chains})]
    script = script_of(replace(program, lines=tuple(lines)))
    finite = _finite(lines, program.arguments)
    places: dict[Formula, int] = {atom: n for n, atom in enumerate(script.atoms)}
    text, updates = [script.text], list[tuple[int, int]]()
    knobs = [_knob(graph, n, places[n], values[n]) for n in program.arguments]
    if rate is not None:
        eta = rate_name(graph)
        if eta not in places:
            places[eta] = len(places)
            knobs.append(_knob(graph, eta, places[eta], rate, rate=True))
        for name in wanted:
            slope = program.gradient[name]
            if graph.node(name).body is not None or name == eta:
                continue
            new, old = len(places), places[name]
            places[Call("new", (name,))] = new
            text.append(f"v[{new}]=v[{old}]-v[{places[eta]}]*v[{places[slope]}];")
            updates.append((old, new))
            if slope in finite:
                finite.add(Call("new", (name,)))
        finite.add(eta)
    return Live(
        graph.loss,
        "\n".join(text),
        len(places),
        tuple(knobs),
        tuple(_quantities(graph, drawn, program, slopes, places)),
        places,
        frozenset(n for form, n in places.items() if form not in finite),
        tuple(updates),
    )


def _known(
    program: Program, goals: Mapping[Derivative, Formula]
) -> Iterable[Assignment]:
    """The goals that can be computed from the program's lines and from each other."""
    known: set[Formula] = {*program.arguments, *(line.atom for line in program.lines)}
    pending = {g: without_sigma(f) for g, f in goals.items() if g not in known}
    while True:
        ready = [g for g, f in pending.items() if all(a in known for a in atoms_of(f))]
        if not ready:
            return
        for goal in ready:
            yield Assignment(goal, pending.pop(goal), "error")
            known.add(goal)


def _finite(lines: Iterable[Assignment], given: Iterable[Name]) -> set[Formula]:
    """The atoms that are finite decimals where every given value is one."""
    found: set[Formula] = set(given)
    for line in lines:
        if _is_finite(line.form, found):
            found.add(line.atom)
    return found


def _is_finite(form: Formula, known: set[Formula]) -> bool:
    """Whether a form adds and multiplies finite decimals, and no more."""
    match form:
        case Num():
            return True
        case Name() | Derivative():
            return form in known
        case Sum() | Product() | Minus():
            inner: Sequence[Formula] = form.children
        case Fraction(top, Num(value=by)) if by and 10**99 % by.numerator == 0:
            inner = (top,)
        case Power(base, Num(value=exponent)) if exponent >= 0:
            inner = (base,) if exponent.denominator == 1 else ()
        case Call(function, arguments, None) if function in _PIECEWISE:
            inner = arguments
        case _:
            return False
    return bool(inner) and all(_is_finite(part, known) for part in inner)


def _knob(
    graph: Graph, name: Name, place: int, value: Rational, *, rate: bool = False
) -> Knob:
    """A value with a range around it in round steps."""
    role = None if rate else graph.node(name).role
    reach = max(2.0, 2 * abs(float(value)))
    low, high = -reach, reach
    shares = graph.loss_name.endswith("cross_entropy")
    if rate or (role == "target" and shares and 0 <= value <= 1):
        low, high = 0.0, max(1.0, 2 * float(value)) if rate else 1.0
    elif not graph.activations and value > 0:
        low = 0.0
    power = floor(log10((high - low) / 100))
    return Knob(name, place, value, low, high, 10.0**power, role)


def _quantities(
    graph: Graph,
    drawn: Graph,
    program: Program,
    slopes: Slopes,
    places: Mapping[Formula, int],
) -> Iterable[Quantity]:
    """Every node that is drawn; one without a name by its form."""
    order = {node.name: n for n, node in enumerate(drawn.nodes)}
    parts: dict[Name, Formula] = {}
    for node in drawn.nodes:
        if node.name not in graph and node.body is not None:
            parts[node.name] = substituted(node.body, parts)
    for node in drawn.nodes:
        slope = program.gradient.get(node.name)
        yield Quantity(
            node.id,
            parts.get(node.name, node.name),
            places[node.name],
            None if slope is None else places[slope],
            tuple(
                Use(
                    order[of], substituted(form, parts), places[Derivative("P", of, by)]
                )
                for (of, by), form in slopes.items()
                if by == node.name and Derivative("P", of, by) in places
            ),
            node.layer,
        )
