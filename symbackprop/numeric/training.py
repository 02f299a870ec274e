"""Learning in floats: compiled gradient, compiled update, the history of both.

Nothing here knows a network: a gradient of samples by number, a rule, a schedule.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Rational
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import InputError
from symbackprop.formula.tree import Name
from symbackprop.numeric.codegen import Code
from symbackprop.numeric.columns import float_of
from symbackprop.numeric.optimizers import Rule
from symbackprop.numeric.schedule import Schedule

Vector: TypeAlias = NDArray[np.float64]
Samples: TypeAlias = Sequence[int] | None
"""The numbers of samples; None is all of them."""

Outcome: TypeAlias = Literal["finished", "interrupted", "diverged"]

MAX_RECORDS = 10_000
"""So many records are kept; a longer history is thinned evenly."""
MAX_KEPT = 10_000_000
"""So many parameters in all records together: a wide network keeps fewer records."""


class Gradient(Protocol):
    """The mean loss over some samples, and its gradient, at parameters."""

    def __call__(self, theta: Vector, samples: Samples) -> tuple[float, Vector]:
        """Loss and gradient."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """Where learning stood after so many updates, over all training samples.

    `norm` is the length of the gradient of the mean loss.
    """

    iteration: int
    epoch: float
    loss: float
    validation: float | None
    norm: float
    parameters: Vector


@dataclass(frozen=True, slots=True)
class History:
    """What was reached: the records from the start on, the parameters, how it ended.

    After "diverged" the last record and the parameters are the last finite ones.
    """

    records: tuple[Record, ...]
    parameters: Vector
    iterations: int
    outcome: Outcome


def compiled_step(rule: Rule) -> Callable[..., tuple[Vector, ...]]:
    """One update as a NumPy function, in the order of the rule's inputs and outputs."""
    code = Code(rule.program, rule.outputs)
    return code.bound({"sqrt": np.sqrt, "power": np.power})


def learned(
    gradient: Gradient,
    start: Vector,
    rule: Rule,
    constants: Sequence[Rational],
    schedule: Schedule,
    *,
    validation: Callable[[Vector], float] | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> History:
    """Update by the schedule; Ctrl-C, or a loss that is not finite, ends it early.

    `tell` is told after each update how many of how many are done.
    """
    if not np.isfinite(start).all():
        raise InputError("expected finite parameters to start from")
    run = _Run(gradient, start, schedule, validation)
    step = compiled_step(rule)
    numbers = [float_of(value) for value in constants]
    states = [np.zeros_like(start) for _ in rule.row.states]
    outcome: Outcome = "finished"
    with np.errstate(all="ignore"):
        try:
            for batch in schedule.batches():
                loss, slopes = run.at_batch(batch)
                results = step(run.theta, *states, slopes, run.done + 1, *numbers)
                if not (math.isfinite(loss) and np.isfinite(results[0]).all()):
                    outcome = "diverged"
                    break
                states = list(results[1:])
                run.theta, run.done = results[0], run.done + 1
                if tell is not None:
                    tell(run.done, schedule.iterations)
        except KeyboardInterrupt:
            outcome = "interrupted"
        if not run.record(last=True):
            outcome = "diverged"
    return History(tuple(run.records), run.theta, run.done, outcome)


class _Run:
    """One run while it lasts: where it stands, what it has recorded."""

    def __init__(
        self,
        gradient: Gradient,
        start: Vector,
        schedule: Schedule,
        validation: Callable[[Vector], float] | None,
    ) -> None:
        self.gradient = gradient
        self.schedule = schedule
        self.validation = validation
        self.theta = start.astype(np.float64)
        self.done = 0
        self.records: list[Record] = []
        epochs = -(-schedule.iterations // schedule.per_epoch)
        most = max(min(MAX_RECORDS, MAX_KEPT // max(start.size, 1)), 1)
        self.every = schedule.per_epoch * max(1, -(-epochs // most))

    def at_batch(self, batch: Sequence[int]) -> tuple[float, Vector]:
        """Loss and gradient of a batch; a record first, where one is due."""
        whole = len(batch) == self.schedule.samples
        if self.done % self.every == 0:
            found = self._whole()
            self._add(found)
            if whole:
                return found
        return self._safe(None if whole else batch)

    def record(self, *, last: bool) -> bool:
        """Record where it stands, unless that is done; whether the loss is finite."""
        if last and self.records and self.records[-1].iteration == self.done:
            return True
        return self._add(self._whole())

    def _whole(self) -> tuple[float, Vector]:
        """Loss and gradient of all training samples."""
        return self._safe(None)

    def _safe(self, samples: Samples) -> tuple[float, Vector]:
        """Loss and gradient; what overflows is not finite."""
        try:
            return self.gradient(self.theta, samples)
        except (ArithmeticError, ValueError):
            return math.nan, np.full_like(self.theta, np.nan)

    def _add(self, found: tuple[float, Vector]) -> bool:
        """Add a record, unless it is not finite."""
        loss, slopes = found
        norm = float(np.linalg.norm(slopes))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return False
        held = None if self.validation is None else self._held()
        epoch = self.done / self.schedule.per_epoch
        self.records.append(
            Record(self.done, epoch, loss, held, norm, self.theta.copy())
        )
        return True

    def _held(self) -> float:
        """The validation loss."""
        assert self.validation is not None
        try:
            return self.validation(self.theta)
        except (ArithmeticError, ValueError):
            return math.nan


@dataclass(frozen=True, slots=True)
class Run:
    """One run told apart from others: its title, its numbers, its history.

    `title` is empty where only the learning rate differs.
    """

    title: Mapping[str, str]
    learning_rate: Rational
    names: tuple[Name, ...]
    start: Vector
    schedule: Schedule
    history: History

    @property
    def grew(self) -> bool:
        """Whether the loss was larger at the end than at the start."""
        records = self.history.records
        return bool(records) and records[-1].loss > records[0].loss

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters by id, at the end."""
        values = self.history.parameters.tolist()
        return dict(zip((n.id for n in self.names), values, strict=True))
