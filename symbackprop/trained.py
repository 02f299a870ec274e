"""The verb that learns: train, in floats; and where k updates lead, in balls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational
from itertools import product
from pathlib import Path

from symbackprop.computed import compiled, program
from symbackprop.derived import Derivations, derive
from symbackprop.errors import InputError
from symbackprop.examples import Example, load_example
from symbackprop.examples.training_tables import MAX_ITERATIONS, Compared, Training
from symbackprop.formula.tree import Name
from symbackprop.graph.build import graph_of
from symbackprop.graph.graph import Graph
from symbackprop.numeric.calling import Compiled
from symbackprop.numeric.exact_training import ExactPoint
from symbackprop.numeric.optimizers import LETTER, Rule, rule_of
from symbackprop.numeric.samples import SampleGradient, Values, array_of
from symbackprop.numeric.schedule import Schedule, drawn
from symbackprop.numeric.training import Run, learned
from symbackprop.renderers.document import Document
from symbackprop.renderers.learning import (
    Learning,
    learning_csv,
    learning_document,
    learning_json,
)
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.table import RENDERERS
from symbackprop.strategies.recurrences import derived_fact

FORMATS = ("text", "markdown", "latex", "html", "json", "csv")

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Trained:
    """What was learned: one run a learning rate or network, and how it was learned."""

    example: Example
    rule: Rule
    settings: Mapping[str, Rational]
    runs: tuple[Run, ...]
    validation: int
    context: Context = field(repr=False)

    def __str__(self) -> str:
        """The page as text."""
        return self.render()

    def document(self, lang: str = "en") -> Document:
        """The rule, what follows from it, the loss by epoch, the parameters."""
        context = replace(self.context, language=lang)
        return learning_document(self._learning(lang), context, lang)

    def render(self, to: str = "text", lang: str = "en") -> str:
        """The document in a format, or the numbers as JSON or CSV."""
        if to not in FORMATS:
            hint = "known: " + ", ".join(FORMATS)
            raise InputError(f"unknown format {to!r}", hint=hint)
        if to == "json":
            return learning_json(self._learning(lang))
        if to == "csv":
            return learning_csv(self._learning(lang))
        return RENDERERS[to].write(self.document(lang))

    def _learning(self, lang: str) -> Learning:
        """What the renderers need."""
        example = self.example
        return Learning(
            example.name,
            example.title.get(lang) or example.title["en"],
            example.source,
            self.rule,
            tuple(
                (fact.key, derived_fact(self.rule.lines, fact, LETTER))
                for fact in self.rule.row.facts
            ),
            self.settings,
            self.runs,
            self.validation,
        )


def train(
    source: Example | str | Path,
    *,
    epochs: int | None = None,
    iterations: int | None = None,
    seed: int | None = None,
    tell: Tell | None = None,
) -> Trained:
    """Learn as the example's [training] says: one run a learning rate or network.

    `epochs`, `iterations` and `seed` replace the file's; `tell` hears of each update.
    Ctrl-C ends a run with what was reached. InputError where a number is missing.
    """
    example = source if isinstance(source, Example) else load_example(source)
    training = training_of(example)
    rule = rule_of(training.method)
    held = [s.values for s in example.samples if s.split == "validation"]
    learners = [
        _Learner(example, training, task, seed) for task in (None, *example.networks)
    ]
    runs: list[Run] = []
    for learner, rate in product(learners, training.learning_rates):
        schedule = learner.schedule(epochs, iterations)
        history = learned(
            learner.gradient(learner.rows),
            learner.start,
            rule,
            rule.constants(rate, training.settings),
            schedule,
            validation=learner.gradient(held).loss if held else None,
            tell=tell,
        )
        names, start = learner.names, learner.start
        runs.append(Run(learner.title, rate, names, start, schedule, history))
        if history.outcome == "interrupted":
            break
    context = learners[0].derivations.work.context
    return Trained(example, rule, training.settings, tuple(runs), len(held), context)


def training_of(example: Example) -> Training:
    """The example's [training]; else plain gradient descent at [update]'s rate."""
    if example.training is not None:
        return example.training
    if example.learning_rate is None:
        raise InputError(
            "this example has no learning rate",
            place=example.place,
            hint='write [training] with learning_rate = "0.1", see docs/training.md',
        )
    return Training(
        "gradient descent",
        (example.learning_rate,),
        {},
        1,
        None,
        None,
        shuffle=False,
        seed=0,
        init=None,
        place=example.place,
    )


def _parameters(graph: Graph, example: Example) -> list[Name]:
    """What is trained: weights and biases, or a formula's leaves, that are no data."""
    data = example.samples[0].values if example.samples else {}
    if graph.activations:
        own = [node.name for node in graph.nodes if node.role in ("weight", "bias")]
        return [name for name in own if name not in data]
    leaves = [node.name for node in graph.nodes if node.body is None]
    wanted = example.wrt or tuple(leaves)
    return [name for name in leaves if name in wanted and name not in data]


class _Learner:
    """One network or list of formulas with its data, ready to learn."""

    def __init__(
        self,
        example: Example,
        training: Training,
        task: Compared | None,
        seed: int | None,
    ) -> None:
        self.example = example
        self.training = training
        self.seed = training.seed if seed is None else seed
        source = example if task is None else task.network
        self.given: Values = example.values if task is None else _data(example)
        network = example.network if task is None else task.network
        self.title: Mapping[str, str] = {} if task is None else task.title
        if example.networks and not self.title:
            self.title = {"en": str(network)}
        graph = graph_of(source)
        names = [name.id for name in _parameters(graph, example)]
        if not names:
            raise InputError("there is nothing to train", place=example.place)
        self.derivations = derive(source, names, by="backprop")
        self.function: Compiled = compiled(self.derivations, batch="mean")
        known = {node.id: node.name for node in graph.nodes}
        self.names = tuple(known[text] for text in self.function.parameters)
        self.data = tuple(
            known[text] for text in self.function.arguments if text not in names
        )
        self.exact_start = self._start()
        self.start = array_of(list(self.exact_start.values()))
        samples = [s.values for s in example.samples if s.split == "training"]
        self.rows: list[Values] = samples or [{}]

    def _start(self) -> dict[Name, Rational]:
        """The first parameters: given, or drawn."""
        missing = [name for name in self.names if name not in self.given]
        init = self.training.init
        if missing and init is None:
            raise InputError(
                "there is no value for " + ", ".join(n.id for n in missing[:12]),
                place=self.example.place,
                hint="write it under [values], or init under [training]",
            )
        draws: dict[Name, Rational] = {}
        if init is not None:
            values = drawn(len(missing), init.distribution, init.scale, self.seed)
            draws = dict(zip(missing, values, strict=True))
        return {n: draws[n] if n in draws else self.given[n] for n in self.names}

    def schedule(
        self, epochs: int | None = None, iterations: int | None = None
    ) -> Schedule:
        """The order of updates; the arguments replace what the file says."""
        training = self.training
        if epochs is not None and iterations is not None:
            raise InputError("give one of epochs and iterations")
        for count in (epochs, iterations):
            unfit: object = count
            whole = unfit is None or isinstance(unfit, int)
            if not whole or (count is not None and not 0 <= count <= MAX_ITERATIONS):
                most = f"{MAX_ITERATIONS:,}"
                raise InputError(
                    f"expected 0 to {most} epochs or updates, found {count}"
                )
        if epochs is None and iterations is None:
            epochs, iterations = training.epochs, training.iterations
        first = Schedule(
            len(self.rows), iterations or 0, training.batch, training.shuffle, self.seed
        )
        if epochs is None:
            return first
        return Schedule(
            first.samples,
            epochs * first.per_epoch,
            training.batch,
            training.shuffle,
            self.seed,
        )

    def gradient(self, rows: Sequence[Values]) -> SampleGradient:
        """Mean loss and gradient over samples. InputError for a value that lacks."""
        try:
            return SampleGradient(self.function, rows, self.given)
        except InputError as error:
            raise InputError(
                error.message,
                place=self.example.place,
                hint="write it under [[samples]] or [values]",
            ) from None


def _data(example: Example) -> Values:
    """The values that hold for another network too: none of its weights."""
    return {n: v for n, v in example.values.items() if n.base in ("x", "y")}


def reached(
    derivations: Derivations,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    sample: int | None = None,
    also: Sequence[Name] = (),
) -> ExactPoint:
    """The point after k updates of the example's training, in balls.

    A quantity is the mean over the training samples, or that of `sample`, from 1.
    `also` are further quantities whose ∂loss/∂v can be asked for.
    """
    example = derivations.example
    if example is None:
        raise InputError("only a worked example has values to train on")
    training = training_of(example)
    learner = _Learner(example, training, None, None)
    learner.gradient(learner.rows)
    if sample is not None and not 1 <= sample <= len(learner.rows):
        raise InputError(f"expected a sample from 1 to {len(learner.rows)}")
    rule = rule_of(training.method)
    others = {n: v for n, v in example.values.items() if n in learner.data}
    return ExactPoint(
        program(learner.derivations, also),
        learner.exact_start,
        [{**others, **row} for row in learner.rows],
        rule,
        rule.constants(example.rate or training.learning_rates[0], training.settings),
        learner.schedule(epochs, steps),
        None if sample is None else sample - 1,
    )
