"""The slopes that backpropagation puts in: P(v, u) as a book writes it.

Activations come opened through their lemmas, loss parts from the loss's row.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from symbackprop.errors import Refused
from symbackprop.formula.binding import substituted
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Path,
    Power,
    Product,
    Sum,
    names_in,
    positions,
    size,
    walk,
)
from symbackprop.graph.build import without_ones
from symbackprop.graph.graph import Graph, Node
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.rules import fold, lemma, local, refer, unfold
from symbackprop.ops.table import LOSSES
from symbackprop.strategies.calculus import line_by_line, slope_lemma
from symbackprop.strategies.writer import Writer

MAX_OPENINGS = 64
MAX_OPENED = 30
"""So many slopes, of bodies of so many parts, are opened rule by rule on one page."""


class Slopes:
    """One graph's local slopes; an activation's is derived once a unit."""

    def __init__(
        self,
        graph: Graph,
        definitions: Definitions,
        lemmas: Mapping[str, Derivation],
    ) -> None:
        self.graph = graph
        self.definitions = definitions
        self.lemmas = lemmas
        self.locals: dict[tuple[Name, Name], Derivation | None] = {}
        self.plain: dict[tuple[Name, Name], Derivation] = {}
        self.targets = tuple(n.name for n in graph.nodes if n.role == "target")

    def stays(self, of: Name) -> bool:
        """Whether P(of, u) is left as it is: a function named like its value."""
        body = self.graph.node(of).body
        return (
            isinstance(body, Call)
            and body.function == of.id
            and body.function in self.graph.general
        )

    def write(self, writer: Writer, path: Path, of: Name, by: Name) -> None:
        """Replace P(of, by) at a position by its value."""
        because = self._local(of, by)
        if because is not None:
            writer.apply(refer, path, because)
        else:
            writer.apply(local, path, self._form(of, by))

    def slope(self, of: Name, by: Name) -> Derivation | None:
        """P(of, by) to its value as a derivation; None where it stays as it is."""
        if self.stays(of):
            return None
        because = self._local(of, by) or self.plain.get((of, by))
        if because is None:
            writer = Writer(self.definitions, Derivative("P", of, by))
            writer.apply(local, (), self._form(of, by))
            because = self.plain[of, by] = writer.derivation()
        return because

    def openings(self, used: Sequence[Derivation]) -> dict[Derivative, Derivation]:
        """The slopes that steps give in one go, rule by rule: a loss's, a power's."""
        found: dict[Derivative, Derivation] = {}
        for derivation in used:
            for step in derivation.steps:
                target = step.target
                if step.rule != "local" or not isinstance(target, Derivative):
                    continue
                if target in found or len(found) >= MAX_OPENINGS:
                    continue
                if isinstance(target.of, Name) and self._is_curved(target.of):
                    try:
                        found[target] = line_by_line(
                            self.definitions, target, step.replacement
                        )
                    except Refused:
                        continue  # one step it stays
        return found

    def _is_curved(self, name: Name) -> bool:
        """Whether a definition is more than sums and products, yet small."""
        node = self.graph.node(name)
        body = node.body
        if body is None or _is_softmax(node) or size(body) > MAX_OPENED:
            return False
        return any(
            isinstance(node, Power | Call | Fraction) and names_in(node)
            for node in walk(body)
        )

    def _form(self, of: Name, by: Name) -> Formula | None:
        """The slope of a loss part or of a softmax unit; None for the plain one."""
        node = self.graph.node(of)
        if node.role in ("part", "loss") and self.graph.loss_name:
            return self._loss_slope(by)
        if _is_softmax(node):
            own = self.graph.node(of).name.indices[-1] == by.indices[-1]
            if own:
                return Product((of, Sum((Num("1"), Minus(of)))))
            other = Name(of.base, (*of.indices[:-1], by.indices[-1]))
            return Minus(Product((of, other)))
        return None

    def _loss_slope(self, by: Name) -> Formula | None:
        """The row's slope with this output's names, where `by` is its output."""
        if self.graph.node(by).role != "output":
            return None
        return self.loss_text(LOSSES[self.graph.loss_name].slope, by)

    def loss_text(self, text: str, output: Name) -> Formula:
        """A text over y, o, n and s, the sum of the targets, for one output."""
        targets = self.targets
        form = substituted(
            _loss_form(text),
            {
                Name("y"): Name("y", output.indices),
                Name("o"): output,
                Name("n"): Num(str(len(targets))),
                Name("s"): targets[0] if len(targets) == 1 else Sum(targets),
            },
        )
        return without_ones(form) if len(targets) == 1 else form

    def _local(self, of: Name, by: Name) -> Derivation | None:
        """P(h, z) of an activation, opened through its lemma; None for the rest."""
        key = (of, by)
        if key not in self.locals:
            self.locals[key] = self._activation_slope(of, by)
        return self.locals[key]

    def _activation_slope(self, of: Name, by: Name) -> Derivation | None:
        """∂h/∂z = d/dz f(z) = f'(z) = the same with h for f(z)."""
        body = self.graph.node(of).body
        if not isinstance(body, Call) or body.arguments != (by,):
            return None
        if body.function in self.graph.general or body.function not in (
            self.definitions.functions
        ):
            return None
        writer = Writer(self.definitions, Derivative("P", of, by))
        writer.apply(unfold, (0,))
        because = slope_lemma(body.function, self.lemmas.get(body.function))
        try:
            writer.apply(lemma, (), because, by)
        except Refused:
            writer.apply(lemma, (), slope_lemma(body.function), by)
        writer.end_line()
        _fold_all(writer, body, of)
        return writer.derivation()


@cache  # a pure function of the shipped table's texts
def _loss_form(text: str) -> Formula:
    """A text of the table of losses as a form."""
    return read(text, Vocabulary(names=("y", "o", "n", "s")))


def _is_softmax(node: Node) -> bool:
    """Whether a unit is e^z over a sum of e^z."""
    body = node.body
    return (
        isinstance(body, Fraction)
        and isinstance(body.top, Call)
        and isinstance(body.bottom, Sum)
        and body.top in body.bottom.terms
    )


def _fold_all(writer: Writer, body: Call, name: Name) -> None:
    """Write a unit's name for its value wherever the line spells it out."""
    for path, node in list(positions(writer.line)):
        if node == body:
            writer.apply(fold, path, name)
    writer.end_line()
