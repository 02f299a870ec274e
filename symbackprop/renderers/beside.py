"""Numbers beside the lines of a page, where its example gives every value."""

from collections.abc import Iterable, Mapping
from fractions import Fraction as Rational

from symbackprop.errors import SymbackpropError
from symbackprop.formula.tree import Derivative, Formula, Minus, Name, Num
from symbackprop.graph.graph import Graph, Role
from symbackprop.kernel.derivation import Derivation
from symbackprop.numeric.absent import NoValue
from symbackprop.numeric.point import Point, Unsettled
from symbackprop.numeric.program import Assignment, atoms_of, without_sigma
from symbackprop.numeric.sheet import given, rate_name, updated
from symbackprop.numeric.worked import Digits, Link, Style, Working
from symbackprop.renderers.document import Block, Inline, Items, Prose
from symbackprop.renderers.words import phrase, word

MAX_LOST = 8
"""So many quantities that have no value are named."""

_SPACE = "\N{NO-BREAK SPACE}"
_GROUPS: Mapping[Role, str] = {
    "input": "given_inputs",
    "target": "given_targets",
    "weight": "given_weights",
    "bias": "given_biases",
}


class Beside:
    """The values of one story: of its quantities, of its derivations' last lines."""

    def __init__(
        self,
        graph: Graph,
        derivations: Iterable[Derivation],
        values: Mapping[Name, Rational],
        rate: Rational | None,
    ) -> None:
        """InputError where a quantity cannot be computed at any point."""
        self.graph = graph
        self.rate = rate
        eta = rate_name(graph)
        self.given = [
            given(node.name, values[node.name], Style(), node.layer)
            for node in graph.nodes
            if node.body is None
        ]
        if rate is not None and eta not in graph:
            values = {**values, eta: rate}
            self.given.append(given(eta, rate, Style()))
        own = list(derivations)
        self.definitions = own[0].definitions if own else None
        lines = _lines(graph, [d for d in own if self._mine(d)])
        self.absent: list[NoValue] = []
        self.lost: dict[Formula, None] = {}
        self.digits = self._digits(lines, values)
        known = [node.name for node in graph.nodes if self.digits.knows(node.name)]
        figures = [self.digits.figure(name) for name in known]
        self.rounds = not all(figure.whole for figure in figures)

    def _digits(
        self, lines: list[Assignment], values: Mapping[Name, Rational]
    ) -> Digits:
        """The values that exist; lines without one, and what rests on them, left out.

        `absent` says why, `lost` has them all.
        """
        while True:
            point = Point(lines, values)
            try:
                point.at()
            except NoValue as error:
                if error.atom is None:
                    raise
                self.absent.append(error)
                self.lost[error.atom] = None
                kept: list[Assignment] = []
                for line in lines:
                    if line.atom in self.lost or self.lost.keys() & atoms_of(line.form):
                        self.lost[line.atom] = None
                    else:
                        kept.append(line)
                lines = kept
            except Unsettled:  # more bits settle it where a value is asked for
                return Digits(point)
            else:
                return Digits(point)

    def notes(self, language: str) -> list[Block]:
        """Which quantities have no value here, and why; those that follow by name."""
        forward = [error for error in self.absent if isinstance(error.atom, Name)]
        found: list[Inline] = []
        for error in forward or self.absent[:1]:
            assert error.atom is not None
            assert error.form is not None
            why: dict[str, str | Formula | Inline] = {
                "quantity": error.atom,
                "form": error.form,
                "reason": word("no_value", error.reason, language),
            }
            found.append(phrase("page", "no_value", language, why))
        told = [error.atom for error in forward or self.absent[:1]]
        others = [atom for atom in self.lost if atom not in told]
        if others:
            names: Inline = tuple(others[:MAX_LOST])
            more = [("…",)] if len(others) > MAX_LOST else []
            listed = _joined([*((name,) for name in names), *more])
            found.append(
                phrase("page", "no_value_either", language, {"others": listed})
            )
        return [Prose(_joined(found, " "))] if found else []

    def _mine(self, derivation: Derivation) -> bool:
        """Whether a derivation speaks of the graph's quantities, not of a lemma's x."""
        return self.definitions is not None and derivation.definitions.same_as(
            self.definitions
        )

    def of(self, form: Formula) -> Link | None:
        """What a form comes to; None where it is a number or cannot be told."""
        number = form.body if isinstance(form, Minus) else form
        if isinstance(number, Num):
            return None
        try:
            flat = without_sigma(form)
            if not self.digits.knows(flat):
                return None
            return self.digits.figure(flat).link
        except SymbackpropError:
            return None

    def last(self, derivation: Derivation) -> Link | None:
        """What a derivation's last line comes to."""
        return self.of(derivation.result) if self._mine(derivation) else None

    def new(self, name: Name) -> Link | None:
        """What a parameter is updated to."""
        if self.rate is None:
            return None
        return self.of(updated(self.graph, name, rate_name(self.graph)))


def beside(
    graph: Graph,
    derivations: Iterable[Derivation],
    values: Mapping[Name, Rational],
    rate: Rational | None,
) -> Beside | None:
    """A story's values; None where a quantity has none."""
    leaves = [node.name for node in graph.nodes if node.body is None]
    if not leaves or any(name not in values for name in leaves):
        return None
    try:
        return Beside(graph, derivations, values, rate)
    except SymbackpropError:  # such as a function left general: the page has no values
        return None


def _lines(graph: Graph, derivations: Iterable[Derivation]) -> list[Assignment]:
    """The forward lines, then what ∂loss/∂v stands as a name in other lines.

    A derivation that rests on what nobody derived is left out.
    """
    lines = [
        Assignment(node.name, without_sigma(node.body), "forward")
        for node in graph.nodes
        if node.body is not None
    ]
    known: set[Formula] = {node.name for node in graph.nodes}
    pending = {
        d.goal: without_sigma(d.result)
        for d in derivations
        if isinstance(d.goal, Derivative) and d.goal != d.result
    }
    place = {node.name: n for n, node in enumerate(graph.nodes)}
    order = sorted(pending, key=lambda goal: -place.get(goal.by, 0))
    waiting: list[Derivative] = []
    while order and order != waiting:
        waiting, rest = order, list[Derivative]()
        for goal in waiting:
            if all(atom in known for atom in atoms_of(pending[goal])):
                lines.append(Assignment(goal, pending[goal], "error"))
                known.add(goal)
            else:
                rest.append(goal)
        order = rest
    return lines


def given_blocks(
    graph: Graph, rows: Iterable[Working], language: str, *, alone: bool = False
) -> list[Block]:
    """The values that everything is computed from; a network's by their roles.

    `alone`: under a heading that says what they are.
    """
    groups: dict[str, list[Inline]] = {}
    for row in rows:
        assert isinstance(row.quantity, Name)
        role = graph.node(row.quantity).role if row.quantity in graph else ""
        key = "given_rate" if not role else ""
        if role and graph.activations:
            key = _GROUPS.get(role, "")
        groups.setdefault(key, []).append(equation(row.quantity, row.links))
    labels: dict[str, Inline] = {
        key: (*phrase("page", key or "given", language, {}), ": ") for key in groups
    }
    if alone:
        labels |= {key: () for key in groups if not key or len(groups) == 1}
    listed = [(*labels[key], *_joined(rows)) for key, rows in groups.items()]
    return [Items(tuple(listed))] if len(groups) > 1 else [Prose(listed[0])]


def equation(left: Formula, links: Iterable[Link]) -> Inline:
    """a = b ≈ c as inline parts that stay in one line."""
    parts: list[str | Formula] = [left]
    for link in links:
        parts += [f"{_SPACE}{link.relation}{_SPACE}", link.form]
    return tuple(parts)


def _joined(pieces: Iterable[Inline], between: str = ", ") -> Inline:
    """Pieces of a sentence with commas between them."""
    parts: list[str | Formula] = []
    for place, one in enumerate(pieces):
        parts += [between, *one] if place else one
    return tuple(parts)
