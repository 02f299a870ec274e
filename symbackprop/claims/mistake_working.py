"""An author's working: every quantity, slope and chain-rule line on a line of its own.

A derivation cancels and collects; a mistake happens before that. So ∂J/∂z stands here
as the product that it starts from, the slopes stand apart, and each mistake has a line.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symbackprop.errors import InputError, Refused, TooLarge
from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Num,
    Product,
    Sum,
)
from symbackprop.graph.graph import Graph, Role
from symbackprop.kernel.calculus import product_of, sum_of
from symbackprop.kernel.definitions import Definitions
from symbackprop.numeric.program import Atom, atoms_of, without_sigma
from symbackprop.strategies.slopes import Slopes

Kind: TypeAlias = Literal["forward", "slope", "total", "update", "asked"]

RATE = Name("eta")
MAX_LINES = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """What one atom is computed from; `ways` are other right ways to write that."""

    atom: Atom
    form: Formula
    kind: Kind
    ways: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Working:
    """Lines in order, parents first; leaves are the atoms without a line.

    Backward, a layer's weights come before the layer below, as on a board: so an
    updated weight may be used where the old one belongs.
    """

    graph: Graph
    definitions: Definitions
    lines: tuple[Line, ...]
    rated: bool
    place: Mapping[Formula, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Number the atoms by their lines."""
        places: dict[Formula, int] = {
            line.atom: number for number, line in enumerate(self.lines)
        }
        object.__setattr__(self, "place", places)

    def line(self, atom: Formula) -> Line | None:
        """The line of an atom; None for a leaf."""
        number = self.place.get(atom)
        return None if number is None else self.lines[number]

    def role(self, name: Formula) -> Role | None:
        """What a name is in the network; None for what is no node."""
        if isinstance(name, Name) and name in self.graph:
            return self.graph.node(name).role
        return None

    def layer(self, name: Formula) -> int:
        """The layer of a node, from 1; 0 for what has none."""
        if isinstance(name, Name) and name in self.graph:
            return self.graph.node(name).layer
        return 0


def updated(weight: Name) -> Name:
    """The atom of w', a weight after its update."""
    return Name(f"{weight.id}'")


def asked_atom(number: int) -> Name:
    """The atom of an expression that is asked for and has no name."""
    return Name("asked", (number,))


def plain_form(form: Formula) -> Formula:
    """A quantity over atoms alone: w' for new(w)."""
    if isinstance(form, Call) and form.function == "new":
        weight = form.arguments[0]
        if isinstance(weight, Name):
            return updated(weight)
    if isinstance(form, Derivative):
        return form
    children = tuple(plain_form(child) for child in form.children)
    return form.with_children(children) if children else form


class WorkingMaker:
    """A working in the making: what is asked for, and what that needs."""

    def __init__(self, graph: Graph, definitions: Definitions, *, rated: bool) -> None:
        self.graph = graph
        self.definitions = definitions
        self.rated = rated
        self.slopes = Slopes(graph, definitions, {})
        self.order = {node.name: place for place, node in enumerate(graph.nodes)}
        self.lines: dict[Atom, Line] = {}
        self.known: dict[tuple[Name, Name], Formula] = {}

    def working(
        self, asked: Sequence[Formula], also: Callable[[Atom], Iterable[Formula]]
    ) -> Working:
        """The working that leads to some plain forms.

        InputError where one has no way there.
        """
        for node in self.graph.nodes:
            if node.body is not None:
                form = without_sigma(node.body)
                self.lines[node.name] = Line(node.name, form, "forward")
        atoms = [atom for form in asked for atom in atoms_of(form)]
        self._backward(atoms)
        for number, form in enumerate(asked):
            if not isinstance(form, Name | Derivative):
                atom = asked_atom(number)
                self.lines[atom] = Line(atom, form, "asked")
        found = self._with_ways(also)
        if len(found) > MAX_LINES:
            raise TooLarge(f"more than {MAX_LINES} lines to look for a mistake in")
        return Working(self.graph, self.definitions, found, self.rated)

    def _with_ways(self, also: Callable[[Atom], Iterable[Formula]]) -> tuple[Line, ...]:
        """Each line with the other ways to write it that use what stands above it."""
        lines: list[Line] = []
        above: set[Formula] = {n.name for n in self.graph.nodes if n.body is None}
        above.add(RATE)
        for atom, line in self.lines.items():
            ways = dict.fromkeys(
                form
                for form in map(self._usable, also(atom))
                if form is not None
                and form != line.form
                and all(part in above for part in atoms_of(form))
            )
            lines.append(Line(atom, line.form, line.kind, tuple(ways)))
            above.add(atom)
        return tuple(lines)

    def _usable(self, form: Formula) -> Formula | None:
        """A way without Σ; None where that is too long."""
        try:
            return without_sigma(form)
        except (InputError, TooLarge):
            return None

    def _backward(self, atoms: Iterable[Atom]) -> None:
        """The slopes, chain-rule lines and updates that some atoms need."""
        tops: dict[Name, set[Name]] = {}
        single: list[Derivative] = []
        loss = self.graph.loss
        new = {updated(name): name for name in self.order if self._trains(name)}
        for atom in atoms:
            if isinstance(atom, Name):
                if atom in new:
                    tops.setdefault(loss, set()).add(new[atom])
            elif not isinstance(atom.of, Name) or atom.of not in self.graph:
                raise InputError("a derivative of no quantity of the graph")
            elif atom.head == "P":
                single.append(atom)
            elif atom.of != atom.by:
                tops.setdefault(atom.of, set()).add(atom.by)
        if loss in tops and self.rated:
            tops[loss] |= set(new.values())
        for atom in single:
            self.slope(atom, named=True)
        for top, wanted in tops.items():
            self._chain(top, wanted, new if top == loss and self.rated else {})

    def _trains(self, name: Name) -> bool:
        """Whether a leaf is updated: a weight, a bias, what is derived by."""
        node = self.graph.node(name)
        trained = node.role in ("weight", "bias") or name in self.graph.wrt
        return node.body is None and trained and node.role not in ("input", "target")

    def _chain(self, top: Name, wanted: set[Name], new: Mapping[Name, Name]) -> None:
        """∂top/∂v for all that is wanted and lies between, leaves as soon as known."""
        users = self.definitions.users
        between: set[Name] = set()
        stack = list(wanted)
        while stack:
            name = stack.pop()
            if name in between or not self.definitions.depends(top, name):
                continue
            between.add(name)
            stack += [user for user in users(name) if user != top]
        missing = sorted(wanted - between, key=self.order.__getitem__)
        for name in missing:
            atom = Derivative("D", top, name)
            self.lines[atom] = Line(atom, ZERO, "total")
        back = {w: update for update, w in new.items()}

        ordered = sorted(between, key=lambda name: self._turn(name, between, top))
        for name in ordered:
            if name == top:
                continue
            atom = Derivative("D", top, name)
            self.lines[atom] = Line(atom, self._total(top, name, between), "total")
            if name in back:
                step = Product((RATE, atom))
                form = Sum((name, Minus(step)))
                self.lines[back[name]] = Line(back[name], form, "update")

    def _turn(self, name: Name, between: set[Name], top: Name) -> tuple[int, int, int]:
        """Where ∂top/∂v comes: backward; a leaf's before what its users also use.

        So a layer's weights come after all units of the layer and before the layer
        below; a leaf that is used in several layers comes after its last use.
        """
        own = self.order[name]
        if self.graph.node(name).body is not None:
            return -own, 1, own
        used = [u for u in self.definitions.users(name) if u in between or u == top]
        last = min((self.order[user] for user in used), default=own)
        beside = [
            self.order[other]
            for user in used
            for other in self.definitions.gradient(user)
            if other in between and self.graph.node(other).body is not None
        ]
        below = max(beside, default=-1)
        return (-below, 0, own) if below < last else (-last, 2, own)

    def _total(self, top: Name, name: Name, between: set[Name]) -> Formula:
        """∂top/∂v = Σ_u ∂top/∂u · ∂u/∂v over all u that use v."""
        terms: list[Formula] = []
        for user in self.definitions.users(name):
            if user != top and user not in between:
                continue
            slope = self.slope(Derivative("P", user, name))
            above = Derivative("D", top, user)
            known = ONE if user == top else self.lines[above].form
            front = known if known == ONE else above
            factors = tuple(f for f in (front, slope) if f != ONE)
            terms.append(product_of(factors))
        return sum_of(tuple(terms))

    def slope(self, atom: Derivative, *, named: bool = False) -> Formula:
        """∂u/∂v as it stands in a chain-rule line: a name of its own if it is long."""
        of, by = atom.of, atom.by
        assert isinstance(of, Name)
        if atom in self.lines:
            return atom
        if (of, by) not in self.known:
            self.known[of, by] = self._slope(of, by)
        form = self.known[of, by]
        bare = form.body if isinstance(form, Minus) else form
        if isinstance(bare, Name | Num) and not named:
            return form
        self.lines[atom] = Line(atom, form, "slope")
        return atom

    def _slope(self, of: Name, by: Name) -> Formula:
        """The slope as a book writes it; of a function left general, its name."""
        body = self.graph.node(of).body
        if body is None or by not in self.definitions.gradient(of):
            return ZERO
        try:
            derivation = self.slopes.slope(of, by)
        except Refused:
            derivation = None
        if derivation is not None:
            return without_sigma(derivation.result)
        if isinstance(body, Call) and body.slope is None and by in body.arguments:
            return Call(body.function, body.arguments, body.arguments.index(by))
        return without_sigma(self.definitions.gradient(of)[by])
