"""The true gradient of a network or a graph, from witnesses alone.

In float64 it comes from the engine or the tape; in balls from the same at a precision
that is raised until the digits stand. Nothing here reads a derivation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from flint import arb

from symbackprop.checks.arithmetics import (
    InNumpy,
    OnTape,
    exact_ball,
    kinked,
    precision,
)
from symbackprop.checks.trials import Trial
from symbackprop.formula.tree import Formula, Name, Sum, name_of
from symbackprop.graph.graph import Graph
from symbackprop.network import Network
from symbackprop.numeric.evaluate import run
from symbackprop.numeric.program import Assignment, without_sigma
from symbackprop.ops.forward import COMPLEX
from symbackprop.reference import engine
from symbackprop.reference.tape import Var, derivatives

FIRST_BITS = 192
MAX_BITS = 1 << 13
ENOUGH_BITS = 72
"""How many bits of a ball have to stand: more than a long double has."""

TINY = 1e-320
"""A radius around zero below which no float64 is told from it."""

Loss = Callable[[Mapping[str, Any]], Any]


class Truth(Protocol):
    """What knows the true gradient."""

    @property
    def wrt(self) -> tuple[str, ...]:
        """The ids that the loss is differentiated by."""
        ...

    def layer(self, identifier: str) -> int:
        """The layer of a weight or bias; 0 outside networks."""
        ...

    def in_float64(self, trial: Trial) -> Any:  # noqa: ANN401 - an array
        """The gradient as an array in the order of `wrt`, by the engine in float64."""
        ...

    def in_balls(self, trial: Trial, margin: float, bits: int) -> list[arb]:
        """The gradient in balls; within the margin a kink's slope is an interval."""
        ...

    def loss(self, trial: Trial) -> tuple[Loss, dict[str, float]]:
        """The loss as a function of numbers by id, and where to differentiate it."""
        ...

    def not_analytic(self) -> tuple[str, ...]:
        """The functions that bar the complex step."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkTruth:
    """A network's gradient by the reference engine."""

    network: Network
    wrt: tuple[str, ...]

    def layer(self, identifier: str) -> int:
        """The layer in the id of a weight or bias."""
        return int(identifier.partition("_")[0][1:])

    def backward(self, trial: Trial) -> engine.Backward:
        """The engine's run in float64."""
        return engine.gradient(self.network, trial.floats)

    def in_float64(self, trial: Trial) -> Any:  # noqa: ANN401 - an array
        """The gradient by the engine in float64."""
        return self.picked(self.backward(trial))

    def picked(self, backward: engine.Backward) -> Any:  # noqa: ANN401 - an array
        """The derivatives in the order of `wrt`."""
        found = backward.gradient
        if len(self.wrt) != len(found) or any(name not in found for name in self.wrt):
            found = backward.by_id
        return self.ordered(found)

    def ordered(self, found: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an array
        """Derivatives by id in the order of `wrt`."""
        return np.array([found[name] for name in self.wrt])

    def in_balls(self, trial: Trial, margin: float, bits: int) -> list[arb]:
        """The gradient by the engine in balls."""
        with precision(bits):
            values: dict[str, Any] = {}
            for name, value in trial.values.items():
                cell = np.empty((), object)
                cell[()] = exact_ball(value)
                values[name] = cell
            backward = engine.gradient(self.network, values, kinked(margin))
            return [*self.picked(backward)]

    def loss(self, trial: Trial) -> tuple[Loss, dict[str, float]]:
        """The engine's forward pass."""
        return engine.loss_of(self.network), trial.floats

    def not_analytic(self) -> tuple[str, ...]:
        """The activations that bar the complex step."""
        return engine.not_analytic(self.network)


@dataclass(frozen=True, slots=True)
class GraphTruth:
    """A graph's gradient: its own definitions run on the tape.

    An intermediate quantity is differentiated by through a shift added to it.
    """

    graph: Graph
    wrt: tuple[str, ...]

    @property
    def lines(self) -> tuple[Assignment, ...]:
        """The definitions in order; a shift is added to what is differentiated by."""
        wanted = set(self.wrt)
        return tuple(
            Assignment(node.name, self._shifted(node.body, node.id, wanted), "forward")
            for node in self.graph.nodes
            if node.body is not None
        )

    def _shifted(self, body: Formula, identifier: str, wanted: set[str]) -> Formula:
        """A definition, with a shift where it is differentiated by."""
        body = without_sigma(body)
        return Sum((body, _shift(identifier))) if identifier in wanted else body

    def layer(self, identifier: str) -> int:
        """The layer that the graph gives."""
        return self.graph.node(identifier).layer

    def _shifts(self) -> list[str]:
        """The ids of intermediates that are differentiated by."""
        return [name for name in self.wrt if self.graph.node(name).body is not None]

    def in_float64(self, trial: Trial) -> Any:  # noqa: ANN401 - an array
        """The gradient by the tape in float64."""
        return self.with_slip(trial, "")

    def with_slip(self, trial: Trial, omitted: str) -> Any:  # noqa: ANN401 - an array
        """The gradient in float64 with one function's slope left out."""
        values = {name: np.float64(value) for name, value in trial.values.items()}
        tape = OnTape(general=trial.functions, omitted=omitted)
        with np.errstate(all="ignore"):
            return np.array(self._swept(values, np.float64(0), tape), float)

    def in_balls(self, trial: Trial, margin: float, bits: int) -> list[arb]:
        """The gradient by the tape in balls."""
        with precision(bits):
            values = {name: exact_ball(value) for name, value in trial.values.items()}
            tape = OnTape(kinked(margin), trial.functions)
            return self._swept(values, arb(0), tape)

    def _swept(
        self, values: Mapping[str, Any], zero: object, tape: OnTape
    ) -> list[Any]:
        """One sweep of the tape."""
        known = {
            name_of(name): Var(value, tape.arithmetic) for name, value in values.items()
        }
        known |= {_shift(name): Var(zero, tape.arithmetic) for name in self._shifts()}
        found = run(self.lines, known, tape)
        end = found[self.graph.loss]
        by = [
            known[_shift(name)] if _shift(name) in known else known[name_of(name)]
            for name in self.wrt
        ]
        return derivatives(end, by) if isinstance(end, Var) else [zero for _ in by]

    def loss(self, trial: Trial) -> tuple[Loss, dict[str, float]]:
        """The definitions in NumPy's numbers, with a shift for each intermediate."""
        lines, end = self.lines, self.graph.loss
        point = {**trial.floats, **{_shift(name).id: 0.0 for name in self._shifts()}}

        def value(values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - rows of numbers
            """The loss at these values; nan where it is undefined."""
            given = {name_of(name): number for name, number in values.items()}
            kind = np.result_type(*values.values()).type
            with np.errstate(all="ignore"):
                return run(lines, given, InNumpy(kind, trial.functions))[end]

        return value, point

    def not_analytic(self) -> tuple[str, ...]:
        """The functions that bar the complex step."""
        safe = {*COMPLEX, "exp", "log", "sqrt", "pi", "identity", *self.graph.general}
        return tuple(name for name in self.graph.functions if name not in safe)


def _shift(identifier: str) -> Name:
    """The name of what is added to an intermediate quantity."""
    return Name(f"shift of {identifier}")


def shifted_ids(truth: Truth) -> list[str]:
    """The ids under which `Truth.loss` varies what it is differentiated by."""
    if not isinstance(truth, GraphTruth):
        return list(truth.wrt)
    return [
        name if truth.graph.node(name).body is None else _shift(name).id
        for name in truth.wrt
    ]


def settled(values: Callable[[int], list[arb]], bits: int = ENOUGH_BITS) -> list[arb]:
    """Balls at the first precision at which so many bits of each stand.

    A ball that no precision narrows (a kink) stays as wide as it is; one of an exact
    zero is as narrow as the last precision tried.
    """
    precise, before = FIRST_BITS, None
    while True:
        found = values(precise)
        open_ = [n for n, ball in enumerate(found) if not stands(ball, bits)]
        if not open_ or precise >= MAX_BITS:
            return found
        if before is not None and all(
            found[n].is_finite() and (_same(found[n], before[n]) or _tiny(found[n]))
            for n in open_
        ):
            return found
        before, precise = found, 2 * precise


def stands(ball: arb, bits: int) -> bool:
    """Whether a ball is narrow beside its own value."""
    return bool(
        ball.is_finite() and (ball.is_exact() or ball.rel_accuracy_bits() >= bits)
    )


def _same(now: arb, before: arb) -> bool:
    """Whether twice the precision left a ball as wide as it was."""
    return bool(before.is_finite() and 2 * now.rad() > before.rad())


def _tiny(ball: arb) -> bool:
    """Whether a ball is zero for every purpose."""
    return bool(ball.contains(0) and ball.rad() < TINY)
