"""A compiled gradient over samples by number: what training asks for."""

from collections.abc import Mapping, Sequence
from fractions import Fraction as Rational
from typing import Any, TypeAlias

import numpy as np

from symbackprop.errors import InputError
from symbackprop.formula.tree import Name
from symbackprop.numeric.calling import Compiled
from symbackprop.numeric.columns import float_of
from symbackprop.numeric.training import Samples, Vector

Values: TypeAlias = Mapping[Name, Rational]


class SampleGradient:
    """The mean loss over samples and its gradient, by the parameters' array.

    `rows` are the samples' values, `constants` what is the same for all of them.
    InputError where an argument that is no parameter has no value.
    """

    def __init__(
        self, function: Compiled, rows: Sequence[Values], constants: Values
    ) -> None:
        """Make a column of each quantity that the samples give."""
        self.function = function
        self.parameters = tuple(function.program.gradient)
        others = [n for n in function.program.arguments if n not in self.parameters]
        missing = [n.id for n in others if n not in rows[0] and n not in constants]
        if missing:
            raise InputError("there is no value for " + ", ".join(missing[:12]))
        self.columns: dict[Name, Any] = {
            name: np.array([float_of(row[name]) for row in rows])
            if name in rows[0]
            else float_of(constants[name])
            for name in others
        }

    def __call__(self, theta: Vector, samples: Samples) -> tuple[float, Vector]:
        """Loss and gradient over samples by number; None is all of them."""
        values = dict(zip(self.parameters, theta.tolist(), strict=True))
        values |= {n: _chosen(column, samples) for n, column in self.columns.items()}
        arguments = (values[name] for name in self.function.program.arguments)
        loss, *slopes = self.function.raw(*arguments)
        return float(loss), np.array(slopes, dtype=np.float64)

    def loss(self, theta: Vector) -> float:
        """The mean loss over all samples."""
        return self(theta, None)[0]


def array_of(values: Sequence[Rational]) -> Vector:
    """Exact numbers as an array of floats."""
    return np.array([float_of(value) for value in values])


def _chosen(column: Any, samples: Samples) -> Any:  # noqa: ANN401 - floats or columns
    """The rows of some samples; one row as a float, which runs as scalar code."""
    if not isinstance(column, np.ndarray):
        return column
    if samples is None:
        return column if len(column) > 1 else float(column[0])
    if len(samples) == 1:
        return float(column[samples[0]])
    return column[list(samples)]
