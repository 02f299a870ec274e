"""Everything that a claim is judged with: the example, what is true, its numbers."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction as Rational

from symbackprop.claims.printed import Printed, inside, printed_of
from symbackprop.claims.truth import ETA, Truth
from symbackprop.claims.values import START, Data, Key, Moment, Reached, Values
from symbackprop.claims.verdict import Operand
from symbackprop.errors import InputError
from symbackprop.examples import Claim, Example
from symbackprop.formula.tree import Call, Formula, Minus, Name
from symbackprop.graph.build import graph_of
from symbackprop.graph.graph import Graph
from symbackprop.numeric.point import Ball
from symbackprop.numeric.program import Program
from symbackprop.numeric.schedule import Schedule
from symbackprop.strategies.authored import DoesNotFollow, authored
from symbackprop.strategies.backprop import chain_instances
from symbackprop.strategies.writer import definitions_of

PLAIN = "gradient descent"

Reading = Callable[[Formula], Formula]


def _as_written(form: Formula) -> Formula:
    """A form read as it stands."""
    return form


class Context:
    """One example under one convention, with what its author had printed when.

    `reads` turns what a claim says into our own letters.
    """

    def __init__(
        self,
        example: Example,
        truth: Truth,
        data: Data,
        reads: Reading = _as_written,
        convention: str = "",
    ) -> None:
        self.example = example
        self.truth = truth
        self.data = data
        self.reads = reads
        self.convention = convention
        self._points: dict[Moment, Values] = {}
        self._printed: list[tuple[Key, Operand] | None] = []

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims in file order."""
        return self.example.claims

    @property
    def graph(self) -> Graph:
        """The graph under this convention."""
        return self.truth.graph

    @property
    def values(self) -> Mapping[Name, Rational]:
        """The exact values of the leaves, and eta."""
        return self.data.values

    def program(self) -> Program:
        """The straight-line program of the loss and its derivatives."""
        return self.truth.program()

    def moment(self, claim: Claim) -> Moment:
        """When a claim's quantity is taken, for which sample."""
        steps = 0
        if claim.after is not None:
            steps = claim.after.count
            if claim.after.unit == "epochs":
                steps *= self.per_epoch
        if claim.sample > max(len(self.data.samples), 1):
            raise InputError(
                f"there is no sample {claim.sample}",
                place=claim.place,
                hint=f"the file has {len(self.data.samples)} to train on",
            )
        alone = len(self.data.samples) <= 1
        return Moment(steps, 0 if alone else claim.sample)

    @property
    def per_epoch(self) -> int:
        """Updates in one pass over the samples."""
        training, count = self.example.training, max(len(self.data.samples), 1)
        return Schedule(count, 0, training.batch if training else None).per_epoch

    def resolved(self, form: Formula) -> Formula:
        """A claim's quantity over atoms, in our letters."""
        return self.truth.resolved(self.reads(form))

    def forms(self, quantity: Formula) -> tuple[Formula, ...]:
        """Every right formula of a claim's quantity."""
        return self.truth.forms(self.reads(quantity))

    def shown(self, quantity: Formula) -> Formula:
        """The right formula to print beside a wrong one."""
        return self.truth.shown(self.reads(quantity))

    def key(self, quantity: Formula, moment: Moment) -> Key:
        """Under which atom and moment a printed quantity is remembered.

        w' now and w after the next update are the same number.
        """
        match self.reads(quantity):
            case Call("new", (Name() as name,)):
                atom: Formula = name
                moment = Moment(moment.steps + 1, moment.sample)
            case form:
                atom = self.truth.resolved(form)
        if self.data.timeless(atom):
            moment = Moment(moment.steps, 0)
        return atom, moment

    def point(self, moment: Moment = START) -> Values:
        """The true values at a moment."""
        if moment not in self._points:
            self._points[moment] = Values(self.truth, self.data, moment)
        return self._points[moment]

    def on(
        self,
        operands: Mapping[Key, Operand],
        moment: Moment,
        *,
        wide: frozenset[Key] = frozenset(),
        near: bool = False,
    ) -> Values:
        """The values on what an author had printed."""
        return Values(self.truth, self.data, moment, operands, wide=wide, near=near)

    def earlier(self, index: int) -> list[tuple[Key, Operand]]:
        """What was printed before a claim, in order, but what cannot be read."""
        while len(self._printed) < index:
            claim = self.claims[len(self._printed)]
            self._printed.append(self._operand(claim))
        return [pair for pair in self._printed[:index] if pair is not None]

    def _operand(self, claim: Claim) -> tuple[Key, Operand] | None:
        """What a claim prints, for use in later ones; None where it has no key.

        A number printed for -v is one for v, with the other sign.
        """
        try:
            key = self.key(claim.of, self.moment(claim))
        except InputError:
            return None
        opposite = isinstance(key[0], Minus)
        key = plain_key(key)
        if claim.printed is not None:
            number = printed_of(claim.printed)
            number = number.opposite if opposite else number
            return key, Operand(key[0], number, None, claim)
        assert claim.formula is not None
        form = self.reads(claim.formula)
        return key, Operand(key[0], None, Minus(form) if opposite else form, claim)

    def operands(self, index: int) -> dict[Key, Operand]:
        """The latest printed value of each quantity before a claim, or its own list."""
        latest = {key: o for key, o in self.earlier(index) if o.number is not None}
        return {**latest, **self.stated(index)}

    def stated(self, index: int) -> dict[Key, Operand]:
        """The operands that a claim itself says it was computed from."""
        claim = self.claims[index]
        moment = self.moment(claim)
        found: dict[Key, Operand] = {}
        for form, text in claim.operands.items():
            key = self.key(form, moment)
            found[key] = Operand(key[0], printed_of(text), None, claim)
        return found

    def reproduces(self, claim: Claim, result: Formula | Ball | Rational) -> bool:
        """Whether a value, or a form's, rounds to the printed digits."""
        if claim.printed is None:
            return False
        printed = printed_of(claim.printed)
        if isinstance(result, Formula):
            return lands(self.point(self.moment(claim)), result, printed)
        if isinstance(result, Rational):
            return printed.low <= result <= printed.high
        return bool(inside(result, printed.low, printed.high))


def plain_key(key: Key) -> Key:
    """The key of v where the quantity is -v."""
    form, moment = key
    return (form.body, moment) if isinstance(form, Minus) else key


def lands(point: Values, form: Formula, printed: Printed) -> bool:
    """Whether a form's value rounds to printed digits; decided, or an error."""
    return point.decided(form, printed.holds)


def context_of(
    example: Example, reached: Reached | None = None, graph: Graph | None = None
) -> Context:
    """The context of an example as it stands, or of a graph in its place."""
    graph = graph or graph_of(example)
    return Context(
        example, Truth(graph, _chains(example, graph)), data_of(example, graph, reached)
    )


def data_of(example: Example, graph: Graph, reached: Reached | None = None) -> Data:
    """The numbers of an example; the rate of the first run counts."""
    samples = [s.values for s in example.samples if s.split == "training"]
    given = {name for row in samples for name in row}
    roles = [node for node in graph.nodes if node.role in ("weight", "bias")]
    names = [n.name for n in roles] if example.network else graph.wrt
    training = example.training
    rate = training.learning_rates[0] if training else example.learning_rate
    values = dict(example.values)
    if rate is not None and ETA not in graph:
        values[ETA] = rate
    plain = training is None or (
        training.method == PLAIN
        and (training.batch is None or training.batch >= len(samples))
    )
    leaves = (n for n in names if n not in given and graph.node(n).body is None)
    return Data(values, samples, frozenset(leaves), replayed=plain, reached=reached)


def _chains(example: Example, graph: Graph) -> dict[Formula, Sequence[Formula]]:
    """The author's own lines of a quantity, those that follow."""
    found: dict[Formula, Sequence[Formula]] = {}
    if all(lines.of is None for lines in example.lines):
        return found
    definitions = definitions_of(graph)
    for lines in example.lines:
        if lines.of is None:
            continue
        for goal, *chain in chain_instances((lines.of, *lines.chain), lines.indices):
            try:
                found[goal] = authored(definitions, goal, chain).printed[1:]
            except DoesNotFollow:
                continue
    return found
