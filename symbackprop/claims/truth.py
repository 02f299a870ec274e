"""What is true of a graph: each quantity's right formulas, each as a checked line.

A quantity is reduced to atoms (ids, total derivatives); each atom has one form to
compute it from, and all the forms by which an author may have computed it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from symbackprop.errors import InputError, Refused
from symbackprop.examples import RATE
from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Product,
    Sum,
)
from symbackprop.graph.graph import Graph
from symbackprop.kernel.calculus import gradient
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.rules import total
from symbackprop.numeric.program import (
    Program,
    atoms_of,
    general_slope,
    program_of,
    without_sigma,
)
from symbackprop.strategies.backprop import Backprop
from symbackprop.strategies.writer import Writer, definitions_of

ETA = Name(RATE)
MAX_EVERY = 120
"""In graphs of at most so many nodes, ∂L/∂v of every v is at hand for a program."""


class Truth:
    """A graph's quantities and their right formulas, derived when first asked for.

    `chains` are the author's own lines of a quantity, already checked.
    """

    def __init__(
        self, graph: Graph, chains: Mapping[Formula, Sequence[Formula]] | None = None
    ) -> None:
        self.graph = graph
        self.definitions = definitions_of(graph)
        self.chains = chains or {}
        self._strategies: dict[tuple[Name, bool], Backprop] = {}
        self._mains: dict[Formula, Formula] = {}
        self._chains: dict[Formula, Formula] = {}
        self._forms: dict[Formula, tuple[Formula, ...]] = {}
        self._keys: dict[Formula, Formula] = {}
        self._program: Program | None = None

    def resolved(self, form: Formula) -> Formula:
        """A quantity over atoms: w' written out, sums too, ∂/∂v of a form by parts."""
        match form:
            case Call("new", (Name() as name,)):
                if name not in self.graph or self.graph.node(name).body is not None:
                    raise InputError(f"{name.id} is not trained: it has no update")
                step = Product((ETA, Derivative("D", self.graph.loss, name)))
                return Sum((name, Minus(step)))
            case Derivative(head, of, by) if not isinstance(of, Name):
                return self._by_parts(head, self.resolved(of), by)
            case Derivative():
                return self.key(form)
            case Name():
                if form != ETA and form not in self.graph:
                    raise InputError(f"unknown quantity {form.id[:60]!r}")
                return form
            case _:
                form = without_sigma(form)
                children = tuple(self.resolved(child) for child in form.children)
                return form.with_children(children) if children else form

    def _by_parts(self, head: str, of: Formula, by: Name) -> Formula:
        """The derivative of a form: slope times derivative, for each of its names."""
        slopes = gradient(of, self.definitions.functions)
        if head == "P":
            return self.resolved(slopes.get(by, ZERO))
        terms = [
            self.resolved(slope) if name == by else Product((slope, inner))
            for name, slope in slopes.items()
            if (inner := self.key(Derivative("D", name, by))) != ZERO
        ]
        if not terms:
            return ZERO
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def key(self, atom: Formula) -> Formula:
        """One atom for what is the same derivative by its definition.

        ∂v/∂u along the only path is D(v, u); D(E, u) is D(E1, u) where E = E1 + E2 and
        E1 alone uses u; D(u, u) is 1, and 0 is 0.
        """
        if not isinstance(atom, Derivative):
            return atom
        if atom not in self._keys:
            self._keys[atom] = self._key(atom)
        return self._keys[atom]

    def _key(self, atom: Derivative) -> Formula:
        """The same, worked out."""
        of, by = atom.of, atom.by
        if not isinstance(of, Name) or of not in self.graph or by not in self.graph:
            return atom
        depends, definitions = self.definitions.depends, self.definitions
        if atom.head == "P":
            slope = definitions.gradient(of).get(by)
            if slope is None:
                return ZERO
            users = [v for v in definitions.users(by) if depends(of, v)]
            if users != [of]:
                return atom
        if of == by:
            return ONE
        if not depends(of, by):
            return ZERO
        while True:
            slopes = definitions.gradient(of)
            uses = [name for name in slopes if depends(name, by)]
            if len(uses) != 1 or uses[0] == by or slopes[uses[0]] != ONE:
                return Derivative("D", of, by)
            if len(slopes) == 1:  # an identity is a quantity of its own
                return Derivative("D", of, by)
            of = uses[0]

    def derivation(self, atom: Derivative, *, named: bool = True) -> Derivation:
        """The kernel's derivation of a total derivative of one quantity by another."""
        assert isinstance(atom.of, Name)
        return self._strategy(atom.of, named).derive(atom.by)

    def _strategy(self, root: Name, named: bool) -> Backprop:
        """Backpropagation from a quantity, kept."""
        if (root, named) not in self._strategies:
            graph = self.graph
            if root != graph.loss:
                graph = replace(graph, loss=root, loss_name="")
            self._strategies[root, named] = Backprop(
                graph, definitions=self.definitions, named=named
            )
        return self._strategies[root, named]

    def main(self, atom: Formula) -> Formula | None:
        """The form that an atom is computed from; None for a leaf."""
        if isinstance(atom, Name):
            body = None if atom == ETA else self.graph.node(atom).body
            if body is None or atom in self._mains:
                return self._mains.get(atom)
            self._mains[atom] = without_sigma(body)
        elif atom not in self._mains:
            assert isinstance(atom, Derivative)
            self._mains[atom] = self._main(atom)
        return self._mains[atom]

    def _main(self, atom: Derivative) -> Formula:
        """The result of an atom's derivation, or a general function's own slope."""
        if atom.head == "P":
            assert isinstance(atom.of, Name)
            return self.definitions.gradient(atom.of).get(atom.by, ZERO)
        result = without_sigma(self.derivation(atom).result)
        if atom in map(self.key, atoms_of(result)):
            return general_slope(self.graph, atom)
        return result

    def chain(self, atom: Formula) -> Formula | None:
        """A slope by the chain rule alone, one step; else what `main` says."""
        if atom in self._chains or not isinstance(atom, Derivative):
            return self._chains.get(atom) or self.main(atom)
        self._chains[atom] = self.main(atom) or atom
        if atom.head == "D":
            with suppress(Refused):
                step = Writer(self.definitions, atom).apply(total, ())
                line = without_sigma(step.after)
                if atom not in map(self.key, atoms_of(line)):
                    self._chains[atom] = line
        return self._chains[atom]

    def forms(self, quantity: Formula) -> tuple[Formula, ...]:
        """Every right formula of a quantity, as an author may have used it."""
        if quantity not in self._forms:
            self._forms[quantity] = tuple(dict.fromkeys(self._right(quantity)))
        return self._forms[quantity]

    def _right(self, quantity: Formula) -> list[Formula]:
        """Its definition, each printed line of its derivation, the author's own."""
        found = [without_sigma(line) for line in self.chains.get(quantity, ())]
        form = self.resolved(quantity)
        if isinstance(form, Name):
            body = self.main(form)
            return found if body is None else [*found, body]
        if not isinstance(form, Derivative):
            return [*found, form]
        if form.head == "P":
            return [*found, self._main(form)]
        lines: list[Formula] = [form]
        for named in (False, True):
            with suppress(InputError, Refused):
                lines += self.derivation(form, named=named).printed
        lines.append(self.chain(form) or form)
        found += [without_sigma(line) for line in lines if line != form]
        return found or [self._main(form)]

    def shown(self, quantity: Formula) -> Formula:
        """The formula to print as the right one: the last line of its derivation."""
        form = self.resolved(quantity)
        if quantity in self.chains:
            return without_sigma(self.chains[quantity][-1])
        if isinstance(form, Derivative) and form.head == "D":
            result = self.derivation(form, named=False).result
            return self._main(form) if result == form else result
        body = self.main(form) if isinstance(form, Name | Derivative) else None
        return form if body is None else body

    def program(self) -> Program:
        """The straight-line program of the loss and of ∂loss/∂v, for mistakes."""
        if self._program is None:
            strategy, graph = self._strategy(self.graph.loss, named=True), self.graph
            names = dict.fromkeys(graph.wrt)
            if len(graph.nodes) <= MAX_EVERY:
                names |= dict.fromkeys(node.name for node in graph.nodes)
            depends = self.definitions.depends
            derivations = {
                name: strategy.derive(name)
                for name in names
                if name != graph.loss and depends(graph.loss, name)
            }
            errors = strategy.error_terms(list(derivations.values()))
            definitions = self.definitions
            self._program = program_of(graph, definitions, derivations, errors)
        return self._program

    def without_derivatives(self, form: Formula, limit: int) -> Formula | None:
        """A form with each derivative written out; None where it grows past a limit."""
        form = self.resolved(form)
        return unrolled(form, self._of_derivative, limit)

    def _of_derivative(self, atom: Formula) -> Formula | None:
        """What a derivative is made of; None for a name."""
        return None if isinstance(atom, Name) else self.main(self.key(atom))

    def over_leaves(self, form: Formula, limit: int) -> Formula | None:
        """A form with everything written out; None where it grows past a limit."""
        return unrolled(self.resolved(form), lambda a: self.main(self.key(a)), limit)


def unrolled(
    form: Formula, body_of: Callable[[Formula], Formula | None], limit: int
) -> Formula | None:
    """A form with each atom's body put in, to the end; None above so many nodes."""
    known: dict[Formula, Formula] = {}
    sizes: dict[Formula, int] = {}
    begun: set[Formula] = set()
    stack: list[Formula] = list(atoms_of(form))
    while stack:  # no recursion: nets are deep
        atom = stack[-1]
        body = None if atom in sizes else body_of(atom)
        if body is None:
            sizes.setdefault(atom, 1)
            stack.pop()
            continue
        missing = [a for a in atoms_of(body) if a not in sizes]
        if missing:
            begun.add(atom)
            if not begun.isdisjoint(missing):
                return None
            stack += missing
            continue
        sizes[atom] = _size(body, sizes)
        if sizes[atom] > limit:
            return None
        known[atom] = exchanged(body, known)
        stack.pop()
    return exchanged(form, known) if _size(form, sizes) <= limit else None


def _size(form: Formula, sizes: Mapping[Formula, int]) -> int:
    """The nodes of a form once its atoms are written out."""
    if isinstance(form, Name | Derivative):
        return sizes[form]
    return 1 + sum(_size(child, sizes) for child in form.children)


def exchanged(form: Formula, known: Mapping[Formula, Formula]) -> Formula:
    """A form with atoms exchanged for what is known of them."""
    if isinstance(form, Name | Derivative):
        return known.get(form, form)
    new = tuple(exchanged(child, known) for child in form.children)
    return form if new == form.children else form.with_children(new)
